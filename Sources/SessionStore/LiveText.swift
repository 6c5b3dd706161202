// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking

/// What a ``LiveTextWriter`` has let be seen so far.
public struct LiveText: Sendable, Hashable {
    /// Another one: what was read before belongs to another writer.
    public let token: String
    /// What the lines are about.
    public let subject: [UInt8]
    /// The lines that are complete, without their line breaks.
    public let lines: [[UInt8]]

    /// Reads what has arrived: nil while not even the first line has.
    init?(_ bytes: [UInt8]) {
        // Parts of a file may arrive in another order than they were written in: where one is missing there are zeros.
        let arrived = bytes.prefix { $0 != 0 }
        guard let end = arrived.lastIndex(of: UInt8(ascii: "\n")) else { return nil }
        let all = arrived[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let first = all.first, let space = first.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        token = String(decoding: first[..<space], as: UTF8.self)
        subject = Array(first[(space + 1)...])
        lines = all.dropFirst().map(Array.init)
    }
}

extension SessionStore {
    /// The writer for a turn that runs; nothing is opened before its first line.
    /// - Parameter subject: One line that says what the lines are about.
    public func liveTextWriter(of session: SessionID, of agent: AgentName, subject: [UInt8]) -> LiveTextWriter {
        LiveTextWriter(path: liveTextPath(session, agent), subject: subject)
    }

    /// Reads what is being said in a session, whoever leases it; nil where nothing is, or it cannot be read.
    ///
    /// Takes no lock and creates nothing. Blocks for GETATTR, OPEN, READ and CLOSE on NFS, whose open sees what had reached the
    /// server ("close-to-open consistency").
    public func liveText(of session: SessionID, of agent: AgentName) -> LiveText? {
        OpenFile.refreshNames(in: folder(of: session, agent))
        guard let file = try? OpenFile(path: liveTextPath(session, agent), createsMissing: false) else { return nil }
        guard let size = try? file.size() else { return nil }
        let count = min(Int(size), LiveTextWriter.maximumLength)
        return (try? file.read(count: count, at: 0)).flatMap { LiveText($0) }
    }

    private func liveTextPath(_ session: SessionID, _ agent: AgentName) -> String {
        folder(of: session, agent) + "/s.db-live"
    }
}
