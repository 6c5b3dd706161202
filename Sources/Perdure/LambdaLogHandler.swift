// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
public import LambdaRuntimeAPI
public import Logging

/// Writes what swift-log is told in Lambda's formats; see ``LambdaRuntimeAPI/LambdaLog``.
///
/// ```swift
/// LoggingSystem.bootstrap { label in LambdaLogHandler(label: label) }
/// ```
///
/// ``AgentFunction`` does that by itself. Metadata become members of the JSON object, or `key=value` at the end of the
/// line of text, in the order of their keys. `notice` is written as `INFO`, `critical` as `FATAL`. Each record is one
/// `write(2)` on the thread that logs.
public struct LambdaLogHandler: LogHandler {
    /// Records below this level are not written. At first it is the log's own level, which stays a bound.
    public var logLevel: Logger.Level
    /// What is added to each record of this logger.
    public var metadata: Logger.Metadata = [:]
    /// Adds what is known where something is logged.
    public var metadataProvider: Logger.MetadataProvider?
    private let log: LambdaLog

    /// Creates the handler of one logger.
    /// - Parameter label: Is not written: Lambda's formats have no place for it.
    public init(
        label: String,
        log: LambdaLog = .standard,
        metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.log = log
        self.metadataProvider = metadataProvider
        logLevel = Logger.Level(log.minimumLevel)
    }

    /// One of the metadata of this logger.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a record. What stands at the call goes before what the logger has, and that before the provider's.
    public func log(event: LogEvent) {
        let level = LambdaLog.Level(event.level)
        guard level >= log.minimumLevel else { return }
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { $1 }
        if let explicit = event.metadata { all.merge(explicit) { $1 } }
        log.write(
            LambdaLog.Record(
                level,
                event.message.description,
                members: all.isEmpty ? [] : all.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) },
                error: event.error.map { InvocationError($0) }
            )
        )
    }
}

extension LambdaLog.Level {
    fileprivate init(_ level: Logger.Level) {
        self =
            switch level {
            case .trace: .trace
            case .debug: .debug
            case .info, .notice: .info
            case .warning: .warn
            case .error: .error
            case .critical: .fatal
            }
    }
}

extension Logger.Level {
    fileprivate init(_ level: LambdaLog.Level) {
        self =
            switch level {
            case .trace: .trace
            case .debug: .debug
            case .info: .info
            case .warn: .warning
            case .error: .error
            case .fatal: .critical
            }
    }
}

extension JSONValue {
    /// Numbers and booleans stay what they are, so that queries can compare them.
    fileprivate init(_ value: Logger.Metadata.Value) {
        switch value {
        case .string(let text):
            self.init(text)
        case .stringConvertible(let value):
            switch value {
            case let value as Bool: self.init(value)
            case let value as any BinaryInteger: self = JSONNumber(literal: "\(value)").map { .number($0) } ?? .null
            case let value as Double: self = JSONNumber(value).map { .number($0) } ?? .init("\(value)")
            default: self.init(value.description)
            }
        case .array(let values):
            self = .array(values.map { JSONValue($0) })
        case .dictionary(let values):
            self = .object(JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) }))
        }
    }
}
