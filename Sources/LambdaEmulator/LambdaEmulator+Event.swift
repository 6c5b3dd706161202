// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

/// Asynchronous invocations.
extension LambdaEmulator {
    /// Runs an invocation whose caller has been answered, again when the function fails: with the same request id, and
    /// as each delivery with an invocation id of its own.
    func runInBackground(_ invocation: Invocation, of function: FunctionConfiguration) {
        backgroundCount += 1
        let number = backgroundCount
        background[number] = Task {
            await runEvent(invocation, of: function)
            background[number] = nil
        }
    }

    private func runEvent(_ invocation: Invocation, of function: FunctionConfiguration) async {
        for attempt in 1... {
            let result: InvocationResult
            switch await run(invocation, of: function.name, queues: true) {
            case .result(let whole): result = whole
            case .stream(let stream):
                result = await stream.collected(limit: RuntimeAPI.bodyLimit, requestID: invocation.requestID)
            case .refusal(let error):
                sink("RequestId: \(invocation.requestID) Error: \(error.message)")
                return
            }
            guard result.isError else { return }
            guard attempt <= function.eventRetryDelays.count else {
                report(result, of: invocation, attempts: attempt, to: function.onFailure)
                return
            }
            do {
                try await Task.sleep(for: function.eventRetryDelays[attempt - 1], clock: .continuous)
            } catch {
                sink("RequestId: \(invocation.requestID) Error: The emulator was shut down before a retry.")
                return
            }
        }
    }

    /// What an on-failure destination is for: after the last attempt.
    private func report(
        _ result: InvocationResult, of invocation: Invocation, attempts: Int,
        to destination: (@Sendable (String) -> Void)?
    ) {
        let count = attempts == 1 ? "1 attempt" : "\(attempts) attempts"
        sink("RequestId: \(invocation.requestID) Error: The asynchronous invocation failed, after \(count).")
        guard let destination else { return }
        destination(
            EmulatorJSON.failureRecord(
                of: invocation, result: result, attempts: attempts,
                timestamp: Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))))
    }
}
