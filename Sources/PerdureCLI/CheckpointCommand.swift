// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Perdure

/// `perdure checkpoint`: gives a turn a name.
struct CheckpointCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Give the newest turn of a session a name, to go back to or to fork at.",
        discussion: "A name that is used again names the newer turn. `perdure show` lists them. \(exitStatuses)"
    )

    @OptionGroup var argument: SessionArgument

    @Argument(help: "The name: 1 to 256 bytes without control characters.")
    var label: String

    func run() async throws {
        let found = try argument.find()
        let turn = try found.withLease(attempt: "checkpoint") { lease in
            try lease.checkpoint(label)
            return try lease.history().turn
        }
        argument.options.report(
            found.json(["turn": .init(turn), "checkpoint": .init(label)]),
            "turn \(turn) of \(found.description) is named \(label.printableLine)")
    }
}

/// `perdure rewind`: takes a conversation back.
struct RewindCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rewind",
        abstract: "Take a conversation back to the end of a turn.",
        discussion: """
            It goes on as if what came after had not been said. The log keeps everything; what tools did is not undone. \
            \(exitStatuses)
            """
    )

    @OptionGroup var argument: SessionArgument

    @Option(help: "The turn; 0 is the beginning.")
    var toTurn: Int?

    @Option(help: "The name of the turn.")
    var checkpoint: String?

    func validate() throws {
        guard (toTurn == nil) != (checkpoint == nil) else {
            throw ValidationError("give either --to-turn or --checkpoint")
        }
    }

    func run() async throws {
        let found = try argument.find()
        let turn = try found.withLease(attempt: "rewind") { lease in
            let name = TurnName(number: toTurn, checkpoint: checkpoint)
            let turn = try name.turn(in: lease.history()) ?? 0
            try lease.rewind(toTurn: turn)
            return turn
        }
        argument.options.report(
            found.json(["turn": .init(turn)]), "\(found.description) goes on from the end of turn \(turn)")
    }
}

/// `perdure fork`: a second session with the same beginning.
struct ForkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fork",
        abstract: "Make a new session that goes on from the end of a turn of another one.",
        discussion: "Refuses a session that exists. \(exitStatuses)"
    )

    @OptionGroup var argument: SessionArgument

    @Argument(help: "The id of the new session.")
    var new: String

    @Option(help: "The turn to go on from; the newest unless given.")
    var atTurn: Int?

    @Option(help: "The name of the turn to go on from.")
    var checkpoint: String?

    func validate() throws {
        guard atTurn == nil || checkpoint == nil else {
            throw ValidationError("give either --at-turn or --checkpoint")
        }
    }

    func run() async throws {
        let found = try argument.find()
        let copy = try StoredSession(new, of: found.agent.rawValue, in: found.store)
        let turn = try found.withLease { lease in
            let history = try lease.history()
            return try TurnName(number: atTurn, checkpoint: checkpoint).turn(in: history) ?? history.turn
        }
        try found.store.fork(
            found.session, of: found.agent, atTurn: turn, as: copy.session, until: StoredSession.deadline)
        argument.options.report(
            copy.json(["turn": .init(turn), "from": .init(found.session.rawValue)]),
            "\(copy.description) goes on from the end of turn \(turn) of \(found.description)")
    }
}

/// What every command on stored sessions says in its help.
let exitStatuses = "Exit status: 0 when it was done, 1 when it failed, 64 for arguments that are wrong."

extension StoreOptions {
    /// Prints what was done.
    func report(_ value: JSONValue, _ sentence: String) {
        print(json ? value.pretty : sentence)
    }
}
