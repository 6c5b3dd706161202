// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Lambda on this machine: functions called through the Invoke API, in sandboxes that live, freeze and die as there.
///
/// One invocation:
///
///     caller              LambdaEmulator             Sandbox                      bootstrap
///       │ POST …/invocations    │                       │                             │
///       ├──────────────────────▶│ a free sandbox, the   │                             │
///       │                       │ last one used first;  │                             │
///       │                       │ else a new one, while │                             │
///       │                       │ the concurrency lasts;│ posix_spawn, own group      │
///       │                       │ else queue or 429 ───▶├────────────────────────────▶│ init
///       │                       │                       │◀───────────────── GET /next ┤
///       │                       │          START line   │ SIGCONT if it was frozen    │
///       │                       │                       ├─ 200, headers, payload ────▶│ handler
///       │                       │                       │◀──────────── POST /response ┤
///       │◀──────────────────────┼── 200, payload ───────┤ 202 ───────────────────────▶│ background work
///       │                       │   END, REPORT lines   │◀───────────────── GET /next ┤
///       │                       │◀── free ──────────────┤ SIGSTOP                     │ frozen
///
/// A handler's error, an exit, a crash and a time-out are answered with 200, `X-Amz-Function-Error: Unhandled` and an
/// error object. After an exit, a crash and a time-out the next invocation gets a new sandbox. The deadline ends
/// background work as well. A caller who asks for the log is answered at the END line, all others at `/response`.
///
/// `X-Perdure-Request-Id` on a call sets the request id (1 to 256 visible ASCII characters), which makes a retry of one
/// request. Calls of type `Event` are answered with 202 and, when the function fails, run again
/// (``FunctionConfiguration/eventRetryDelays``).
///
/// It also stands in for EventBridge Scheduler: one-time schedules invoke the function when they are due, and
/// ``advance(by:)`` moves their time on. The environment of the functions leads their calls here.
///
/// A streamed answer (`Lambda-Runtime-Function-Response-Mode: streaming`) reaches a caller of InvokeWithResponseStream as
/// it comes, and no faster than that caller reads; other callers get it whole, up to the limit of a buffered one.
///
/// A request with an `Origin` header is refused with 403, here and by the Runtime APIs: a page in a browser can post to
/// the loopback interface, and is not to run functions.
///
/// What it does not do: external extensions and the Telemetry API, copies of a process for SnapStart, aliases (any
/// qualifier means `$LATEST`), signatures, a second init after a failed one (the invocation gets the failure), the rate
/// limits and the 200 MB of streams, limits of memory and CPU.
///
/// Call ``shutdown()`` at the end: sandboxes that run outlive an emulator that is only released. When the emulator's
/// process is killed, the kernel ends the frozen sandboxes, and the others lose their Runtime API.
public actor LambdaEmulator {
    /// Takes one line of log, without its newline: START, END and REPORT, and what functions write.
    ///
    /// It is called from several threads, in order for each sandbox; while it blocks, that sandbox's output waits.
    public typealias LogSink = @Sendable (_ line: String) -> Void

    /// Where the Invoke API listens.
    public struct BoundAddress: Sendable, Hashable, CustomStringConvertible {
        /// The IP address.
        public let host: String
        /// The TCP port.
        public let port: Int
        /// The endpoint URL for SDKs, e.g. `http://127.0.0.1:9001`.
        public var description: String { host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)" }
    }

    enum Stage {
        case new, starting, closed
        case running(HTTPServer)
    }

    let functions: [FunctionConfiguration]
    let sink: LogSink
    var stage = Stage.new
    /// Whether functions are run. A call may come as soon as the port is open, before ``start(host:port:)`` knows of it.
    var takesCalls: Bool {
        switch stage {
        case .starting, .running: true
        case .new, .closed: false
        }
    }
    var pools: [String: SandboxPool] = [:]
    /// Every sandbox whose process may still exist.
    var sandboxes: [Int: Sandbox] = [:]
    var sandboxCount = 0
    /// Invocations whose callers have been answered with 202.
    var background: [Int: Task<Void, Never>] = [:]
    var backgroundCount = 0
    var schedules: ScheduleBook
    var scheduleClock = ScheduleClock()
    /// Waits for the schedule that is due next.
    var scheduleTimer: Task<Void, Never>?
    /// Calls that came before ``start(host:port:)`` knew the address.
    var waitingForStart: [CheckedContinuation<Void, Never>] = []

    /// An emulator of these functions; nothing runs before ``start(host:port:)``.
    public init(functions: [FunctionConfiguration], log: @escaping LogSink = LambdaEmulator.standardError) {
        self.functions = functions
        schedules = ScheduleBook(functions: functions)
        sink = log
    }

    /// Opens the Invoke API on `host:port`; port 0 takes any free one. Sandboxes start with their first invocation.
    ///
    /// Anyone who can reach the address can run the functions: keep it on the loopback interface.
    /// - Throws: ``EmulatorError`` `invalidConfiguration`, `cannotListen`, or `wrongState` when it was started before.
    public func start(host: String = "127.0.0.1", port: Int = 0) async throws(EmulatorError) -> BoundAddress {
        guard case .new = stage else { throw EmulatorError(.wrongState, call: "start", cause: "started before") }
        var pools: [String: SandboxPool] = [:]
        for function in functions {
            try function.validate()
            guard pools.updateValue(SandboxPool(function: function), forKey: function.name) == nil else {
                throw EmulatorError(
                    .invalidConfiguration, call: "function \(function.name)", cause: "there are two of this name")
            }
        }
        stage = .starting
        self.pools = pools
        defer {
            for call in waitingForStart { call.resume() }
            waitingForStart = []
        }
        do throws(EmulatorError) {
            let server = try await HTTPServer.start(host: host, port: port, bodyLimit: InvokeAPI.bodyLimit) {
                await self.serve($0)
            }
            guard case .starting = stage else {
                // They are answered, else the server would wait for them.
                for call in waitingForStart { call.resume() }
                waitingForStart = []
                await server.stop()
                throw EmulatorError(.wrongState, call: "start", cause: "shut down while starting")
            }
            stage = .running(server)
            return BoundAddress(host: server.host, port: server.port)
        } catch {
            if case .starting = stage { stage = .new }
            throw error
        }
    }

    /// Ends every sandbox, answers what was under way with 500 `ServiceException`, closes all ports. Asynchronous
    /// invocations that wait for a retry are dropped, which the log says.
    ///
    /// When it returns, each child is reaped. It waits as long as the kernel takes to kill them; a runtime that has
    /// registered an extension has 500 ms from SIGTERM before that.
    public func shutdown() async {
        let server: HTTPServer? = if case .running(let server) = stage { server } else { nil }
        stage = .closed
        scheduleTimer?.cancel()
        for name in pools.keys { pools[name]?.failWaiting() }
        for task in background.values { task.cancel() }
        // All at once: each may take as long as a runtime is given after SIGTERM.
        await withTaskGroup { group in
            for sandbox in sandboxes.values { group.addTask { await sandbox.end() } }
        }
        for task in background.values { await task.value }
        await scheduleTimer?.value
        await server?.stop()
    }

    /// The address that functions reach the emulator at; nil before its start and after its end.
    var endpoint: String? {
        guard case .running(let server) = stage else { return nil }
        let everywhere = ["0.0.0.0": "127.0.0.1", "::": "::1"]
        return BoundAddress(host: everywhere[server.host] ?? server.host, port: server.port).description
    }

    /// The processes of the sandboxes that exist, oldest first; each leads a process group of the same number.
    public var sandboxProcessIDs: [Int32] {
        get async {
            var result: [Int32] = []
            for sandbox in sandboxes.values.sorted(by: { $0.number < $1.number }) {
                if let id = await sandbox.processID { result.append(id) }
            }
            return result
        }
    }

    /// Writes the line to standard error, with one `write`.
    public static let standardError: LogSink = { line in
        var bytes = Array("\(line)\n".utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            // A log that nobody can take is not worth ending an invocation for.
            if count == -1, errno != EINTR { return }
            bytes = bytes.dropFirst(max(0, count))
        }
    }
}
