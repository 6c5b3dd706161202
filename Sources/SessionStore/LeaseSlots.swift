// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

/// How many sessions a store has leased at once, and the queue of those who wait to lease one more.
///
/// A file server has a limit for the locks of a client. Whoever runs into it gets an error that says nothing about when
/// to come back; here the first who waits gets the place of the next lease that ends.
final class LeaseSlots: Sendable {
    private struct State {
        var free: Int
        var next = 0
        var waiting: [Int] = []
    }

    private let limit: Int
    private let state: Mutex<State>

    init(limit: Int) {
        self.limit = limit
        state = Mutex(State(free: limit))
    }

    /// Waits for a place, in the order of the calls.
    ///
    /// Throws ``SessionStoreError/Code/tooManyLeases`` when there is none by the deadline, or the task is cancelled.
    func take(until deadline: ContinuousClock.Instant) throws(SessionStoreError) -> LeaseSlot {
        let ticket = state.withLock { state in
            state.next += 1
            state.waiting.append(state.next)
            return state.next
        }
        while true {
            let isMine = state.withLock { state in
                // Those before this one have a place each.
                guard let index = state.waiting.firstIndex(of: ticket), index < state.free else { return false }
                state.waiting.remove(at: index)
                state.free -= 1
                return true
            }
            if isMine { return LeaseSlot(of: self) }
            let wait = Duration.milliseconds(10)
            guard .now.advanced(by: wait) < deadline, !Task.isCancelled else { break }
            sleep(wait)
        }
        state.withLock { state in state.waiting.removeAll { $0 == ticket } }
        throw SessionStoreError(
            .tooManyLeases,
            at: "lease",
            "\(limit) sessions are leased at once, which is this store's limit; release one, wait longer, or raise "
                + "maximumLeases where the file system has locks for more",
            isRetryable: true,
            retryAfter: SessionStoreError.suggestedWait
        )
    }

    /// How many wait.
    var waiting: Int { state.withLock { $0.waiting.count } }

    fileprivate func giveBack() {
        state.withLock { $0.free += 1 }
    }
}

/// The place of one lease, given back with the value.
struct LeaseSlot: ~Copyable {
    private let slots: LeaseSlots

    fileprivate init(of slots: LeaseSlots) { self.slots = slots }

    deinit { slots.giveBack() }
}
