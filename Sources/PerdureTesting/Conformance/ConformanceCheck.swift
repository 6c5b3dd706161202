// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// One property of a store, with a name to run it under.
public struct ConformanceCheck: Sendable, CustomStringConvertible {
    /// What holds, as a sentence.
    public let name: String
    private let body: @Sendable (Trial) async throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (Trial) async throws -> Void) {
        self.name = name
        self.body = body
    }

    /// Checks a store, in sessions of random names that stay in it.
    ///
    /// Throws ``ConformanceFailure`` when the store lacks the property, and the store's own errors where none is due.
    public func run(_ store: any ConformingStore) async throws {
        try await body(Trial(name: name, store: store))
    }

    /// The name.
    public var description: String { name }
}

/// A property that a store lacks.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// The name of the check.
    public let check: String
    /// What was found.
    public let detail: String

    /// The name and what was found.
    public var description: String { "\(check): \(detail)" }
}
