// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
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

    /// The longest message in bytes of JSON; what is longer is cut. The service refuses large error bodies, and with
    /// concurrent invocations it then leaves the caller waiting for the time-out.
    static let maximumMessageLength = 128 << 10
    /// The longest type, and the longest line of a stack trace, in bytes of JSON.
    static let maximumLineLength = 1 << 10

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
            // The service knows no types of less than two letters.
            let reason = name.count < 2 ? "Unknown" : name.prefix(1).uppercased() + name.dropFirst()
            self.init(type: "Function.\(reason)", message: "\(error)")
        }
    }

    /// An error of a kind that the service knows, whatever was thrown.
    init(type: String, cause: any Error) {
        let cause = InvocationError(cause)
        self.init(type: type, message: cause.description, stackTrace: cause.stackTrace)
    }

    /// The type and the message.
    public var description: String { "\(type): \(message)" }

    /// `{"errorMessage":"…","errorType":"…","stackTrace":[…]}`, less than 256 KiB.
    var body: [UInt8] { json(maximumMessageLength: Self.maximumMessageLength, maximumLines: 64).bytes() }

    func json(maximumMessageLength: Int, maximumLines: Int) -> JSONValue {
        [
            "errorMessage": .init(message.cut(toJSONLength: maximumMessageLength)),
            "errorType": .init(type.cut(toJSONLength: Self.maximumLineLength)),
            "stackTrace": .array(
                stackTrace.prefix(maximumLines).map { .init($0.cut(toJSONLength: Self.maximumLineLength)) }),
        ]
    }

    var headers: HTTPFields {
        [
            "Content-Type": "application/json",
            "Lambda-Runtime-Function-Error-Type": headerType,
            "Lambda-Runtime-Function-XRay-Error-Cause": xRayCause,
        ]
    }

    /// The type, if a header takes it: no line break must be what keeps the error from being reported.
    var headerType: String {
        let isPlain = type.utf8.count <= Self.maximumLineLength && type.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        return isPlain ? type : "Function.Unknown"
    }
}

extension String {
    /// The text, or as many of its first characters as fit that many bytes of JSON, and an ellipsis.
    func cut(toJSONLength limit: Int) -> String {
        var length = 0
        for index in unicodeScalars.indices {
            length += unicodeScalars[index].jsonLength
            guard length <= limit else { return String(unicodeScalars[..<index]) + "…" }
        }
        return self
    }
}

extension Unicode.Scalar {
    /// The most bytes that a JSON writer needs for it.
    fileprivate var jsonLength: Int {
        switch value {
        case ..<0x20: 6
        case 0x22, 0x5C: 2
        default: UTF8.width(self)
        }
    }
}
