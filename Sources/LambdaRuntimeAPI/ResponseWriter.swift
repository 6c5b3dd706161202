// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Dispatch
import Synchronization

/// Takes a response piece by piece, while the runtime's thread sends it.
///
/// The first byte decides: a failure before it is reported as the invocation's error, a failure after it in the trailers
/// of the response. May be used from any task.
public final class ResponseWriter: Sendable {
    /// Bytes that wait for the connection; a writer that finds so many waits itself.
    static let window = 64 << 10

    private enum Ending {
        case finished
        case failed(InvocationError)
        case abandoned(RuntimeError)
    }

    /// A writer that waits for room.
    private struct Waiter {
        let id: Int
        let bytes: [UInt8]
        let continuation: CheckedContinuation<RuntimeError?, Never>
    }

    private struct State {
        var contentType: String
        var hasBegun = false
        var pending: [UInt8] = []
        var waiters: [Waiter] = []
        var lastID = 0
        var ending: Ending?
        /// Whether the runtime's thread found nothing to do, and is to be woken.
        var isIdle = false

        var refusal: RuntimeError? {
            switch ending {
            case nil: nil
            case .finished, .failed: RuntimeError(.responseEnded, at: "write", "the response has ended already")
            case .abandoned(let error): error
            }
        }

        /// Whether the runtime's thread is to be woken; true once for each time that it found nothing.
        mutating func wakes() -> Bool {
            defer { isIdle = false }
            return isIdle
        }
    }

    /// Wakes and stops the transfer.
    let canceller = Canceller()
    private let semaphore = DispatchSemaphore(value: 0)
    private let state: Mutex<State>

    /// Creates a response that has not begun.
    public init(contentType: String = "application/octet-stream") {
        state = Mutex(State(contentType: contentType))
    }

    // MARK: The producer's side

    /// Hands over bytes to send, and waits for as long as more than 64 KiB wait for the connection.
    ///
    /// Throws ``RuntimeError/Code/responseEnded`` after the end, ``RuntimeError/Code/responseAbandoned`` when the service
    /// takes no more of the response, and ``RuntimeError/Code/cancelled`` when the task is cancelled while it waits;
    /// these bytes are then not sent.
    public func write(_ bytes: [UInt8]) async throws(RuntimeError) {
        try await write(bytes, contentType: nil)
    }

    /// Begins the response of an HTTP integration (API Gateway, function URL) with its status and header fields.
    ///
    /// Throws ``RuntimeError/Code/responseBegun`` unless it is the first that is written.
    public func write(_ prelude: HTTPResponsePrelude) async throws(RuntimeError) {
        try await write(prelude.bytes, contentType: HTTPResponsePrelude.contentType)
    }

    /// Ends the response. Does nothing after an end.
    public func finish() {
        end(.finished)
    }

    /// Ends the response with an error. Does nothing after an end, and answers whether this was the end.
    @discardableResult
    public func fail(_ error: InvocationError) -> Bool {
        end(.failed(error))
    }

    private func write(_ bytes: [UInt8], contentType: String?) async throws(RuntimeError) {
        let (refusal, wakes, id) = state.withLock { state -> (RuntimeError?, Bool, Int?) in
            if let refusal = state.refusal { return (refusal, false, nil) }
            if let contentType {
                guard !state.hasBegun else {
                    return (RuntimeError(.responseBegun, at: "write", "the prelude comes first"), false, nil)
                }
                state.contentType = contentType
            }
            guard !bytes.isEmpty else { return (nil, false, nil) }
            state.hasBegun = true
            guard state.pending.count < Self.window, state.waiters.isEmpty else {
                state.lastID += 1
                return (nil, false, state.lastID)
            }
            state.pending += bytes
            return (nil, state.wakes(), nil)
        }
        if let refusal { throw refusal }
        if wakes { wakeUp() }
        if let id, let error = await waitForRoom(bytes, id: id) { throw error }
    }

    private func waitForRoom(_ bytes: [UInt8], id: Int) async -> RuntimeError? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (outcome, wakes) = state.withLock { state -> (RuntimeError??, Bool) in
                    if let refusal = state.refusal { return (refusal, false) }
                    // A cancellation before this point has found no waiter.
                    if Task.isCancelled { return (Self.cancellation, false) }
                    guard state.pending.count >= Self.window || !state.waiters.isEmpty else {
                        state.pending += bytes
                        return (.some(nil), state.wakes())
                    }
                    state.waiters.append(Waiter(id: id, bytes: bytes, continuation: continuation))
                    return (nil, false)
                }
                if let outcome { continuation.resume(returning: outcome) }
                if wakes { wakeUp() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: Self.cancellation)
        }
    }

    private static var cancellation: RuntimeError {
        RuntimeError(.cancelled, at: "write", "the task was cancelled")
    }

    @discardableResult
    private func end(_ ending: Ending) -> Bool {
        let (isNew, waiters, refusal, wakes) = state.withLock { state in
            guard state.ending == nil else { return (false, [Waiter](), RuntimeError?.none, false) }
            state.ending = ending
            if case .abandoned = ending { state.pending = [] }
            defer { state.waiters = [] }
            return (true, state.waiters, state.refusal, state.wakes())
        }
        for waiter in waiters { waiter.continuation.resume(returning: refusal) }
        if wakes { wakeUp() }
        return isNew
    }

    // The thread waits in one of two places; a wake-up in the other one is a look at the state too many.
    private func wakeUp() {
        semaphore.signal()
        canceller.wakeUp()
    }

    // MARK: The runtime's side

    /// How a response begins.
    enum Beginning {
        case body(contentType: String)
        case failure(InvocationError)
    }

    /// Blocks until there is a byte or an end.
    func waitForBeginning() -> Beginning {
        while true {
            let beginning = state.withLock { state -> Beginning? in
                if state.pending.isEmpty {
                    if case .failed(let error) = state.ending { return .failure(error) }
                    guard state.ending != nil else {
                        state.isIdle = true
                        return nil
                    }
                }
                return .body(contentType: state.contentType)
            }
            if let beginning { return beginning }
            semaphore.wait()
        }
    }

    /// Takes what there is, and lets those in who wait for room.
    func nextChunk() -> HTTPUploadChunk {
        let (chunk, admitted) = state.withLock { state -> (HTTPUploadChunk, [Waiter]) in
            guard !state.pending.isEmpty else {
                switch state.ending {
                case nil:
                    state.isIdle = true
                    return (.later, [])
                case .finished, .abandoned: return (.end(), [])
                case .failed(let error): return (.end(trailers: error.trailers), [])
                }
            }
            let bytes = state.pending
            state.pending = []
            var count = 0
            while count < state.waiters.count, state.pending.count < Self.window {
                state.pending += state.waiters[count].bytes
                count += 1
            }
            let admitted = Array(state.waiters[..<count])
            state.waiters.removeFirst(count)
            return (.bytes(bytes), admitted)
        }
        for waiter in admitted { waiter.continuation.resume(returning: nil) }
        return chunk
    }

    /// Refuses what is still to be written.
    func abandon(_ reason: String) {
        end(.abandoned(RuntimeError(.responseAbandoned, at: "write", reason)))
    }
}
