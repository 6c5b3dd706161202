// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Testing

/// Two sandboxes, one of which holds the session that the other one wants.
@Suite(.serialized, .timeLimit(.minutes(3))) struct InboxTests {
    static func message(_ id: String) -> JSONValue {
        ["session": "s", "message": .init("Message \(id)"), "id": .init(id)]
    }

    static let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { number, request in
        number == 0 ? .hang : .text("Re: \(request["messages"]?.array?.last?["content"]?.string ?? "")")
    }

    @Test(arguments: [[:], ["QUEUES": "1"]])
    func `a turn is called off from another sandbox`(_ environment: [String: String]) async throws {
        try await Deployment.run(environment: environment, concurrency: 2, answer: Self.answer) { deployment in
            async let first = deployment.invoke(Self.message("1"))
            while deployment.model.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            let stop: JSONValue = ["session": "s", "id": "stop", "cancel": true]
            #expect(try await deployment.invoke(stop).answer["status"] == "queued")
            #expect(try await first.answer["status"] == "cancelled")
            #expect(try await deployment.invoke(stop).answer["status"] == "cancelled")
            #expect(try await deployment.invoke(Self.message("2")).answer["reply"] == "Re: Message 2")
        }
    }

    @Test func `what was left to a sandbox that is killed is done by the next one`() async throws {
        try await Deployment.run(environment: ["QUEUES": "1"], concurrency: 2, answer: Self.answer) { deployment in
            async let first = deployment.invoke(Self.message("1"))
            while deployment.model.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            let holder = try #require(await deployment.emulator.sandboxProcessIDs.first)
            for id in ["2", "3"] {
                #expect(try await deployment.invoke(Self.message(id)).answer["status"] == "queued")
            }
            kill(holder, SIGKILL)
            #expect(try await first.isError)
            let again = try await deployment.invoke(Self.message("1"))
            #expect(again.answer["status"] == "completed")
            for id in ["2", "3"] {
                #expect(try await deployment.invoke(Self.message(id)).answer["reply"] == .init("Re: Message \(id)"))
            }
            let order = "SELECT group_concat(id) FROM (SELECT id FROM requests ORDER BY seq)"
            #expect(try deployment.query(order) == "1,2,3")
            #expect(deployment.model.requests.count == 4)
        }
    }
}
