// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

@testable import Perdure

@Suite struct EventTrailTests {
    static func text(_ text: String, _ step: Int) -> TurnProgress { .text(text, step: step) }
    static let tools = TurnProgress.tools(names: ["t"], step: 1)
    static let turn = [text("One", 1), text(" moment.", 1), tools, text("It is on", 2), text(" its way.", 2)]

    /// What a reader has put together: the text of each step, in order, and the tools between them.
    static func read(_ events: [EventTrail.Event], onto shown: [String] = []) -> [String] {
        var shown = shown
        for event in events {
            switch event {
            case .text(let text, let step, _):
                if shown.last?.hasPrefix("\(step): ") == true {
                    shown[shown.count - 1] += text
                } else {
                    shown.append("\(step): \(text)")
                }
            case .tools(let names, _): shown.append(names.joined(separator: ","))
            case .restart(let step, _): shown.removeAll { $0.hasPrefix("\(step): ") }
            }
        }
        return shown
    }

    static func cursor(_ event: EventTrail.Event) -> EventCursor {
        switch event {
        case .text(_, _, let cursor), .tools(_, let cursor), .restart(_, let cursor): cursor
        }
    }

    @Test func `from each event on, the rest is what the reader lacks, whoever tells it`() {
        var trail = EventTrail()
        let all = Self.turn.flatMap { trail.take($0) }
        #expect(all.count == Self.turn.count)
        let whole = Self.read(all)
        #expect(whole == ["1: One moment.", "t", "2: It is on its way."])
        // From the log, in whole replies; and character by character.
        let log = [Self.text("One moment.", 1), Self.tools, Self.text("It is on its way.", 2)]
        let letters = Self.turn.flatMap { progress -> [TurnProgress] in
            guard case .text(let text, let step) = progress else { return [progress] }
            return text.map { .text(String($0), step: step) }
        }
        for source in [Self.turn, log, letters] {
            for count in 0...all.count {
                let had = Array(all.prefix(count))
                let spelt = count == 0 ? nil : EventCursor(Self.cursor(all[count - 1]).description)
                #expect((spelt == nil) == (count == 0))
                var again = EventTrail(after: spelt)
                var rest = source.flatMap { again.take($0) }
                rest += again.end()
                #expect(!rest.contains { if case .restart = $0 { true } else { false } })
                #expect(Self.read(rest, onto: Self.read(had)) == whole, "after \(count)")
            }
        }
    }

    @Test func `a reader goes on behind any scalar of a text, and has the same bytes`() {
        let text = "größer 👩\u{200D}👧, e\u{301}\r\n終"
        var trail = EventTrail()
        var had: [String] = []
        for scalar in text.unicodeScalars {
            let events = trail.take(Self.text(String(scalar), 1))
            had = Self.read(events, onto: had)
            var again = EventTrail(after: EventCursor(trail.cursor.description))
            let whole = Self.read(again.take(Self.text(text, 1)) + again.end(), onto: had)
            #expect(whole.map { Array($0.utf8) } == [Array("1: \(text)".utf8)])
        }
        // One byte further than the text is: it was another one.
        var beyond = trail.cursor
        beyond.advance(by: [0x61])
        var ahead = EventTrail(after: beyond)
        #expect((ahead.take(Self.text(text, 1)) + ahead.end()).first == .restart(step: 1, EventCursor(step: 1)))
    }

    @Test(arguments: ["It was sent", "It is", "It is on its way, then", ""])
    func `a text that was written anew is told to be another, or goes on`(anew: String) throws {
        var trail = EventTrail()
        let had = Self.turn.flatMap { trail.take($0) }
        trail.beginAgain()
        let source = [Self.text("One moment.", 1), Self.tools, Self.text(anew, 2)]
        let rest = source.flatMap { trail.take($0) } + trail.end()
        let expected = ["1: One moment.", "t"] + (anew.isEmpty ? [] : ["2: \(anew)"])
        #expect(Self.read(rest, onto: Self.read(had)) == expected)
        #expect(rest.first == .restart(step: 2, EventCursor(step: 2)))
    }

    @Test func `a text that was written anew and goes on as before is not told to be another`() {
        var trail = EventTrail()
        _ = trail.take(Self.text("It is", 1))
        trail.beginAgain()
        #expect(trail.take(Self.text("It", 1)) == [])
        let rest = trail.take(Self.text(" is on", 1))
        #expect(Self.read(rest, onto: ["1: It is"]) == ["1: It is on"])
        #expect(Self.read(trail.take(Self.text(".", 1))) == ["1: ."])
    }

    @Test(
        arguments: [
            "1", "1.2", "1.2.3.4", "a.0.cbf29ce484222325", "-1.0.cbf29ce484222325", "1.0.0", "1.3.", "+1.3.ab",
            "1.3.AB",
            "01.3.ab", " 1.3.ab", "0.3.ab", "1.99999999999999999999.ab", String(repeating: "1", count: 100),
        ])
    func `what is no cursor is not read as one`(text: String) {
        #expect(EventCursor(text) == nil)
    }

    @Test func `the log tells a request's replies and tools, and no other's`() {
        let call = ToolCall(id: "c", name: "look", arguments: "{}")
        let entries = [
            Entry(turn: 1, fact: .input(request: "0", text: "Hi")),
            Entry(turn: 1, fact: .reply(ModelReply(text: "Hello"))),
            Entry(turn: 2, fact: .input(request: "1", text: "Where?")),
            Entry(turn: 2, fact: .reply(ModelReply(text: "One moment.", toolCalls: [call, call, call]))),
            Entry(turn: 2, fact: .result(.init(reply: 2, index: 1), ToolResult(status: .succeeded, content: ""))),
            Entry(turn: 2, fact: .claim(.init(reply: 2, index: 0), tool: "look", effect: .once, attempt: 1)),
            Entry(turn: 2, fact: .result(.init(reply: 2, index: 0), ToolResult(status: .unknown, content: ""))),
            Entry(turn: 2, fact: .result(.init(reply: 2, index: 2), ToolResult(status: .rejected, content: ""))),
            Entry(turn: 2, fact: .reply(ModelReply(text: "There."))),
            Entry(turn: 3, fact: .input(request: "2", text: "Thanks")),
            Entry(turn: 3, fact: .reply(ModelReply(text: "Bye"))),
        ]
        let trail = RequestTrail(of: "1", in: entries)
        #expect(
            trail.progress == [
                .text("One moment.", step: 1), .tools(names: ["look", "look"], step: 1), .text("There.", step: 2),
            ])
        #expect(trail.steps == 2)
        #expect(RequestTrail(of: "2", in: entries).progress == [.text("Bye", step: 1)])
        #expect(RequestTrail(of: "3", in: entries).progress == [])
    }

    @Test func `what is written for others is read back`() throws {
        for progress in Self.turn + [.text("line\nbreak \u{0} é", step: 3)] {
            #expect(!progress.liveLine.contains(UInt8(ascii: "\n")) && !progress.liveLine.contains(0))
            #expect(TurnProgress(live: try JSONValue(parsing: progress.liveLine)) == progress)
        }
    }

    @Test(arguments: [
        #"{"step":9223372036854775807,"tools":["t"]}"#, #"{"step":-1,"text":"t"}"#, #"{"step":1}"#, "[1]",
    ])
    func `what is no progress is not read as one`(line: String) throws {
        #expect(TurnProgress(live: try JSONValue(parsing: line.utf8)) == nil)
    }
}
