// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What is shown of a turn to one reader, and how far it is: what several sources tell of the turn, each from the
/// beginning, becomes events from where the reader is.
///
/// ```
/// reader has  "It is on"          the cursor: 8 bytes of step 2, and their digest
/// source      "It is on its way"  text " its way"
/// source      "It was sent"       restart, text "It was sent"
/// ```
struct EventTrail {
    /// Something to be shown.
    enum Event: Hashable {
        case text(String, step: Int, EventCursor)
        case tools([String], EventCursor)
        /// The text that was shown of this step is void.
        case restart(step: Int, EventCursor)
    }

    /// How far the reader is.
    private(set) var cursor = EventCursor(step: 0)
    /// Where the source has to get to before there is something new; nil once it has.
    private var target: EventCursor?
    /// The target's text, for as long as it is too short to be compared.
    private var held: [UInt8] = []

    /// - Parameter cursor: Where the reader is; nil for the beginning.
    init(after cursor: EventCursor? = nil) {
        if let cursor { self.cursor = cursor }
        target = cursor
    }

    /// What comes now is told from the turn's beginning.
    mutating func beginAgain() {
        target = cursor
        held = []
    }

    /// What the reader does not have yet.
    mutating func take(_ progress: TurnProgress) -> [Event] {
        switch progress {
        case .text("", _):
            return []
        case .text(let text, let step):
            guard let target else { return [show(text, of: step)] }
            if step < target.step { return [] }
            if step > target.step { return arrive() + [show(text, of: step)] }
            held += text.utf8
            return held.count < target.length ? [] : arrive()
        case .tools(let names, let step):
            if let target, step < target.step { return [] }
            let events = arrive()
            cursor = EventCursor(step: step + 1)
            return events + [.tools(names, cursor)]
        }
    }

    /// The turn has ended, and nothing more comes: a text that is shorter than what the reader has is another one.
    mutating func end() -> [Event] { arrive() }

    /// Compares what the reader has with what the source had to say so far.
    private mutating func arrive() -> [Event] {
        guard let target else { return [] }
        defer { held = [] }
        self.target = nil
        if target.isReached(by: held) {
            let rest = String(decoding: held.dropFirst(target.length), as: UTF8.self)
            return rest.isEmpty ? [] : [show(rest, of: target.step)]
        }
        cursor = EventCursor(step: target.step)
        let restart = Event.restart(step: target.step, cursor)
        return held.isEmpty ? [restart] : [restart, show(String(decoding: held, as: UTF8.self), of: target.step)]
    }

    private mutating func show(_ text: String, of step: Int) -> Event {
        if cursor.step != step { cursor = EventCursor(step: step) }
        cursor.advance(by: Array(text.utf8))
        return .text(text, step: step, cursor)
    }
}
