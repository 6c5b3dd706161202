// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

/// The environment of a bootstrap, as Lambda documents it; nothing is inherited from the emulator.
enum SandboxEnvironment {
    /// - Parameter endpoint: Where the emulator stands in for Lambda and EventBridge Scheduler.
    static func variables(
        for function: FunctionConfiguration, runtimeAPI: String, endpoint: String?, logStream: String
    ) -> [String: String] {
        let root = taskRoot(of: function)
        let region = region(of: function)
        // What a function's own variables may replace.
        var defaults = [
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_SESSION_TOKEN": "not-a-token",
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "TZ": ":UTC",
            "PERDURE_SCHEDULER_ROLE": "arn:aws:iam::\(FunctionName.account):role/perdure-scheduler",
        ]
        defaults["AWS_ENDPOINT_URL_LAMBDA"] = endpoint
        defaults["AWS_ENDPOINT_URL_SCHEDULER"] = endpoint
        var reserved = [
            "_HANDLER": function.handler,
            "LAMBDA_TASK_ROOT": root,
            "LAMBDA_RUNTIME_DIR": URL(filePath: absolute(function.bootstrap)).deletingLastPathComponent().path(
                percentEncoded: false),
            "AWS_LAMBDA_RUNTIME_API": runtimeAPI,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "\(function.memorySize)",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/\(function.name)",
            "AWS_LAMBDA_LOG_STREAM_NAME": logStream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": function.snapStart ? "snap-start" : "on-demand",
        ]
        if function.concurrencyPerSandbox > 1 {
            reserved["AWS_LAMBDA_INITIALIZATION_TYPE"] = "lambda-managed-instances"
            reserved["AWS_LAMBDA_MAX_CONCURRENCY"] = "\(function.concurrencyPerSandbox)"
        }
        return defaults.merging(function.environment) { $1 }.merging(reserved) { $1 }
    }

    static let defaultRegion = "us-east-1"

    static func region(of function: FunctionConfiguration) -> String {
        function.environment["AWS_REGION"] ?? defaultRegion
    }

    static func taskRoot(of function: FunctionConfiguration) -> String {
        function.taskRoot.map(absolute)
            ?? URL(filePath: absolute(function.bootstrap)).deletingLastPathComponent().path(percentEncoded: false)
    }

    /// A bootstrap runs in its task root, so a relative path would change its meaning.
    static func absolute(_ path: String) -> String {
        URL(filePath: path).absoluteURL.standardizedFileURL.path(percentEncoded: false)
    }

    /// `2026/01/31/[$LATEST]` and 32 hexadecimal digits.
    static func newLogStream() -> String {
        let day = Date.now.formatted(.iso8601.year().month().day().dateSeparator(.dash))
        let id = UUID().uuidString.replacing("-", with: "").lowercased()
        return "\(day.replacing("-", with: "/"))/[$LATEST]\(id)"
    }
}
