// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOHTTP1
import Testing

@testable import LambdaEmulator

struct SandboxStateTests {
    let first = SandboxState.Attempt(requestID: "one", invocationID: "a")
    let again = SandboxState.Attempt(requestID: "one", invocationID: "b")

    private func state(_ phase: SandboxState.Phase) throws -> SandboxState {
        var state = SandboxState()
        switch phase {
        case .starting: break
        case .initFailed: try state.failInit()
        case .restoring: try state.restore()
        case .ended: state.end()
        case .idle: _ = try state.next()
        case .running, .responding, .answered:
            _ = try state.next()
            let begun = state.begin(first)
            #expect(begun)
            if phase == .responding { _ = try state.beginAnswer(.response, requestID: "one", invocationID: "a") }
            if phase == .answered { try state.answer(requestID: "one", invocationID: "a") }
        }
        #expect(state.phase == phase)
        return state
    }

    struct NextCase: Sendable, CustomTestStringConvertible {
        var from: SandboxState.Phase
        var step: SandboxState.NextStep?
        var to: SandboxState.Phase
        var testDescription: String { from.rawValue }
    }

    @Test(arguments: [
        NextCase(from: .starting, step: .initialized, to: .idle),
        NextCase(from: .idle, step: .idleAgain, to: .idle),
        NextCase(from: .running, step: .redeliver, to: .running),
        NextCase(from: .answered, step: .finished, to: .idle),
        NextCase(from: .initFailed, step: nil, to: .initFailed),
        NextCase(from: .ended, step: nil, to: .ended),
    ])
    func `next means something else in each phase`(_ test: NextCase) throws {
        var state = try state(test.from)
        if let step = test.step {
            #expect(try state.next() == step)
        } else {
            let error = #expect(throws: RuntimeAPIError.self) { try state.next() }
            #expect(error?.status == .forbidden && error?.type == "InvalidStateTransition")
        }
        #expect(state.phase == test.to)
    }

    struct AnswerCase: Sendable, CustomTestStringConvertible {
        var phase: SandboxState.Phase
        var requestID = "one"
        var invocationID: String?
        var refusal: String?
        var testDescription: String { "\(phase.rawValue) \(requestID) \(invocationID ?? "no nonce")" }
    }

    @Test(arguments: [
        AnswerCase(phase: .running),
        AnswerCase(phase: .running, invocationID: "a"),
        AnswerCase(phase: .running, invocationID: "stale", refusal: "410 InvokeTimeout"),
        AnswerCase(phase: .running, requestID: "two", refusal: "400 InvalidRequestID"),
        AnswerCase(phase: .running, requestID: "two", invocationID: "a", refusal: "400 InvalidRequestID"),
        AnswerCase(phase: .answered, invocationID: "a", refusal: "403 InvalidStateTransition"),
        AnswerCase(phase: .answered, requestID: "two", refusal: "400 InvalidRequestID"),
        AnswerCase(phase: .starting, refusal: "400 InvalidRequestID"),
        AnswerCase(phase: .idle, refusal: "400 InvalidRequestID"),
        AnswerCase(phase: .initFailed, refusal: "400 InvalidRequestID"),
    ])
    func `an answer is accepted once, for the current attempt`(_ test: AnswerCase) throws {
        var state = try state(test.phase)
        do throws(RuntimeAPIError) {
            try state.answer(requestID: test.requestID, invocationID: test.invocationID)
            #expect(test.refusal == nil)
            #expect(state.phase == .answered)
        } catch {
            #expect("\(error.status.code) \(error.type)" == test.refusal)
            #expect(state.phase == test.phase)
        }
    }

    @Test func `an answer for an earlier attempt of the same request is stale`() throws {
        var state = try state(.answered)
        _ = try state.next()
        let begun = state.begin(again)
        #expect(begun)
        #expect(throws: RuntimeAPIError.invokeTimeout) { try state.answer(requestID: "one", invocationID: "a") }
        try state.answer(requestID: "one", invocationID: "b")
    }

    @Test func `an answer after the end is too late`() throws {
        var state = try state(.running)
        state.end()
        #expect(throws: RuntimeAPIError.invokeTimeout) { try state.answer(requestID: "one", invocationID: "a") }
    }

    @Test func `an answered request is not answered again from the next poll`() throws {
        var state = try state(.answered)
        _ = try state.next()
        let error = #expect(throws: RuntimeAPIError.self) { try state.answer(requestID: "one", invocationID: nil) }
        #expect(error?.type == "InvalidStateTransition")
    }

    @Test(arguments: [SandboxState.Phase.idle, .running, .answered, .initFailed, .ended])
    func `an init error is for the time before the first next`(_ phase: SandboxState.Phase) throws {
        var state = try state(phase)
        let error = #expect(throws: RuntimeAPIError.self) { try state.failInit() }
        #expect(error?.status == .forbidden)
        #expect(state.phase == phase)
    }

    @Test(arguments: [SandboxState.Phase.starting, .running, .answered, .initFailed, .ended])
    func `only an idle runtime is given an invocation`(_ phase: SandboxState.Phase) throws {
        var state = try state(phase)
        let begun = state.begin(again)
        #expect(!begun)
        #expect(state.phase == phase)
    }
}
