// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LambdaEmulator

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

struct ExtensionsTests {
    struct RegisterCase: Sendable, CustomTestStringConvertible {
        var name: String? = "one"
        var body = #"{"events":[]}"#
        var isClosed = false
        var allowsInvocations = true
        var refusal: String?
        var testDescription: String { "\(name ?? "no name") \(body) \(refusal ?? "")" }
    }

    @Test(arguments: [
        RegisterCase(), RegisterCase(body: "{}"), RegisterCase(body: #"{"events":null}"#),
        RegisterCase(body: #"{"events":["INVOKE"]}"#),
        RegisterCase(
            body: #"{"events":["INVOKE"]}"#, allowsInvocations: false, refusal: "Extension.InvalidEventType"),
        RegisterCase(body: #"{"events":["SHUTDOWN"]}"#, refusal: "Extension.InvalidEventType"),
        RegisterCase(body: #"{"events":["INVOKE","SHUTDOWN"]}"#, refusal: "Extension.InvalidEventType"),
        RegisterCase(body: #"{"events":["OTHER"]}"#, refusal: "Extension.InvalidEventType"),
        RegisterCase(body: "", refusal: "InvalidRequestFormat"),
        RegisterCase(body: "[]", refusal: "InvalidRequestFormat"),
        RegisterCase(body: #"{"events":[1]}"#, refusal: "InvalidRequestFormat"),
        RegisterCase(name: nil, refusal: "Extension.InvalidExtensionName"),
        RegisterCase(name: "", refusal: "Extension.InvalidExtensionName"),
        RegisterCase(isClosed: true, refusal: "Extension.RegistrationClosed"),
        RegisterCase(name: "there", refusal: "Extension.InvalidExtensionState"),
    ])
    func `a registration is checked`(_ test: RegisterCase) throws {
        var extensions = Extensions(allowsInvocations: test.allowsInvocations)
        _ = try extensions.register(name: "there", body: ByteBuffer(string: "{}"))
        if test.isClosed { extensions.close() }
        do throws(RuntimeAPIError) {
            let identifier = try extensions.register(name: test.name, body: ByteBuffer(string: test.body))
            #expect(UUID(uuidString: identifier) != nil)
            #expect(test.refusal == nil)
        } catch {
            #expect(error.status == .forbidden && error.type == test.refusal)
            #expect(extensions.members.count == 1)
        }
    }

    @Test func `there are ten at most`() throws {
        var extensions = Extensions()
        for number in 1...10 { _ = try extensions.register(name: "\(number)", body: ByteBuffer(string: "{}")) }
        let error = #expect(throws: RuntimeAPIError.self) {
            try extensions.register(name: "11", body: ByteBuffer(string: "{}"))
        }
        #expect(error?.type == "Extension.TooManyExtensions")
    }

    @Test(arguments: [
        (nil, "Extension.MissingExtensionIdentifier"), ("x", "Extension.InvalidExtensionIdentifier"),
        ("11111111-1111-1111-1111-111111111111", "Extension.UnknownExtensionIdentifier"),
    ])
    func `only a registered extension may poll`(identifier: String?, refusal: String) {
        var extensions = Extensions()
        let error = #expect(throws: RuntimeAPIError.self) { try extensions.poll(identifier) }
        #expect(error?.status == .forbidden && error?.type == refusal)
    }

    @Test func `an extension is busy from an invocation that it asked for to its next poll`() throws {
        var extensions = Extensions()
        #expect(extensions.areWaiting)
        let silent = try extensions.register(name: "silent", body: ByteBuffer(string: "{}"))
        let told = try extensions.register(name: "told", body: ByteBuffer(string: #"{"events":["INVOKE"]}"#))
        #expect(!extensions.areWaiting)
        _ = try extensions.poll(silent)
        #expect(!extensions.areWaiting)
        _ = try extensions.poll(told.uppercased())
        #expect(extensions.areWaiting)
        #expect(extensions.beginInvocation() == [told])
        #expect(!extensions.areWaiting)
        _ = try extensions.poll(told)
        #expect(extensions.areWaiting)
    }
}

/// Extensions inside a runtime's process, and the signal that they are for.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ExtensionTests {
    @Test func `a runtime with an extension gets SIGTERM at the end, though it is frozen`() async throws {
        let term = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: term) }
        try await withEmulator(configure: { $0.environment.merge(extended(term)) { $1 } }) { fixture in
            let answer = try await fixture.invoke([:])
            let pid = Int32(try #require(answer.json["pid"] as? Int))
            let registered = try await fixture.log.line("registered 200 ")
            #expect(
                registered
                    == #"registered 200 {"functionName":"scripted","functionVersion":"$LATEST","handler":"bootstrap"}"#)
            _ = try await eventually("state T") { processState(pid) == "T" ? true : nil }
            await fixture.emulator.shutdown()
            #expect(FileManager.default.fileExists(atPath: term))
        }
    }

    @Test func `a runtime without an extension gets no SIGTERM`() async throws {
        let term = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try await withEmulator(configure: { $0.environment["SIGTERM"] = term }) { fixture in
            _ = try await fixture.invoke([:])
            await fixture.emulator.shutdown()
            #expect(!FileManager.default.fileExists(atPath: term))
        }
    }

    @Test func `a runtime that ignores SIGTERM is killed`() async throws {
        let term = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: term) }
        try await withEmulator(configure: {
            $0.environment.merge(extended(term)) { $1 }
            $0.environment["SIGTERM_IGNORED"] = "1"
        }) { fixture in
            let answer = try await fixture.invoke([:])
            let pid = Int32(try #require(answer.json["pid"] as? Int))
            // One that still came to ask for an invocation would be refused, and exit.
            _ = try await eventually("state T") { processState(pid) == "T" ? true : nil }
            let start = ContinuousClock.now
            await fixture.emulator.shutdown()
            let duration = start.duration(to: .now)
            #expect(duration >= Sandbox.terminationGrace && duration < .seconds(60))
            #expect(FileManager.default.fileExists(atPath: term))
            #expect(processState(pid) == nil)
        }
    }

    @Test func `a runtime with an extension gets SIGTERM at the deadline`() async throws {
        let term = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: term) }
        try await withEmulator(configure: {
            $0.environment.merge(extended(term)) { $1 }
            $0.timeout = .seconds(3)
        }) { fixture in
            _ = try await fixture.invoke([:])
            let answer = try await fixture.invoke(["sleep": 60], headers: ["X-Perdure-Request-Id": "id"])
            #expect(answer.json["errorType"] as? String == "Sandbox.Timedout")
            #expect(FileManager.default.fileExists(atPath: term))
            #expect(
                try await fixture.log.line("REPORT RequestId: id\tDuration: 3000.00 ms\t").hasSuffix("Status: timeout"))
        }
    }

    @Test func `an idle sandbox is retired, with SIGTERM`() async throws {
        let term = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: term) }
        try await withEmulator(configure: {
            $0.environment.merge(extended(term)) { $1 }
            $0.idleTimeout = .milliseconds(300)
        }) { fixture in
            let answer = try await fixture.invoke([:])
            _ = try await eventually("its end") { await fixture.emulator.sandboxProcessIDs.isEmpty ? true : nil }
            #expect(FileManager.default.fileExists(atPath: term))
            let next = try await fixture.invoke([:])
            #expect(next.json["count"] as? Int == 1)
            #expect(next.json["pid"] as? Int != answer.json["pid"] as? Int)
        }
    }

    @Test func `init is not over before the extension polls`() async throws {
        let gate = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: gate) }
        try await withEmulator(configure: {
            $0.environment["EXTENSION"] = "{}"
            $0.environment["EXTENSION_POLLS"] = gate
        }) { fixture in
            async let answer = fixture.invoke([:])
            _ = try await fixture.log.line("init done")
            _ = try await eventually("the runtime's poll") {
                for sandbox in await fixture.emulator.sandboxes.values
                where await sandbox.state.phase == .idle { return true }
                return nil
            }
            #expect(!fixture.log.all.contains { $0.hasPrefix("START") })
            fixture.create(gate)
            #expect(try await answer.json["count"] as? Int == 1)
        }
    }

    @Test func `an extension that never polls fails the init`() async throws {
        try await withEmulator(configure: {
            $0.environment["EXTENSION"] = "{}"
            $0.environment["EXTENSION_POLLS"] = "/never"
            $0.initTimeout = .seconds(2)
        }) { fixture in
            let answer = try await fixture.invoke([:])
            #expect(
                (answer.json["errorMessage"] as? String)?.hasSuffix("Error: Init timed out after 2.00 seconds") == true)
        }
    }

    @Test func `an extension that asks for invocations is told of each`() async throws {
        try await withEmulator(configure: { $0.environment["EXTENSION"] = #"{"events":["INVOKE"]}"# }) { fixture in
            for id in ["one", "two", "three"] {
                let headers = ["X-Perdure-Request-Id": id, "X-Amzn-Trace-Id": "Root=1;Parent=2;Sampled=0"]
                _ = try await fixture.invoke([:], headers: headers)
            }
            let answer = try await fixture.invoke([:])
            let events = try #require(answer.json["events"] as? [[String: Any]])
            #expect(events.prefix(3).compactMap { $0["requestId"] as? String } == ["one", "two", "three"])
            #expect(events[0]["eventType"] as? String == "INVOKE")
            #expect((events[0]["deadlineMs"] as? Double ?? 0) > 1.7e12)
            #expect(
                events[0]["invokedFunctionArn"] as? String == "arn:aws:lambda:us-east-1:000000000000:function:scripted")
            #expect(
                events[0]["tracing"] as? [String: String]
                    == ["type": "X-Amzn-Trace-Id", "value": "Root=1;Parent=2;Sampled=0"])
        }
    }

    @Test func `nobody registers after the first next`() async throws {
        try await withEmulator { fixture in
            let post: [String: Any] = ["kind": "register", "headers": ["Lambda-Extension-Name": "late"]]
            let answer = try await fixture.invoke(["posts": [post]])
            #expect(answer.posts == ["403 Extension.RegistrationClosed"])
        }
    }

    private func extended(_ term: String) -> [String: String] {
        ["EXTENSION": #"{"events":[]}"#, "SIGTERM": term]
    }
}
