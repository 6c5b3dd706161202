// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A tool call as the model asked for it.
public struct ToolCall: Sendable, Hashable {
    /// The provider's name for the call, echoed back with its result. Providers repeat these across replies: it is no
    /// identity. ``CallPosition`` is.
    public var id: String
    /// The name of the tool.
    public var name: String
    /// The arguments, exactly the text that the model produced. Meant to be JSON, not always so.
    public var arguments: String

    /// Creates a call.
    public init(id: String, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// Where in a session's life a tool call stands: the number of the reply that asked for it, and its index there.
///
/// It names a call for ever: recovery finds the same call at the same position, and idempotency keys derive from it.
public struct CallPosition: Sendable, Hashable, CustomStringConvertible {
    /// The number of the model's reply in the session, from 1.
    public let reply: Int
    /// The index of the call in that reply, from 0.
    public let index: Int

    /// Creates a position.
    public init(reply: Int, index: Int) {
        self.reply = reply
        self.index = index
    }

    /// Reads what ``description`` wrote, or returns nil.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let reply = Int(parts[0]), let index = Int(parts[1]), reply > 0, index >= 0 else {
            return nil
        }
        self.init(reply: reply, index: index)
        // "+3.0" and "3.00" are numbers as well, but no names: a call has one.
        guard description == text else { return nil }
    }

    /// `reply.index`, for example `3.0`.
    public var description: String { "\(reply).\(index)" }
}

extension [CallPosition] {
    /// Reads the name of a call: positions, with `/` between them, outermost first. At least one.
    package init?(name: String) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let positions = parts.compactMap { CallPosition(String($0)) }
        guard positions.count == parts.count else { return nil }
        self = positions
    }

    /// What ``init(name:)`` reads.
    package var name: String { map(\.description).joined(separator: "/") }
}
