// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
public import LambdaRuntimeAPI
import Logging
import SessionStore

/// A Lambda function that is an agent.
///
/// ```swift
/// @main
/// struct Greeter: AgentFunction {
///     let agent = Agent(name: "greeter", instructions: "You are a friendly assistant.")
/// }
/// ```
///
/// The program is a `bootstrap`: it answers the events of ``AgentRequest/init(event:defaultID:)``, as they are or as the
/// body of an API Gateway (payload format 2.0) or function URL request. Nobody is authenticated here: whoever can invoke the
/// function can go on with any session and decide on any approval, so let only your own service or an authoriser do that. Sessions are kept below the folder that the
/// environment variable `PERDURE_ROOT` names, `/mnt/agents` by default.
public protocol AgentFunction: SendableMetatype {
    /// Creates the function, once in the life of a sandbox.
    init() throws
    /// The agent.
    var agent: Agent { get }
    /// Whether ``main()`` sets up swift-log with ``LambdaLogHandler``. Default: yes.
    ///
    /// A program that calls `LoggingSystem.bootstrap` itself says no: swift-log traps the second time.
    static var bootstrapsLogging: Bool { get }
}

extension AgentFunction {
    /// Lambda's log formats.
    public static var bootstrapsLogging: Bool { true }

    // `@main` looks for a function of exactly this type, and not for one that runs on its caller's actor.
    /// Serves invocations for as long as the sandbox lives.
    ///
    /// What is wrong with the agent or with the file system is reported as an init error.
    @concurrent
    public static func main() async {
        if bootstrapsLogging {
            LoggingSystem.bootstrap(
                { label, provider in LambdaLogHandler(label: label, metadataProvider: provider) },
                metadataProvider: nil
            )
        }
        await LambdaRuntime.run { environment in
            let handler = try AgentHandler(Self().agent, environment: environment)
            return { payload, context in try await handler.answer(payload, context: context) }
        }
    }
}

/// Answers the invocations of an agent: bytes in, bytes out.
///
/// ``AgentFunction`` uses it; a program that does other things besides can call it from its own handler.
public struct AgentHandler: Sendable {
    private let runtime: AgentRuntime

    /// Opens the store that the environment names and checks the agent.
    public init(_ agent: Agent, environment: RuntimeEnvironment) throws {
        let root = environment["PERDURE_ROOT"] ?? "/mnt/agents"
        do {
            runtime = try AgentRuntime(agent, store: SessionStore(root: root))
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
        let event: JSONValue
        do {
            event = try JSONValue(parsing: payload)
        } catch {
            throw InvocationError(AgentError.invalidEvent("it is not JSON (\(error))"))
        }
        if let http = HTTPEvent(event) { return await answer(http, context: context).bytes() }
        do {
            return try await respond(to: event, context: context).bytes()
        } catch {
            throw InvocationError(error)
        }
    }

    private func answer(_ http: HTTPEvent, context: InvocationContext) async -> JSONValue {
        do {
            let event: JSONValue
            do {
                event = try JSONValue(parsing: try http.body())
            } catch let error as JSONError {
                throw AgentError.invalidEvent("the request's body is not JSON (\(error))")
            }
            return HTTPEvent.response(status: 200, body: try await respond(to: event, context: context))
        } catch {
            return HTTPEvent.response(AgentError(error))
        }
    }

    private func respond(to event: JSONValue, context: InvocationContext) async throws(AgentError) -> JSONValue {
        let request = try AgentRequest(event: event, defaultID: context.requestID)
        return try await runtime.respond(to: request, deadline: context.deadline.instant).json
    }
}

extension InvocationError {
    fileprivate init(_ error: AgentError) {
        self.init(type: error.code.errorType, message: error.detail)
    }
}
