// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import LambdaRuntimeAPI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes one line a turn that CloudWatch Logs makes metrics of: the embedded metric format.
///
/// "The LogEvent message must be a valid JSON object with no additional data at the beginning or end": so it is a line of its
/// own on standard output, whichever log format the function has, and not a record of the log.
struct EmbeddedMetrics: Sendable {
    /// The namespace unless the environment names another.
    static let defaultNamespace = "Perdure"

    private let namespace: String
    private let descriptor: Int32

    /// - Parameter descriptor: Has to stay open.
    init(namespace: String, descriptor: Int32 = 1) {
        self.namespace = namespace
        self.descriptor = descriptor
    }

    /// What `PERDURE_EMF` says: a namespace, or 1 for ``defaultNamespace``; nil when it is not set, empty or 0.
    ///
    /// Throws ``AgentError/Code/invalidConfiguration`` for what CloudWatch takes for no namespace: it would pass over the lines.
    init?(_ environment: RuntimeEnvironment) throws(AgentError) {
        switch environment["PERDURE_EMF"] {
        case nil, "", "0": return nil
        case "1": self.init(namespace: Self.defaultNamespace)
        case let namespace?:
            guard Self.isNamespace(namespace) else {
                throw AgentError(
                    .invalidConfiguration,
                    "PERDURE_EMF is 1 or a namespace of CloudWatch: up to 255 letters, digits, spaces and . - _ / # : of ASCII, "
                        + "not all of them spaces, without a colon in front"
                )
            }
            self.init(namespace: namespace)
        }
    }

    /// By "CloudWatch concepts" (the characters) and the API's type Metric ("Maximum length of 255. Pattern: [^:].*").
    private static func isNamespace(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: " .-_/#:".utf8.contains(byte)
            }
        }
        return isPlain && text.utf8.count <= 255 && text.utf8.first != UInt8(ascii: ":")
            && text.utf8.contains { $0 != UInt8(ascii: " ") }
    }

    /// Writes the line of a turn: one `write(2)`, which blocks while nobody reads. A line that cannot be written is lost.
    func write(_ outcome: String, _ tally: TurnTally, agent: String, at time: Int64) {
        var rest = document(outcome, tally, agent: agent, at: time).bytes()[...]
        // Shorter than PIPE_BUF: no other line gets into it.
        rest.append(UInt8(ascii: "\n"))
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Self.write(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// What the specification calls the root node.
    /// - Parameter time: Milliseconds since 1970.
    func document(_ outcome: String, _ tally: TurnTally, agent: String, at time: Int64) -> JSONValue {
        let count = { (name: String, value: Int) in (name, "Count", value) }
        let milliseconds = { (name: String, value: Duration) in (name, "Milliseconds", value.milliseconds) }
        let usage = tally.usage
        let metrics = [
            count("Turns", 1), count("Replays", tally.isReplay ? 1 : 0), count("ModelCalls", tally.modelCalls),
            count("ToolRuns", tally.toolRuns), count("Commits", tally.sum(of: .commit).count),
            count("InputTokens", usage.input), count("OutputTokens", usage.output),
            count("CachedInputTokens", usage.cachedInput), milliseconds("TurnDuration", tally.duration),
            milliseconds("LeaseWait", tally.sum(of: .lease).duration),
            milliseconds("ModelDuration", tally.sum(of: .modelCall(step: 0)).duration),
            milliseconds("ToolDuration", tally.sum(of: .tool(name: "")).duration),
            milliseconds("CommitDuration", tally.sum(of: .commit).duration),
        ]
        // By outcome only the number of turns: each metric with each set of dimensions is one that is paid for.
        var root: JSONObject = [
            "_aws": [
                "Timestamp": .init(Int(time)),
                "CloudWatchMetrics": [
                    directive([["Agent"]], metrics.map { ($0.0, $0.1) }),
                    directive([["Agent", "Outcome"]], [("Turns", "Count")]),
                ],
            ],
            "Agent": .init(agent), "Outcome": .init(outcome),
        ]
        for (name, _, value) in metrics { root[name] = .init(value) }
        if let context = InvocationContext.current { root["requestId"] = .init(context.requestID) }
        return .object(root)
    }

    private func directive(_ dimensions: [[String]], _ metrics: [(name: String, unit: String)]) -> JSONValue {
        [
            "Namespace": .init(namespace),
            "Dimensions": .array(dimensions.map { .array($0.map { .init($0) }) }),
            "Metrics": .array(metrics.map { ["Name": .init($0.name), "Unit": .init($0.unit)] }),
        ]
    }

    private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
        unsafe Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #else
        unsafe Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}
