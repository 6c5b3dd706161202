// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import SessionStore

@Suite struct SessionIDTests {
    @Test(arguments: [
        "", ".", "..", "../../etc", "a/b", "/", "/etc/passwd", "a\\b", "..\\..", "a\u{0}b", "\u{0}", "a\nb", "\t",
        "\u{7F}", "\u{85}", "\u{1B}[31m", String(repeating: "a", count: 257), String(repeating: "é", count: 129),
    ])
    func `a name that could lead astray is refused`(_ name: String) throws {
        do {
            _ = try SessionID(name)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .invalidName)
            #expect(!error.isRetryable)
            #expect(name.count < 5 || !"\(error)".contains(name), "the message repeats the name")
        }
    }

    @Test(arguments: [
        ("s", "s"), ("A-b_c.9", "A-b_c.9"), ("...", "%2E.."), (".hidden", "%2Ehidden"), ("a..b", "a..b"),
        ("a b", "a%20b"), ("%2E", "%252E"), ("~", "%7E"), ("é", "%C3%A9"), ("e\u{301}", "e%CC%81"),
        ("👋", "%F0%9F%91%8B"), ("a:b|c", "a%3Ab%7Cc"), ("\u{202E}x", "%E2%80%AEx"), ("-rf", "-rf"),
        (String(repeating: "a", count: 200), String(repeating: "a", count: 200)),
        (
            String(repeating: "a", count: 201),
            String(repeating: "a", count: 96) + "~a92efd82109373e58f9a2056dee01e807e216ce6075f7051207c0a9f7d666e50"
        ),
    ])
    func `a name is kept in a folder of letters that every file system takes`(
        _ name: String, _ folder: String
    ) throws {
        let session = try SessionID(name)
        #expect(session.rawValue == name && session.description == name)
        #expect(session.folderName == folder)
    }

    /// Names that look alike, that encode alike, and that are long.
    static let names: [String] =
        ["a", "A", "%41", "%2541", ".a", "%2Ea", "a.", "a ", " a", "é", "e\u{301}", "~", "%7E", "a~b", "a%7Eb", "👩‍👩‍👧"]
        + (190...256).flatMap { length in
            ["a", "%", "~"].map { String(repeating: $0, count: length) }
                + [String(repeating: "a", count: length - 1) + "b", String(repeating: "é", count: length / 2)]
        }

    @Test func `no two names share a folder, and none leaves the root`() throws {
        let store = try TemporaryRoot().store
        let agent = try AgentName("agent")
        var folders: Set<String> = []
        let distinct = Set(Self.names.map { Array($0.utf8) })
        for name in distinct {
            let session = try SessionID(String(decoding: name, as: UTF8.self))
            let folder = store.folder(of: session, agent)
            #expect(folders.insert(folder).inserted, "\(session)")
            let parts = folder.dropFirst(store.root.count).split(separator: "/", omittingEmptySubsequences: false)
            #expect(parts.count == 4 && parts[0].isEmpty && parts[1] == "agent" && parts[2].utf8.count == 2)
            #expect(parts[3].utf8.count <= 200 && !parts[3].hasPrefix("."))
            #expect(
                parts[3].utf8.allSatisfy { byte in
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.%~".utf8.contains(byte)
                })
        }
        #expect(folders.count == distinct.count)
    }

    @Test func `the longest name of the worst characters makes a session`() throws {
        let root = try TemporaryRoot()
        for name in [String(repeating: "%", count: 256), "é", "e\u{301}", "👩‍👩‍👧", "A", "a"] {
            try root.fill(name)
            let leased = try root.lease(name)
            #expect(Array(leased.names.session.utf8) == Array(name.utf8))
            #expect(try leased.entries().count == 2)
            try leased.release()
        }
        #expect(try root.store.sessions().readable.count == 6)
    }

    @Test func `two spellings of one character are two names`() throws {
        let names = try [SessionID("é"), SessionID("e\u{301}"), SessionID("é")]
        #expect(names[0] != names[1] && names[0] == names[2])
        #expect(Set(names).count == 2)
    }

    @Test(arguments: ["", ".", "..", "a/b", "a.b", "a b", "é", "a\u{0}", "%41", String(repeating: "a", count: 65)])
    func `an agent's name that is no plain word is refused`(_ name: String) {
        #expect { try AgentName(name) } throws: { ($0 as? SessionStoreError)?.code == .invalidName }
    }

    @Test(arguments: ["a", "support-agent_2", "-", String(repeating: "Z", count: 64)])
    func `an agent's name is a plain word`(_ name: String) throws {
        #expect(try AgentName(name).rawValue == name)
    }
}
