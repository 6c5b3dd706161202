// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import SQLiteDriver
import SessionStore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A process that runs turns of an agent and meets with one fault at one boundary; `Tests/LoopMatrix/run` starts it,
/// `Tests/LoopBench/run` and `Tests/LoopLife/run`.
///
/// ```
/// LoopAgent turn  root=<root> <id>=<message> … [effects=<file>] [effect=pure|idempotent|once] [deadline=<milliseconds>]
///                 [at=<boundary>:<number> fault=kill|kill-after|stop|lose|hang|wait]
/// LoopAgent steps <root> <count>     one tool call of so many steps
/// LoopAgent floor <folder> <count>   8 KiB at the end of a file, each followed by fdatasync
/// LoopAgent life  <root> <effects> before|after   invocations from standard input, before or behind an upgrade: `Life`
/// ```
///
/// A `turn` says what happens, line by line: `event <boundary>:<number>`, `hit` before the fault, and for each request
/// `answer <JSON>` or `error <type>`.
@main
struct LoopAgent {
    struct UsageError: Error {}

    static func main() async {
        do {
            let words = Array(CommandLine.arguments.dropFirst())
            switch (words.first, words.count) {
            case ("turn", _): try await turn(Array(words.dropFirst()))
            case ("steps", 3): try await StepBench.steps(root: words[1], count: Int(words[2]) ?? 0)
            case ("floor", 3): try StepBench.floor(folder: words[1], count: Int(words[2]) ?? 0)
            case ("life", 4):
                try await Life.live(root: words[1], effects: words[2], isUpgraded: words[3] == "after")
            default: throw UsageError()
            }
        } catch {
            say("failed \(error)")
            exit(2)
        }
    }

    private static func turn(_ words: [String]) async throws {
        var options: [String: String] = [:]
        var requests: [AgentRequest] = []
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw UsageError() }
            if ["root", "effects", "effect", "deadline", "at", "fault"].contains(parts[0]) {
                options[parts[0]] = parts[1]
            } else {
                requests.append(AgentRequest(session: "s", id: parts[0], content: .message(parts[1])))
            }
        }
        guard let root = options["root"], let effect = ToolEffect(rawValue: options["effect"] ?? "once") else {
            throw UsageError()
        }
        let boundary = try Boundary(at: options["at"], fault: options["fault"])
        let model = WatchedModel(model: .fromEnvironment(), boundary: boundary)
        let agent = Agent(name: "agent", instructions: "Do what you are asked to do.", model: model) {
            Act(effect: effect, file: options["effects"] ?? "/dev/null", boundary: boundary)
        }
        let runtime = try AgentRuntime(agent, store: SessionStore(root: root))
        say("begin")
        boundary.arm(milliseconds: options["deadline"].flatMap { UInt32($0) })
        for request in requests {
            let time = options["deadline"].flatMap(Int.init).map(Duration.milliseconds)
            let deadline = time.map { ContinuousClock.now.advanced(by: $0) }
            do throws(AgentError) {
                let response = try await runtime.respond(to: request, deadline: deadline)
                await boundary.reached("reply", 1)
                say("answer \(response.json)")
            } catch {
                say("error \(error.code.errorType) \(error.detail)")
            }
        }
        boundary.disarm()
    }
}

/// Writes a line to standard output, at once.
func say(_ text: String) {
    let bytes = Array("\(text)\n".utf8)
    _ = unsafe write(1, bytes, bytes.count)
}
