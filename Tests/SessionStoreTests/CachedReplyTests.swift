// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Synchronization
import Testing

@testable import SessionStore

/// Replies of a model that are given again.
@Suite(.timeLimit(.minutes(1)))
struct CachedReplyTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    @Test func `a reply is found until it is too old, and never before it was written`() throws {
        let clock = Mutex<Int64>(1_000_000)
        let store = try SessionStore(root: root.path) { clock.withLock(\.self) }
        var leased = try store.lease(.responseCache, of: AgentName("agent"), attempt: "a", until: .now)
        let reply = ModelReply(
            text: "é\u{0}", toolCalls: [ToolCall(id: "i", name: "n", arguments: "{ }")], finishReason: "tool_calls",
            usage: TokenUsage(input: 1, output: 2, cachedInput: 3))
        try leased.cache(reply, to: "k", timeToLive: .seconds(60), capacity: 1 << 20)
        #expect(try leased.cachedReply(to: "k", timeToLive: .seconds(60)) == reply)
        #expect(try leased.cachedReply(to: "other", timeToLive: .seconds(60)) == nil)
        clock.withLock { $0 += 59_999 }
        #expect(try leased.cachedReply(to: "k", timeToLive: .seconds(60)) == reply)
        clock.withLock { $0 += 1 }
        #expect(try leased.cachedReply(to: "k", timeToLive: .seconds(60)) == nil)
        try leased.cache(ModelReply(text: "new"), to: "k", timeToLive: .seconds(60), capacity: 1 << 20)
        #expect(try leased.cachedReply(to: "k", timeToLive: .seconds(60))?.text == "new")
        clock.withLock { $0 -= 1 }
        #expect(try leased.cachedReply(to: "k", timeToLive: .seconds(60)) == nil, "from the future")
        try leased.release()
    }

    @Test(arguments: ["at = -9223372036854775808", "at = 9223372036854775807", "body = '{'", "body = '[]'"])
    func `a row that is nonsense is no reply`(_ nonsense: String) throws {
        var leased = try root.lease()
        try leased.cache(ModelReply(text: "x"), to: "k", timeToLive: .seconds(60), capacity: 1 << 20)
        try leased.release()
        _ = try sqlite3(root.database(), "UPDATE replies SET \(nonsense), start = 9223372036854770000")
        leased = try root.lease()
        #expect(try leased.cachedReply(to: "k", timeToLive: .seconds(60)) == nil)
        try leased.cache(ModelReply(text: "y"), to: "k", timeToLive: .seconds(60), capacity: 1 << 20)
        #expect(try leased.cachedReply(to: "k", timeToLive: .seconds(60))?.text == "y")
        try leased.release()
    }

    @Test func `the oldest replies make room`() throws {
        var leased = try root.lease()
        let capacity = 8000
        for number in 1...40 {
            let reply = ModelReply(text: String(repeating: "x", count: 900))
            try leased.cache(reply, to: "\(number)", timeToLive: .seconds(60), capacity: capacity)
        }
        let kept = try (1...40).filter { try leased.cachedReply(to: "\($0)", timeToLive: .seconds(60)) != nil }
        #expect(kept == Array(33...40))
        try leased.cache(
            ModelReply(text: String(repeating: "x", count: 1100)), to: "large", timeToLive: .seconds(60),
            capacity: capacity)
        #expect(try leased.cachedReply(to: "large", timeToLive: .seconds(60)) == nil)
        try leased.release()
        let sizes = "SELECT sum(size) <= \(capacity), sum(size) > \(capacity) * 7 / 8 FROM replies"
        #expect(try sqlite3(root.database(), sizes) == "1|1")
    }

    @Test func `replies that are too old make room`() throws {
        let clock = Mutex<Int64>(1_000_000)
        let store = try SessionStore(root: root.path) { clock.withLock(\.self) }
        var leased = try store.lease(SessionID("s"), of: AgentName("agent"), attempt: "a", until: .now)
        for number in 1...3 {
            try leased.cache(ModelReply(text: "x"), to: "\(number)", timeToLive: .seconds(10), capacity: 1 << 20)
            clock.withLock { $0 += 6000 }
        }
        try leased.release()
        #expect(try sqlite3(root.database(), "SELECT group_concat(key) FROM replies") == "2,3")
    }
}
