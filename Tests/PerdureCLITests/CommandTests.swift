// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import CurlHTTP
import Foundation
import JSONCore
import SessionStore
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) final class CommandTests {
    let root: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("perdure-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        root = folder.path
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// A session with one turn, at a fixed time.
    func writeSession(_ id: String, of agent: String = "support") throws {
        let store = try SessionStore(root: root) { 1_767_323_045_678 }
        var session = try store.lease(SessionID(id), of: AgentName(agent), attempt: "1", until: .now)
        let call = ToolCall(id: "call_0", name: "look_up_order", arguments: #"{"number":7}"#)
        let position = CallPosition(reply: 1, index: 0)
        let facts: [Entry.Fact] = [
            .input(request: "request-1", text: "Where is order 7?"),
            .reply(
                ModelReply(text: "", toolCalls: [call], finishReason: "tool_calls", usage: .init(input: 9, output: 4))),
            .result(position, ToolResult(status: .succeeded, content: #"{"state":"shipped"}"#)),
            .reply(ModelReply(text: "It has been shipped.", usage: .init(input: 20, output: 5))),
        ]
        let outcome = Outcome.completed(reply: "It has been shipped.")
        try session.append(facts.map { Entry(turn: 1, fact: $0) }, outcome: outcome)
        try session.release()
    }

    func run(_ arguments: String...) async throws -> (status: Int32, output: String, errors: String) {
        let program = try Program("perdure", arguments)
        let (status, output) = try await program.finish()
        return (status, output, program.errors.withLock(\.self))
    }

    /// What others read is a format: it is compared byte by byte. With UPDATE_GOLDEN set, it is written instead.
    func expect(_ output: String, toBe name: String) throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = tests.appendingPathComponent("Fixtures/PerdureCLI/\(name)")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil { try Data(output.utf8).write(to: file) }
        #expect(try output == String(contentsOf: file, encoding: .utf8))
    }

    @Test func `sessions and show print JSON for programs`() async throws {
        try writeSession("ada")
        try expect(try await run("sessions", "--root", root, "--json").output, toBe: "sessions.json")
        try expect(try await run("show", "ada", "--root", root, "--json").output, toBe: "show.json")
    }

    @Test func `sessions and show print text for people`() async throws {
        try writeSession("ada")
        try writeSession("a rather long name")
        try expect(try await run("sessions", "--root", root).output, toBe: "sessions.txt")
        try expect(try await run("show", "ada", "--root", root).output, toBe: "show.txt")
    }

    @Test func `show tells what a turn waited for, and who decided what`() async throws {
        let store = try SessionStore(root: root) { 1_767_323_045_678 }
        var session = try store.lease(SessionID("ada"), of: AgentName("support"), attempt: "1", until: .now)
        let call = ToolCall(id: "call_0", name: "pay", arguments: #"{"cents":7}"#)
        let position = CallPosition(reply: 1, index: 0)
        let verdict = Verdict(position: position, isApproved: true, arguments: #"{"cents":5}"#)
        let facts: [Entry.Fact] = [
            .input(request: "1", text: "Pay."), .reply(ModelReply(text: "", toolCalls: [call])),
            .approvalRequest(position, reason: "pay 7 cents", expires: 1_767_323_999_000),
            .decision(request: "2", verdict), .step(position, name: "order", value: ["id": 9]),
            .step(position, name: "wait/returned", value: 1_767_323_999_000),
            .pause(.waiting(until: 1_767_323_999_000)),
            .pause(.waiting(until: nil)),
            .signal(request: "3", name: "returned", value: "whole"), .park(reason: "died 6 times"),
            .cancel(request: "4", reason: "enough"),
        ]
        try session.append(facts.map { Entry(turn: 1, fact: $0) }, outcome: .cancelled)
        try session.release()
        try expect(try await run("show", "ada", "--root", root).output, toBe: "show-waits.txt")
        let json = try JSONValue(parsing: try await run("show", "ada", "--root", root, "--json").output.utf8)
        let roles = json["messages"]?.array?.compactMap { $0["role"]?.string }
        #expect(
            roles == [
                "user", "assistant", "approval", "decision", "step", "waiting", "waiting", "signal", "parked",
                "cancelled",
            ])
    }

    @Test func `what was said cannot move the terminal's cursor`() async throws {
        let store = try SessionStore(root: root)
        var session = try store.lease(SessionID("ada"), of: AgentName("support"), attempt: "1", until: .now)
        try session.append([Entry(turn: 1, fact: .input(request: "1", text: "a\u{1B}[2Jb\rc\u{202E}d\ne\u{9B}f"))])
        try session.release()
        let output = try await run("show", "ada", "--root", root).output
        #expect(output.hasSuffix("user: a\\u{1B}[2Jb\\u{D}c\\u{202E}d\ne\\u{9B}f\n"))
    }

    @Test func `an empty root has no sessions`() async throws {
        let result = try await run("sessions", "--root", root)
        #expect(result.status == 0)
        #expect(result.output == "no sessions\n")
    }

    @Test func `what cannot be found is said, and nothing is made`() async throws {
        try writeSession("ada", of: "one")
        try writeSession("ada", of: "two")
        let missing = try await run("show", "bob", "--root", root)
        #expect(missing.status != 0)
        #expect(missing.errors.contains("there is no session bob"))
        let several = try await run("show", "ada", "--root", root)
        #expect(several.errors.contains("choose with --agent: one, two"))
        let nowhere = try await run("sessions", "--root", root + "/nowhere")
        #expect(nowhere.status != 0)
        #expect(nowhere.errors.contains("is no folder"))
        #expect(!FileManager.default.fileExists(atPath: root + "/nowhere"))
        let path = try await run("show", "../../etc", "--root", root, "--agent", "one")
        #expect(path.errors.contains("must not hold a path separator"))
    }

    @Test func `dev serves a bootstrap until it is told to end`() async throws {
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let echo = folder.appendingPathComponent("Echo").path
        let program = try Program("perdure", ["dev", echo, "--name", "echo", "--port", "0", "--root", root])
        let line = try await program.errorLine(containing: "function echo at http://")
        let address = try #require(line.split(separator: " ").first { $0.hasPrefix("http://") }).dropLast()
        let url = "\(address)/2015-03-31/functions/echo/invocations"
        let request = HTTPRequest(method: .post, url: url, body: Array(#"{"hello":"world"}"#.utf8))
        let answer = try await HTTPClient().send(request)
        #expect(String(decoding: answer.body, as: UTF8.self) == #"{"hello":"world"}"#)
        _ = try await program.errorLine(containing: "REPORT RequestId: ")
        program.terminate()
        let (status, output) = try await program.finish()
        #expect(status == 0)
        #expect(output.isEmpty)
    }

    @Test func `a bootstrap that is none is refused`() async throws {
        let result = try await run("chat", root, "--prompt", "Hello")
        #expect(result.status != 0)
        #expect(result.errors.contains("is not an executable file"))
        #expect(result.output.isEmpty)
    }
}
