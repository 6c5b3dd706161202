// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import SessionStore

/// A turn as it is told in a ``SessionStore/LiveText``: one line of JSON for each thing to be seen.
///
/// ```
/// <token> "<request id>"
/// {"step":1,"text":"One moment."}
/// {"step":1,"tools":["look_up_order"]}
/// ```
struct LiveTurn {
    let token: String
    let request: String
    let progress: [TurnProgress]

    /// The line that says whose turn it is.
    static func subject(_ request: String) -> [UInt8] { JSONValue(request).bytes() }

    /// Nil when it is not one that this version writes.
    init?(_ text: LiveText) {
        guard let request = (try? JSONValue(parsing: text.subject))?.string else { return nil }
        token = text.token
        self.request = request
        // What follows a line that is not understood may hang on it.
        var progress: [TurnProgress] = []
        for line in text.lines {
            guard let json = try? JSONValue(parsing: line), let next = TurnProgress(live: json) else { break }
            progress.append(next)
        }
        self.progress = progress
    }
}

extension TurnProgress {
    /// The line for it.
    var liveLine: [UInt8] {
        switch self {
        case .text(let text, let step): JSONValue.object(["step": .init(step), "text": .init(text)]).bytes()
        case .tools(let names, let step):
            JSONValue.object(["step": .init(step), "tools": .array(names.map { .init($0) })]).bytes()
        }
    }

    init?(live json: JSONValue) {
        // Whatever is in the file, one can be added to it.
        guard let step = json["step"]?.int, (0..<Int.max).contains(step) else { return nil }
        if let text = json["text"]?.string {
            self = .text(text, step: step)
        } else if let names = json["tools"]?.array {
            self = .tools(names: names.compactMap(\.string), step: step)
        } else {
            return nil
        }
    }
}
