// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Why a request brought no response. Any response, whatever its status, is not an error.
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// What happened.
    public let code: Code
    /// The operation that failed, such as `Transfer.perform`.
    public let callSite: String
    /// libcurl's `CURLcode`, `nil` where libcurl was not asked.
    public let curlCode: Int32?
    /// The `errno` of the system call behind it, 0 when there was none.
    public let systemError: Int32
    /// Whether the same request may well succeed when it is tried again. Says nothing about whether repeating it is
    /// harmless: see ``requestWasSent``.
    public let isRetryable: Bool
    /// Whether bytes of the request may have reached the peer. When `false`, none has left this process: at most a
    /// connection was opened.
    public let requestWasSent: Bool
    /// Whether a final status line, or more, of the response had arrived.
    public let responseHasBegun: Bool
    /// What went wrong, in words of this module or of libcurl.
    private let reason: String
    /// Scheme, host and port of the URL.
    private let origin: String

    init(
        _ code: Code,
        at callSite: String,
        _ reason: String,
        origin: String = "",
        curlCode: Int32? = nil,
        systemError: Int32 = 0,
        requestWasSent: Bool = false,
        responseHasBegun: Bool = false
    ) {
        self.code = code
        self.callSite = callSite
        self.curlCode = curlCode
        self.systemError = systemError
        self.isRetryable = code.isTransient
        self.requestWasSent = requestWasSent
        self.responseHasBegun = responseHasBegun
        self.reason = reason
        self.origin = origin
    }

    /// Call site, code, reason and origin. Never the path or query of the URL, headers or bodies.
    public var description: String {
        var text = "\(callSite): \(code): \(reason)"
        if let curlCode { text += " (curl \(curlCode)" + (systemError == 0 ? ")" : ", errno \(systemError))") }
        if !origin.isEmpty { text += ", \(origin)" }
        return text + (requestWasSent ? ", request sent" : ", request not sent")
    }
}

extension HTTPError {
    /// What happened. More codes may come; compare with the ones of interest and have a way for the rest.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case couldNotResolve, couldNotConnect, connectionRefused, connectionReset, emptyReply, truncatedResponse
            case timedOut, cancelled, tls, responseTooLarge, invalidRequest, invalidURL, protocolViolation
            case outOfResources, other
        }

        private let kind: Kind

        /// The host name has no address, or none was found.
        public static let couldNotResolve = Code(kind: .couldNotResolve)
        /// No connection came about, for another reason than the following.
        public static let couldNotConnect = Code(kind: .couldNotConnect)
        /// Nobody listens at that address.
        public static let connectionRefused = Code(kind: .connectionRefused)
        /// The peer, or something between, broke the connection.
        public static let connectionReset = Code(kind: .connectionReset)
        /// The peer closed the connection without a status line.
        public static let emptyReply = Code(kind: .emptyReply)
        /// The peer closed the connection in the middle of the response.
        public static let truncatedResponse = Code(kind: .truncatedResponse)
        /// One of the time-outs of ``HTTPLimits`` ran out.
        public static let timedOut = Code(kind: .timedOut)
        /// The caller, its task or the end of its client called it off.
        public static let cancelled = Code(kind: .cancelled)
        /// The handshake failed, or the peer's certificate is not trusted.
        public static let tls = Code(kind: .tls)
        /// The response is larger than ``HTTPLimits/maximumBodySize``, or an event larger than its decoder's limit.
        public static let responseTooLarge = Code(kind: .responseTooLarge)
        /// The request cannot be sent as it is.
        public static let invalidRequest = Code(kind: .invalidRequest)
        /// The URL cannot be used.
        public static let invalidURL = Code(kind: .invalidURL)
        /// What arrived is not HTTP/1.1.
        public static let protocolViolation = Code(kind: .protocolViolation)
        /// No memory, descriptor or thread was to be had.
        public static let outOfResources = Code(kind: .outOfResources)
        /// Another result of libcurl: see ``HTTPError/curlCode``.
        public static let other = Code(kind: .other)

        /// Whether the cause may go away by itself.
        fileprivate var isTransient: Bool {
            switch kind {
            case .couldNotResolve, .couldNotConnect, .connectionRefused, .connectionReset, .emptyReply,
                .truncatedResponse, .timedOut:
                true
            case .cancelled, .tls, .responseTooLarge, .invalidRequest, .invalidURL, .protocolViolation,
                .outOfResources, .other:
                false
            }
        }

        /// The name of the code.
        public var description: String { kind.rawValue }
    }
}
