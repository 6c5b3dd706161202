// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The environment variables of a sandbox.
public struct RuntimeEnvironment: Sendable {
    private let variables: [String: String]

    /// Uses the variables given, for tests.
    public init(_ variables: [String: String]) {
        self.variables = variables
    }

    /// Reads the process's variables.
    ///
    /// Call it before there are other threads: `getenv` is not safe against `setenv`.
    public static func current() -> RuntimeEnvironment {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let line = unsafe next.pointee {
            let text = unsafe String(cString: line)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe next += 1
        }
        return RuntimeEnvironment(variables)
    }

    /// The value of a variable; nil when it is not set, or empty.
    public subscript(name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }

    /// Where the Runtime API is served: `host:port`, and a path with some emulators.
    public var endpoint: String? { self["AWS_LAMBDA_RUNTIME_API"] }

    /// How many invocations the process serves at once: more than one in Lambda Managed Instances.
    ///
    /// Nil where the service does not say so: then one at a time. What is not a positive number counts as one.
    public var maximumConcurrency: Int? {
        self["AWS_LAMBDA_MAX_CONCURRENCY"].map { max(1, Int($0) ?? 1) }
    }

    /// Whether a snapshot is taken once the function has started (SnapStart).
    public var takesSnapshot: Bool { self["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start" }
}
