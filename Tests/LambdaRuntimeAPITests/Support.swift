// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaRuntimeAPI
import PerdureTesting
import Testing

typealias Header = ScriptedRuntimeAPI.Header

func client(of api: ScriptedRuntimeAPI) throws -> RuntimeClient {
    try RuntimeClient(RuntimeEnvironment(["AWS_LAMBDA_RUNTIME_API": api.endpoint]))
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

extension ScriptedRuntimeAPI.Request {
    /// All bytes of the request, with a name in place of the port, which the system chose.
    func bytes(at endpoint: String) -> String { text(head + framedBody).replacing(endpoint, with: "127.0.0.1:PORT") }

    /// A string in the body, as an independent reader of JSON sees it.
    func string(_ key: String) throws -> String? { try object[key] as? String }

    /// An array of strings in the body.
    func strings(_ key: String) throws -> [String]? { try object[key] as? [String] }

    private var object: [String: Any] {
        get throws { try #require(JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]) }
    }
}

/// A request as it has to be, byte by byte.
func golden(_ name: String) throws -> String {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return text(Array(try Data(contentsOf: tests.appendingPathComponent("Fixtures/RuntimeAPI/\(name).http"))))
}
