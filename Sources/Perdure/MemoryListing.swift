// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SessionStore

/// A directory as the view command shows it: two levels deep, with sizes. That of a directory is the sum of its files'. A
/// listing that is longer than a view may be is cut off.
struct MemoryListing: CustomStringConvertible {
    private(set) var description: String

    init(_ entries: [MemoryEntry], in location: MemoryLocation) {
        description = """
            Here're the files and directories up to 2 levels deep in \(location), excluding hidden items and node_modules:
            \(Self.size(entries.reduce(0) { $0 + $1.size }))\t\(location)
            """
        // The paths of items by their names, in the order of bytes of each name, and not of the path.
        var items: [(names: [String], isFolder: Bool, size: Int)] = []
        // The newest folder of each depth, by its index: in the order of paths, what is in one folder stands together.
        var folders: [Int: Int] = [:]
        let skipped = location.path.map { $0.rawValue.utf8.split(separator: UInt8(ascii: "/")).count } ?? 0
        for entry in entries {
            let names = entry.path.rawValue.utf8.split(separator: UInt8(ascii: "/")).dropFirst(skipped).map {
                String(decoding: $0, as: UTF8.self)
            }
            for depth in 1...2 where depth <= names.count {
                if Self.isHidden(names[depth - 1]) { break }
                let item = Array(names.prefix(depth))
                let isFolder = depth < names.count
                if isFolder, let index = folders[depth], items[index].names.isSame(as: item) {
                    items[index].size += entry.size
                } else {
                    if isFolder { folders[depth] = items.count }
                    items.append((item, isFolder, entry.size))
                }
            }
        }
        items.sort { $0.names.precedes($1.names) }
        for (number, item) in items.enumerated() {
            guard description.utf8.count < MemoryText.maximumView else {
                description += "\n(and \(items.count - number) more)"
                return
            }
            let path = item.names.joined(separator: "/") + (item.isFolder ? "/" : "")
            description += "\n\(Self.size(item.size))\t\(location)/\(path)"
        }
    }

    private static func isHidden(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: ".") || name == "node_modules"
    }

    /// A number of bytes as `ls -h` and its like write it, with at most one decimal: `0B`, `1.5K`, `2M`.
    static func size(_ bytes: Int) -> String {
        var (unit, name) = (1, "B")
        for next in ["K", "M", "G"] where bytes >= unit * 1024 {
            unit *= 1024
            name = next
        }
        if bytes % unit == 0 { return "\(bytes / unit)\(name)" }
        var tenths = bytes * 10 / unit
        let rest = bytes * 10 % unit
        // A half goes to the even neighbour, as in Python's and C's formatting.
        if rest * 2 > unit || (rest * 2 == unit && tenths % 2 == 1) { tenths += 1 }
        return "\(tenths / 10).\(tenths % 10)\(name)"
    }
}

extension [String] {
    fileprivate func isSame(as other: [String]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    }

    /// By the bytes of the names, one after the other.
    fileprivate func precedes(_ other: [String]) -> Bool {
        lexicographicallyPrecedes(other) { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
