// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import LambdaRuntimeAPI
import Testing

@Suite(.timeLimit(.minutes(2))) struct LogOutputTests {
    @Test func `each record is one write`() throws {
        let reader = try RecordReader()
        let log = LambdaLog(linesTo: reader.writing)
        for number in 0..<5 { log.write(.init(.info, String(repeating: "\(number)\n", count: 1 + number * 5000))) }
        let writes = reader.writes()
        #expect(writes.count == 5)
        for write in writes { #expect(write.firstIndex(of: 0x0A) == write.count - 1) }
    }

    static let levels: [LambdaLog.Level] = [.trace, .debug, .info, .warn, .error, .fatal]

    @Test(
        arguments: [
            (nil, 3), ("", 3), ("LOUD", 3), ("TRACE", 1), ("DEBUG", 2), ("INFO", 3), ("WARN", 4), ("ERROR", 5),
            ("FATAL", 6), ("warn", 4),
        ] as [(String?, Int)])
    func `records below the level of the environment are not written`(name: String?, first: Int) throws {
        let reader = try RecordReader()
        var variables = ["_LAMBDA_TELEMETRY_LOG_FD": "\(reader.writing)"]
        variables["AWS_LAMBDA_LOG_LEVEL"] = name
        let log = LambdaLog(RuntimeEnvironment(variables))
        for level in Self.levels { log.write(.init(level, "m")) }
        // The last byte of the type.
        #expect(reader.writes().map { Int($0[3] >> 2) } == Array(first...6))
    }

    @Test(arguments: levels, [LambdaLog.Format.text, .json])
    func `a frame is a type, a length, a time and the record`(level: LambdaLog.Level, format: LambdaLog.Format) throws {
        let reader = try RecordReader()
        let log = LambdaLog(framesTo: reader.writing, format: format, minimumLevel: .trace)
        log.write(.init(level, "größe\nx", context: invocation("r"), microsecondsSinceEpoch: moment))
        let writes = reader.writes()
        #expect(writes.count == 1)
        let frame = try #require(writes.first)
        let record =
            format == .text
            ? "2026-01-02T03:04:05.678Z\tr\t\(level.name)\tgröße\rx"
            : #"{"timestamp":"2026-01-02T03:04:05.678Z","level":"\#(level.name)","requestId":"r","message":"größe\nx"}"#
        let type = UInt8(format == .text ? 3 : 2) | UInt8(level.rawValue << 2)
        #expect(Array(frame[..<4]) == [0xA5, 0x5A, 0x00, type])
        #expect(Array(frame[4..<8]) == [0, 0, 0, UInt8(record.utf8.count)])
        #expect(Array(frame[8..<16]) == [0x00, 0x06, 0x47, 0x5E, 0xF6, 0x57, 0x4F, 0x35])
        #expect(text(Array(frame[16...])) == record)
    }

    @Test(arguments: [nil, "", "Text", "JSON", "json", "yaml"] as [String?])
    func `the format is the environment's`(name: String?) {
        var variables: [String: String] = [:]
        variables["AWS_LAMBDA_LOG_FORMAT"] = name
        #expect(LambdaLog(RuntimeEnvironment(variables)).format == (name?.uppercased() == "JSON" ? .json : .text))
    }

    @Test(arguments: [LambdaLog.Format.text, .json], ["a", "ö", "😀", "\"", "\u{1}"])
    func `a record that is too long is cut between two characters`(format: LambdaLog.Format, unit: String) throws {
        let stream = try RecordReader(keepsBoundaries: false)
        let log = LambdaLog(linesTo: stream.writing, format: format)
        let message = String(repeating: unit, count: LambdaLog.maximumLength / unit.utf8.count + 1)
        let writer = Thread { log.write(.init(.info, "x" + message, members: [("k", "v")], context: invocation("r"))) }
        writer.start()
        var line: [UInt8] = []
        while line.last != 0x0A, let more = stream.read(flags: 0) { line += more }
        #expect(line.count <= LambdaLog.maximumLength && line.count > LambdaLog.maximumLength - 12)
        let whole = try #require(String(validating: line, as: UTF8.self))
        if format == .json {
            let object = try #require(JSONSerialization.jsonObject(with: Data(line)) as? [String: String])
            #expect(object["k"] == "v")
            #expect(object["message"]?.hasSuffix("\(unit)…") == true)
        } else {
            #expect(whole.hasSuffix("\(unit)…\n"))
        }
    }

    @Test func `members that leave no room for the message are left out`() throws {
        let stream = try RecordReader(keepsBoundaries: false)
        let log = LambdaLog(linesTo: stream.writing, format: .json)
        log.write(.init(.info, "m", members: [("k", .init(String(repeating: "v", count: 1 << 20)))], context: nil))
        let line = text(try #require(stream.writes().first))
        #expect(line.hasSuffix(#","level":"INFO","message":"m"}"# + "\n"))
    }

    @Test func `a descriptor that takes little at a time gets all of it`() throws {
        let stream = try RecordReader(keepsBoundaries: false)
        try #require(fcntl(stream.writing, F_SETFL, O_NONBLOCK) == 0)
        let log = LambdaLog(framesTo: stream.writing)
        let writer = Thread { for _ in 0..<5 { log.write(.init(.info, String(repeating: "x", count: 200_000))) } }
        writer.start()
        for _ in 0..<5 { #expect(try frame(of: stream).count > 200_000) }
    }

    @Test func `long frames of several threads do not mix`() throws {
        let stream = try RecordReader(keepsBoundaries: false)
        let log = LambdaLog(framesTo: stream.writing)
        for letter in ["a", "b", "c", "d"] {
            Thread { for _ in 0..<5 { log.write(.init(.info, String(repeating: letter, count: 150_000))) } }.start()
        }
        for _ in 0..<20 { #expect(try Set(frame(of: stream).suffix(150_000)).count == 1) }
    }

    private func frame(of stream: RecordReader) throws -> [UInt8] {
        let header = stream.bytes(16)
        try #require(header.starts(with: [0xA5, 0x5A, 0, 0x0F]))
        return stream.bytes(header[4..<8].reduce(0) { $0 << 8 | Int($1) })
    }

    @Test func `a log that is closed is no failure`() {
        LambdaLog(linesTo: -1).write(.init(.info, "m"))
    }

    @Test func `concurrent invocations keep their request ids apart`() async throws {
        let reader = try RecordReader()
        let log = LambdaLog(linesTo: reader.writing, format: .json)
        // A datagram socket holds only a few: each round is read before the next.
        for _ in 0..<50 {
            await withTaskGroup { group in
                for id in ["a", "b"] {
                    group.addTask {
                        await InvocationContext.$current.withValue(invocation(id)) {
                            await Task.yield()
                            log.write(.init(.info, id))
                            async let child: Void = log.write(.init(.info, id))
                            await child
                        }
                    }
                }
            }
            let records = try reader.writes().map { try JSONValue(parsing: $0) }
            #expect(records.count == 4)
            for record in records { #expect(record["requestId"] == record["message"]) }
        }
        #expect(InvocationContext.current == nil)
    }
}
