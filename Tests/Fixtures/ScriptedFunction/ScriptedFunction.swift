// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI

/// A function whose start fails when `FAIL_START` says why, and whose handler throws when the payload says `throw`, and writes
/// to the log when it says `log`.
///
/// Otherwise it answers with the trace that the process's environment names. With `STREAM` it streams instead.
@main
struct ScriptedFunction {
    static func main() async {
        let environment = RuntimeEnvironment.current()
        if environment["STREAM"] != nil { await stream() }
        await LambdaRuntime.run { environment in
            if let reason = environment["FAIL_START"] {
                throw InvocationError(type: "Function.CannotStart", message: reason)
            }
            return { payload, _ in
                if payload.elementsEqual("throw".utf8) {
                    throw InvocationError(type: "Function.AsTold\nX-Smuggled: 1", message: "it was told to")
                }
                if payload.elementsEqual("log".utf8) {
                    // In a child task, which the invocation has to go along into.
                    async let logged: Void = LambdaLog.standard.write(LambdaLog.Record(.info, "as told"))
                    await logged
                }
                return Array((RuntimeEnvironment.current()["_X_AMZN_TRACE_ID"] ?? "no trace").utf8)
            }
        }
    }

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
