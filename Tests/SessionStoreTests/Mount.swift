// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

@testable import SessionStore

/// A small file system of its own that disappears with the value.
final class Mount {
    let path: String
    private let folder: TemporaryRoot

    init(size: String) throws {
        folder = try TemporaryRoot()
        path = folder.path + "/mount"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try run("mount", "-t", "tmpfs", "-o", "size=\(size)", "none", path)
    }

    func makeReadOnly() throws { try run("mount", "-o", "remount,ro", path) }

    /// Fills the file system but for some bytes.
    func fill(leaving free: Int) throws {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw Failure(output: "statvfs") }
        let size = Int(status.f_bavail) * Int(status.f_bsize) - free
        try Data(repeating: 1, count: max(0, size)).write(to: URL(fileURLWithPath: filler))
    }

    func makeRoom() throws { try FileManager.default.removeItem(atPath: filler) }

    private var filler: String { path + "/filler" }

    private func run(_ arguments: String...) throws {
        let result = try shell(arguments)
        if result.code != 0 { throw Failure(output: result.output) }
    }

    struct Failure: Error { let output: String }

    deinit {
        _ = try? shell("umount", "-l", path)
    }

    /// Whether this process may mount: tried, as root in a container often may not.
    static let isPermitted: Bool = geteuid() == 0 && (try? Mount(size: "4k")) != nil
}
