// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Logging
import OwnFiles
import Perdure

/// Reads a long document page by page, each page once, and answers questions with the numbers of the pages.
@main
struct DocumentAgent: WorkflowFunction {
    /// One of the two.
    struct Request: Codable {
        /// Reads the document.
        var read: Bool?
        /// Finds the pages that answer a question.
        var ask: String?
    }

    struct Reply: Codable {
        var pages: Int?
        var words: Int?
        var found: [PageIndex.Hit]?
    }

    static let name = "document"
    private let document: String
    private let root: String
    /// What a page takes: a text costs nothing, a scan would.
    private let pace: Duration
    private let logger = Logger(label: "document")

    init() throws {
        let environment = RuntimeEnvironment.current()
        document = environment["DOCUMENT"] ?? "\(environment["LAMBDA_TASK_ROOT"] ?? ".")/document.txt"
        root = environment["PERDURE_ROOT"] ?? "/mnt/agents"
        pace = .milliseconds(environment["PAGE_MILLISECONDS"].flatMap { Int($0) } ?? 0)
    }

    func run(_ input: Request, session: WorkflowSession) async throws -> Reply {
        let folder = try OwnFolder(below: root, agent: Self.name, session: session.id)
        if let question = input.ask {
            return Reply(found: try await session.step("search") { try PageIndex(folder).pages(about: question) })
        }
        let pages = try await session.step("open") { try Document(document).pages.count }
        // Read when a page of it is needed, and not again for each.
        var opened: Document?
        var words = 0
        for page in 1..<(pages + 1) {
            words += try await session.step("page \(page)") {
                logger.info("reading page \(page) of \(pages)")
                try await Task.sleep(for: pace)
                let document = try opened ?? Document(document)
                opened = document
                let text = try document.page(page)
                try PageIndex(folder).add(text, as: page)
                return text.split(whereSeparator: \.isWhitespace).count
            }
        }
        return Reply(pages: pages, words: words)
    }
}
