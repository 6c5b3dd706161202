// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI

@main
struct Clock {
    static func main() async {
        await LambdaRuntime.runStreaming { _, _, writer in
            try await writer.write(HTTPResponsePrelude(headers: ["Content-Type": "text/plain"]))
            for tick in 1...3 { try await writer.write(Array("\(tick)\n".utf8)) }
        }
    }
}
