// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Foundation
import Perdure

/// `perdure verify`: whether the sessions are whole.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify the sessions below a root folder: SQLite's structures, the log, and what stands beside it.",
        discussion: """
            Locks each session as a turn does, and reads all of it; nothing is changed. Sessions that are leased are \
            listed and skipped. Exit status: 0 when nothing was found, 1 when something was or when it failed, 64 for \
            arguments that are wrong.
            """
    )

    @Argument(help: "The folder that the sessions are kept in.")
    var root = ".perdure"

    @Option(help: "Verify the sessions of this agent only.")
    var agent: String?

    @Option(help: "Verify the sessions of this id only.")
    var session: String?

    @Option(help: "How many sessions to verify at once (1 to 64).")
    var jobs = 4

    @Flag(help: "Move the sessions that are damaged aside, as `perdure quarantine` does.")
    var quarantine = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...64).contains(jobs) else { throw ValidationError("--jobs must be 1 to 64") }
    }

    func run() async throws {
        let store = try StoreOptions.store(root)
        let progress = VerifyProgress()
        let reports = try await verify(folders(in: store), in: store, progress)
        await progress.clear()
        var moved: [String: Result<QuarantinedSession, SessionStoreError>] = [:]
        for report in reports where quarantine && report.isDamaged {
            do {
                moved[report.folder] = .success(try store.quarantine(folder: report.folder))
            } catch {
                moved[report.folder] = .failure(error)
            }
        }
        let summary = VerifySummary(root: store.root, reports: reports, moved: moved)
        print(json ? summary.json.pretty : summary.description)
        if reports.contains(where: { !$0.findings.isEmpty }) { throw ExitCode(1) }
    }

    private func folders(in store: SessionStore) throws -> [String] {
        let agent = try self.agent.map { try AgentName($0) }
        guard let session = try self.session.map({ try SessionID($0) }) else {
            return try store.folders().filter { folder in agent.map { folder.hasPrefix("\($0)/") } ?? true }
        }
        let agents = try store.agents(having: session).filter { agent == nil || $0 == agent }
        guard !agents.isEmpty else { throw CommandFailure("there is no session \(session) below \(store.root)") }
        return agents.map { store.path(of: session, agent: $0) }
    }

    /// Each of several threads takes the next folder, until there is none.
    private func verify(
        _ folders: [String], in store: SessionStore, _ progress: VerifyProgress
    ) async throws -> [SessionReport] {
        let count = folders.count
        let queue = FolderQueue(folders)
        return try await withThrowingTaskGroup(of: [SessionReport].self) { group in
            for _ in 0..<min(jobs, count) {
                group.addTask {
                    let worker = VerifyWorker(store: store)
                    var reports: [SessionReport] = []
                    while let folder = await queue.next() {
                        guard let report = try await worker.verify(folder) else { continue }
                        reports.append(report)
                        await progress.add(report, of: count)
                    }
                    return reports
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }.sorted { $0.folder < $1.folder }
        }
    }
}

/// What is left to do.
private actor FolderQueue {
    private var rest: ArraySlice<String>

    init(_ folders: [String]) { rest = folders[...] }

    func next() -> String? { rest.popFirst() }
}

/// Verifies on a thread of its own, as it blocks on the file system.
private actor VerifyWorker {
    private let thread = StorageThread()
    private let store: SessionStore
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(store: SessionStore) { self.store = store }

    /// Nil when the session has gone since it was listed.
    func verify(_ folder: String) throws -> SessionReport? {
        do {
            return try store.verify(folder: folder)
        } catch  where error.code == .noSuchSession {
            return nil
        }
    }
}
