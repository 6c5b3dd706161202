// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension HTTPRequest {
    /// Refuses what would not arrive as it was meant, or would be read as a different request.
    func validate(at callSite: String) throws(HTTPError) {
        guard method.rawValue.isHTTPToken else {
            throw HTTPError(.invalidRequest, at: callSite, "the method is not a token")
        }
        guard method != .head || body.isEmpty else {
            throw HTTPError(.invalidRequest, at: callSite, "a HEAD request has no body")
        }
        // libcurl takes a C string: a NUL would cut the URL, a line break would end the request line.
        guard !url.isEmpty, url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw HTTPError(.invalidURL, at: callSite, "the URL holds a byte that must be percent-encoded")
        }
        guard url.hasASCIIPrefix("http://") || url.hasASCIIPrefix("https://") else {
            throw HTTPError(.invalidURL, at: callSite, "the URL does not begin with http:// or https://")
        }
        // libcurl would skip a further slash and take the path for the host.
        guard url.origin.utf8.last != UInt8(ascii: "/") else {
            throw HTTPError(.invalidURL, at: callSite, "the URL names no host")
        }
        try headers.validate(at: callSite)
    }

    /// Whether the connection is to be encrypted.
    var isSecure: Bool { url.hasASCIIPrefix("https://") }
}

extension HTTPFields {
    /// Refuses names that are no tokens, values that would end the line, and fields that frame the message.
    func validate(at callSite: String) throws(HTTPError) {
        for field in self {
            guard field.name.isHTTPToken else {
                throw HTTPError(.invalidRequest, at: callSite, "a header name is not a token")
            }
            guard field.value.utf8.allSatisfy({ $0 != 0x0D && $0 != 0x0A && $0 != 0 }) else {
                throw HTTPError(.invalidRequest, at: callSite, "the value of \(field.name) holds CR, LF or NUL")
            }
            // A second framing beside libcurl's own is how requests are smuggled.
            for framing in ["Content-Length", "Transfer-Encoding", "Expect"]
            where field.name.isEqualIgnoringASCIICase(framing) {
                throw HTTPError(.invalidRequest, at: callSite, "\(framing) follows from the body")
            }
        }
    }
}

extension String {
    /// Scheme, host and port of a URL, for error descriptions: the rest of it can hold secrets.
    var origin: String {
        let text = Array(utf8)
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return "" }
        let start = min(colon + 3, text.count)
        let authority = text[start...].prefix { byte in
            byte != UInt8(ascii: "/") && byte != UInt8(ascii: "?") && byte != UInt8(ascii: "#")
        }
        let host = authority.lastIndex(of: UInt8(ascii: "@")).map { authority[($0 + 1)...] } ?? authority
        return String(decoding: text[..<start], as: UTF8.self) + String(decoding: host, as: UTF8.self)
    }

    /// Whether this is a `token` of RFC 9110, section 5.6.2.
    var isHTTPToken: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default:
                    "!#$%&'*+.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// Whether the text begins with that prefix, ASCII letters compared without regard to case.
    func hasASCIIPrefix(_ prefix: String) -> Bool {
        hasPrefix(prefix)
            || utf8.count >= prefix.utf8.count && zip(utf8, prefix.utf8).allSatisfy { $0.asciiLowercased == $1 }
    }
}
