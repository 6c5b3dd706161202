// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

extension ConformanceSuite {
    static let erasure = [
        ConformanceCheck("an erased session is not there, and the next one of its name is new") { trial in
            let call = CallPosition(reply: 1, index: 0)
            let claim = Entry(turn: 1, fact: .claim(call, tool: "tool", effect: .once, attempt: 1))
            let lease = try await trial.lease()
            let identity = try await lease.identity
            try await lease.append(turn(1) + [claim], outcome: .completed(reply: "reply"))
            try await lease.release()
            try await trial.erase()
            try await trial.expect(.noSuchSession, for: "a lease of an erased session") {
                try await trial.lease(creating: false).release()
            }
            let new = try await trial.lease()
            try trial.expect(try await new.identity != identity, "the new session has the identity of the erased one")
            try trial.expect(try await new.log().isEmpty, "the new session has entries of the erased one")
            try trial.expect(
                try await new.request("request 1") == nil, "the new session knows the erased one's requests")
            // Neither the request nor the call was there before.
            try await new.append(turn(1) + [claim])
            try await new.release()
        },
        ConformanceCheck("a leased session is not erased") { trial in
            let lease = try await trial.lease()
            try await lease.append(turn(1))
            try await trial.expect(.busy, for: "the erasure of a leased session") { try await trial.erase() }
            try await lease.append(turn(2))
            try await lease.release()
            try trial.expect(try await trial.log() == turn(1) + turn(2), "what its holder wrote is not there")
        },
        ConformanceCheck("what is not there cannot be erased") { trial in
            try await trial.expect(.noSuchSession, for: "the erasure of nothing") { try await trial.erase() }
            try await trial.lease().release()
            try await trial.erase()
            try await trial.expect(.noSuchSession, for: "an erasure again") { try await trial.erase() }
        },
        ConformanceCheck("an erasure leaves other sessions alone") { trial in
            for session in ["a", "b", "ab"] { try await trial.append(turn(1, text: session), to: session) }
            try await trial.erase("a")
            for session in ["b", "ab"] {
                try trial.expect(
                    try await trial.log(of: session) == turn(1, text: session),
                    "the session \(session) is not as before")
            }
        },
    ]
}
