// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AWSClient
import JSONCore

/// Makes the calls that standard input asks for, one JSON object a line, and answers each with a line: `{"result":…}` or
/// `{"error":code,"detail":…,"isRetryable":…}`. The environment of each call is in its `environment`.
@main
struct Caller {
    static func main() async {
        while let line = readLine() {
            guard let command = try? JSONValue(parsing: Array(line.utf8)) else { break }
            let answer: JSONValue
            do throws(AWSError) {
                answer = ["result": try await perform(command)]
            } catch {
                answer = [
                    "error": JSONValue("\(error.code)"), "detail": JSONValue("\(error)"),
                    "isRetryable": JSONValue(error.isRetryable),
                ]
            }
            print(answer)
            flushOutput()
        }
    }

    private static func perform(_ command: JSONValue) async throws(AWSError) -> JSONValue {
        let variables = command["environment"] ?? [:]
        let environment: Environment = { name in variables[name]?.string }
        let limits = CallLimits(attempts: command["attempts"]?.int ?? 2, base: .milliseconds(1))
        let scheduler = Scheduler(environment: environment, limits: limits)
        let waker = FunctionWaker(environment: environment, limits: limits)
        let name = command["name"]?.string ?? ""
        let group = command["group"]?.string ?? "default"
        let moment = UTCTime(seconds: Int64(command["moment"]?.int ?? 0))
        let payload = command["payload"] ?? [:]
        switch command["do"]?.string {
        case "invoke":
            let invoker = LambdaInvoker(environment: environment, limits: limits)
            let id = try await invoker.invokeAsynchronously(
                name, qualifier: command["qualifier"]?.string, payload: payload.bytes(),
                traceHeader: command["trace"]?.string)
            return id.map { JSONValue($0) } ?? .null
        case "create": return JSONValue(try await scheduler.create(schedule(command)))
        case "update": return JSONValue(try await scheduler.update(schedule(command)))
        case "delete": return JSONValue(try await scheduler.delete(name, group: group))
        case "get":
            guard let found = try await scheduler.schedule(name, group: group) else { return .null }
            return [
                "name": .init(found.name), "group": .init(found.group), "moment": .init(Int(found.moment.seconds)),
                "target": .init(found.target), "role": .init(found.role), "input": .init(found.input),
            ]
        case "wake":
            try await waker.invokeAsynchronously(payload, target: command["target"]?.string)
            return true
        case "schedule":
            let wake = try await waker.schedule(
                name, at: moment, payload: payload, target: command["target"]?.string)
            return JSONValue("\(wake)")
        case "cancel": return JSONValue(try await waker.cancelSchedule(name))
        default: return "unknown command"
        }
    }

    private static func schedule(_ command: JSONValue) -> OneTimeSchedule {
        OneTimeSchedule(
            name: command["name"]?.string ?? "", group: command["group"]?.string ?? "default",
            moment: UTCTime(seconds: Int64(command["moment"]?.int ?? 0)), target: command["target"]?.string ?? "",
            role: command["role"]?.string ?? "", input: (command["payload"] ?? [:]).description)
    }
}
