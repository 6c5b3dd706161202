// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI

/// A function whose start fails when `FAIL_START` says why, and whose handler throws when the payload says `throw`, and writes
/// to the log when it says `log`.
///
/// Otherwise it answers with the trace that the process's environment names.
@main
struct ScriptedFunction {
    static func main() async {
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
}
