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
        case whole([UInt8], contentType: String)
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
            case .finished, .whole, .failed: RuntimeError(.responseEnded, at: "write", "the response has ended already")
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
        guard try !take(bytes, contentType: nil) else { return }
        if let error = await waitForRoom(bytes) { throw error }
    }

    /// Begins the response of an HTTP integration (API Gateway, function URL) with its status and header fields.
    ///
    /// Throws ``RuntimeError/Code/responseBegun`` unless it is the first that is written.
    public func write(_ prelude: HTTPResponsePrelude) async throws(RuntimeError) {
        // What is first never has to wait.
        _ = try take(prelude.bytes, contentType: HTTPResponsePrelude.contentType)
    }

    /// Hands over bytes that the response can do without: they are taken unless 64 KiB wait for the connection or the
    /// response has ended. Never waits; answers whether they were taken.
    @discardableResult
    public func offer(_ bytes: [UInt8]) -> Bool {
        (try? take(bytes, contentType: nil)) ?? false
    }

    /// Begins the response of an HTTP integration, without waiting; answers whether it was the first and was taken.
    @discardableResult
    public func offer(_ prelude: HTTPResponsePrelude) -> Bool {
        (try? take(prelude.bytes, contentType: HTTPResponsePrelude.contentType)) ?? false
    }

    /// Answers in one piece, as a handler does that does not stream: the response is not one in streaming mode.
    ///
    /// Throws ``RuntimeError/Code/responseBegun`` after the first byte, and after the end what writing throws then.
    public func respond(_ body: [UInt8], contentType: String = "application/json") throws(RuntimeError) {
        let (refusal, wakes) = state.withLock { state -> (RuntimeError?, Bool) in
            if let refusal = state.refusal { return (refusal, false) }
            guard !state.hasBegun else {
                return (RuntimeError(.responseBegun, at: "respond", "the response is being streamed"), false)
            }
            state.ending = .whole(body, contentType: contentType)
            return (nil, state.wakes())
        }
        if let refusal { throw refusal }
        if wakes { wakeUp() }
    }

    /// Whether the service takes no more of the response, so that nobody reads what is written.
    public var isAbandoned: Bool {
        state.withLock { if case .abandoned = $0.ending { true } else { false } }
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

    /// Takes bytes if there is room for them; answers whether it did.
    private func take(_ bytes: [UInt8], contentType: String?) throws(RuntimeError) -> Bool {
        let (outcome, wakes) = state.withLock { state -> (Result<Bool, RuntimeError>, Bool) in
            if let refusal = state.refusal { return (.failure(refusal), false) }
            if let contentType {
                guard !state.hasBegun else {
                    return (.failure(RuntimeError(.responseBegun, at: "write", "the prelude comes first")), false)
                }
                state.contentType = contentType
            }
            guard !bytes.isEmpty else { return (.success(true), false) }
            state.hasBegun = true
            guard state.pending.count < Self.window, state.waiters.isEmpty else { return (.success(false), false) }
            state.pending += bytes
            return (.success(true), state.wakes())
        }
        if wakes { wakeUp() }
        return try outcome.get()
    }

    private func waitForRoom(_ bytes: [UInt8]) async -> RuntimeError? {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return await withTaskCancellationHandler {
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
        case whole([UInt8], contentType: String)
        case failure(InvocationError)
    }

    /// Blocks until there is a byte or an end.
    func waitForBeginning() -> Beginning {
        while true {
            let beginning = state.withLock { state -> Beginning? in
                if state.pending.isEmpty {
                    switch state.ending {
                    case .failed(let error): return .failure(error)
                    case .whole(let body, let contentType): return .whole(body, contentType: contentType)
                    case .finished, .abandoned: break
                    case nil:
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
                case .finished, .whole, .abandoned: return (.end(), [])
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
