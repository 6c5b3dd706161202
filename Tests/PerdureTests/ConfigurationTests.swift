// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import LambdaRuntimeAPI
import ModelClients
import Perdure
import PerdureTesting
import Testing

private struct Named: Tool {
    struct Arguments: Codable {}
    let name: String
    let description = ""
    func call(arguments: Arguments, context: ToolContext) async throws -> String { "" }
}

private struct Unschematic: Tool {
    struct Arguments: Decodable {
        init(from decoder: any Decoder) throws { throw CancellationError() }
    }
    let description = ""
    func call(arguments: Arguments, context: ToolContext) async throws -> String { "" }
}

struct LookUpOrder2: Tool {
    struct Arguments: Codable {}
    let description = ""
    func call(arguments: Arguments, context: ToolContext) async throws -> String { "" }
}
struct HTTPGet: Tool {
    struct Arguments: Codable {}
    let description = ""
    func call(arguments: Arguments, context: ToolContext) async throws -> String { "" }
}
struct fetchURL: Tool {
    struct Arguments: Codable {}
    let description = ""
    func call(arguments: Arguments, context: ToolContext) async throws -> String { "" }
}
struct Step2Do_Now: Tool {
    struct Arguments: Codable {}
    let description = ""
    func call(arguments: Arguments, context: ToolContext) async throws -> String { "" }
}

@Suite struct ConfigurationTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    func refusal(of tools: any Tool...) -> AgentError? {
        #expect(throws: AgentError.self) {
            try bench.runtime(OpenAICompatibleModel(baseURL: "http://host/v1", model: "m"), tools: tools)
        }
    }

    @Test(arguments: ["", "look up", "look.up", "größe", "a/b", "a\n", String(repeating: "a", count: 65)])
    func `a tool's name that providers refuse is refused at the start`(name: String) {
        #expect(refusal(of: Named(name: name))?.code == .invalidConfiguration)
    }

    @Test(arguments: ["a", "_", "-", "A9", String(repeating: "a", count: 64)])
    func `a tool's name that providers take is taken`(name: String) throws {
        _ = try bench.runtime(OpenAICompatibleModel(baseURL: "http://host/v1", model: "m"), tools: [Named(name: name)])
    }

    @Test func `two tools of one name are refused`() {
        let error = refusal(of: Named(name: "same"), Named(name: "other"), Named(name: "same"))
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.detail == "two tools are named same")
    }

    @Test func `a tool whose schema cannot be made is refused`() {
        let error = refusal(of: Unschematic())
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.detail.contains("unschematic") == true)
    }

    @Test func `a tool is named after its type in snake case`() {
        let tools: [any Tool] = [LookUpOrder(), LookUpOrder2(), HTTPGet(), fetchURL(), Step2Do_Now()]
        #expect(tools.map(\.name) == ["look_up_order", "look_up_order2", "http_get", "fetch_url", "step2_do_now"])
    }

    struct Case: Sendable {
        var name = "support"
        var url = "http://host/v1"
        var root: String?
    }

    @Test(arguments: [
        Case(name: ""), Case(name: "a/b"), Case(name: ".."), Case(url: ""), Case(url: "host"),
        Case(root: "/proc/nowhere"), Case(root: "/dev/null"), Case(root: "/dev/null/below"),
    ])
    func `what is wrong with an agent is an init error`(sample: Case) throws {
        let agent = Agent(
            name: sample.name, instructions: "", model: OpenAICompatibleModel(baseURL: sample.url, model: "m"))
        let environment = RuntimeEnvironment(["PERDURE_ROOT": sample.root ?? bench.root.path])
        let error = #expect(throws: InvocationError.self) { try AgentHandler(agent, environment: environment) }
        #expect(error?.type == "Function.InvalidConfiguration")
        #expect(try bench.files() == [])
    }
}
