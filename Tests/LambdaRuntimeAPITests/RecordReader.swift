// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaRuntimeAPI
import Testing

/// Two connected sockets that keep the boundaries of writes, or a stream that does not.
final class RecordReader: Sendable {
    let writing: Int32
    private let reading: Int32

    init(keepsBoundaries: Bool = true) throws {
        var pair: [Int32] = [-1, -1]
        #if os(Linux)
        let type = Int32((keepsBoundaries ? SOCK_DGRAM : SOCK_STREAM).rawValue)
        #else
        let type = keepsBoundaries ? SOCK_DGRAM : SOCK_STREAM
        #endif
        try #require(socketpair(AF_UNIX, type, 0, &pair) == 0)
        (reading, writing) = (pair[0], pair[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    /// What each of the writes so far has written.
    func writes() -> [[UInt8]] {
        var writes: [[UInt8]] = []
        while let write = read(flags: Int32(MSG_DONTWAIT)) { writes.append(write) }
        return writes
    }

    /// That many bytes, waiting for them.
    func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, let more = read(upTo: count - bytes.count, flags: 0) { bytes += more }
        return bytes
    }

    /// The next write of a datagram socket, or some bytes of a stream.
    func read(upTo length: Int = 1 << 19, flags: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: length)
        let count = recv(reading, &buffer, buffer.count, flags)
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}

/// 2026-01-02T03:04:05.678901Z
let moment: Int64 = 1_767_323_045_678_901

func invocation(_ id: String, tenant: String? = nil) -> InvocationContext {
    InvocationContext(requestID: id, deadline: Deadline(millisecondsSinceEpoch: 0), tenantID: tenant)
}

/// What a log writes for a record.
func written(_ record: LambdaLog.Record, as format: LambdaLog.Format) throws -> String {
    let reader = try RecordReader()
    LambdaLog(linesTo: reader.writing, format: format, minimumLevel: .trace).write(record)
    let writes = reader.writes()
    #expect(writes.count == 1)
    return text(writes.first ?? [])
}
