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
    /// Variables for the bootstrap, on top of those that Lambda sets. Only the credentials, the region, `TZ`, `LANG`,
    /// `PATH` and `LD_LIBRARY_PATH` can be replaced; the other variables that Lambda reserves win over these.
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
        guard maximumConcurrency > 0 else { throw refuse("the concurrency is not above zero") }
        for (key, value) in environment where key.isEmpty || key.contains("=") || "\(key)\(value)".contains("\0") {
            throw refuse("an environment variable has no name, or a name with =, or a zero byte")
        }
    }
}
