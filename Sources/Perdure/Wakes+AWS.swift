// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AWSClient
import JSONCore
public import LambdaRuntimeAPI

extension Wakes {
    /// Wakes by Lambda's Invoke API and EventBridge Scheduler, with the permissions of the function's role.
    ///
    /// Nil unless the environment has `PERDURE_SCHEDULER_ROLE`, the ARN of the role that schedules invoke the function with:
    /// a function that has it is one that somebody gave these permissions. Nothing is connected before the first wake. Each
    /// one is one request, and two where a schedule is replaced.
    public static func aws(_ environment: RuntimeEnvironment) -> Wakes? {
        let waker = FunctionWaker { name in environment[name] }
        guard waker.canSchedule else { return nil }
        return Wakes(
            invoke: { event in try await waker.invokeAsynchronously(event) },
            schedule: { name, due, event in
                // A schedule knows whole seconds, and one that came early would find nothing to do.
                try await waker.schedule(name, at: UTCTime(roundingUp: due), payload: event)
            }
        )
    }
}
