// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Testing

/// A bootstrap under the local Lambda, with a scripted model, for one test.
struct Deployment: Sendable {
    let root: URL
    let model: ScriptedModelServer
    let emulator: LambdaEmulator
    let endpoint: String
    private let client = HTTPClient()

    /// Runs `body` with a function that is taken down afterwards, whatever happens.
    @discardableResult
    static func run<Result: Sendable>(
        environment: [String: String] = [:],
        concurrency: Int = 1,
        perSandbox: Int = 1,
        configure: (inout FunctionConfiguration) -> Void = { _ in },
        log: @escaping @Sendable (String) -> Void = { _ in },
        answer: @escaping @Sendable (Int, JSONValue) -> ScriptedModelServer.Step,
        _ body: @Sendable (Deployment) async throws -> Result
    ) async throws -> Result {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("perdure-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let model = try ScriptedModelServer(answer)
        var variables = environment
        variables["PERDURE_ROOT"] = root.appendingPathComponent("mnt").path
        variables["PERDURE_MODEL_URL"] = model.url
        variables["EFFECTS"] = root.appendingPathComponent("effects").path
        variables["CRASH_MARK"] = root.appendingPathComponent("mark").path
        var function = FunctionConfiguration(
            name: "agent",
            bootstrap: Self.bootstrap,
            environment: variables,
            timeout: .seconds(60),
            maximumConcurrency: concurrency
        )
        function.concurrencyPerSandbox = perSandbox
        configure(&function)
        let emulator = LambdaEmulator(functions: [function], log: log)
        let address = try await emulator.start()
        let result: Result
        do {
            result = try await body(
                Deployment(root: root, model: model, emulator: emulator, endpoint: address.description))
        } catch {
            await emulator.shutdown()
            throw error
        }
        await emulator.shutdown()
        return result
    }

    /// The executable beside the test bundle.
    private static var bootstrap: String {
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("CrashAgent").path
    }

    /// Sends an event to the function; the answer, and whether it is a function error.
    func invoke(_ event: JSONValue) async throws -> (answer: JSONValue, isError: Bool) {
        let request = HTTPRequest(
            method: .post,
            url: "\(endpoint)/2015-03-31/functions/agent/invocations",
            headers: ["Content-Type": "application/json"],
            body: event.bytes()
        )
        let response = try await client.send(request, limits: HTTPLimits(timeout: .seconds(120)))
        return (try JSONValue(parsing: response.body), response.fields.contains(name: "X-Amz-Function-Error"))
    }

    /// Hands the function an event that nobody waits for the answer of.
    func post(_ event: JSONValue) async throws {
        let request = HTTPRequest(
            method: .post,
            url: "\(endpoint)/2015-03-31/functions/agent/invocations",
            headers: ["Content-Type": "application/json", "X-Amz-Invocation-Type": "Event"],
            body: event.bytes()
        )
        let response = try await client.send(request, limits: HTTPLimits(timeout: .seconds(30)))
        #expect(response.status == 202)
    }

    /// The names of the schedules that are to fire.
    var schedules: [String] {
        get async throws {
            let response = try await client.send(HTTPRequest(url: "\(endpoint)/schedules"))
            let list = try JSONValue(parsing: response.body)["Schedules"]?.array ?? []
            return list.compactMap { $0["Name"]?.string }
        }
    }

    /// The kinds of the log's entries, joined by spaces.
    var kinds: String {
        get throws { try query("SELECT group_concat(kind, ' ') FROM (SELECT kind FROM log ORDER BY seq)") }
    }

    /// Sends an event until its turn has ended, or waits for something else than time in an invocation.
    func settled(_ event: JSONValue) async throws -> JSONValue {
        while true {
            let (answer, isError) = try await invoke(event)
            guard !isError, let status = answer["status"]?.string, ["continuing", "suspended"].contains(status) else {
                return answer
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Sends an event to the function and passes on what it says while it says it, for as long as `onPiece` says so.
    ///
    /// Returns the content type that the function gave, and the message at the end; nil when it was not waited for.
    func stream(
        _ event: JSONValue, onPiece: @Sendable (String) -> Bool
    ) async throws -> (contentType: String?, complete: String?) {
        let request = HTTPRequest(
            method: .post,
            url: "\(endpoint)/2021-11-15/functions/agent/response-streaming-invocations",
            headers: ["Content-Type": "application/json"],
            body: event.bytes()
        )
        let response = try await client.stream(request, limits: HTTPLimits(timeout: .seconds(120)))
        let contentType = response.head.fields["X-Amzn-Remapped-Content-Type"]
        var decoder = InvokeStreamDecoder()
        for try await bytes in response.body {
            for message in try decoder.decode(bytes) {
                switch message {
                case .complete(let json): return (contentType, String(decoding: json, as: UTF8.self))
                case .payload(let payload):
                    // To let go of the response closes the connection.
                    guard onPiece(String(decoding: payload, as: UTF8.self)) else { return (contentType, nil) }
                }
            }
        }
        return (contentType, nil)
    }

    /// What the tools left behind, in order.
    var effects: [(tool: String, key: String)] {
        let text = (try? String(contentsOf: root.appendingPathComponent("effects"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { line in
            let words = line.split(separator: " ").map(String.init)
            return (words[0], words[1])
        }
    }

    /// What the stock `sqlite3` shell, an independent reader, says about the one session that an agent has.
    func query(_ sql: String, of agent: String = "crash") throws -> String {
        let files = FileManager.default.enumerator(atPath: root.appendingPathComponent("mnt").path)
        let found =
            files?.compactMap { $0 as? String }.filter { $0.hasPrefix("\(agent)/") && $0.hasSuffix("s.db") } ?? []
        try #require(found.count == 1)
        let shell = Process()
        shell.executableURL = URL(filePath: "/usr/bin/env")
        shell.arguments = ["sqlite3", root.appendingPathComponent("mnt/\(found[0])").path, sql]
        let pipe = Pipe()
        shell.standardOutput = pipe
        try shell.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        shell.waitUntilExit()
        return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
}
