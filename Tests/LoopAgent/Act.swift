// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A tool whose effect is a line in a file: its number and its idempotency key.
struct Act: Tool {
    struct Arguments: Codable { let number: Int }
    struct NoEffect: Error {}
    let effect: ToolEffect
    let file: String
    let boundary: Boundary
    let description = "Acts."

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        await boundary.reached("claimed", arguments.number)
        try Task.checkCancellation()
        try append("\(arguments.number) \(context.idempotencyKey)\n")
        await boundary.reached("effect", arguments.number)
        try Task.checkCancellation()
        return "done \(arguments.number)"
    }

    private func append(_ line: String) throws {
        let descriptor = unsafe open(file, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw NoEffect() }
        defer { close(descriptor) }
        let bytes = Array(line.utf8)
        guard unsafe write(descriptor, bytes, bytes.count) == bytes.count else { throw NoEffect() }
    }
}
