// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import PerdureTesting
import Synchronization

@testable import SessionStore

/// A store for the tests of the conformance suite, correct but for one defect.
final class StoreInMemory: ConformingStore {
    typealias Code = SessionStoreError.Code

    struct Failure: Error { let code: Code }

    struct Key: Hashable {
        // Bytes, as two spellings of one character are equal as texts.
        let agent: [UInt8]
        let session: [UInt8]
    }

    struct Session {
        var identity = String(UInt64.random(in: 0 ... .max))
        var entries: [Entry] = []
        var requests: [String: (turn: Int, first: Int)] = [:]
        /// How turns ended, by the number of their last entry.
        var outcomes: [(end: Int, turn: Int, outcome: Outcome)] = []
        var calls: [CallPosition: (effect: ToolEffect, attempt: Int, isOpen: Bool)] = [:]
        var epoch = 0
        var holder: Int?
    }

    let defect: Defect?
    private let sessions = Mutex<[Key: Session]>([:])
    private let leases = Mutex(0)

    init(_ defect: Defect? = nil) { self.defect = defect }

    func code(of error: any Error) -> Code? { (error as? Failure)?.code ?? (error as? SessionStoreError)?.code }

    func lease(
        _ session: String, of agent: String, attempt: String, creating: Bool, until deadline: ContinuousClock.Instant
    ) async throws -> any ConformingLease {
        let key = try key(session, agent)
        let number = leases.withLock { leases in
            leases += 1
            return leases
        }
        while true {
            let epoch: Int? = try sessions.withLock { sessions in
                guard creating || sessions[key] != nil || defect == .createsAlways else {
                    throw Failure(code: .noSuchSession)
                }
                var found = sessions[key] ?? Session()
                if found.holder != nil, defect != .letsEverybodyIn { return nil }
                found.holder = number
                if defect == .changesIdentity { found.identity = "\(number)" }
                sessions[key] = found
                return found.epoch
            }
            if let epoch { return LeaseInMemory(store: self, key: key, number: number, epoch: epoch) }
            guard .now < deadline, defect != .neverWaits else { throw Failure(code: .busy) }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    func erase(_ session: String, of agent: String, until deadline: ContinuousClock.Instant) async throws {
        let key = try key(session, agent)
        try sessions.withLock { sessions in
            guard let found = sessions[key] else {
                if defect == .erasesNothing { return }
                throw Failure(code: .noSuchSession)
            }
            if found.holder != nil, defect != .erasesWhatIsHeld { throw Failure(code: .busy) }
            switch defect {
            case .erasesEntriesOnly:
                sessions[key]?.entries = []
            case .erasesPrefix:
                sessions = sessions.filter { !($0.key.agent == key.agent && $0.key.session.starts(with: key.session)) }
            case .keepsIdentity:
                sessions[key] = Session(identity: found.identity)
            default:
                sessions[key] = nil
            }
        }
    }

    private func key(_ session: String, _ agent: String) throws -> Key {
        if defect != .acceptsAnyName { _ = (try SessionID(session), try AgentName(agent)) }
        let session = defect == .foldsCase ? session.lowercased() : session
        return Key(agent: defect == .hasOneAgent ? [] : Array(agent.utf8), session: Array(session.utf8))
    }

    /// Reads or writes a session for its holder.
    func with<Result: Sendable>(
        _ key: Key, _ number: Int, _ body: (inout Session) throws -> sending Result
    ) throws -> Result {
        try sessions.withLock { sessions in
            guard var found = sessions[key] else { throw Failure(code: .released) }
            let result = try body(&found)
            sessions[key] = found
            return result
        }
    }
}

/// A lease of a `StoreInMemory`.
actor LeaseInMemory: ConformingLease {
    private let store: StoreInMemory
    private let key: StoreInMemory.Key
    private let number: Int
    private var epoch: Int
    private var isReleased = false

    init(store: StoreInMemory, key: StoreInMemory.Key, number: Int, epoch: Int) {
        (self.store, self.key, self.number, self.epoch) = (store, key, number, epoch)
    }

    var identity: String { get throws { try read { $0.identity } } }

    func entries(after sequence: Int, limit: Int) throws -> [(sequence: Int, entry: Entry)] {
        let skipped = store.defect == .repeatsLastOfPage ? max(0, sequence - 1) : sequence
        return Array(try log().dropFirst(skipped).prefix(limit))
    }

    func tail(_ count: Int) throws -> [(sequence: Int, entry: Entry)] {
        let tail = try log().suffix(count)
        return store.defect == .reversesTail ? tail.reversed() : Array(tail)
    }

    func request(_ id: String) throws -> (turn: Int, outcome: Outcome?)? {
        try read { session in
            guard let (turn, first) = session.requests[id] else { return nil }
            return (turn, session.outcomes.first { $0.end > first && $0.turn == turn }?.outcome)
        }
    }

    func append(_ entries: [Entry], outcome: Outcome?) throws {
        guard !isReleased || store.defect == .worksAfterRelease else { throw failure(.released) }
        guard !entries.isEmpty || store.defect == .acceptsEmptyCommits else { throw failure(.emptyCommit) }
        let (defect, epoch) = (store.defect, epoch)
        let refusal: StoreInMemory.Code? = try store.with(key, number) { session in
            guard session.epoch == epoch || defect == .doesNotFence else { return .fenced }
            var next = session
            var refusal: StoreInMemory.Code?
            for entry in entries {
                refusal = refusal ?? next.add(entry, defect)
            }
            if let turn = entries.last?.turn, let outcome, defect != .losesOutcomes {
                next.outcomes.append((next.entries.count, turn, outcome))
            }
            if refusal == nil || defect == .keepsHalfCommits { session = next }
            return refusal
        }
        if let refusal { throw failure(refusal) }
    }

    func loseToAnother() throws -> Bool {
        try store.with(key, number) { $0.epoch += 1 }
        return true
    }

    func release() throws {
        guard !isReleased else { throw failure(.released) }
        isReleased = true
        try store.with(key, number) { $0.holder = nil }
    }

    private func log() throws -> [(sequence: Int, entry: Entry)] {
        try read { session in Array(zip(1..., session.entries)) }
    }

    private func read<Result: Sendable>(
        _ body: (StoreInMemory.Session) -> sending Result
    ) throws -> Result {
        guard !isReleased || store.defect == .worksAfterRelease else { throw failure(.released) }
        return try store.with(key, number) { body($0) }
    }

    private func failure(_ code: StoreInMemory.Code) -> StoreInMemory.Failure { StoreInMemory.Failure(code: code) }
}

extension StoreInMemory.Session {
    /// Returns why the entry is refused.
    mutating func add(_ entry: Entry, _ defect: StoreInMemory.Defect?) -> SessionStoreError.Code? {
        var entry = entry
        switch entry.fact {
        case .input(let request, let text):
            guard requests[request] == nil || defect == .acceptsRequestsTwice else { return .duplicateRequest }
            requests[request] = (entry.turn, entries.count)
            if defect == .cutsTexts {
                entry.fact = .input(request: request, text: String(text.prefix { $0 != "\u{0}" }))
            }
        case .decision(let request, _):
            if let found = requests[request], defect != .acceptsRequestsTwice {
                guard found.turn == entry.turn, defect != .acceptsOneDecision else { return .duplicateRequest }
            } else {
                requests[request] = (entry.turn, entries.count)
            }
        case .claim(let call, _, let effect, let attempt):
            if let found = calls[call], defect != .acceptsClaimsTwice {
                guard effect == .idempotent, found.isOpen, attempt == found.attempt + 1, defect != .claimsOnce else {
                    return .alreadyClaimed
                }
            }
            calls[call] = (effect, attempt, true)
        case .result(let call, _):
            calls[call]?.isOpen = false
        default:
            break
        }
        entries.append(entry)
        return nil
    }
}

extension StoreInMemory {
    /// What is wrong with the store.
    enum Defect: CaseIterable {
        case createsAlways, changesIdentity, letsEverybodyIn, neverWaits, worksAfterRelease, doesNotFence
        case cutsTexts, reversesTail, repeatsLastOfPage, keepsHalfCommits, acceptsEmptyCommits
        case acceptsRequestsTwice, losesOutcomes, acceptsOneDecision, acceptsClaimsTwice, claimsOnce
        case foldsCase, hasOneAgent, acceptsAnyName
        case erasesNothing, erasesWhatIsHeld, erasesEntriesOnly, erasesPrefix, keepsIdentity

        /// The names of the checks that have to fail.
        var failures: [String] {
            switch self {
            case .createsAlways:
                [
                    "a session that was never created is not there",
                    "an erased session is not there, and the next one of its name is new",
                ]
            case .changesIdentity: ["a session keeps its identity, and no other has it"]
            case .letsEverybodyIn:
                ["a leased session is busy", "two leases never hold one session at once"]
            case .neverWaits:
                ["a lease is waited for until its deadline", "two leases never hold one session at once"]
            case .worksAfterRelease: ["a released lease is refused"]
            case .doesNotFence: ["a lease that was lost is fenced, and nothing of its commit stays"]
            case .cutsTexts: ["entries are read as they were written, by the next lease too"]
            case .reversesTail:
                ["the tail is the newest entries, oldest first"]
            case .repeatsLastOfPage: ["pages follow each other without gaps"]
            case .keepsHalfCommits:
                ["a commit is kept whole or not at all", "a call with an effect is claimed once"]
            case .acceptsEmptyCommits: ["a commit without entries is refused"]
            case .acceptsRequestsTwice: ["a commit is kept whole or not at all", "a request is accepted once"]
            case .losesOutcomes:
                ["a request finds its turn and its outcome", "one request may decide on several calls of a turn"]
            case .acceptsOneDecision: ["one request may decide on several calls of a turn"]
            case .acceptsClaimsTwice:
                [
                    "a call with an effect is claimed once",
                    "an idempotent call is claimed again with the next attempt, until it has a result",
                ]
            case .claimsOnce: ["an idempotent call is claimed again with the next attempt, until it has a result"]
            case .foldsCase: ["sessions of similar names are apart"]
            case .hasOneAgent: ["agents do not see each other's sessions"]
            case .acceptsAnyName: ["names that are none are refused"]
            case .erasesNothing: ["what is not there cannot be erased"]
            case .erasesWhatIsHeld: ["a leased session is not erased"]
            case .erasesEntriesOnly:
                [
                    "an erased session is not there, and the next one of its name is new",
                    "what is not there cannot be erased",
                ]
            case .erasesPrefix: ["an erasure leaves other sessions alone"]
            case .keepsIdentity:
                [
                    "an erased session is not there, and the next one of its name is new",
                    "what is not there cannot be erased",
                ]
            }
        }
    }
}
