// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import JSONCore

/// Signature Version 4, for the requests of one service in one region.
///
/// libcurl can sign as well (`CURLOPT_AWS_SIGV4`), and is not asked to: see the article of this module.
struct RequestSigner {
    let service: String
    let region: String

    /// A request before it is signed. Path and query are the text that they stand for, without percent-encoding.
    struct Unsigned {
        var method: HTTPMethod
        /// Scheme, host, port and whatever path the endpoint has before that of the API, already encoded.
        var endpoint: String
        /// The parts of the path; a `/` in one of them is encoded.
        var path: [String]
        var query: [(name: String, value: String)] = []
        var headers: HTTPFields = [:]
        var body: [UInt8] = []
    }

    /// Headers that something on the way may change, or add to.
    private static let unsigned: Set<String> = ["user-agent", "x-amzn-trace-id"]

    /// The request with `X-Amz-Date`, `X-Amz-Security-Token` and `Authorization`.
    ///
    /// AWS accepts it for five minutes around that moment: sign anew for each attempt.
    func sign(_ unsigned: Unsigned, with credentials: AWSCredentials, at time: UTCTime) -> HTTPRequest {
        let (origin, prefix) = Self.split(unsigned.endpoint)
        let path = prefix + unsigned.path.map { "/" + $0.percentEncoded() }.joined()
        // Sorted by the encoded name, and then by the encoded value.
        let query = unsigned.query.map { ($0.name.percentEncoded(), $0.value.percentEncoded()) }
            .sorted { $0 < $1 }.map { "\($0)=\($1)" }.joined(separator: "&")

        var request = HTTPRequest(
            method: unsigned.method, url: origin + path + (query.isEmpty ? "" : "?" + query),
            headers: unsigned.headers, body: unsigned.body)
        request.headers["X-Amz-Date"] = time.basic
        request.headers["X-Amz-Security-Token"] = credentials.sessionToken

        var signed = request.headers.filter { !Self.unsigned.contains($0.name.lowercased()) }
            .map { (name: $0.name.lowercased(), value: Self.collapsed($0.value)) }
        signed.append((name: "host", value: Self.host(of: origin)))
        signed.sort { $0.name < $1.name }
        let names = signed.map(\.name).joined(separator: ";")
        let canonical = [
            // Encoded a second time: every service but S3 wants that.
            unsigned.method.rawValue, (path.isEmpty ? "/" : path).percentEncoded(keepsSlashes: true), query,
            signed.map { "\($0.name):\($0.value)\n" }.joined(), names, SHA256.hexDigest(of: unsigned.body),
        ].joined(separator: "\n")

        let scope = "\(time.basicDate)/\(region)/\(service)/aws4_request"
        let toSign = "AWS4-HMAC-SHA256\n\(time.basic)\n\(scope)\n\(SHA256.hexDigest(of: canonical))"
        var key = Array("AWS4\(credentials.secretAccessKey)".utf8)
        for part in [time.basicDate, region, service, "aws4_request"] { key = HMACSHA256.code(of: part, key: key) }
        let signature = SHA256.hexadecimal(HMACSHA256.code(of: toSign, key: key))
        request.headers["Authorization"] =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), SignedHeaders=\(names), "
            + "Signature=\(signature)"
        return request
    }

    /// Scheme, host and port; and the path, without a slash at its end.
    private static func split(_ endpoint: String) -> (origin: String, path: String) {
        let text = Array(endpoint.utf8)
        let slash = UInt8(ascii: "/")
        let authority = (text.firstIndex(of: UInt8(ascii: ":")) ?? 0) + 3
        let end = text.indices.dropFirst(authority).first { text[$0] == slash } ?? text.count
        var path = text[end...]
        while path.last == slash { path.removeLast() }
        return (String(decoding: text[..<end], as: UTF8.self), String(decoding: path, as: UTF8.self))
    }

    /// What libcurl sends as `Host`: no port where it is the scheme's own.
    private static func host(of origin: String) -> String {
        let isSecure = origin.lowercased().hasPrefix("https:")
        let authority = String(origin.dropFirst(isSecure ? 8 : 7))
        let port = isSecure ? ":443" : ":80"
        return authority.hasSuffix(port) ? String(authority.dropLast(port.count)) : authority
    }

    /// Without blanks at its ends, and with single ones inside.
    private static func collapsed(_ value: String) -> String {
        value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
    }
}
