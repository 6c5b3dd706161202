// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI
import Logging

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
/// body of an API Gateway or function URL request. Nobody is authenticated here: whoever can invoke the
/// function can go on with any session and decide on any approval, so let only your own service or an authoriser do that. Sessions are kept below the folder that the
/// environment variable `PERDURE_ROOT` names, `/mnt/agents` by default.
public protocol AgentFunction: SendableMetatype {
    /// Creates the function, once in the life of a sandbox.
    init() throws
    /// The agent.
    var agent: Agent { get }
    /// Whether callers may see the text as it is written, by asking with `"stream":true`. Default: no.
    ///
    /// It changes nothing for those who do not ask, but for a REST API of API Gateway: its integration has to have the
    /// response transfer mode `STREAM` then, and must not have it otherwise. <doc:Streaming> tells the rest.
    static var streams: Bool { get }
    /// Whether ``main()`` sets up swift-log with ``LambdaLogHandler``. Default: yes.
    ///
    /// A program that calls `LoggingSystem.bootstrap` itself says no: swift-log traps the second time.
    static var bootstrapsLogging: Bool { get }
}

extension AgentFunction {
    /// Answers come in one piece.
    public static var streams: Bool { false }

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
        if streams {
            await LambdaRuntime.runStreaming(contentType: ReplyStream.contentType) { environment in
                let handler = try AgentHandler(Self().agent, environment: environment)
                return { payload, context, writer in try await handler.answer(payload, context: context, to: writer) }
            }
        }
        await LambdaRuntime.run { environment in
            let handler = try AgentHandler(Self().agent, environment: environment)
            return { payload, context in try await handler.answer(payload, context: context) }
        }
    }
}
