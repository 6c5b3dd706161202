// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import SQLiteDriver
import Testing

/// Who may open which files, and what becomes of locks and descriptors.
@Suite(.timeLimit(.minutes(1)))
struct OfferTests {
    let database: OpenDatabase

    init() throws { database = try OpenDatabase() }

    @Test func `a connection takes and drops no lock, and its close leaves the owner's`() throws {
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        for descriptor in [database.database, database.log] {
            lock.l_start = 1 << 30
            lock.l_len = 512
            #expect(fcntl(descriptor, F_SETLK, &lock) == 0)
        }
        for _ in 0..<2 {
            let connection = try database.connect()
            try connection.execute("CREATE TABLE IF NOT EXISTS t (v); INSERT INTO t VALUES (1)")
            try connection.close()
            #expect(try isLocked(database.path) && isLocked(database.path + "-wal"))
        }
    }

    /// Whether another process is refused the lock (EAGAIN or EACCES).
    func isLocked(_ path: String) throws -> Bool {
        let script = """
            import fcntl, sys
            try: fcntl.lockf(open(sys.argv[1], "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB, 512, 1 << 30)
            except (BlockingIOError, PermissionError): sys.exit(3)
            """
        return try shell("python3", "-c", script, path).code == 3
    }

    @Test func `a connection for reading reads what the log has, and writes nothing`() throws {
        let writer = try database.create()
        try writer.execute("INSERT INTO t VALUES (1, 'a')")
        try writer.close()
        let writes: [FileOperation] = [
            .databaseWrite, .databaseSync, .databaseTruncate, .logWrite, .logSync, .logTruncate,
        ]
        let before = writes.map { database.files.count(of: $0) }
        let reader = try Connection(files: database.files, mode: .readOnly)
        try reader.setCheckpointOnClose(false)
        #expect(try text(reader, "SELECT v FROM t") == "a")
        #expect(try text(reader, "PRAGMA integrity_check") == "ok")
        let refused = #expect(throws: SQLiteError.self) { try reader.execute("DELETE FROM t") }
        #expect(refused?.code.primary == .readOnly)
        try reader.close()
        #expect(writes.map { database.files.count(of: $0) } == before)
    }

    @Test func `a connection opens no file`() throws {
        let before = try descriptors()
        let connection = try database.create()
        try connection.execute(
            """
            CREATE TEMP TABLE large (v);
            WITH n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
            INSERT INTO large SELECT randomblob(4000) FROM n;
            CREATE INDEX temp.sorted ON large (v);
            """)
        #expect(try number(connection, "SELECT count(*) FROM (SELECT v FROM large ORDER BY v DESC)") == 2_001)
        #expect(try descriptors() == before)
        let attach = #expect(throws: SQLiteError.self) {
            try connection.execute("ATTACH '\(database.folder.path("b.db"))' AS b")
        }
        #expect(attach?.code.primary == .cannotOpen)
        try connection.execute("ATTACH ':memory:' AS c; CREATE TABLE c.t (v)")
        try connection.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: database.folder.url.path).count == 2)
    }

    /// The open files of this process in the folder.
    func descriptors() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").sorted().compactMap { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return target.flatMap { $0.hasPrefix(database.folder.url.path) ? name : nil }
        }
    }

    @Test func `one connection at a time has the files`() throws {
        let first = try database.create()
        let second = #expect(throws: SQLiteError.self) { try database.connect() }
        #expect(second?.code.primary == .cannotOpen)
        try first.close()
        #expect(try number(database.connect(), "SELECT count(*) FROM t") == 0)
    }

    @Test func `only what is on offer can be opened`() throws {
        for path in [database.path + "2", database.path + "-wal", "s.db"] {
            let error = #expect(throws: SQLiteError.self) { try Connection(path: path, vfs: "perdure") }
            #expect(error?.code.primary == .cannotOpen, "\(path)")
        }
    }

    @Test func `files are offered once, under an absolute path`() throws {
        for path in [database.path, "s.db", "", "/a\0b"] {
            do {
                _ = try DatabaseFiles(path: path, database: database.database, log: database.log)
                Issue.record("\(path) was accepted")
            } catch {
                #expect(error.code == .misuse)
            }
        }
    }

    @Test func `a connection that outlives the offer touches nothing`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("s.db")
        let descriptors = [path, path + "-wal"].map { (file: String) in open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        }
        defer { descriptors.forEach { close($0) } }
        let files = try DatabaseFiles(path: path, database: descriptors[0], log: descriptors[1])
        let connection = try Connection(files: files)
        try connection.execute("PRAGMA journal_mode=MEMORY; PRAGMA journal_mode=WAL; CREATE TABLE t (v)")
        let before = FileManager.default.contents(atPath: path + "-wal")
        files.withdraw()
        for sql in ["SELECT count(*) FROM t", "INSERT INTO t VALUES (1)", "CREATE TABLE u (v)"] {
            let error = #expect(throws: SQLiteError.self) { try connection.execute(sql) }
            #expect(error?.code.primary == .ioError && error?.systemErrno == EBADF && error?.fileFailure == nil)
        }
        // A new offer of the same path is not the old connection's.
        let again = try DatabaseFiles(path: path, database: descriptors[0], log: descriptors[1])
        #expect(throws: SQLiteError.self) { try connection.execute("INSERT INTO t VALUES (1)") }
        try connection.close()
        #expect(FileManager.default.contents(atPath: path + "-wal") == before)
        #expect(try number(Connection(files: again), "SELECT count(*) FROM t") == 0)
    }

    @Test func `the log stays the same file, and another mode than WAL is refused where it would need one`() throws {
        let connection = try database.create()
        try connection.setPersistentWAL(false)
        try connection.setCheckpointOnClose(true)
        try connection.run("INSERT INTO t (v) VALUES ('kept')")
        try connection.close()
        var status = stat()
        #expect(stat(database.path + "-wal", &status) == 0)
        let inode = status.st_ino
        #expect(fstat(database.log, &status) == 0 && status.st_ino == inode)
        let second = try database.connect()
        #expect(try text(second, "SELECT v FROM t") == "kept")
    }

    @Test func `two databases in one process are two`() throws {
        let other = try OpenDatabase()
        let (a, b) = (try database.create(), try other.create())
        for (connection, value) in [(a, "a"), (b, "b"), (a, "aa")] {
            try connection.run("INSERT INTO t (v) VALUES (?)", .text(value))
        }
        let written = database.files.count(of: .logWrite)
        try b.run("INSERT INTO t (v) VALUES ('bb')")
        #expect(database.files.count(of: .logWrite) == written)
        try a.close()
        #expect(try text(b, "SELECT group_concat(v) FROM t") == "b,bb")
        #expect(try shell("sqlite3", database.path, "SELECT v FROM t").output == "a\naa\n")
    }

    @Test func `connections on several threads do not disturb each other`() async throws {
        try await withThrowingTaskGroup(of: String?.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    let database = try OpenDatabase()
                    for round in 0..<20 {
                        let connection = try round == 0 ? database.create() : database.connect()
                        try connection.run("INSERT INTO t (v) VALUES ('\(thread)')")
                        try connection.close()
                    }
                    return try text(database.connect(), "SELECT v || count(*) FROM t GROUP BY v")
                }
            }
            let found = try await group.reduce(into: []) { $0.append($1 ?? "") }
            #expect(found.sorted() == (0..<8).map { "\($0)20" })
        }
    }
}
