// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure
import SQLiteDriver

/// What happens once at an operation on the file of the shared memory: `FAULT=kill:7` before the seventh one, or
/// `FAULT=stop:7`.
struct SharedMemoryFault {
    private let plan: FaultPlan

    /// Nil where there is none, or it has happened in an earlier process.
    init?(_ environment: RuntimeEnvironment) throws {
        let words = environment["FAULT"]?.split(separator: ":").map(String.init) ?? []
        guard words.count == 2, let number = Int(words[1]), let root = environment["PERDURE_ROOT"],
            open(environment["CRASH_MARK"] ?? "/dev/null", O_CREAT | O_EXCL | O_WRONLY, 0o600) >= 0
        else { return nil }
        let store = try SessionStore(root: root)
        var plan = FaultPlan(words[0] == "stop" ? .stop : .kill, number: number)
        plan.folder = "\(store.root)/\(store.path(of: .sharedMemory, agent: try AgentName("crash")))"
        self.plan = plan
    }

    func set() { plan.set() }
}

/// The tool for the shared memory, with a point to die at behind it.
struct CrashingMemory: Tool {
    let memory = MemoryTool(.sharedByAgent)
    let crash: Crash

    var name: String { memory.name }
    var description: String { memory.description }
    var effect: ToolEffect { memory.effect }
    var retries: RetryPolicy { memory.retries }
    func parameters() -> JSONValue { memory.parameters() }

    func call(arguments: MemoryTool.Arguments, context: ToolContext) async throws -> String {
        let answer = try await memory.call(arguments: arguments, context: context)
        crash.here("after the change of the memory")
        return answer
    }
}
