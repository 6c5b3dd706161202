// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

/// One run of a check: names that nobody else uses, and words for what is expected.
struct Trial: Sendable {
    let name: String
    let store: any ConformingStore
    let agent = "conformance-" + randomWord()
    let session = "session"

    func lease(
        _ session: String? = nil,
        of agent: String? = nil,
        creating: Bool = true,
        waiting: Duration = .zero
    ) async throws -> any ConformingLease {
        try await store.lease(
            session ?? self.session, of: agent ?? self.agent, attempt: "conformance", creating: creating,
            until: .now.advanced(by: waiting))
    }

    func erase(_ session: String? = nil) async throws {
        try await store.erase(session ?? self.session, of: agent, until: .now)
    }

    /// Appends under a lease of its own.
    func append(
        _ entries: [Entry],
        outcome: Outcome? = nil,
        to session: String? = nil,
        of agent: String? = nil
    ) async throws {
        let lease = try await lease(session, of: agent)
        try await lease.append(entries, outcome: outcome)
        try await lease.release()
    }

    /// The log, read under a lease of its own.
    func log(of session: String? = nil, of agent: String? = nil) async throws -> [Entry] {
        let lease = try await lease(session, of: agent)
        let entries = try await lease.log()
        try await lease.release()
        return entries
    }

    /// What is known of a request, read under a lease of its own.
    func request(_ id: String) async throws -> (turn: Int, outcome: Outcome?)? {
        let lease = try await lease()
        let found = try await lease.request(id)
        try await lease.release()
        return found
    }

    func expect(_ condition: Bool, _ detail: @autoclosure () -> String) throws {
        if !condition { throw ConformanceFailure(check: name, detail: detail()) }
    }

    /// Expects an error of that code.
    func expect(
        _ code: SessionStoreError.Code,
        for what: String,
        _ body: () async throws -> Void
    ) async throws {
        do {
            try await body()
        } catch {
            let found = store.code(of: error)
            try expect(
                found == code, "\(what) should be \(code) and is \(found?.description ?? "an error without a code")")
            return
        }
        throw ConformanceFailure(check: name, detail: "\(what) should be \(code) and is accepted")
    }
}

extension ConformingLease {
    func log() async throws -> [Entry] { try await entries(after: 0, limit: 10_000).map(\.entry) }

    func append(_ entries: [Entry]) async throws { try await append(entries, outcome: nil) }
}

/// The entries of a whole turn.
func turn(_ number: Int, request: String? = nil, text: String = "text") -> [Entry] {
    [
        Entry(turn: number, fact: .input(request: request ?? "request \(number)", text: text)),
        Entry(turn: number, fact: .reply(ModelReply(text: "reply \(number)"))),
    ]
}

private func randomWord() -> String { String(UInt64.random(in: 0 ... .max), radix: 36) }
