// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import SessionStore
import Testing

@testable import Perdure

/// What the reference does not have, or has otherwise.
@Suite(.timeLimit(.minutes(2))) struct MemoryCommandTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    static func create(_ path: String, _ text: String = "text") -> JSONValue {
        ["command": "create", "path": .init(path), "file_text": .init(text)]
    }

    static func view(_ path: String) -> JSONValue { ["command": "view", "path": .init(path)] }

    @Test(arguments: [
        "/memories/../secret", "/memories/a/../b", "/memories/./a", "/memories//a", "/memories/a//b", "/memories/..",
        "/memories/%2e%2e/a", "/memories/%2E%2E%2Fa", "/memories/..%5Ca", "/memories/a\\b", "/memories/a\nb",
        "/memories/a//",
    ])
    func `a path that could lead elsewhere is refused by every command`(_ path: String) throws {
        let answers = try bench.answers(
            Self.view(path), Self.create(path), ["command": "delete", "path": .init(path)],
            ["command": "str_replace", "path": .init(path), "old_str": "a", "new_str": "b"],
            ["command": "insert", "path": .init(path), "insert_line": 0, "insert_text": "a"],
            ["command": "rename", "old_path": .init(path), "new_path": "/memories/x"],
            ["command": "rename", "old_path": "/memories/x", "new_path": .init(path)], Self.view("/memories"))
        #expect(answers.dropLast().allSatisfy { $0 == "Path \(path) would escape /memories directory" })
        #expect(answers.last?.hasSuffix("0B\t/memories") == true)
    }

    @Test(arguments: ["", "/", "memories", "/memories2/a", "/memory", "/etc/passwd", "../memories/a", "/Memories/a"])
    func `a path outside of the memory is refused`(_ path: String) throws {
        #expect(try bench.answers(Self.create(path)) == ["Path must start with /memories, got: \(path)"])
    }

    @Test func `a path or a text that is too long is refused`() throws {
        let name = String(repeating: "a", count: 256)
        let answers = try bench.answers(
            Self.create("/memories/\(name)"), Self.create("/memories/a", String(repeating: "x", count: 1 << 20)),
            ["command": "insert", "path": "/memories/a", "insert_line": 1, "insert_text": "y"])
        #expect(answers[0] == "Error: The path is too long: it may have 1024 bytes, and each name in it 255")
        #expect(answers[1] == "File created successfully at: /memories/a")
        #expect(answers[2] == "Error: a memory must not be larger than 1048576 bytes")
    }

    @Test func `a command without what it needs says what is missing`() throws {
        let answers = try bench.answers(
            ["command": "view"], ["command": "create", "path": "/memories/a"],
            ["command": "insert", "path": "/memories/a", "insert_text": "x"],
            ["command": "rename", "old_path": "/memories/a"], ["command": "undo"])
        #expect(
            answers == [
                "Error: The `path` parameter is required for the `view` command",
                "Error: The `file_text` parameter is required for the `create` command",
                "Error: The `insert_line` parameter is required for the `insert` command",
                "Error: The `new_path` parameter is required for the `rename` command",
                "Unknown command: undo",
            ])
    }

    @Test func `a directory is listed two levels deep, without what is hidden`() throws {
        for path in ["b/c/d", "b/e", "b.txt", ".hidden", "b/.git/x", "node_modules/y", "a"] {
            _ = try bench.answers(Self.create("/memories/\(path)", String(repeating: "x", count: 1280)))
        }
        func head(_ path: String) -> String {
            "Here're the files and directories up to 2 levels deep in \(path), excluding hidden items and node_modules:"
        }
        #expect(
            try bench.answers(Self.view("/memories/"), Self.view("/memories/b")) == [
                [
                    head("/memories"), "8.8K\t/memories", "1.2K\t/memories/a", "3.8K\t/memories/b/",
                    "1.2K\t/memories/b/c/", "1.2K\t/memories/b/e", "1.2K\t/memories/b.txt",
                ].joined(separator: "\n"),
                [
                    head("/memories/b"), "3.8K\t/memories/b", "1.2K\t/memories/b/c/", "1.2K\t/memories/b/c/d",
                    "1.2K\t/memories/b/e",
                ].joined(separator: "\n"),
            ])
    }

    @Test(arguments: [
        (0, "0B"), (1, "1B"), (1023, "1023B"), (1024, "1K"), (1075, "1.0K"), (1280, "1.2K"), (1536, "1.5K"),
        (1792, "1.8K"), (1 << 20, "1M"), (1_048_575, "1024.0K"), (5 << 30, "5G"), (5 << 40, "5120G"),
    ])
    func `a size is written as people read it`(_ bytes: Int, _ text: String) {
        #expect(MemoryListing.size(bytes) == text)
    }

    @Test func `a text that is replaced has to occur once`() throws {
        let replace: (String, String) -> JSONValue = {
            ["command": "str_replace", "path": "/memories/a", "old_str": .init($0), "new_str": .init($1)]
        }
        let many = String(repeating: "a\n", count: 1500)
        let answers = try bench.answers(
            Self.create("/memories/a", many), replace("", "x"), replace("a", "x"), replace(many, "aaa\r\nb"),
            replace("aa", "c"), ["command": "str_replace", "path": "/memories/a", "old_str": "ca"],
            Self.view("/memories/a"))
        #expect(answers[1] == "No replacement was performed, old_str `` did not appear verbatim in /memories/a.")
        let lines = (1...1000).map(String.init).joined(separator: ", ")
        #expect(answers[2].contains("in lines: \(lines), …. Please ensure it is unique"))
        let edited = "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n"
        #expect(answers[3] == edited + "     1\taaa\r\n     2\tb")
        #expect(answers[4] == edited + "     1\tca\r\n     2\tb", "two that overlap are one")
        #expect(answers[5] == edited + "     1\t\r\n     2\tb", "without a new text the old one is removed")
        #expect(answers[6] == "Here's the content of /memories/a with line numbers:\n     1\t\r\n     2\tb")
    }

    @Test func `a long text is viewed in parts`() throws {
        let line = String(repeating: "é😀", count: 100)
        let text = Array(repeating: line, count: 300).joined(separator: "\n")
        func view(_ range: [Int]?) throws -> String {
            try MemoryText(text).view(of: MemoryLocation("/memories/a"), range)
        }
        var (next, seen) = (1, 0)
        while next <= 300 {
            let answer = try view([next, -1])
            #expect(answer.utf8.count < MemoryText.maximumView + 1000)
            let shown = answer.split(separator: "\n").filter { $0.hasSuffix("\t\(line)") }
            seen += shown.count
            next += shown.count
            let end = "\n(Cut off behind line \(next - 1) of 300. The view_range [\(next), -1] goes on.)"
            #expect(answer.hasSuffix(end) == (next <= 300))
        }
        #expect(seen == 300)
        #expect(try view(nil) == view([1, -1]) && view([1, 2]).split(separator: "\n").count == 3)
    }

    @Test func `a line that is longer than a view is cut between two characters`() throws {
        let line = "x" + String(repeating: "😀", count: 20_000)
        let answer = try MemoryText("a\n\(line)\nb").view(of: MemoryLocation("/memories/a"), [2, -1])
        let lines = answer.split(separator: "\n")
        #expect(lines.count == 3 && lines[1].utf8.count <= MemoryText.maximumView + 7)
        #expect(lines[1].hasSuffix("😀") && !lines[1].contains("\u{FFFD}"))
        #expect(lines[2] == "(Only the beginning of line 2 is shown. The view_range [3, -1] goes on behind it.)")
    }

    @Test func `a long listing says what it leaves out`() throws {
        var answer = ""
        let name = String(repeating: "x", count: 240)
        try bench.run((100..<400).map { Self.create("/memories/\(name)\($0)") } + [Self.view("/memories")]) {
            answer = $1
            _ = ($0, $2.identity)
        }
        let lines = answer.split(separator: "\n")
        #expect(answer.utf8.count < MemoryText.maximumView + 1000)
        #expect(lines.last == "(and \(300 - (lines.count - 3)) more)")
    }

    /// Whatever a model comes up with: a file is there until a command that names it, or its folder, says that it is gone.
    @Test(arguments: 1...6) func `no command loses a file or leads out of the memory`(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let names = ["a", "b", "c.txt", "..", ".", "", "%2e%2e", "A", "é", "a\0", "x y"]
        func path() -> String {
            let depth = Int.random(in: 0...3, using: &random)
            let start = Int.random(in: 0..<20, using: &random) == 0 ? "/etc" : "/memories"
            // Mostly plain names.
            let parts = (0..<depth).map { _ in
                Bool.random(using: &random)
                    ? names[Int.random(in: 0..<3, using: &random)]
                    : names[Int.random(in: 0..<names.count, using: &random)]
            }
            return ([start] + parts).joined(separator: "/")
        }
        let words = ["one", "two", "", "\n", "é", "\u{0}"]
        let commands: [JSONValue] = (0..<150).map { _ in
            let (path, word) = (path(), words.randomElement(using: &random) ?? "")
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2: return Self.create(path, word)
            case 3: return Self.view(path)
            case 4: return ["command": "delete", "path": .init(path)]
            case 5: return ["command": "insert", "path": .init(path), "insert_line": 0, "insert_text": .init(word)]
            case 6: return ["command": "str_replace", "path": .init(path), "old_str": .init(word), "new_str": "x"]
            default: return ["command": "rename", "old_path": .init(path), "new_path": .init(self.path(&random))]
            }
        }
        var before: [String: String] = [:]
        try bench.run(commands) { number, answer, session in
            let after = try session.allMemories()
            #expect(after.keys.allSatisfy { (try? MemoryLocation($0).path) != nil && $0.hasPrefix("/memories/") })
            let command = commands[number]
            let named = ["path", "old_path"].compactMap { command[$0]?.string }[0]
            for (path, text) in before where after[path].map({ bytes($0) }) != bytes(text) {
                #expect(bytes(path).starts(with: bytes(named)), "\(command) changed \(path)")
                #expect(!answer.hasPrefix("Error") && !answer.hasPrefix("Path"), "\(answer)")
            }
            switch command["command"] {
            case "delete": #expect(after.count <= before.count)
            case "create": #expect(after.count == before.count + (answer.hasPrefix("File created") ? 1 : 0))
            default: #expect(after.count == before.count, "\(command): \(answer)")
            }
            before = after
        }
    }

    private func path(_ random: inout SplitMix) -> String {
        "/memories/" + ["a", "b", "a/b", "..", "d/e/f"][Int.random(in: 0..<5, using: &random)]
    }
}

/// The same numbers each time.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
