// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What can be seen of a turn while it runs, before any of it is durable.
///
/// It is provisional: when the turn is interrupted, the attempt that goes on may word the same text differently. What
/// counts is the outcome.
public enum TurnProgress: Sendable, Hashable {
    /// A piece of text from the model.
    /// - Parameter step: Which of the replies to this request it comes from, from 1, over all attempts. The text of a step
    ///   that another one follows was not the reply: the model called tools.
    case text(String, step: Int)
    /// Tools begin to run. Their arguments are not told, as they may be secret.
    /// - Parameter step: The reply that called them; 0 for those that a decision lets run before the first reply.
    case tools(names: [String], step: Int)
}
