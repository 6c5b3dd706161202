// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SessionStore

/// Why a command is not done, in the words of Anthropic's documentation ("Memory tool", "Tool commands") where it has any,
/// and otherwise of the helper in its Python SDK.
struct MemoryRefusal: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    static func missing(_ path: MemoryLocation) -> MemoryRefusal {
        MemoryRefusal("Error: The path \(path) does not exist")
    }
}

/// A path below `/memories`, as the model writes it.
struct MemoryLocation: Sendable, CustomStringConvertible {
    /// Without a slash at its end.
    let description: String
    /// Nil for `/memories` itself.
    let path: MemoryPath?

    init(_ given: String) throws(MemoryRefusal) {
        let root = "/memories"
        let trimmed = given.hasSuffix("/") ? String(given.dropLast()) : given
        guard trimmed.utf8.elementsEqual(root.utf8) || trimmed.utf8.starts(with: "\(root)/".utf8) else {
            throw MemoryRefusal("Path must start with /memories, got: \(given)")
        }
        description = trimmed
        let rest = String(decoding: trimmed.utf8.dropFirst(root.utf8.count + 1), as: UTF8.self)
        if trimmed.utf8.count == root.utf8.count {
            path = nil
        } else if let path = try? MemoryPath(rest) {
            self.path = path
        } else if rest.utf8.split(separator: UInt8(ascii: "/")).contains(where: {
            $0.count > MemoryPath.maximumNameLength
        })
            || rest.utf8.count > MemoryPath.maximumLength
        {
            throw MemoryRefusal(
                "Error: The path is too long: it may have \(MemoryPath.maximumLength) bytes, and each name in it "
                    + "\(MemoryPath.maximumNameLength)")
        } else {
            throw MemoryRefusal("Path \(given) would escape /memories directory")
        }
    }
}

/// A command of the memory tool, with all that it needs.
enum MemoryCommand: Sendable {
    case view(MemoryLocation, range: [Int]?)
    case create(MemoryLocation, text: String)
    case replace(MemoryLocation, old: String, new: String)
    case insert(MemoryLocation, line: Int, text: String)
    case delete(MemoryLocation)
    case rename(MemoryLocation, to: MemoryLocation)

    init(_ arguments: MemoryTool.Arguments) throws(MemoryRefusal) {
        func required<Value>(_ value: Value?, _ name: String) throws(MemoryRefusal) -> Value {
            if let value { return value }
            throw MemoryRefusal("Error: The `\(name)` parameter is required for the `\(arguments.command)` command")
        }
        func location() throws(MemoryRefusal) -> MemoryLocation {
            try MemoryLocation(try required(arguments.path, "path"))
        }
        switch arguments.command {
        case "view":
            self = .view(try location(), range: arguments.viewRange)
        case "create":
            self = .create(try location(), text: try required(arguments.fileText, "file_text"))
        case "str_replace":
            // Without a new text the old one is removed.
            let old = try required(arguments.oldString, "old_str")
            self = .replace(try location(), old: old, new: arguments.newString ?? "")
        case "insert":
            let line = try required(arguments.insertLine, "insert_line")
            self = .insert(try location(), line: line, text: try required(arguments.insertText, "insert_text"))
        case "delete":
            self = .delete(try location())
        case "rename":
            let old = try MemoryLocation(try required(arguments.oldPath, "old_path"))
            self = .rename(old, to: try MemoryLocation(try required(arguments.newPath, "new_path")))
        default:
            throw MemoryRefusal("Unknown command: \(arguments.command)")
        }
    }
}
