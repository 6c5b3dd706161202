// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI

/// A function that does what the payload says, and otherwise answers with the trace that the process's environment names.
///
/// Its start fails when `FAIL_START` says why, its snapshot hooks when `FAIL_BEFORE_SNAPSHOT` or `FAIL_AFTER_RESTORE` do.
/// With `STREAM` it streams instead.
@main
struct ScriptedFunction {
    static func main() async {
        let environment = RuntimeEnvironment.current()
        if environment["STREAM"] != nil { await stream() }
        await LambdaRuntime.run { environment in
            try fail(environment, "FAIL_START", as: "Function.CannotStart")
            LambdaRuntime.beforeSnapshot { log("closed last") }
            LambdaRuntime.beforeSnapshot {
                log("closed first")
                try fail(environment, "FAIL_BEFORE_SNAPSHOT", as: "Function.CannotClose")
            }
            LambdaRuntime.afterRestore {
                log("opened first")
                try fail(environment, "FAIL_AFTER_RESTORE", as: "Function.CannotOpen")
            }
            LambdaRuntime.afterRestore { log("opened last") }
            let gathering = Gathering()
            return { payload, context in
                switch String(decoding: payload, as: UTF8.self) {
                case "throw":
                    throw InvocationError(type: "Function.AsTold\nX-Smuggled: 1", message: "it was told to")
                case "log":
                    // In a child task, which the invocation has to go along into.
                    async let logged: Void = log("as told")
                    await logged
                case "wait":
                    try await Task.sleep(for: .seconds(3600))
                case "block":
                    // Not even its cancellation ends it.
                    await withCheckedContinuation { (_: CheckedContinuation<Void, Never>) in }
                case "three":
                    try await gathering.join(of: 3)
                case "later":
                    context.afterResponse {
                        log("first")
                        context.afterResponse { log("third") }
                    }
                    context.afterResponse { log("second") }
                default:
                    break
                }
                return Array((RuntimeEnvironment.current()["_X_AMZN_TRACE_ID"] ?? "no trace").utf8)
            }
        }
    }

    private static func fail(_ environment: RuntimeEnvironment, _ name: String, as type: String) throws {
        if let reason = environment[name] { throw InvocationError(type: type, message: reason) }
    }

    private static func log(_ text: String) { LambdaLog.standard.write(LambdaLog.Record(.info, text)) }

    /// Streams what the payload says, word by word. The word `throw` throws; `wait` waits for
    /// its cancellation and throws that.
    private static func stream() async -> Never {
        await LambdaRuntime.runStreaming { payload, _, writer in
            for word in payload.split(separator: UInt8(ascii: " ")) {
                if word.elementsEqual("throw".utf8) {
                    throw InvocationError(type: "Function.AsTold", message: "it was told to")
                }
                if word.elementsEqual("wait".utf8) { try await Task.sleep(for: .seconds(3600)) }
                try await writer.write(Array(word))
            }
        }
    }
}

/// Lets invocations go on once there are enough of them at the same time.
private actor Gathering {
    private var count = 0

    func join(of number: Int) async throws {
        count += 1
        while count < number { try await Task.sleep(for: .milliseconds(1)) }
    }
}
