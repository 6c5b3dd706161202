// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

/// The `REPORT` line that ends an invocation's log, and `INIT_REPORT` after a failed init: tab-separated, as Lambda
/// writes them.
struct ReportLine: CustomStringConvertible {
    var requestID: String
    var duration: Duration
    var memorySize: Int
    /// In MB; nil where the system does not tell.
    var maxMemoryUsed: Int?
    /// Only on the first invocation of a sandbox.
    var initDuration: Duration?
    /// Only on the first invocation after a snapshot, in place of the init's.
    var restoreDuration: Duration?
    /// Nil when the invocation ended by itself.
    var status: Status?

    enum Status: Equatable {
        case timeout
        case error(type: String)

        var fields: [String] {
            switch self {
            case .timeout: ["Status: timeout"]
            case .error(let type): ["Status: error", "Error Type: \(type)"]
            }
        }
    }

    var description: String {
        // A custom runtime's init or restore is billed: the sum, rounded up to the next millisecond.
        let billed = (duration + (initDuration ?? .zero) + (restoreDuration ?? .zero)).milliseconds.rounded(.up)
        var fields = [
            "REPORT RequestId: \(requestID)", "Duration: \(duration.inLog)",
            "Billed Duration: \(Int(billed)) ms", "Memory Size: \(memorySize) MB",
        ]
        if let maxMemoryUsed { fields.append("Max Memory Used: \(maxMemoryUsed) MB") }
        if let initDuration { fields.append("Init Duration: \(initDuration.inLog)") }
        if let restoreDuration { fields.append("Restore Duration: \(restoreDuration.inLog)") }
        return (fields + (status?.fields ?? [])).joined(separator: "\t")
    }

    static func failedRestore(after duration: Duration, _ status: Status) -> String {
        (["RESTORE_REPORT Restore Duration: \(duration.inLog)"] + status.fields).joined(separator: "\t")
    }

    static func failedInit(after duration: Duration, _ status: Status) -> String {
        (["INIT_REPORT Init Duration: \(duration.inLog)", "Phase: init"] + status.fields).joined(separator: "\t")
    }
}

extension Duration {
    var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15
    }

    /// `12.34 ms`
    fileprivate var inLog: String { String(format: "%.2f ms", milliseconds) }

    /// `3.00 seconds`
    var inSeconds: String { String(format: "%.2f seconds", milliseconds / 1e3) }
}
