// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The log of a function, in Lambda's formats.
///
/// ```
/// 2026-01-02T03:04:05.678Z⇥3f6b…⇥INFO⇥turn completed session=a
/// {"timestamp":"2026-01-02T03:04:05.678Z","level":"INFO","requestId":"3f6b…","message":"turn completed","session":"a"}
/// ```
///
/// Each record is one `write(2)`, which blocks while nobody reads.
public struct LambdaLog: Sendable {
    /// What a record is written as.
    public enum Format: Sendable, Hashable {
        /// One line of fields between tabs; line breaks within it are carriage returns.
        case text
        /// One line with a JSON object.
        case json
    }

    /// The format.
    public let format: Format
    /// Records below this level are not written.
    public let minimumLevel: Level
    private let output: LogOutput

    /// The longest record, in bytes. CloudWatch Logs took events of 256 KiB, its own 26 bytes included; what is longer
    /// would be cut or refused there.
    public static let maximumLength = 256 << 10 - 26

    /// The log of this process, as its environment describes it at the first use.
    public static let standard = LambdaLog(.current())

    /// Writes where and as the environment says.
    ///
    /// `AWS_LAMBDA_LOG_FORMAT` is `JSON` or `Text`, which is the default; `AWS_LAMBDA_LOG_LEVEL` is `TRACE`, `DEBUG`,
    /// `INFO`, the default, `WARN`, `ERROR` or `FATAL`. `_LAMBDA_TELEMETRY_LOG_FD` is the descriptor that takes framed
    /// records; without it, lines go to standard error.
    public init(_ environment: RuntimeEnvironment) {
        let format: Format = environment["AWS_LAMBDA_LOG_FORMAT"]?.lowercased() == "json" ? .json : .text
        let level = environment["AWS_LAMBDA_LOG_LEVEL"].flatMap(Level.init(name:)) ?? .info
        if let descriptor = environment["_LAMBDA_TELEMETRY_LOG_FD"].flatMap(Int32.init), descriptor >= 0 {
            self.init(framesTo: descriptor, format: format, minimumLevel: level)
        } else {
            self.init(linesTo: 2, format: format, minimumLevel: level)
        }
    }

    /// Writes lines to a descriptor, which has to stay open.
    public init(linesTo descriptor: Int32, format: Format = .text, minimumLevel: Level = .info) {
        self.format = format
        self.minimumLevel = minimumLevel
        output = LogOutput(descriptor: descriptor, isFramed: false)
    }

    /// Writes framed records to a descriptor, which has to stay open.
    ///
    /// ```
    /// 0xA55A0002 (JSON) or 0xA55A0003 (text) | level << 2   u32
    /// length of the record                                  u32
    /// microseconds since 1970                               u64, all of them big-endian
    /// the record, without a line break at its end
    /// ```
    public init(framesTo descriptor: Int32, format: Format = .text, minimumLevel: Level = .info) {
        self.format = format
        self.minimumLevel = minimumLevel
        output = LogOutput(descriptor: descriptor, isFramed: true)
    }

    /// Writes a record, unless it is below ``minimumLevel``.
    ///
    /// A record that cannot be written is lost: nothing can be done about a broken log.
    public func write(_ record: Record) {
        guard record.level >= minimumLevel else { return }
        var bytes: [UInt8] = []
        if output.isFramed {
            record.append(as: format, upTo: Self.maximumLength, to: &bytes)
            var frame = frameHeader(of: record, length: bytes.count)
            frame += bytes
            output.write(frame)
        } else {
            record.append(as: format, upTo: Self.maximumLength - 1, to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
            output.write(bytes)
        }
    }

    private func frameHeader(of record: Record, length: Int) -> [UInt8] {
        let type: UInt32 = (format == .json ? 0xA55A_0002 : 0xA55A_0003) | UInt32(record.level.rawValue) << 2
        var header: [UInt8] = []
        header.reserveCapacity(16 + length)
        appendBigEndian(type, to: &header)
        appendBigEndian(UInt32(length), to: &header)
        appendBigEndian(UInt64(max(0, record.microsecondsSinceEpoch)), to: &header)
        return header
    }
}

private func appendBigEndian<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
    for shift in stride(from: T.bitWidth - 8, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
}
