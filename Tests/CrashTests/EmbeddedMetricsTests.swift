// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import PerdureTesting
import Synchronization
import Testing

/// What a real bootstrap writes for CloudWatch.
@Suite(.serialized, .timeLimit(.minutes(2))) struct EmbeddedMetricsTests {
    @Test(arguments: ["JSON", "Text"])
    func `each turn has a line of its own among the log's, which is the document and nothing else`(format: String)
        async throws
    {
        let lines = Mutex<[String]>([])
        let variables = ["PERDURE_EMF": "Shop", "AWS_LAMBDA_LOG_FORMAT": format]
        let log: @Sendable (String) -> Void = { text in
            lines.withLock { $0 += text.split(separator: "\n").map(String.init) }
        }
        try await Deployment.run(environment: variables, log: log) { _, _ in
            .text("Done.")
        } _: { deployment in
            for id in ["1", "2"] {
                _ = try await deployment.invoke(["session": "s", "message": "Go.", "id": .init(id)])
            }
        }
        // The emulator has shut down, and so has all that it wrote been read.
        let documents = lines.withLock { $0.filter { $0.contains("CloudWatchMetrics") } }
        #expect(documents.count == 2)
        for document in documents {
            let json = try JSONValue(parsing: document.utf8)
            #expect(json["Agent"]?.string == "crash" && json["Turns"]?.int == 1)
            #expect(json["_aws"]?["CloudWatchMetrics"]?.array?.first?["Namespace"]?.string == "Shop")
        }
    }
}
