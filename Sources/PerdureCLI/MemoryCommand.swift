// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Perdure

/// `perdure memory`: what an agent keeps beyond the conversation.
struct MemoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract: "List, show or search the memory of a session, or the one that an agent's sessions share.",
        discussion: """
            Nothing counts as a use of what is shown. What is removed stays in the log of the session that wrote it, and \
            is not overwritten on the disk. `perdure export` writes all of a memory, and `perdure erase --shared` removes a shared one. \
            \(exitStatuses)
            """
    )

    @Argument(help: "The id of the session; none with --shared.")
    var session: String?

    @Flag(help: "The memory that the agent's sessions share.")
    var shared = false

    @Option(help: "The agent, where several have a session of that id, or a shared memory.")
    var agent: String?

    @OptionGroup var options: StoreOptions

    @Option(help: "Print the text at a path.")
    var show: String?

    @Option(help: "List the files that have these words.")
    var search: String?

    @Option(help: "List the files that were neither used nor written for that many days, the longest first.")
    var unusedFor: Int?

    @Option(help: "Remove the text at a path, or a folder.")
    var remove: String?

    func validate() throws {
        guard shared == (session == nil) else { throw ValidationError("give either a session or --shared") }
        guard [show != nil, search != nil, unusedFor != nil, remove != nil].count(where: \.self) <= 1 else {
            throw ValidationError("give one of --show, --search, --unused-for and --remove")
        }
        if let unusedFor, !(0...100_000).contains(unusedFor) {
            throw ValidationError("--unused-for is a number of days")
        }
    }

    func run() async throws {
        let store = try options.store()
        let found = try StoredSession(session.map { try SessionID($0) } ?? .sharedMemory, of: agent, in: store)
        if let show {
            try print(text: show, of: found)
        } else if let search {
            try print(matches: found.withLease { try $0.searchMemory(search, limit: 100) })
        } else if let unusedFor {
            let time = wallClock() - Int64(unusedFor) * 86_400_000
            try print(entries: found.withLease { try $0.staleMemories(notUsedSince: time) })
        } else if let remove {
            let path = try memoryPath(remove)
            try found.withLease(attempt: "remove") { try $0.change(.remove(path)) }
            options.report(
                found.json(["removed": .init(path.rawValue)]),
                "\(path.rawValue.printableLine) was removed from the memory of \(found.description)")
        } else {
            try print(entries: found.withLease { try $0.memories() })
        }
    }

    private func print(entries: [MemoryEntry]) {
        if options.json {
            print(json: .array(entries.map(\.json)))
        } else if entries.isEmpty {
            Swift.print("no memories")
        } else {
            var table = Table(["PATH", "BYTES", "VERSION", "USES", "USED", "UPDATED"])
            for entry in entries {
                table.add([
                    entry.path.rawValue.printableLine, "\(entry.size)", "\(entry.version)", "\(entry.uses)",
                    entry.used.map(timestamp) ?? "never", timestamp(entry.updated),
                ])
            }
            Swift.print(table)
        }
    }

    private func print(matches: [MemoryMatch]) {
        if options.json {
            print(
                json: .array(matches.map { ["path": .init($0.path.rawValue), "excerpt": .init($0.excerpt)] }))
        } else if matches.isEmpty {
            Swift.print("no memory matches")
        }
        for match in matches where !options.json {
            Swift.print("\(match.path.rawValue.printableLine): \(match.excerpt.printableLine)")
        }
    }

    /// As the model names it, or as the list does.
    private func memoryPath(_ given: String) throws -> MemoryPath {
        let root = "/memories/"
        return try MemoryPath(given.hasPrefix(root) ? String(given.dropFirst(root.count)) : given)
    }

    private func print(text given: String, of found: StoredSession) throws {
        let path = try memoryPath(given)
        let (entry, text) = try found.withLease { lease in
            (try lease.memory(at: path), try lease.memoryText(at: path))
        }
        guard let entry, let text else { throw ValidationError("there is no memory \(path.rawValue.printableLine)") }
        if options.json, case .object(var object) = entry.json {
            object["text"] = .init(text)
            print(json: .object(object))
        } else {
            Swift.print(text.printable, terminator: text.hasSuffix("\n") ? "" : "\n")
        }
    }

    private func print(json: JSONValue) { Swift.print(json.pretty) }
}

extension MemoryEntry {
    fileprivate var json: JSONValue {
        [
            "path": .init(path.rawValue), "bytes": .init(size), "version": .init(version), "uses": .init(uses),
            "used": used.map { .init(timestamp($0)) } ?? .null, "updated": .init(timestamp(updated)),
        ]
    }
}
