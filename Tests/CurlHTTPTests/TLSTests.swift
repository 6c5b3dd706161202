// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Foundation
import Testing

/// Encrypted connections, against a server that shares no code with the client.
@Suite(.timeLimit(.minutes(2)), .enabled(if: TLSServer.isAvailable, "needs python3 and openssl"))
struct TLSTests {
    @Test func `a server with a certificate of a trusted authority is talked to`() async throws {
        let server = try TLSServer()
        let options = HTTPOptions(certificateAuthorities: server.authority)
        let bodies = try await onThread { () -> [String] in
            let transfer = try Transfer(options: options)
            return try (0..<2).map { _ in
                String(try transfer.perform(HTTPRequest(method: .post, url: server.url, body: [0x61])).body)
            }
        }
        let client = HTTPClient(options: options)
        let stream = try await client.stream(HTTPRequest(method: .post, url: server.url, body: [0x62]))
        // The server answers with the number of requests on the same connection, and the body.
        #expect(bodies == ["1 a", "2 a"])
        #expect(String(try await stream.body.collect()) == "1 b")
    }

    @Test func `a certificate of an unknown authority is refused`() async throws {
        let server = try TLSServer()
        let error = try await onThread {
            try failure { try Transfer().perform(HTTPRequest(method: .post, url: server.url)) }
        }
        #expect(error.code == .tls)
        #expect(!error.requestWasSent)
        #expect(!error.isRetryable)
        let asyncError = await #expect(throws: HTTPError.self) {
            try await HTTPClient().send(HTTPRequest(url: server.url))
        }
        #expect(asyncError?.code == .tls)
    }

    @Test func `a certificate for another host is refused`() async throws {
        let server = try TLSServer()
        let options = HTTPOptions(certificateAuthorities: server.authority)
        let error = await #expect(throws: HTTPError.self) {
            try await HTTPClient(options: options).send(HTTPRequest(url: server.url(host: "localhost")))
        }
        #expect(error?.code == .tls)
    }

    @Test func `a server that speaks no TLS is refused`() async throws {
        let server = try SocketServer { connection in connection.answer("x") }
        let error = await #expect(throws: HTTPError.self) {
            try await HTTPClient().send(HTTPRequest(url: "https://127.0.0.1:\(server.port)"))
        }
        #expect(error?.code == .tls)
        #expect(error?.requestWasSent == false)
    }

    @Test func `authorities that cannot be read are an error`() async throws {
        let server = try TLSServer()
        let options = HTTPOptions(certificateAuthorities: "/nonexistent/ca.pem")
        let error = await #expect(throws: HTTPError.self) {
            try await HTTPClient(options: options).send(HTTPRequest(url: server.url))
        }
        #expect(error?.code == .tls)
    }

    @Test(arguments: ["SSL_CERT_FILE", "CURL_CA_BUNDLE"])
    func `the environment names the authorities`(_ variable: String) async throws {
        await #expect(processExitsWith: .success) { [variable] in
            let server = try TLSServer()
            for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE"] { unsetenv(name) }
            setenv(variable, server.authority, 1)
            let response = try await HTTPClient().send(HTTPRequest(method: .post, url: server.url))
            #expect(response.status == 200)
        }
    }
}

/// Python's HTTPS server on loopback, with a certificate for 127.0.0.1 of an authority made for it.
final class TLSServer: Sendable {
    static let isAvailable = ["python3", "openssl"].allSatisfy { (try? run("/usr/bin/env", [$0, "--help"])) != nil }

    /// The path of the authority's certificate.
    let authority: String
    private let folder: URL
    private let process: Process
    private let port: Int

    var url: String { url(host: "127.0.0.1") }
    func url(host: String) -> String { "https://\(host):\(port)" }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "perdure-tls-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        authority = folder.appending(path: "ca.pem").path
        try Self.script.write(to: folder.appending(path: "server.sh"), atomically: true, encoding: .utf8)
        let output = Pipe()
        process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["server.sh"]
        process.currentDirectoryURL = folder
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        // The server ends with its input, so also when this process is killed.
        process.standardInput = Pipe()
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    @discardableResult
    private static func run(_ path: String, _ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw POSIXError(.ENOENT) }
        return 0
    }

    private static let script = """
        set -e
        key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        openssl req -x509 $key -keyout ca.key -out ca.pem -subj /CN=authority 2>/dev/null
        printf 'subjectAltName=IP:127.0.0.1\\n' > san
        openssl req $key -keyout server.key -out server.csr -subj /CN=server 2>/dev/null
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san \
            -out server.pem 2>/dev/null
        exec python3 -c '
        import http.server, ssl, sys, threading, os
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            count = 0
            def do_POST(self):
                self.count += 1
                body = b"%d " % self.count + self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *arguments): pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("server.pem", "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print(server.server_port, flush=True)
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        server.serve_forever()
        '
        """
}
