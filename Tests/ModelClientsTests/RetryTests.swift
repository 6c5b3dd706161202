// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import ModelClients
import PerdureTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct RetryTests {
    @Test(arguments: [400, 401, 403, 404, 413, 422, 301, 204])
    func `a request that is refused is not repeated`(status: Int) async throws {
        let server = try ScriptedModelServer { _, _ in .refuse(status: status) }
        let (result, _) = await ask(server)
        #expect(result.error?.code == ([400, 413, 422].contains(status) ? .refused : .rejected))
        #expect(result.error?.isRetryable == false)
        #expect(server.requests.count == 1)
    }

    @Test(
        arguments: [
            (408, .unavailable), (409, .unavailable), (429, .rateLimited), (500, .unavailable), (503, .unavailable),
            (529, .unavailable),
        ] as [(Int, ModelError.Code)])
    func `a failure that may pass is tried three times`(status: Int, code: ModelError.Code) async throws {
        let server = try ScriptedModelServer { _, _ in .refuse(status: status, headers: ["Retry-After": "0"]) }
        let (result, _) = await ask(server)
        #expect(result.error?.code == code)
        #expect(result.error?.isRetryable == true)
        #expect(result.error?.retryAfter == .zero)
        #expect(server.requests.count == 3)
        #expect(Set(server.requests).count == 1)
    }

    @Test func `a second try may succeed`() async throws {
        let server = try ScriptedModelServer([.refuse(status: 500), .raw("", ends: false), .text("Hi")])
        let (result, texts) = await ask(server)
        #expect(try result.get().text == "Hi")
        #expect(texts == ["Hi"])
        #expect(server.requests.count == 3)
    }

    @Test func `nothing is repeated once text was passed on`() async throws {
        let server = try ScriptedModelServer([.breakOff, .text("Hi")])
        let (result, texts) = await ask(server)
        #expect(result.error?.code == .unreachable)
        #expect(texts == ["half an answ"])
        #expect(server.requests.count == 1)
    }

    @Test func `the wait is as long as the server says`() async throws {
        let server = try ScriptedModelServer([.refuse(status: 429, headers: ["Retry-After": "2"]), .text("Hi")])
        let start = ContinuousClock.now
        let (result, _) = await ask(server)
        #expect(try result.get().text == "Hi")
        #expect(start.duration(to: .now) >= .seconds(2))
    }

    @Test func `a long wait is left to the caller`() async throws {
        let server = try ScriptedModelServer([.refuse(status: 429, headers: ["Retry-After": "600"]), .text("Hi")])
        let (result, _) = await ask(server)
        #expect(result.error?.code == .rateLimited)
        #expect(result.error?.retryAfter == .seconds(600))
        #expect(server.requests.count == 1)
    }

    @Test(arguments: ["Wed, 21 Oct 2099 07:28:00 GMT", "", "soon", "1.5", "99999999999999999999", "-5"])
    func `a wait that is no number of seconds is not waited for`(value: String) async throws {
        let server = try ScriptedModelServer([.refuse(status: 503, headers: ["Retry-After": value]), .text("Hi")])
        let start = ContinuousClock.now
        let (result, _) = await ask(server)
        #expect(try result.get().text == "Hi")
        #expect(start.duration(to: .now) < .seconds(30))
        #expect(server.requests.count == 2)
    }

    @Test func `waiting for the next try ends when the task is cancelled`() async throws {
        let server = try ScriptedModelServer { _, _ in .refuse(status: 429, headers: ["Retry-After": "15"]) }
        let task = Task { await ask(server).result.error }
        try await eventually { server.requests.count == 1 }
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        #expect(server.requests.count == 1)
    }

    @Test func `a silent server is left when the task is cancelled`() async throws {
        let server = try ScriptedModelServer([.hang])
        let task = Task { await ask(server).result.error }
        try await eventually { server.requests.count == 1 }
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        #expect(server.requests.count == 1)
    }

    @Test func `a silent server is left when its time is over, and asked again`() async throws {
        let server = try ScriptedModelServer([.hang, .refuse(status: 400)])
        var model = model(server)
        model.idleTimeout = .seconds(1)
        let error = await #expect(throws: ModelError.self) { try await model.reply(to: hello) { _ in } }
        #expect(error?.code == .refused)
        #expect(server.requests.count == 2)
    }

    @Test func `nobody listening is unreachable`() async throws {
        var url = ""
        do {
            let server = try ScriptedModelServer([])
            url = server.url
        }
        let model = OpenAICompatibleModel(baseURL: url, model: "m")
        let error = await #expect(throws: ModelError.self) { try await model.reply(to: hello) { _ in } }
        #expect(error?.code == .unreachable)
        #expect(error?.isRetryable == true)
    }

    @Test(arguments: ["", "api.openai.com/v1", "ftp://host/v1"])
    func `an address that is none shows before the first request`(url: String) async throws {
        let model = OpenAICompatibleModel(baseURL: url, model: "m")
        let error = #expect(throws: ModelError.self) { try model.checkConfiguration() }
        #expect(error?.code == .invalidConfiguration)
        await #expect(throws: ModelError.self) { try await model.reply(to: hello) { _ in } }
    }
}
