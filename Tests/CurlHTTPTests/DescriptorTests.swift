// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Foundation
import Testing

/// What is left open: in a process of its own, where nothing else opens files.
@Suite(.timeLimit(.minutes(2)))
struct DescriptorTests {
    /// Sockets and pipes: the test's own runtime opens timers and event descriptors when it likes.
    private static func openDescriptors() -> Int {
        let folder = "/proc/self/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let targets = names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
        return targets.count { $0.hasPrefix("socket:") || $0.hasPrefix("pipe:") }
    }

    private static func threads() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count) ?? -1
    }

    /// A server whose every third answer ends the connection, and a request that is refused now and then.
    private static func makeServer() throws -> SocketServer {
        try SocketServer { connection in
            var count = 0
            while connection.readRequest() != nil {
                connection.answer("x")
                count += 1
                if count == 3 { return }
            }
        }
    }

    @Test func `500 requests leave no descriptor behind`() async {
        await #expect(processExitsWith: .success) {
            let server = try DescriptorTests.makeServer()
            let port = try SocketServer.refusingPort()
            try await onThread { _ = try Transfer().perform(HTTPRequest(url: server.url)) }
            try await waitUntil("the server is idle") { server.openCount == 0 }
            let before = DescriptorTests.openDescriptors()
            try await onThread {
                let transfer = try Transfer()
                for index in 0..<500 {
                    _ = try? transfer.perform(
                        HTTPRequest(url: index % 7 == 0 ? "http://127.0.0.1:\(port)" : server.url))
                }
                let during = DescriptorTests.openDescriptors()
                #expect(during - before < 12)
            }
            try await waitUntil("the server is idle") { server.openCount == 0 }
            let after = DescriptorTests.openDescriptors()
            #expect(after == before)
        }
    }

    @Test func `clients leave no descriptor and no thread behind`() async {
        await #expect(processExitsWith: .success) {
            let server = try DescriptorTests.makeServer()
            _ = try await HTTPClient().send(HTTPRequest(url: server.url))
            try await waitUntil("the server is idle") { server.openCount == 0 }
            let (files, threads) = (DescriptorTests.openDescriptors(), DescriptorTests.threads())
            for _ in 0..<25 {
                let client = HTTPClient()
                await withTaskGroup(of: Void.self) { group in
                    for index in 0..<20 {
                        group.addTask {
                            guard index % 5 == 0 else {
                                _ = try? await client.send(HTTPRequest(url: server.url))
                                return
                            }
                            _ = try? await client.stream(HTTPRequest(url: server.url))
                        }
                    }
                }
            }
            try await waitUntil("all is closed") {
                server.openCount == 0 && DescriptorTests.openDescriptors() <= files
                    && DescriptorTests.threads() <= threads + 2
            }
            let (nowFiles, nowThreads) = (DescriptorTests.openDescriptors(), DescriptorTests.threads())
            #expect(nowFiles <= files)
            // The concurrency runtime may have grown its pool by a thread or two; 25 clients would show.
            #expect(nowThreads <= threads + 2)
        }
    }
}
