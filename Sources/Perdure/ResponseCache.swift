// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Whether, and for how long, a model's reply answers the same request again: in all sessions of the agent, and after a
/// turn that was interrupted before its reply was written.
///
/// ```swift
/// Agent(name: "faq", instructions: "You answer.", responseCache: .timeToLive(.seconds(3600)))
/// ```
///
/// Two requests are the same when the model's ``AgentCore/LanguageModel/identity``, the instructions, all messages, and the
/// tools with their descriptions and schemas are: compared by SHA-256. So what one user was told is told to another one who
/// says exactly the same to an agent that knows nothing else of either.
///
/// The replies are in a file beside the agent's sessions. Before each model call it is leased and read, and after it leased
/// and written (one commit, one sync). The cache is never waited for: while another process has the file, or when it cannot
/// be read or written, the model is asked as without it.
public struct ResponseCache: Sendable, Hashable {
    /// How long a reply is given again.
    public var timeToLive: Duration
    /// How large all replies together may be, in bytes; the oldest make room. One that is larger than an eighth is not kept.
    public var capacity: Int

    /// Replies are given again for that long, at least a millisecond.
    /// - Parameter capacity: In bytes; 16 MiB unless told otherwise, which is some ten thousand replies of a page.
    public static func timeToLive(_ duration: Duration, capacity: Int = 16 << 20) -> ResponseCache {
        ResponseCache(timeToLive: duration, capacity: capacity)
    }
}
