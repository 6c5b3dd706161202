// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Dispatch
import Foundation
import PerdureTesting
import Synchronization
import Testing

/// Conversations with the examples, over pipes.
@Suite(.timeLimit(.minutes(1))) final class ChatTests {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("perdure-\(UUID().uuidString)")

    deinit { try? FileManager.default.removeItem(at: root) }

    func chat(with example: String, _ server: ScriptedModelServer, _ arguments: [String] = []) throws -> Program {
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let orders = root.appendingPathComponent("orders.json")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        try #"[{"number":7,"item":"lamp","state":"shipped","paidCents":500}]"#
            .write(to: orders, atomically: true, encoding: .utf8)
        return try Program(
            "perdure",
            [
                "chat", folder.appendingPathComponent(example).path, "--root", root.path,
                "--env", "PERDURE_MODEL_URL=\(server.url)", "--env", "ORDERS_FILE=\(orders.path)",
            ] + arguments)
    }

    @Test func `a streamed reply appears while the model has more to say`() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try ScriptedModelServer([
            .pieces(["Hello ", "Ada.\u{1B}[2J"]) { if $0 == 1 { _ = gate.wait(timeout: .now() + 60) } },
            .text("Bye."),
        ])
        let program = try chat(with: "Greeter", server)
        try program.type("My name is Ada.")
        // The model goes on only when half of its text is there.
        try await program.waitForOutput("agent> Hello ")
        gate.signal()
        try await program.waitForOutput("Ada.")
        try program.type("Bye!")
        try await program.waitForOutput("Bye.\n")
        let (status, output) = try await program.finish()
        #expect(status == 0)
        #expect(output == "agent> Hello Ada.\\u{1B}[2J\nagent> Bye.\n")
        #expect(server.requests.count == 2)
    }

    @Test func `an error after half of a reply is told, and the same request goes on`() async throws {
        let server = try ScriptedModelServer([.breakOff, .text("Whole.")])
        let program = try chat(with: "Greeter", server)
        try program.type("Hello")
        _ = try await program.errorLine(containing: "Function.ModelFailed: ")
        _ = try await program.errorLine(containing: "Nothing is lost")
        try program.type("")
        let (status, output) = try await program.finish()
        #expect(status == 0)
        #expect(output == "agent> half an answ\nagent> Whole.\n")
        #expect(server.requests.count == 2)
    }

    @Test func `a function that does not stream is talked to as well`() async throws {
        let server = try ScriptedModelServer([.text("Hello."), .refuse(status: 401)])
        let program = try chat(with: "SupportAgent", server)
        try program.type("Hello")
        try program.type("Hello?")
        let (status, output) = try await program.finish()
        #expect(status == 0)
        #expect(output == "agent> Hello.\n")
        #expect(program.errors.withLock { $0.contains("Function.ModelFailed: ") })
        #expect(server.requests.count == 2)
    }

    @Test(arguments: ["Greeter", "SupportAgent"])
    func `with a prompt, the reply alone is on standard output`(example: String) async throws {
        let server = try ScriptedModelServer([.text("Hello.")])
        let (status, output) = try await chat(with: example, server, ["--prompt", "Hi"]).finish()
        #expect(status == 0)
        #expect(output == "Hello.\n")
        #expect(server.requests.count == 1)
    }
}
