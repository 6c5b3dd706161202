// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// One function that the emulator serves.
public struct FunctionConfiguration: Sendable {
    /// What happens to a request that finds every sandbox busy.
    public enum BusyPolicy: Sendable {
        /// It waits, first come first served and without a limit, until a sandbox is free.
        case queue
        /// It is refused with 429 `TooManyRequestsException`, as Lambda does.
        case throttle
    }

    /// The function's name: 1 to 64 letters, digits, `-` and `_`.
    public var name: String
    /// The path of the executable that is started in each sandbox. A relative path is taken from the emulator's folder.
    public var bootstrap: String
    /// What the bootstrap finds in `_HANDLER`.
    public var handler: String
    /// Variables for the bootstrap, on top of those that Lambda sets. Of these, only the credentials, the region, `TZ`,
    /// `LANG`, `PATH` and `LD_LIBRARY_PATH` can be replaced; so can what leads a function's calls to AWS here:
    /// `AWS_ENDPOINT_URL_LAMBDA`, `AWS_ENDPOINT_URL_SCHEDULER` and `PERDURE_SCHEDULER_ROLE`.
    public var environment: [String: String]
    /// How long an invocation may take, background work after the answer included: up to 24 hours. Lambda's default is
    /// 3 s, its maximum 15 minutes.
    public var timeout: Duration
    /// What `AWS_LAMBDA_FUNCTION_MEMORY_SIZE` and the REPORT line say, in MB. It is not enforced.
    public var memorySize: Int
    /// How many sandboxes may exist at once, at least 1.
    public var maximumConcurrency: Int
    /// The folder the bootstrap runs in, `LAMBDA_TASK_ROOT`; nil for the folder of the bootstrap.
    public var taskRoot: String?
    /// What happens to a request that finds every sandbox busy. Invocations of type `Event` always queue.
    public var whenBusy: BusyPolicy = .queue
    /// Whether a sandbox is stopped between its invocations, as in Lambda.
    public var freezesBetweenInvocations = true
    /// How long a bootstrap may take from its start to its first `/next`. Lambda's limit is 10 s.
    public var initTimeout: Duration = .seconds(10)
    /// How many invocations one sandbox may run at once, at least 1. More than 1 is what Lambda Managed Instances do: no
    /// freezing, and a time-out ends the invocation but not the process. `AWS_LAMBDA_MAX_CONCURRENCY` tells the runtime.
    public var concurrencyPerSandbox = 1
    /// Whether the bootstrap finds `snap-start` in `AWS_LAMBDA_INITIALIZATION_TYPE` and may call `/restore/next`. Its
    /// process is stopped and continued there; no copy of it is made.
    public var snapStart = false
    /// Whether a call has to name its tenant (`X-Amz-Tenant-Id`), and tenants share no sandboxes. Without it a call that
    /// names one is refused, as Lambda does for a function without a tenancy configuration.
    public var isolatesTenants = false
    /// How long an idle sandbox is kept; nil until the emulator's end. Lambda does not say how long it keeps one.
    public var idleTimeout: Duration?
    /// When an asynchronous invocation that failed is run again: one retry after each of these. Lambda waits one minute
    /// before the first and two before the second retry; these are shorter.
    public var eventRetryDelays: [Duration] = [.seconds(1), .seconds(2)]
    /// Gets the record of an asynchronous invocation whose last attempt failed, in the JSON of Lambda's on-failure
    /// destinations; payloads included. Called once per invocation, from any thread.
    public var onFailure: (@Sendable (_ record: String) -> Void)?

    /// A function; the defaults are Lambda's, except for the concurrency.
    public init(
        name: String, bootstrap: String, handler: String = "bootstrap", environment: [String: String] = [:],
        timeout: Duration = .seconds(3), memorySize: Int = 128, maximumConcurrency: Int = 1, taskRoot: String? = nil
    ) {
        self.name = name
        self.bootstrap = bootstrap
        self.handler = handler
        self.environment = environment
        self.timeout = timeout
        self.memorySize = memorySize
        self.maximumConcurrency = maximumConcurrency
        self.taskRoot = taskRoot
    }

    func validate() throws(EmulatorError) {
        func refuse(_ cause: String) -> EmulatorError {
            EmulatorError(.invalidConfiguration, call: "function \(name)", cause: cause)
        }
        guard FunctionName.isName(name) else { throw refuse("the name is not 1 to 64 letters, digits, - and _") }
        guard !bootstrap.isEmpty else { throw refuse("no bootstrap") }
        for limit in [timeout, initTimeout] where limit <= .zero || limit > .seconds(86_400) {
            throw refuse("a time-out is not above zero and at most 24 hours")
        }
        guard memorySize > 0 else { throw refuse("the memory size is not above zero") }
        guard maximumConcurrency > 0, concurrencyPerSandbox > 0 else {
            throw refuse("the concurrency is not above zero")
        }
        if let idleTimeout, idleTimeout <= .zero { throw refuse("the idle time-out is not above zero") }
        guard eventRetryDelays.allSatisfy({ $0 >= .zero && $0 <= .seconds(86_400) }) else {
            throw refuse("a retry delay is not between zero and 24 hours")
        }
        guard !snapStart || concurrencyPerSandbox == 1 else {
            throw refuse("snapshots are for sandboxes that run one invocation at a time")
        }
        for (key, value) in environment where key.isEmpty || key.contains("=") || "\(key)\(value)".contains("\0") {
            throw refuse("an environment variable has no name, or a name with =, or a zero byte")
        }
    }
}
