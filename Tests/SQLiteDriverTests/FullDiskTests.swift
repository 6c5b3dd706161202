// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import SQLiteDriver
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FullDiskTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `a page limit is a full disk`() throws {
        let connection = try Connection(path: folder.path("a.db"))
        try connection.execute("PRAGMA max_page_count = 8; CREATE TABLE t (v)")
        try expectFull(connection)
    }

    @Test(.enabled(if: Self.mayMount))
    func `a full file system is a full disk, and usable again when there is room`() throws {
        let mount = folder.url.path
        try #require(try shell("mount", "-t", "tmpfs", "-o", "size=128k", "none", mount).code == 0)
        defer { _ = try? shell("umount", mount) }
        #expect(FileManager.default.createFile(atPath: folder.path("filler"), contents: Data(count: 40_000)))
        let connection = try Connection(path: folder.path("a.db"), vfs: "unix-none")
        try connection.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; CREATE TABLE t (v)")
        try expectFull(connection)
        try FileManager.default.removeItem(atPath: folder.path("filler"))
        try connection.run("INSERT INTO t VALUES (?)", .blob([UInt8](repeating: 1, count: 10_000)))
        #expect(try connection.query("SELECT count(*) FROM t") { row throws(SQLiteError) in try row.int(0) } == [1])
        #expect(try connection.query("PRAGMA integrity_check") { row throws(SQLiteError) in try row.text(0) } == ["ok"])
        try connection.close()
    }

    /// Fills the table in one transaction, which ends with `.full` and without a row.
    func expectFull(_ connection: Connection) throws {
        let page = SQLiteValue.blob([UInt8](repeating: 1, count: 4_000))
        let error = #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                for _ in 0..<100 { try connection.run("INSERT INTO t VALUES (?)", page) }
            }
        }
        #expect(error?.code == .full)
        #expect(error?.isRetryable == false)
        #expect(error?.cause == nil)
        #expect(try !connection.isInTransaction)
        #expect(try connection.query("SELECT count(*) FROM t") { row throws(SQLiteError) in try row.int(0) } == [0])
    }

    /// Whether this process may mount: tried, as root in a container often may not.
    static let mayMount: Bool = {
        guard geteuid() == 0, let folder = try? TemporaryFolder() else { return false }
        guard let mounted = try? shell("mount", "-t", "tmpfs", "-o", "size=4k", "none", folder.url.path),
            mounted.code == 0
        else { return false }
        return (try? shell("umount", folder.url.path).code) == 0
    }()
}
