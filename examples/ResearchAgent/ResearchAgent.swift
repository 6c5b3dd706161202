// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import OwnFiles
import Perdure

/// Fetches what there is on a topic, notes what it says, and writes a report when somebody agrees: one function, over three
/// invocations and as many days as it takes.
@main
struct ResearchAgent: WorkflowFunction {
    struct Topic: Codable {
        let topic: String
    }

    struct Consent: Codable {
        let by: String
    }

    static let name = "research"
    private let library: Library
    private let root: String

    init() throws {
        let environment = RuntimeEnvironment.current()
        library = Library(folder: environment["SOURCES"] ?? "\(environment["LAMBDA_TASK_ROOT"] ?? ".")/sources")
        root = environment["PERDURE_ROOT"] ?? "/mnt/agents"
    }

    func run(_ input: Topic, session: WorkflowSession) async throws -> String {
        let files = try OwnFolder(below: root, agent: Self.name, session: session.id)

        // The first invocation: every source is fetched once, into the folder.
        let titles = try await session.step("list") { try library.titles() }
        for title in titles {
            try await session.step("fetch \(title)", retries: .exponential()) {
                let text = try library.text(title)
                try files.write(text, to: title)
                return text.utf8.count
            }
        }
        try await session.wait("for the library's sake", for: .seconds(2))

        // The second: what the sources say becomes rows of a table.
        let count = try await session.step("analyse") {
            let notes = try Notes(files)
            for title in titles { try notes.take(from: title, on: input.topic) }
            return try notes.count()
        }
        let consent = try await session.waitForSignal("consent", as: Consent.self)

        // The third.
        return try await session.step("report") {
            let report = try Notes(files).report(on: input.topic, count: count, agreedBy: consent.by)
            try files.write(report, to: "report.md")
            return report
        }
    }
}
