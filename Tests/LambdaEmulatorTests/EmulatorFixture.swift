// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Foundation
import Synchronization
import Testing

@testable import LambdaEmulator

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A running emulator with one scripted function, `scripted`, and what it logged.
struct EmulatorFixture {
    private static let client = HTTPClient()

    let emulator: LambdaEmulator
    let endpoint: String
    let log: LogLines
    let folder: URL

    /// Answer of the Invoke API.
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: Data

        var json: [String: Any] { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:] }
        var isFunctionError: Bool { headers["x-amz-function-error"] == "Unhandled" }
        /// Status and error type of each post the script made besides its answer.
        var posts: [String] {
            (json["posts"] as? [[Any]] ?? []).map { "\($0[0]) \(($0[1] as? [String: Any])?["errorType"] ?? "")" }
        }
    }

    func invoke(
        _ event: Any, name: String = "scripted", headers: [String: String] = [:], raw: Data? = nil
    ) async throws -> Answer {
        let body = try raw ?? JSONSerialization.data(withJSONObject: event, options: .fragmentsAllowed)
        var request = HTTPRequest(
            method: .post, url: "\(endpoint)/2015-03-31/functions/\(name)/invocations", body: Array(body))
        for (key, value) in headers { request.headers[key] = value }
        // Not URLSession: a run was seen to hang in it, in a lock of its own, on Linux.
        let response = try await Self.client.send(request)
        let fields = response.fields.map { ($0.name.lowercased(), $0.value) }
        return Answer(status: response.status, headers: Dictionary(fields) { $1 }, body: Data(response.body))
    }

    /// A path in a folder that goes with the test.
    func path(_ name: String) -> String { folder.appending(path: name).path }

    func create(_ path: String) {
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
    }
}

/// Runs `body` with an emulator; after it, no sandbox that was ever seen may be left.
func withEmulator(
    configure: (inout FunctionConfiguration) -> Void = { _ in },
    _ body: (EmulatorFixture) async throws -> Void
) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var function = FunctionConfiguration(
        name: "scripted", bootstrap: Fixtures.script("scripted.py"), environment: ["PATH": try await Python.path()],
        timeout: .seconds(60))
    function.initTimeout = .seconds(60)
    configure(&function)
    let log = LogLines()
    let emulator = LambdaEmulator(functions: [function]) { log.add($0) }
    let address = try await emulator.start()
    let fixture = EmulatorFixture(emulator: emulator, endpoint: "\(address)", log: log, folder: folder)
    let result = await Result { try await body(fixture) }
    let last = await emulator.sandboxProcessIDs
    await emulator.shutdown()
    #expect(await emulator.sandboxProcessIDs.isEmpty)
    #expect(last.filter { processState($0) != nil } == [], "shutdown reaps every child")
    try result.get()
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}

enum Fixtures {
    static func script(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/LambdaEmulator/\(name)").path
    }
}

final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }

    /// The first line with this beginning, once there is one.
    func line(_ prefix: String) async throws -> String {
        try await eventually("a line \(prefix)") { all.first { $0.hasPrefix(prefix) } }
    }
}

/// Waits until `value` is there: looks every 5 ms, for 30 s.
func eventually<T>(_ what: String, _ value: () async throws -> T?) async throws -> T {
    let end = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < end {
        if let value = try await value() { return value }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("waited in vain for \(what)")
    throw CancellationError()
}

/// The state letter of a process in `/proc`, e.g. `T` for stopped; nil when it is gone.
func processState(_ pid: Int32) -> Character? {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return nil }
    // The second field is the name in parentheses, which may hold anything.
    return text.split(separator: ")").last?.first { $0 != " " }
}

/// Runs a program to its end; its output goes through files, so it cannot fill a pipe.
func runProgram(_ arguments: [String], environment: [String: String] = [:]) async throws
    -> (status: Int32, output: String, errors: String)
{
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = try ["output", "errors"].map { name in
        let path = folder.appending(path: name)
        _ = FileManager.default.createFile(atPath: path.path, contents: nil)
        return (path, try FileHandle(forWritingTo: path))
    }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = files[0].1
    process.standardError = files[1].1
    let status = try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int32, any Error>) in
        process.terminationHandler = { done.resume(returning: $0.terminationStatus) }
        do {
            try process.run()
        } catch {
            process.terminationHandler = nil
            done.resume(throwing: error)
        }
    }
    let texts = try files.map { try String(contentsOf: $0.0, encoding: .utf8) }
    return (status, texts[0], texts[1])
}

/// The Python that runs the scripts.
enum Python {
    private static let interpreter = Task {
        let result = try await runProgram(["python3", "-c", "import sys; print(sys.executable)"])
        guard result.status == 0 else { throw CocoaError(.executableNotLoadable) }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A PATH on which `python3` is the interpreter itself and not a wrapper that takes long.
    static func path() async throws -> String {
        URL(filePath: try await interpreter.value).deletingLastPathComponent().path + ":/usr/bin:/bin"
    }

    static func canImport(_ module: String) async -> Bool {
        (try? await runProgram(["python3", "-c", "import \(module)"]).status) == 0
    }
}
