// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

internal import Tracing

/// The trace that Lambda names, as propagators look for it: X-Ray's header field, and W3C's with the same ids.
///
/// ```
/// X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
/// traceparent:     00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01
/// ```
struct TraceCarrier: Sendable {
    private var fields: [String: String]

    init(_ header: String) {
        fields = ["x-amzn-trace-id": header]
        fields["traceparent"] = Self.traceParent(header)
    }

    /// The value of a header field, whose name may be in any case.
    subscript(_ name: String) -> String? { fields[name.lowercased()] }

    /// Nil unless the header names a root and a parent, as W3C's has no form for a trace without a parent: a function whose
    /// tracing is passive may get the root alone. What is not `Sampled=1` is not sampled, as with OpenTelemetry's propagators.
    static func traceParent(_ header: String) -> String? {
        var parts: [String: Substring] = [:]
        for part in header.split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            parts[pair[0].trimmed.lowercased()] = pair[1].trimmed
        }
        let root = (parts["root"] ?? "").split(separator: "-")
        guard root.count == 3, root[0] == "1", root[1].isHex(8), root[2].isHex(24), let parent = parts["parent"],
            parent.isHex(16)
        else { return nil }
        return "00-\(root[1])\(root[2])-\(parent)-\(parts["sampled"] == "1" ? "01" : "00")".lowercased()
    }
}

struct TraceCarrierExtractor: Extractor {
    func extract(key: String, from carrier: TraceCarrier) -> String? { carrier[key] }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " }
        return start.prefix(start.count - start.reversed().prefix { $0 == " " }.count)
    }

    fileprivate func isHex(_ count: Int) -> Bool {
        utf8.count == count
            && utf8.allSatisfy {
                ("0"..."9").contains(Character(.init($0))) || ("a"..."f").contains(Character(.init($0 | 0x20)))
            }
    }
}
