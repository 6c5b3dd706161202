// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import SessionStore
import Synchronization

/// A root folder with sessions, which disappears with the value, and the command run on it.
final class StoredSessions {
    let root: String
    let store: SessionStore

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("perdure-\(UUID().uuidString)")
        root = folder.path
        store = try SessionStore(root: root) { 1_767_323_045_678 }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// A session with some turns.
    func fill(_ id: String, of agent: String = "support", turns: Int = 2) throws {
        var lease = try store.lease(SessionID(id), of: AgentName(agent), attempt: "1", until: .now)
        for turn in 1...turns {
            let facts: [Entry.Fact] = [
                .input(request: "r\(turn)", text: "question \(turn)"), .reply(ModelReply(text: "answer \(turn)")),
            ]
            try lease.append(
                facts.map { Entry(turn: turn, fact: $0) }, outcome: .completed(reply: "answer \(turn)"))
        }
        try lease.release()
    }

    func folder(_ id: String, of agent: String = "support") throws -> String {
        try store.path(of: SessionID(id), agent: AgentName(agent))
    }

    func database(_ id: String, of agent: String = "support") throws -> String {
        try "\(root)/\(folder(id, of: agent))/s.db"
    }

    func texts(_ id: String, of agent: String = "support") throws -> [String] {
        let lease = try store.leaseExisting(SessionID(id), of: AgentName(agent), until: .now)
        let messages = try lease.history().messages
        try lease.release()
        return messages.map { message in
            switch message {
            case .user(let text): text
            case .assistant(let reply): reply.text
            default: ""
            }
        }
    }

    /// Runs the command to its end.
    func run(_ arguments: String..., input: String? = nil) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        try await run(arguments, input: input)
    }

    /// The same with the arguments in an array.
    func run(_ arguments: [String], input: String? = nil) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        let program = try Program("perdure", arguments)
        if let input { try program.type(input) }
        let (status, output) = try await program.finish()
        return (status, output, program.errors.withLock(\.self))
    }

    /// What the stock shell answers.
    func sqlite3(_ database: String, _ sql: String) async throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["sqlite3", database, sql]
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    /// Every file below the root, with its bytes and the time of its last change.
    func snapshot() throws -> [String: String] {
        var found: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: root) {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\(path)")
            let bytes = FileManager.default.contents(atPath: "\(root)/\(path)") ?? Data()
            let changed = (attributes[.modificationDate] as? Date)?.timeIntervalSinceReferenceDate ?? 0
            found[path] = "\(changed) \(bytes.base64EncodedString())"
        }
        return found
    }
}
