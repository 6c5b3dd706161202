// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Foundation
import LambdaEmulator
import Perdure
import Synchronization
import Testing

/// An example's bootstrap under the local Lambda, on a folder of its own.
struct Example: Sendable {
    let root: URL
    let emulator: LambdaEmulator
    let lines: Lines
    private let endpoint: String
    private let client = HTTPClient()

    /// What the function has written to its log.
    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func count(of text: String) -> Int { lines.withLock { $0.count { $0.contains(text) } } }
    }

    /// The folder of the examples.
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("examples")

    /// Runs `body` with a function that is taken down afterwards, whatever happens.
    static func run(
        _ name: String,
        environment: [String: String] = [:],
        concurrency: Int = 1,
        _ body: (Example) async throws -> Void
    ) async throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("perdure-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        var variables = environment
        variables["PERDURE_ROOT"] = root.path
        let bootstrap = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent(name)
        let function = FunctionConfiguration(
            name: "agent", bootstrap: bootstrap.path, environment: variables, timeout: .seconds(60),
            maximumConcurrency: concurrency)
        let lines = Lines()
        let emulator = LambdaEmulator(functions: [function]) { lines.add($0) }
        let address = try await emulator.start()
        do {
            try await body(
                Example(root: root, emulator: emulator, lines: lines, endpoint: address.description))
        } catch {
            await emulator.shutdown()
            throw error
        }
        await emulator.shutdown()
    }

    /// Sends an event to the function; the answer, and whether it is a function error.
    func invoke(_ event: JSONValue) async throws -> (answer: JSONValue, isError: Bool) {
        let request = HTTPRequest(
            method: .post, url: "\(endpoint)/2015-03-31/functions/agent/invocations",
            headers: ["Content-Type": "application/json"], body: event.bytes())
        let response = try await client.send(request, limits: HTTPLimits(timeout: .seconds(120)))
        return (try JSONValue(parsing: response.body), response.fields.contains(name: "X-Amz-Function-Error"))
    }

    /// Ends the sandboxes as a crash does.
    func killSandboxes() async {
        for process in await emulator.sandboxProcessIDs { kill(process, SIGKILL) }
    }

    /// What the stock `sqlite3` shell, an independent reader, says about a file below the root.
    func query(_ file: String, _ sql: String) throws -> String {
        let shell = Process()
        shell.executableURL = URL(filePath: "/usr/bin/env")
        shell.arguments = ["sqlite3", root.appendingPathComponent(file).path, sql]
        let pipe = Pipe()
        shell.standardOutput = pipe
        try shell.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        shell.waitUntilExit()
        return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    /// The file of the one session there is, below the root.
    func session() throws -> String {
        let files = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        let found = files.filter { $0.hasSuffix("/s.db") }
        try #require(found.count == 1)
        return found[0]
    }
}

/// Waits until a condition holds, up to half a minute.
func eventually(_ condition: () -> Bool) async throws {
    let limit = ContinuousClock.now.advanced(by: .seconds(30))
    while !condition() {
        try #require(ContinuousClock.now < limit, "the condition never came to hold")
        try await Task.sleep(for: .milliseconds(2))
    }
}
