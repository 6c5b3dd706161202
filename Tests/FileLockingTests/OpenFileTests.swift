// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct OpenFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `a new file belongs to its owner alone and is not inherited`() throws {
        let file = try OpenFile(path: folder.path("new"))
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(fcntl(file.descriptor, F_GETFD) & FD_CLOEXEC == FD_CLOEXEC)
        #expect(try file.size() == 0)
        #expect(try file.pathStillNamesThisFile())
        try file.close()
    }

    @Test func `an existing file keeps its bytes`() throws {
        try Data("0123456789".utf8).write(to: URL(fileURLWithPath: folder.path("old")))
        let file = try OpenFile(path: folder.path("old"))
        #expect(try file.size() == 10)
        #expect(try file.read(count: 3, at: 4) == Array("456".utf8))
        #expect(try file.read(count: 100, at: 8) == Array("89".utf8))
        #expect(try file.read(count: 1, at: 10) == [])
        #expect(try file.read(count: 0, at: 0) == [])
        #expect(throws: FileLockError.self) { try file.read(count: 1, at: -1) }
    }

    @Test func `a missing file is an error where it is not to be created`() throws {
        let missing = #expect(throws: FileLockError.self) {
            _ = try OpenFile(path: folder.path("none"), createsMissing: false)
        }
        #expect(missing?.errno == ENOENT)
        #expect(!FileManager.default.fileExists(atPath: folder.path("none")))
        let file = try OpenFile(path: folder.path("some"))
        let again = try OpenFile(path: folder.path("some"), createsMissing: false)
        #expect(again.identity == file.identity)
        try again.close()
        try file.close()
    }

    @Test func `a symbolic link is refused`() throws {
        let target = folder.path("target")
        #expect(FileManager.default.createFile(atPath: target, contents: nil))
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: target)
        let error = #expect(throws: FileLockError.self) { _ = try OpenFile(path: folder.path("link")) }
        #expect(error?.code == .notRegularFile)
    }

    @Test func `a folder and a pipe are refused`() throws {
        #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
        for path in [folder.url.path, folder.path("pipe")] {
            let error = #expect(throws: FileLockError.self) { _ = try OpenFile(path: path) }
            #expect(error?.code == .notRegularFile)
        }
    }

    @Test func `a missing folder and a cut path are I/O errors`() throws {
        let missing = #expect(throws: FileLockError.self) { _ = try OpenFile(path: folder.path("no/such")) }
        #expect(missing?.code == .ioError)
        #expect(missing?.errno == ENOENT)
        #expect(missing?.isRetryable == false)
        let cut = #expect(throws: FileLockError.self) { _ = try OpenFile(path: folder.path("a") + "\0b") }
        #expect(cut?.errno == EINVAL)
    }

    @Test func `a file that was deleted or replaced is noticed`() throws {
        let path = folder.path("s.db")
        let first = try OpenFile(path: path)
        try FileManager.default.removeItem(atPath: path)
        #expect(try !first.pathStillNamesThisFile())
        let second = try OpenFile(path: path)
        #expect(try !first.pathStillNamesThisFile())
        #expect(try second.pathStillNamesThisFile())
        #expect(first.identity != second.identity)
    }

    @Test func `a file that was renamed under its holder is noticed`() throws {
        let path = folder.path("s.db")
        let file = try OpenFile(path: path)
        try FileManager.default.moveItem(atPath: path, toPath: folder.path("elsewhere"))
        #expect(try !file.pathStillNamesThisFile())
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.path("elsewhere"))
        #expect(try !file.pathStillNamesThisFile())
        try FileManager.default.removeItem(at: folder.url)
        #expect(try !file.pathStillNamesThisFile())
    }

    @Test func `closing frees the descriptor`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        let descriptor = file.descriptor
        let identity = file.identity
        try file.close()
        #expect(!Self.isOpen(descriptor, inode: identity.inode))
    }

    /// Whether the number stands for a descriptor of this inode; other tests may have taken the number meanwhile.
    static func isOpen(_ descriptor: Int32, inode: UInt64) -> Bool {
        var found = stat()
        return fstat(descriptor, &found) == 0 && UInt64(found.st_ino) == inode
    }
}
