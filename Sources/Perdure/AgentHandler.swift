// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
public import LambdaRuntimeAPI
import SessionStore

/// Answers the invocations of an agent: bytes in, bytes out.
///
/// ``AgentFunction`` uses it; a program that does other things besides can call it from its own handler.
public struct AgentHandler: Sendable {
    let runtime: AgentRuntime

    /// Opens the store that the environment names and checks the agent. Before a snapshot by SnapStart, sessions that were
    /// kept open are closed.
    public init(_ agent: Agent, environment: RuntimeEnvironment) throws {
        let root = environment["PERDURE_ROOT"] ?? "/mnt/agents"
        do {
            let store = try SessionStore(root: root)
            runtime = try AgentRuntime(
                agent, store: store, wakes: Wakes.aws(environment), metrics: try EmbeddedMetrics(environment))
            // Each sandbox that is made of a snapshot would have what the file server gave to one.
            LambdaRuntime.beforeSnapshot { store.closeWarmSessions() }
        } catch {
            throw InvocationError(AgentError(error))
        }
    }

    /// Uses a runtime that is set up already.
    public init(_ runtime: AgentRuntime) {
        self.runtime = runtime
    }

    /// Answers one invocation.
    ///
    /// Throws an ``LambdaRuntimeAPI/InvocationError`` that Lambda reports to the caller; an HTTP event is answered
    /// with a status and a JSON body in any case.
    public func answer(_ payload: [UInt8], context: InvocationContext) async throws -> [UInt8] {
        let event = try Self.event(in: payload)
        if let http = HTTPEvent(event) { return await answer(http, context: context).envelope.bytes() }
        do {
            return try await respond(to: event, context: context).json.bytes()
        } catch {
            throw InvocationError(error)
        }
    }

    static func event(in payload: [UInt8]) throws(InvocationError) -> JSONValue {
        do {
            return try JSONValue(parsing: payload)
        } catch {
            throw InvocationError(AgentError.invalidEvent("it is not JSON (\(error))"))
        }
    }

    func answer(_ http: HTTPEvent, context: InvocationContext) async -> HTTPEvent.Answer {
        do {
            return HTTPEvent.Answer(try await respond(to: try http.contents(), context: context))
        } catch {
            return HTTPEvent.Answer(error)
        }
    }

    private func respond(to event: JSONValue, context: InvocationContext) async throws(AgentError) -> AgentResponse {
        let request = try AgentRequest(event: event, defaultID: context.requestID)
        return try await runtime.respond(to: request, deadline: context.deadline.instant)
    }
}

extension InvocationError {
    init(_ error: AgentError) {
        self.init(type: error.code.errorType, message: error.detail)
    }
}
