// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

extension ConformanceSuite {
    static let names = [
        ConformanceCheck("sessions of similar names are apart") { trial in
            let long = String(repeating: "x", count: 255)
            let sessions = [
                "a", "A", "a ", " a", "a.", ".a", "a%41", "%61", "a~", "a_b", "a-b", "a b", "a:b", "a+b", "...", "s.db",
                "é", "e\u{301}", "👩‍👧", long, long + "x", long + "y", String(long.dropLast(100)) + "~",
            ]
            for session in sessions { try await trial.append(turn(1, text: session), to: session) }
            for session in sessions {
                let found = try await trial.log(of: session)
                // Compared as bytes: the two spellings of é are equal as texts.
                let text = if case .input(_, let text)? = found.first?.fact { Array(text.utf8) } else { [UInt8]() }
                try trial.expect(
                    found.count == 2 && text == Array(session.utf8),
                    "the session \(session) is not apart from the others")
            }
        },
        ConformanceCheck("agents do not see each other's sessions") { trial in
            let agents = ["", "-", "_", "-A", "-a", "-ab"].map { trial.agent + $0 }
            for agent in agents { try await trial.append(turn(1, text: agent), of: agent) }
            for agent in agents {
                let found = try await trial.log(of: nil, of: agent)
                try trial.expect(found == turn(1, text: agent), "the agent \(agent) sees another's session")
            }
        },
        ConformanceCheck("names that are none are refused") { trial in
            let long = String(repeating: "x", count: 257)
            for session in ["", ".", "..", "a/b", "a\\b", "../a", "a\nb", "a\u{0}b", long] {
                try await trial.expect(.invalidName, for: "a session of the name \(session.debugDescription)") {
                    try await trial.lease(session).release()
                }
            }
            for agent in ["", ".", "..", "a/b", "a b", "a.b", "é", "a\u{0}", String(long.prefix(65))] {
                try await trial.expect(.invalidName, for: "an agent of the name \(agent.debugDescription)") {
                    try await trial.lease(of: agent).release()
                }
            }
        },
    ]
}
