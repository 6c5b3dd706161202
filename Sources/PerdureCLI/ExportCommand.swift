// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Foundation
import Perdure

/// `perdure export`: a session as JSON Lines.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a session, or a shared memory, as JSON Lines, which `perdure import` reads.",
        discussion: """
            With --salvage, writes what can be read of a damaged session, or of one that was moved aside: the turns that \
            are complete and stand before the first damage. Imported, that is a session with a new identity. \
            \(exitStatuses)
            """
    )

    @Argument(help: "The id of the session; leave it out with --shared or --salvage.")
    var session: String?

    @Flag(help: "The memory that the agent's sessions share.")
    var shared = false

    @Option(help: "The agent, where several have a session of that id, or a shared memory.")
    var agent: String?

    @Option(help: "The file to create; standard output unless given.")
    var output: String?

    @Option(help: "The folder of a damaged session, below the root, as `perdure verify` names it.")
    var salvage: String?

    @Option(help: "The folder that the sessions are kept in.")
    var root = ".perdure"

    func validate() throws {
        guard [session != nil, shared, salvage != nil].count(where: \.self) == 1 else {
            throw ValidationError("give the id of a session, --shared or --salvage")
        }
    }

    func run() async throws {
        let store = try StoreOptions.store(root)
        let archive: SessionArchive
        if let salvage {
            archive = try store.salvage(folder: salvage)
        } else {
            let id = try session.map { try SessionID($0) } ?? .sharedMemory
            let found = try StoredSession(id, of: agent, in: store)
            archive = try found.withLease { try $0.archive() }
        }
        guard let output else { return try write(archive, to: STDOUT_FILENO) }
        // A backup is not written over: what is being exported may be worse than what was exported before.
        let file = open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw CommandFailure(errno, output) }
        do {
            try write(archive, to: file)
            guard fsync(file) == 0 else { throw CommandFailure(errno, output) }
            guard close(file) == 0 else { throw CommandFailure(errno, output) }
        } catch {
            unlink(output)
            throw error
        }
    }

    private func write(_ archive: SessionArchive, to file: Int32) throws {
        var bytes: [UInt8] = []
        for line in archive.lines {
            line.write(to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
            if bytes.count > 1 << 16 {
                try writeAll(bytes, to: file)
                bytes = []
            }
        }
        try writeAll(bytes, to: file)
    }

    private func writeAll(_ bytes: [UInt8], to file: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // As SIGPIPE would have ended it, had it not been ignored by whoever started this.
            if count < 0, errno == EPIPE { throw ExitCode(128 + SIGPIPE) }
            guard count > 0 else { throw CommandFailure(errno, output ?? "standard output") }
            rest = rest.dropFirst(count)
        }
    }
}

/// What a command ends with.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    /// What is said may hold texts of others, such as the names of checkpoints.
    init(_ error: any Error) { description = "\(error)".printable }

    init(_ sentence: String) { description = sentence.printable }

    init(_ number: Int32, _ path: String) {
        description = "\(path): \(String(cString: strerror(number)))".printable
    }
}
