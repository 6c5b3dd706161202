// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Which sandbox runs which invocation.
extension LambdaEmulator {
    /// Runs an invocation in a sandbox of the function, which must exist.
    func run(_ invocation: Invocation, of function: String, queues: Bool) async -> Answer {
        while true {
            switch await sandbox(for: function, tenantID: invocation.tenantID, queues: queues) {
            case .sandbox(let sandbox):
                switch await sandbox.invoke(invocation) {
                case .answered(let result): return .result(result)
                case .streaming(let answer): return .stream(answer)
                case .abandoned: return .refusal(.service("The emulator was shut down."))
                case .failed(let error): return .refusal(.service("\(error)"))
                case .undelivered: sandboxEnded(sandbox)
                }
            case .throttled: return .refusal(.throttled)
            case .abandoned: return .refusal(.service("The emulator was shut down."))
            case .failed(let error): return .refusal(.service("\(error)"))
            }
        }
    }

    enum Answer {
        case result(InvocationResult)
        case stream(StreamedAnswer)
        case refusal(InvokeAPIError)
    }

    private func sandbox(for function: String, tenantID: String?, queues: Bool) async -> SandboxPool.Grant {
        guard takesCalls, let pool = pools[function] else { return .abandoned }
        if let last = pools[function]?.takeIdle(of: tenantID) { return .sandbox(last) }
        if !pool.hasRoom, let other = pools[function]?.idle.first {
            // All that are idle are other tenants'.
            release(other)
            await other.retire()
            return await sandbox(for: function, tenantID: tenantID, queues: queues)
        }
        if pool.hasRoom { return newSandbox(of: pool.function, tenantID: tenantID) }
        guard queues else { return .throttled }
        return await withCheckedContinuation { pools[function]?.wait($0, tenantID: tenantID) }
    }

    private func newSandbox(of function: FunctionConfiguration, tenantID: String?) -> SandboxPool.Grant {
        sandboxCount += 1
        do throws(EmulatorError) {
            let sandbox = try Sandbox(
                number: sandboxCount, function: function, tenantID: tenantID, endpoint: endpoint, owner: self,
                sink: sink)
            sandboxes[sandbox.number] = sandbox
            pools[function.name]?.live.insert(sandbox.number)
            return .sandbox(sandbox)
        } catch {
            return .failed(error)
        }
    }

    /// The sandbox waits for an invocation; for one more, if it takes several.
    func sandboxBecameIdle(_ sandbox: Sandbox) async {
        let name = sandbox.function.name
        // It may have died on the way here.
        guard pools[name]?.live.contains(sandbox.number) == true else { return }
        if let waiting = pools[name]?.firstWaiting(of: sandbox.tenantID) {
            waiting.resume(returning: .sandbox(sandbox))
        } else if pools[name]?.waitingCount ?? 0 > 0 {
            // Those that wait are other tenants': they need its place.
            await sandbox.retire()
            sandboxEnded(sandbox)
        } else {
            pools[name]?.idle.append(sandbox)
        }
    }

    /// The sandbox takes no more invocations: its place is free. May be said twice.
    func sandboxEnded(_ sandbox: Sandbox) {
        let function = sandbox.function
        guard release(sandbox), takesCalls else { return }
        // More than one when a new sandbox cannot be made: each of them is told.
        while pools[function.name]?.hasRoom == true, let waiting = pools[function.name]?.firstWaiting() {
            waiting.continuation.resume(returning: newSandbox(of: function, tenantID: waiting.tenantID))
        }
    }

    /// Takes the sandbox out of its pool; false if it was not there.
    @discardableResult
    private func release(_ sandbox: Sandbox) -> Bool {
        let name = sandbox.function.name
        guard pools[name]?.live.remove(sandbox.number) != nil else { return false }
        pools[name]?.idle.removeAll { $0 === sandbox }
        return true
    }

    /// Its process is reaped and its port is closed.
    func sandboxGone(_ sandbox: Sandbox) {
        sandboxes[sandbox.number] = nil
    }
}
