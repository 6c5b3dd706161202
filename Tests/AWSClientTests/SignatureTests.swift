// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import JSONCore
import Testing

@testable import AWSClient

/// Signature Version 4 and what it is made of. `make test-aws` compares whole requests with those of botocore.
@Suite struct SignatureTests {
    struct Code: Sendable {
        var key: [UInt8]
        var message: [UInt8]
        var code: String
    }

    /// Test cases 1, 2, 4 and 6 of RFC 4231.
    @Test(arguments: [
        Code(
            key: Array(repeating: 0x0b, count: 20), message: Array("Hi There".utf8),
            code: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        Code(
            key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8),
            code: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        Code(
            key: Array(1...25), message: Array(repeating: 0xcd, count: 50),
            code: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        Code(
            key: Array(repeating: 0xaa, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            code: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    ])
    func `codes are those of RFC 4231`(_ example: Code) {
        #expect(SHA256.hexadecimal(HMACSHA256.code(of: example.message, key: example.key)) == example.code)
    }

    /// The example of AWS's own description of the signing process, with its documented result.
    @Test func `the signature of AWS's example comes out`() throws {
        let unsigned = RequestSigner.Unsigned(
            method: .get, endpoint: "https://iam.amazonaws.com/", path: [],
            query: [(name: "Version", value: "2010-05-08"), (name: "Action", value: "ListUsers")],
            headers: ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"])
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        let time = try #require(UTCTime(parsing: "2015-08-30T12:36:00Z"))
        let request = RequestSigner(service: "iam", region: "us-east-1").sign(unsigned, with: credentials, at: time)
        #expect(
            request.headers["Authorization"]
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-date, "
                + "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
        #expect(request.headers["X-Amz-Security-Token"] == nil)
    }

    @Test(arguments: [
        ("http://h:80", "h"), ("https://h:443/", "h"), ("https://h:80", "h:80"), ("http://[::1]:9/x", "[::1]:9"),
    ])
    func `the path of an endpoint and the API's are one, and a usual port is none`(_ endpoint: String, _ host: String) {
        let unsigned = RequestSigner.Unsigned(method: .get, endpoint: endpoint, path: ["a b", "c/d"])
        let signer = RequestSigner(service: "lambda", region: "r")
        let credentials = AWSCredentials(accessKeyID: "A", secretAccessKey: "s")
        func signature(_ unsigned: RequestSigner.Unsigned) -> String? {
            signer.sign(unsigned, with: credentials, at: UTCTime(seconds: 0)).headers["Authorization"]
        }
        let path = endpoint.hasSuffix("x") ? "/x/a%20b/c%2Fd" : "/a%20b/c%2Fd"
        let url = signer.sign(unsigned, with: credentials, at: UTCTime(seconds: 0)).url
        #expect(url.hasSuffix(path))
        // The same host by another spelling has the same signature.
        var other = unsigned
        other.endpoint =
            (endpoint.hasPrefix("https") ? "https://\(host)" : "http://\(host)") + (endpoint.hasSuffix("x") ? "/x" : "")
        #expect(signature(unsigned) == signature(other))
    }

    @Test func `credentials do not show their secrets`() {
        let credentials = AWSCredentials(accessKeyID: "AKIA", secretAccessKey: "hidden-1", sessionToken: "hidden-2")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), "\([credentials])", dumped] {
            #expect(text.contains("AKIA") && !text.contains("hidden"), "\(text)")
        }
    }
}
