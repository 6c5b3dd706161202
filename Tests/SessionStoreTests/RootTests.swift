// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)))
struct RootTests {
    let folder: TemporaryRoot

    init() throws { folder = try TemporaryRoot() }

    @Test func `a missing root is created, for the owner only`() throws {
        let path = folder.path + "/a"
        let store = try SessionStore(root: path)
        #expect(store.root.hasSuffix("/a"))
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o700)
        #expect(try SessionStore(root: path + "//").root == store.root)
        #expect(try SessionStore(root: folder.path + "/a/../a/").root == store.root)
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: path)
        #expect(try SessionStore(root: folder.path + "/link").root == store.root)
    }

    @Test(arguments: ["", "/file", "/file/below", "/dangling", "/dangling/below", "/not mounted/agents"])
    func `a root that is no folder, nor can become one, is refused`(_ path: String) throws {
        try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path + "/file"))
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/dangling", withDestinationPath: "/nowhere")
        do {
            _ = try SessionStore(root: path.isEmpty ? "" : folder.path + path)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .unusableRoot)
            #expect(!error.isRetryable)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["dangling", "file"])
    }

    @Test func `a session that does not exist is not created by reading`() throws {
        let session = try SessionID("s")
        let error = errorOf { try folder.store.leaseExisting(session, of: AgentName("agent"), until: .now) }
        #expect(error?.code == .noSuchSession)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        try folder.fill()
        let leased = try folder.store.leaseExisting(session, of: AgentName("agent"), until: .now)
        #expect(try leased.entries() == turn(1))
        try leased.release()
    }
}
