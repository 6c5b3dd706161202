// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The method of an HTTP request, spelled as it is sent.
public struct HTTPMethod: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The method as it stands on the request line; case matters.
    public let rawValue: String

    /// Names a method; one that is no RFC 9110 token is refused when the request is made.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Names a method by a literal.
    public init(stringLiteral value: String) {
        self.init(rawValue: value)
    }

    /// Reads a resource.
    public static let get = HTTPMethod(rawValue: "GET")
    /// Reads the head of a resource.
    public static let head = HTTPMethod(rawValue: "HEAD")
    /// Hands data to a resource.
    public static let post = HTTPMethod(rawValue: "POST")
    /// Replaces a resource.
    public static let put = HTTPMethod(rawValue: "PUT")
    /// Changes a resource in part.
    public static let patch = HTTPMethod(rawValue: "PATCH")
    /// Removes a resource.
    public static let delete = HTTPMethod(rawValue: "DELETE")

    /// Whether repeating the request unseen can do no harm: only then may libcurl send it again by itself.
    var isSafe: Bool { self == .get || self == .head }

    /// The method as it is sent.
    public var description: String { rawValue }
}
