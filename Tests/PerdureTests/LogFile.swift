// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import LambdaRuntimeAPI
import Logging
import Perdure

/// A log that is written into a file of one test.
final class LogFile: Sendable {
    private let root: TemporaryRoot
    private let handle: FileHandle
    private let format: LambdaLog.Format
    private let path: String

    init(_ format: LambdaLog.Format = .json) throws {
        root = try TemporaryRoot()
        path = "\(root.path)/log"
        try Data().write(to: URL(fileURLWithPath: path))
        handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        self.format = format
    }

    func logger(_ level: LambdaLog.Level = .trace, provider: Logger.MetadataProvider? = nil) -> Logger {
        let log = LambdaLog(linesTo: handle.fileDescriptor, format: format, minimumLevel: level)
        return Logger(label: "test") { label in
            LambdaLogHandler(label: label, log: log, metadataProvider: provider)
        }
    }

    func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// The lines without their timestamps.
    func lines() throws -> [String] {
        try text().split(separator: "\n").map { line in
            String(line.drop { format == .json ? $0 != "," : $0 != "\t" }.dropFirst())
        }
    }

    func records() throws -> [JSONValue] {
        try text().split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    }
}
