// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import GRDB

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Reads session files with a library that shares nothing with this package but SQLite itself.
///
/// Each line of the input is the path of a database. The answer is one line: the integrity check, the number of entries, the
/// last turn, the length of the entries, the number of requests and the epoch; or the error.
@main
struct GRDBReader {
    static func main() {
        while let path = readLine() {
            do {
                print(try summary(of: path))
            } catch {
                print("\(error)".replacing("\n", with: " "))
            }
            // Whoever reads the pipe waits for each line.
            fflush(nil)
        }
    }

    static func summary(of path: String) throws -> String {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        return try queue.read { database in
            let integrity = try String.fetchAll(database, sql: "PRAGMA integrity_check").joined(separator: ",")
            let log = try Row.fetchAll(database, sql: "SELECT turn, body FROM log ORDER BY seq")
            let turns: [Int] = log.map { $0["turn"] }
            let length = log.reduce(0) { $0 + ($1["body"] as String).unicodeScalars.count }
            let requests = try Int.fetchOne(database, sql: "SELECT count(*) FROM requests") ?? -1
            let epoch = try Int.fetchOne(database, sql: "SELECT epoch FROM meta") ?? -1
            return "\(integrity) \(log.count) \(turns.max() ?? 0) \(length) \(requests) \(epoch)"
        }
    }
}
