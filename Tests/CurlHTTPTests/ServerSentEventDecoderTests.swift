// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Testing

/// The parsing rules of event streams.
struct ServerSentEventDecoderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var events: [ServerSentEvent]
        var isIncomplete = false
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "nothing", text: "", events: []),
        Case(name: "one", text: "data: a\n\n", events: [ServerSentEvent(data: "a")]),
        Case(name: "no blank after the colon", text: "data:a\n\n", events: [ServerSentEvent(data: "a")]),
        Case(name: "only one blank is dropped", text: "data:  a \n\n", events: [ServerSentEvent(data: " a ")]),
        Case(name: "CRLF", text: "data: a\r\n\r\ndata: b\r\n\r\n", events: ["a", "b"].map { .init(data: $0) }),
        Case(name: "CR", text: "data: a\r\rdata: b\r\r", events: ["a", "b"].map { .init(data: $0) }),
        Case(
            name: "mixed ends", text: "data: a\r\ndata: b\n\rdata: c\r\n\n",
            events: ["a\nb", "c"].map { .init(data: $0) }),
        Case(name: "BOM", text: "\u{FEFF}data: a\n\n", events: [ServerSentEvent(data: "a")]),
        Case(name: "BOM before a blank line", text: "\u{FEFF}\ndata: a\n\n", events: [ServerSentEvent(data: "a")]),
        Case(
            name: "a second BOM is text", text: "data: a\n\n\u{FEFF}data: b\n\n", events: [ServerSentEvent(data: "a")]),
        Case(name: "several data lines", text: "data: a\ndata: b\ndata:\ndata\n\n", events: [.init(data: "a\nb\n\n")]),
        Case(name: "empty data is an event", text: "data\n\n", events: [ServerSentEvent(data: "")]),
        Case(name: "two empty data lines", text: "data\ndata\n\n", events: [ServerSentEvent(data: "\n")]),
        Case(name: "no data is none", text: "event: a\n\ndata: b\n\n", events: [ServerSentEvent(data: "b")]),
        Case(name: "comments", text: ": a\n:\ndata: b\n:data: c\n\n", events: [ServerSentEvent(data: "b")]),
        Case(name: "unknown fields", text: "foo: a\nDATA: b\n data: c\ndata: d\n\n", events: [.init(data: "d")]),
        Case(
            name: "type", text: "event: t\ndata: a\n\ndata: b\n\n",
            events: [.init(type: "t", data: "a"), .init(data: "b")]),
        Case(
            name: "the last type counts", text: "event: t\nevent: u\ndata: a\n\n", events: [.init(type: "u", data: "a")]
        ),
        Case(name: "an empty type", text: "event: t\nevent\ndata: a\n\n", events: [.init(data: "a")]),
        Case(
            name: "ids are inherited", text: "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
            events: [.init(data: "a", lastEventID: "1"), .init(data: "b", lastEventID: "1"), .init(data: "c")]),
        Case(name: "an id without data", text: "id: 1\n\ndata: a\n\n", events: [.init(data: "a", lastEventID: "1")]),
        Case(
            name: "an id with NUL", text: "id: 1\nid: 2\03\ndata: a\n\n", events: [.init(data: "a", lastEventID: "1")]),
        Case(name: "several colons", text: "data: a: b:c\n\n", events: [ServerSentEvent(data: "a: b:c")]),
        Case(name: "blank lines", text: "\n\n\ndata: a\n\n\n\n", events: [ServerSentEvent(data: "a")]),
        Case(
            name: "no blank line at the end", text: "data: a\n\ndata: b\n", events: [.init(data: "a")],
            isIncomplete: true),
        Case(name: "no line end", text: "data: a\n\ndata: b", events: [.init(data: "a")], isIncomplete: true),
        Case(name: "beyond ASCII", text: "data: é✓😀\nevent: ü\n\n", events: [.init(type: "ü", data: "é✓😀")]),
        Case(
            name: "a chat completion", text: "data: {\"delta\":\"a\\nb\"}\n\ndata: [DONE]\n\n",
            events: [.init(data: "{\"delta\":\"a\\nb\"}"), .init(data: "[DONE]")]),
    ]

    @Test(arguments: cases)
    func `a stream is read as the standard says`(_ test: Case) throws {
        var decoder = ServerSentEventDecoder()
        #expect(try decoder.decode(Array(test.text.utf8)) == test.events)
        #expect(decoder.hasIncompleteEvent == test.isIncomplete)
    }

    @Test(arguments: cases)
    func `where the bytes are cut makes no difference`(_ test: Case) throws {
        let bytes = Array(test.text.utf8)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var decoder = ServerSentEventDecoder()
                let pieces = [bytes[..<first], bytes[first..<second], bytes[second...]]
                let events = try pieces.flatMap { try decoder.decode(Array($0)) }
                guard events == test.events else {
                    Issue.record("cut at \(first) and \(second): \(events)")
                    return
                }
            }
        }
        var decoder = ServerSentEventDecoder()
        #expect(try bytes.flatMap { try decoder.decode([$0]) } == test.events)
    }

    @Test func `bytes that are not UTF-8 are replaced`() throws {
        var decoder = ServerSentEventDecoder()
        let events = try decoder.decode(Array("data: a".utf8) + [0xFF] + Array("b\n\n".utf8))
        #expect(events == [ServerSentEvent(data: "a\u{FFFD}b")])
    }

    @Test func `an event comes with its blank line, before what follows`() throws {
        var decoder = ServerSentEventDecoder()
        #expect(try decoder.decode(Array("data: a\r".utf8)) == [])
        // The CR of the blank line is enough: its LF may never come.
        #expect(try decoder.decode(Array("\n\r".utf8)) == [ServerSentEvent(data: "a")])
        #expect(try decoder.decode([]) == [])
        #expect(try decoder.decode(Array("\ndata: b\n\n".utf8)) == [ServerSentEvent(data: "b")])
    }

    struct RetryCase: Sendable {
        var text: String
        var delay: Duration?
    }

    @Test(arguments: [
        RetryCase(text: "retry: 1500\n", delay: .milliseconds(1500)), RetryCase(text: "retry: 0\n", delay: .zero),
        RetryCase(text: "retry: -1\n", delay: nil), RetryCase(text: "retry: 1.5\n", delay: nil),
        RetryCase(text: "retry:\n", delay: nil), RetryCase(text: "retry: 99999999999999999999\n", delay: nil),
        RetryCase(text: "retry: 5\nretry: x\n", delay: .milliseconds(5)),
    ])
    func `a reconnection time is a number`(_ test: RetryCase) throws {
        var decoder = ServerSentEventDecoder()
        #expect(try decoder.decode(Array(test.text.utf8)) == [])
        #expect(decoder.retryDelay == test.delay)
    }

    @Test(arguments: ["data: aaaaaaaaaaaaaaaaaaaa", "data: aaaaaaaa\ndata: aaaaaaaa\n", ":aaaaaaaaaaaaaaaaaaaaa"])
    func `an event has a largest size`(_ text: String) throws {
        for pieceSize in [1, 5, text.utf8.count] {
            var decoder = ServerSentEventDecoder(maximumEventSize: 20)
            let error = try failure {
                for start in stride(from: 0, to: text.utf8.count, by: pieceSize) {
                    _ = try decoder.decode(Array(Array(text.utf8)[start...].prefix(pieceSize)))
                }
            }
            #expect(error.code == .responseTooLarge)
        }
    }

    @Test func `small events do not add up`() throws {
        var decoder = ServerSentEventDecoder(maximumEventSize: 20)
        for _ in 0..<100 { #expect(try decoder.decode(Array("data: 123456\n\n".utf8)).count == 1) }
    }
}
