// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SessionStore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What is said in a session, by one process and for another.
struct LiveLines {
    let store: SessionStore
    let session: SessionID
    let agent: AgentName

    init(_ session: SessionID, in store: SessionStore) throws {
        (self.session, self.store, agent) = (session, store, try AgentName("agent"))
    }

    /// Says so many lines, and "said <number>" for each.
    func write(_ count: Int) async throws {
        let writer = store.liveTextWriter(of: session, of: agent, subject: Array("lines".utf8))
        for number in 0..<count {
            writer.append(Array("line \(number)".utf8))
            usleep(300_000)
            StoreWriter.say("said \(number)")
        }
        await writer.end()
    }

    /// Looks so often, and says how many lines there were: "saw <count>", or "saw -1" where there was nothing.
    func watch(_ looks: Int) throws {
        for _ in 0..<looks {
            let lines = store.liveText(of: session, of: agent)?.lines.map { String(decoding: $0, as: UTF8.self) }
            let isInOrder = lines.map { $0 == (0..<$0.count).map { "line \($0)" } } ?? true
            StoreWriter.say(isInOrder ? "saw \(lines?.count ?? -1)" : "wrong")
            usleep(100_000)
        }
    }
}
