// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation

@testable import SessionStore

/// A store below a fresh folder that disappears with the value.
final class TemporaryRoot: Sendable {
    let path: String
    let store: SessionStore

    /// The time that every entry is written with.
    static let time: Int64 = 1_700_000_000_123

    init(warmSessions: Int = 8) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("perdure-\(UUID().uuidString)").path
        store = try SessionStore(root: path, warmSessions: warmSessions) { Self.time }
    }

    func lease(_ session: String = "s", waiting: Duration = .zero) throws -> LeasedSession {
        try store.lease(
            SessionID(session), of: AgentName("agent"), attempt: "attempt", until: .now.advanced(by: waiting))
    }

    /// Creates a session with one answered turn in its log.
    func fill(_ session: String = "s") throws {
        // A file of a test before may have had the same inode, and a thread of it may not be done with its close.
        var leased = try lease(session, waiting: .seconds(10))
        try leased.append(turn(1), outcome: .completed(reply: "reply 1"))
        try leased.release()
    }

    func folder(_ session: String = "s") throws -> String {
        try store.folder(of: SessionID(session), AgentName("agent"))
    }

    func database(_ session: String = "s") throws -> String { try folder(session) + "/s.db" }

    /// The folder of a session that does not exist, with whatever a test puts there.
    func makeFolder(_ session: String = "s") throws -> String {
        let folder = try folder(session)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    /// What is open below the folder when no session is kept.
    func openFiles() throws -> [String] {
        store.closeWarmSessions()
        return try ProcessState.descriptors(below: store.root)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// The entries of a whole turn.
func turn(_ number: Int, request: String? = nil, text: String = "text") -> [Entry] {
    [
        Entry(turn: number, fact: .input(request: request ?? "r\(number)", text: text)),
        Entry(turn: number, fact: .reply(ModelReply(text: "reply \(number)"))),
    ]
}

/// The error that a lease ends with; nil when it is given, and given back.
func errorOf(_ lease: () throws -> LeasedSession) -> SessionStoreError? {
    do {
        try lease().release()
        return nil
    } catch {
        return error as? SessionStoreError
    }
}

/// The code of the error that the body ends with; nil when it does not.
func code(of body: () throws -> Void) -> SessionStoreError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? SessionStoreError)?.code
    }
}
