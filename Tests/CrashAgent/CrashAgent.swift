// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure

/// An agent that kills its own process with SIGKILL at one point of a turn, once.
///
/// `CRASH_AT` names the point, `CRASH_MARK` a file that says that it has happened, `EFFECTS` the file that the tools
/// leave a line in, `STREAMS` says that it streams, `QUEUES` that a busy session is left messages, `SUMMARISES` that long
/// conversations are cut, and `LEADS` that it has another agent as a tool. The point is reached by code around the agent:
/// nothing in the library knows of it. `FAULT` is a `SharedMemoryFault`.
@main
struct CrashAgent {
    static func main() async {
        if ProcessInfo.processInfo.environment["STREAMS"] != nil {
            await LambdaRuntime.runStreaming(contentType: "text/event-stream") { environment in
                let handler = try handler(environment, Crash(environment))
                return { payload, context, writer in try await handler.answer(payload, context: context, to: writer) }
            }
        }
        await LambdaRuntime.run { environment in
            let crash = Crash(environment)
            let handler = try handler(environment, crash)
            return { payload, context in
                let answer = try await handler.answer(payload, context: context)
                crash.here("before the reply")
                return answer
            }
        }
    }

    private static func handler(_ environment: RuntimeEnvironment, _ crash: Crash) throws -> AgentHandler {
        let effects = environment["EFFECTS"] ?? "/dev/null"
        let model = CrashingModel(model: .fromEnvironment(), crash: crash)
        var agent = Agent(name: "crash", instructions: "", model: model) {
            Act(name: "set", effect: .idempotent, effects: effects, crash: crash)
            Act(name: "pay", effect: .once, effects: effects, crash: crash)
            Wait(crash: crash)
            Nap(effects: effects)
            Remind(effects: effects)
            Work(effects: effects)
            Buy(effects: effects)
            CrashingMemory(crash: crash)
        }
        if environment["QUEUES"] != nil { agent.whenBusy = .queue(.atEnd) }
        if environment["LEADS"] != nil { agent = leading(agent, effects: effects, crash) }
        try SharedMemoryFault(environment)?.set()
        if environment["SUMMARISES"] != nil { agent.context = .summarising(beyond: 5000, keeping: 2000) }
        return try AgentHandler(agent, environment: environment)
    }
}

extension CrashAgent {
    /// The agent with another one as a tool, which has tools of its own.
    private static func leading(_ agent: Agent, effects: String, _ crash: Crash) -> Agent {
        var agent = agent
        let model = CrashingModel(model: .fromEnvironment(), crash: crash, whose: "the helper's ")
        let helper = Agent(name: "helper", instructions: "Help.", model: model) {
            Act(name: "fetch", effect: .idempotent, effects: effects, crash: crash)
            Act(name: "charge", effect: .once, effects: effects, crash: crash)
        }
        agent.tools.append(helper.asTool(description: "Helps."))
        return agent.observed(by: CrashBehindHelper(crash: crash))
    }
}

/// The helper's turn has ended, and the agent above has not recorded it.
private struct CrashBehindHelper: AgentObserver {
    let crash: Crash

    func observe<Value>(
        _ operation: AgentOperation, _ body: () async -> (Value, AgentOperation.Result)
    ) async -> Value {
        let (value, _) = await body()
        if operation.kind == .tool(name: "helper") { crash.here("behind the helper's outcome") }
        return value
    }
}

/// Where to die.
struct Crash: Sendable {
    let point: String?
    let mark: String

    init(_ environment: RuntimeEnvironment) {
        point = environment["CRASH_AT"]
        mark = environment["CRASH_MARK"] ?? "/dev/null"
    }

    /// Kills the process if this is the point and it has not happened before.
    func here(_ name: String) {
        // Creating the file fails when it exists.
        guard point == name, open(mark, O_CREAT | O_EXCL | O_WRONLY, 0o600) >= 0 else { return }
        kill(getpid(), SIGKILL)
    }
}

/// The model is about to be asked, or its answer has arrived, and is paid for, but not stored.
struct CrashingModel: LanguageModel {
    let model: OpenAICompatibleModel
    let crash: Crash
    var whose = "the "

    func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
        let isForSummary = request.messages.last == .user(ContextPolicy.standardInstructions)
        if isForSummary { crash.here("before the summary is asked for") }
        if case .user(let text)? = request.messages.first, text.hasPrefix("(Earlier messages") {
            crash.here("when the summary is stored")
        }
        let reply = try await model.reply(to: request, onText: onText)
        if isForSummary {
            crash.here("before the summary is stored")
        } else {
            crash.here("before \(whose)\(reply.toolCalls.isEmpty ? "last" : "first") answer is stored")
        }
        return reply
    }
}

/// A tool whose effect is a line in a file.
struct Act: Tool {
    struct Arguments: Codable {}
    let name: String
    let effect: ToolEffect
    let effects: String
    let crash: Crash
    let description = "Acts."

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        crash.here("between claim and effect of \(name)")
        let file = open(effects, O_CREAT | O_APPEND | O_WRONLY, 0o600)
        defer { close(file) }
        let line = Array("\(name) \(context.idempotencyKey)\n".utf8)
        guard write(file, line, line.count) == line.count, fsync(file) == 0 else { throw POSIXError(.EIO) }
        crash.here("after the effect of \(name)")
        return "done"
    }
}

/// A tool that never ends the first time.
struct Wait: Tool {
    struct Arguments: Codable {}
    let name = "wait"
    let effect = ToolEffect.pure
    let crash: Crash
    let description = "Waits."

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        guard open(crash.mark, O_CREAT | O_EXCL | O_WRONLY, 0o600) >= 0 else { return "done" }
        try await Task.sleep(for: .seconds(3600))
        return "late"
    }
}
