// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOHTTP1
import Testing

@testable import LambdaEmulator

struct ConcurrentStateTests {
    let one = SandboxState.Attempt(requestID: "one", invocationID: "a")
    let again = SandboxState.Attempt(requestID: "one", invocationID: "b")
    let two = SandboxState.Attempt(requestID: "two", invocationID: "c")

    private func running(_ attempts: SandboxState.Attempt...) throws -> ConcurrentState {
        var state = ConcurrentState()
        #expect(try state.next() == .initialized)
        for attempt in attempts {
            let begun = state.begin(attempt)
            #expect(begun)
            #expect(state.stage(of: attempt) == .running)
        }
        return state
    }

    @Test func `each poll of a worker is one more`() throws {
        var state = try running(one, two)
        #expect(try state.next() == .idleAgain)
        #expect(try state.next() == .idleAgain)
        #expect(state.phase == .idle && state.isReady)
    }

    @Test func `invocations are answered in any order`() throws {
        var state = try running(one, two)
        let first = try state.beginAnswer(.response, requestID: "two", invocationID: "c")
        #expect(first == two && state.stage(of: two) == .responding && state.stage(of: one) == .running)
        let second = try state.beginAnswer(.error, requestID: "one", invocationID: nil)
        try state.endAnswer(second)
        try state.endAnswer(first)
        #expect(state.stage(of: one) == nil && state.stage(of: two) == nil)
        // They are forgotten.
        #expect(throws: RuntimeAPIError.invalidRequestID) {
            try state.beginAnswer(.response, requestID: "one", invocationID: "a")
        }
    }

    @Test func `two attempts of one request are told apart by the invocation id`() throws {
        var state = try running(one, again)
        #expect(try state.beginAnswer(.response, requestID: "one", invocationID: "b") == again)
        #expect(throws: RuntimeAPIError.invokeTimeout) {
            try state.beginAnswer(.response, requestID: "one", invocationID: "stale")
        }
        // Without one, it is the attempt that runs.
        #expect(try state.beginAnswer(.response, requestID: "one", invocationID: nil) == one)
    }

    @Test func `an answer that has begun is not begun again`() throws {
        var state = try running(one)
        _ = try state.beginAnswer(.response, requestID: "one", invocationID: "a")
        let error = #expect(throws: RuntimeAPIError.self) {
            try state.beginAnswer(.error, requestID: "one", invocationID: "a")
        }
        #expect(error?.status == .forbidden && error?.type == "InvalidStateTransition")
    }

    @Test func `a late answer is too late once and then unknown`() throws {
        var state = try running(one, two)
        state.timeOut(one)
        #expect(state.stage(of: one) == .timedOut && state.isReady)
        #expect(throws: RuntimeAPIError.invokeTimeout) {
            try state.beginAnswer(.response, requestID: "one", invocationID: "a")
        }
        #expect(throws: RuntimeAPIError.invalidRequestID) {
            try state.beginAnswer(.response, requestID: "one", invocationID: "a")
        }
        #expect(try state.beginAnswer(.response, requestID: "two", invocationID: "c") == two)
    }

    @Test func `an answer that is under way at the deadline is too late at its end`() throws {
        var state = try running(one)
        let attempt = try state.beginAnswer(.response, requestID: "one", invocationID: "a")
        state.timeOut(one)
        #expect(throws: RuntimeAPIError.invokeTimeout) { try state.endAnswer(attempt) }
        #expect(state.stage(of: one) == nil)
    }

    @Test func `an init error is for the time before the first next`() throws {
        var state = try running()
        #expect(throws: RuntimeAPIError.self) { try state.failInit() }
        var failed = ConcurrentState()
        #expect(!failed.isReady)
        try failed.failInit()
        #expect(throws: RuntimeAPIError.self) { try failed.next() }
        let begun = failed.begin(one)
        #expect(!begun)
    }

    @Test func `after the end all is too late`() throws {
        var state = try running(one)
        state.end()
        #expect(throws: RuntimeAPIError.invokeTimeout) {
            try state.beginAnswer(.response, requestID: "one", invocationID: "a")
        }
        #expect(throws: RuntimeAPIError.self) { try state.next() }
        #expect(!state.isReady)
    }
}
