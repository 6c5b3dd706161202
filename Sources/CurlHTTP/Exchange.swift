// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

/// One request of an ``HTTPClient`` on its way: the loop's thread puts the response in, one task takes it out.
final class Exchange: Sendable {
    typealias Outcome<Value> = Result<Value, HTTPError>

    private struct State {
        var head: HTTPResponseHead?
        var body: [UInt8] = []
        /// The end: set once.
        var end: Outcome<Void>?
        /// Whether the transfer is paused until the body has been taken.
        var isPaused = false
        var headWaiter: CheckedContinuation<Outcome<HTTPResponseHead>, Never>?
        var bodyWaiter: CheckedContinuation<Outcome<[UInt8]?>, Never>?
    }

    let request: HTTPRequest
    let limits: HTTPLimits
    /// Whether the body is handed over as it arrives, or whole at the end.
    let isStreaming: Bool
    let callSite: String
    private let loop: TransferLoop
    private let state = Mutex(State())

    init(_ request: HTTPRequest, limits: HTTPLimits, isStreaming: Bool, callSite: String, loop: TransferLoop) {
        self.request = request
        self.limits = limits
        self.isStreaming = isStreaming
        self.callSite = callSite
        self.loop = loop
    }

    // MARK: The loop's side

    /// Puts in what has arrived; returns how many body bytes wait to be taken.
    func deliver(head: HTTPResponseHead?, body: [UInt8], isPaused: Bool) -> Int {
        let (waiters, waiting) = state.withLock { state -> (Waiters, Int) in
            guard state.end == nil else { return (Waiters(), 0) }
            if state.head == nil { state.head = head }
            if state.body.isEmpty {
                state.body = body
            } else {
                state.body += body
            }
            let waiters = Waiters(takenFrom: &state)
            state.isPaused = isPaused && !state.body.isEmpty
            return (waiters, state.body.count)
        }
        waiters.resume()
        return waiting
    }

    /// Ends the exchange; the body that was put in before can still be taken.
    func finish(_ error: HTTPError?) {
        let waiters = state.withLock { state -> Waiters in
            if state.end == nil { state.end = error.map { .failure($0) } ?? .success(()) }
            return Waiters(takenFrom: &state)
        }
        waiters.resume()
    }

    // MARK: The caller's side

    /// Waits for the head.
    func head() async throws(HTTPError) -> HTTPResponseHead {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiters = state.withLock { state -> Waiters in
                    guard state.headWaiter == nil else { return Waiters(head: (continuation, .failure(secondReader))) }
                    state.headWaiter = continuation
                    return Waiters(takenFrom: &state)
                }
                waiters.resume()
            }
        } onCancel: {
            cancel()
        }
        return try outcome.get()
    }

    /// Waits for body bytes and takes all there are, `nil` at the end.
    func nextChunk() async throws(HTTPError) -> [UInt8]? {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (waiters, resumesTransfer) = state.withLock { state -> (Waiters, Bool) in
                    guard state.bodyWaiter == nil else {
                        return (Waiters(body: (continuation, .failure(secondReader))), false)
                    }
                    state.bodyWaiter = continuation
                    let waiters = Waiters(takenFrom: &state)
                    let resumesTransfer = state.isPaused && state.body.isEmpty
                    if resumesTransfer { state.isPaused = false }
                    return (waiters, resumesTransfer)
                }
                waiters.resume()
                if resumesTransfer { loop.post(.resume(self)) }
            }
        } onCancel: {
            cancel()
        }
        return try outcome.get()
    }

    /// Fails the exchange at once and has the loop drop the transfer. Does nothing once all was taken.
    func cancel() {
        let (waiters, isNew) = state.withLock { state -> (Waiters, Bool) in
            // A body that was not taken yet must not look like an empty one.
            let isNew = state.end == nil || !state.body.isEmpty
            // Bytes may be on the wire: only the loop would know.
            let error = HTTPError(
                .cancelled, at: callSite, "cancelled", origin: request.url.origin,
                requestWasSent: true, responseHasBegun: state.head != nil)
            if isNew { state.end = .failure(error) }
            state.body = []
            return (Waiters(takenFrom: &state), isNew)
        }
        waiters.resume()
        if isNew { loop.post(.abort(self)) }
    }

    private var secondReader: HTTPError {
        HTTPError(
            .invalidRequest, at: callSite, "two tasks read one body", origin: request.url.origin,
            requestWasSent: true, responseHasBegun: true)
    }

    /// Continuations to resume with what, once the lock is released.
    private struct Waiters {
        var head: (CheckedContinuation<Outcome<HTTPResponseHead>, Never>, Outcome<HTTPResponseHead>)?
        var body: (CheckedContinuation<Outcome<[UInt8]?>, Never>, Outcome<[UInt8]?>)?

        init(
            head: (CheckedContinuation<Outcome<HTTPResponseHead>, Never>, Outcome<HTTPResponseHead>)? = nil,
            body: (CheckedContinuation<Outcome<[UInt8]?>, Never>, Outcome<[UInt8]?>)? = nil
        ) {
            self.head = head
            self.body = body
        }

        /// Takes out the waiters that need not wait any more.
        init(takenFrom state: inout State) {
            if let waiter = state.headWaiter {
                if let head = state.head {
                    self.head = (waiter, .success(head))
                } else if case .failure(let error) = state.end {
                    self.head = (waiter, .failure(error))
                }
                if head != nil { state.headWaiter = nil }
            }
            if let waiter = state.bodyWaiter {
                if !state.body.isEmpty {
                    body = (waiter, .success(state.body))
                    state.body = []
                } else if let end = state.end {
                    body = (waiter, end.map { nil })
                }
                if body != nil { state.bodyWaiter = nil }
            }
        }

        func resume() {
            if let head { head.0.resume(returning: head.1) }
            if let body { body.0.resume(returning: body.1) }
        }
    }
}
