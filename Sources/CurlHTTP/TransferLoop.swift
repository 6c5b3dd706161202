// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

/// The thread that drives all transfers of one ``HTTPClient``, and the queue that leads to it.
final class TransferLoop: Sendable {
    /// What other threads ask of the loop.
    enum Command: Sendable {
        case start(Exchange)
        case resume(Exchange)
        case abort(Exchange)
    }

    private enum Phase {
        case idle
        case running(MultiHandle)
        case stopped
    }

    private struct State {
        var phase = Phase.idle
        var commands: [Command] = []
    }

    private let options: HTTPOptions
    private let state = Mutex(State())

    init(options: HTTPOptions) {
        self.options = options
    }

    /// Hands an exchange to the loop, whose thread starts with the first one.
    func start(_ exchange: Exchange) throws(HTTPError) {
        try startThread(callSite: exchange.callSite)
        post(.start(exchange))
    }

    /// Hands over a command. Dropped when the loop has stopped: everything in it has ended then.
    func post(_ command: Command) {
        let multi = state.withLock { state -> MultiHandle? in
            guard case .running(let multi) = state.phase else { return nil }
            state.commands.append(command)
            return multi
        }
        multi?.wakeUp()
    }

    /// Calls off everything and ends the thread, without waiting for it.
    func stop() {
        let multi = state.withLock { state -> MultiHandle? in
            defer { state.phase = .stopped }
            guard case .running(let multi) = state.phase else { return nil }
            return multi
        }
        multi?.wakeUp()
    }

    private func startThread(callSite: String) throws(HTTPError) {
        // The lock is held across the start of the thread, once in the life of a client: a second caller must wait for it.
        try state.withLock { state throws(HTTPError) in
            switch state.phase {
            case .running:
                return
            case .stopped:
                throw HTTPError(.outOfResources, at: callSite, "the client's thread has ended")
            case .idle:
                let multi = try MultiHandle(maximumConnections: 16, callSite: callSite)
                let failure = LoopThread.start { self.run(on: multi) }
                guard failure == 0 else {
                    throw HTTPError(.outOfResources, at: callSite, "no thread", systemError: failure)
                }
                state.phase = .running(multi)
            }
        }
    }

    private func run(on multi: MultiHandle) {
        let driver = TransferDriver(multi: multi, options: options)
        var isHealthy = true
        while isHealthy, let commands = takeCommands() {
            isHealthy = driver.turn(commands)
        }
        // From here on nothing is queued, so what is taken now is all there is.
        stop()
        let rest = state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
        driver.abandonAll(rest)
    }

    /// The commands since the last time, `nil` when the loop is to end.
    private func takeCommands() -> [Command]? {
        state.withLock { state in
            if case .stopped = state.phase { return nil }
            defer { state.commands.removeAll() }
            return state.commands
        }
    }
}
