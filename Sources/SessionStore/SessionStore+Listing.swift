// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a look at a session's folder tells.
public struct SessionSummary: Sendable, Hashable {
    /// The agent.
    public let agent: String
    /// The id of the session as it was given.
    public let session: String
    /// The number of turns.
    public let turns: Int
    /// The number of entries in the log.
    public let entries: Int
    /// When the session was created, in milliseconds since 1970.
    public let created: Int64
    /// When the newest entry was written, in milliseconds since 1970; nil when there is none.
    public let updated: Int64?
}

/// A session that could not be looked at.
public struct UnreadableSession: Sendable {
    /// The folder, below the root.
    public let folder: String
    /// Why.
    public let error: SessionStoreError
}

extension SessionStore {
    /// Looks at every session below the root, ordered by agent and id. ``SessionID/sharedMemory`` and
    /// ``SessionID/responseCache`` are not among them.
    ///
    /// Leases one after the other for an instant; one that is leased elsewhere, or damaged, is reported and passed over.
    public func sessions() throws(SessionStoreError) -> (readable: [SessionSummary], unreadable: [UnreadableSession]) {
        var readable: [SessionSummary] = []
        var unreadable: [UnreadableSession] = []
        for agent in try names(in: root) where (try? AgentName(agent)) != nil {
            for shard in try folders(in: "\(root)/\(agent)") where shard.utf8.count == 2 {
                for folder in try folders(in: "\(root)/\(agent)/\(shard)") where !SessionID.isReserved(folder: folder) {
                    let path = "\(agent)/\(shard)/\(folder)"
                    guard unsafe access("\(root)/\(path)/s.db", F_OK) == 0 else { continue }
                    do {
                        let session = try lease(
                            "\(root)/\(path)", as: nil, creating: false, attempt: "read", until: .now)
                        let summary = try session.summary()
                        try session.release()
                        readable.append(summary)
                    } catch {
                        if error.code == .noSuchSession { continue }
                        unreadable.append(UnreadableSession(folder: path, error: error))
                    }
                }
            }
        }
        readable.sort { ($0.agent, $0.session) < ($1.agent, $1.session) }
        return (readable, unreadable)
    }

    /// The names in a folder; none when it is a stray file, or has gone meanwhile.
    func folders(in folder: String) throws(SessionStoreError) -> [String] {
        var found = stat()
        guard unsafe stat(folder, &found) == 0, found.st_mode & S_IFMT == S_IFDIR else { return [] }
        return try names(in: folder)
    }

    func names(in folder: String) throws(SessionStoreError) -> [String] {
        guard let stream = unsafe opendir(folder) else { throw .system(errno, at: "list") }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
