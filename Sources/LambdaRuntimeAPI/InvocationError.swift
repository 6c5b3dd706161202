// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

/// How a failed invocation, or a failed start, is reported.
public struct InvocationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `Category.Reason`, such as `Function.InvalidEvent`: the service passes on only types that begin with `Runtime.`
    /// or `Function.` and go on with letters, the first of them a capital.
    public let type: String
    /// What happened. It reaches the caller and the logs of the service: no secrets.
    public let message: String
    /// Where it happened, innermost first.
    public let stackTrace: [String]

    /// The longest message in bytes; what is longer is cut. The service refuses large error bodies, and with
    /// concurrent invocations it then leaves the caller waiting for the time-out.
    static let maximumMessageLength = 128 << 10

    /// Creates an error.
    public init(type: String, message: String, stackTrace: [String] = []) {
        self.type = type
        self.message = message
        self.stackTrace = stackTrace
    }

    /// Reports what a handler threw: by itself if it is an ``InvocationError``, else by its type's name and its
    /// description.
    public init(_ error: any Error) {
        if let error = error as? InvocationError {
            self = error
        } else {
            let name = String(describing: Swift.type(of: error)).filter { $0.isASCII && $0.isLetter }
            self.init(type: "Function.\(name.prefix(1).uppercased())\(name.dropFirst())", message: "\(error)")
        }
    }

    /// The type and the message.
    public var description: String { "\(type): \(message)" }

    /// `{"errorMessage":"…","errorType":"…","stackTrace":[…]}`.
    var body: [UInt8] {
        var text = message
        if text.utf8.count > Self.maximumMessageLength {
            text = String(decoding: text.utf8.prefix(Self.maximumMessageLength), as: UTF8.self) + "…"
        }
        let value: JSONValue = [
            "errorMessage": .init(text), "errorType": .init(type),
            "stackTrace": .array(stackTrace.prefix(64).map { .init($0) }),
        ]
        return value.bytes()
    }
}
