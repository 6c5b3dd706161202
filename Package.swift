// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import PackageDescription

/// Every Swift target: Swift 6 mode, and the upcoming features that make imports and isolation explicit.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// Targets that talk to C: every unsafe expression is marked. The group stays a warning, as new SDKs may add to it.
let unsafeSwiftSettings: [SwiftSetting] =
    swiftSettings + [
        .strictMemorySafety(),
        .treatWarning("StrictMemorySafety", as: .warning),
    ]

let package = Package(
    name: "perdure",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Perdure", targets: ["Perdure"]),
        .library(name: "PerdureObservability", targets: ["PerdureObservability"]),
        .library(name: "PerdureTesting", targets: ["PerdureTesting"]),
        .library(name: "LambdaRuntimeAPI", targets: ["LambdaRuntimeAPI"]),
        .library(name: "LambdaEmulator", targets: ["LambdaEmulator"]),
        .library(name: "SessionStore", targets: ["SessionStore"]),
        .library(name: "AgentCore", targets: ["AgentCore"]),
        .library(name: "JSONCore", targets: ["JSONCore"]),
        .executable(name: "perdure", targets: ["PerdureCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.86.0"),
    ],
    targets: [
        // C
        .systemLibrary(
            name: "CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]
        ),
        .systemLibrary(
            name: "CSQLite",
            pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]
        ),
        .target(name: "CPOSIX"),
        .target(name: "CPerdureVFS", dependencies: ["CSQLite"]),

        // The bootstrap: nothing below may import Foundation.
        .target(name: "JSONCore", swiftSettings: swiftSettings),
        .target(name: "FileLocking", dependencies: ["CPOSIX"], swiftSettings: unsafeSwiftSettings),
        .target(
            name: "SQLiteDriver",
            dependencies: ["CPerdureVFS", "CSQLite"],
            swiftSettings: unsafeSwiftSettings
        ),
        .target(name: "CurlHTTP", dependencies: ["CCurl"], swiftSettings: unsafeSwiftSettings),
        .target(name: "AgentCore", dependencies: ["JSONCore"], swiftSettings: swiftSettings),
        .target(
            name: "LambdaRuntimeAPI",
            // CPOSIX for what it defines, not for an import: see LibraryFloor.c.
            dependencies: ["CPOSIX", "CurlHTTP", "JSONCore"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "SessionStore",
            dependencies: ["AgentCore", "FileLocking", "JSONCore", "SQLiteDriver"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "ModelClients",
            dependencies: ["AgentCore", "CurlHTTP", "JSONCore"],
            swiftSettings: swiftSettings
        ),
        .target(name: "AWSClient", dependencies: ["CurlHTTP", "JSONCore"], swiftSettings: swiftSettings),
        .target(
            name: "Perdure",
            dependencies: [
                "AWSClient", "AgentCore", "CurlHTTP", "JSONCore", "LambdaRuntimeAPI", "ModelClients", "SessionStore",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings
        ),
        // A product of its own: who does not want it neither links it nor waits for it.
        .target(
            name: "PerdureObservability",
            dependencies: [
                "Perdure",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: swiftSettings
        ),

        // Development: free to weigh what it likes, never linked into a bootstrap.
        .target(name: "PerdureTesting", dependencies: ["JSONCore", "Perdure"], swiftSettings: swiftSettings),
        .target(
            name: "LambdaEmulator",
            dependencies: [
                "JSONCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "PerdureCLI",
            dependencies: [
                "CurlHTTP", "LambdaEmulator", "Perdure",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings
        ),

        // Examples
        .executableTarget(
            name: "Echo",
            dependencies: ["LambdaRuntimeAPI"],
            path: "examples/Echo",
            exclude: ["README.md"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "Clock",
            dependencies: ["LambdaRuntimeAPI"],
            path: "examples/Clock",
            exclude: ["README.md"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "Greeter",
            dependencies: ["Perdure"],
            path: "examples/Greeter",
            exclude: ["README.md"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "SupportAgent",
            dependencies: ["Perdure"],
            path: "examples/SupportAgent",
            exclude: ["README.md", "orders.json"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "OwnFiles",
            dependencies: ["CSQLite"],
            path: "examples/OwnFiles",
            exclude: ["README.md"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "ResearchAgent",
            dependencies: ["OwnFiles", "Perdure"],
            path: "examples/ResearchAgent",
            exclude: ["README.md", "sources"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "DocumentAgent",
            dependencies: [
                "OwnFiles", "Perdure",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "examples/DocumentAgent",
            exclude: ["README.md", "document.txt", "make-document"],
            swiftSettings: swiftSettings
        ),

        // Benchmarks
        .executableTarget(
            name: "JSONBench",
            dependencies: ["JSONCore"],
            path: "Tests/JSONBench",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "StoreBench",
            dependencies: ["AgentCore", "SessionStore"],
            path: "Tests/StoreBench/Store",
            swiftSettings: swiftSettings
        ),

        // Tests
        .testTarget(name: "JSONCoreTests", dependencies: ["JSONCore"], swiftSettings: swiftSettings),
        .testTarget(name: "FileLockingTests", dependencies: ["FileLocking"], swiftSettings: swiftSettings),
        .testTarget(
            name: "SQLiteDriverTests",
            dependencies: ["CSQLite", "SQLiteDriver"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "PerdureCLITests",
            dependencies: ["AgentCore", "CurlHTTP", "JSONCore", "PerdureTesting", "SessionStore"],
            swiftSettings: swiftSettings
        ),
        .testTarget(name: "CurlHTTPTests", dependencies: ["CurlHTTP"], swiftSettings: swiftSettings),
        .testTarget(name: "AgentCoreTests", dependencies: ["AgentCore", "JSONCore"], swiftSettings: swiftSettings),
        .testTarget(
            name: "LambdaRuntimeAPITests",
            dependencies: [
                "CurlHTTP", "JSONCore", "LambdaEmulator", "LambdaRuntimeAPI", "PerdureTesting",
                "ScriptedFunction",
            ],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "StoreWriter",
            dependencies: ["AgentCore", "JSONCore", "SQLiteDriver", "SessionStore"],
            path: "Tests/StoreWriter",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "SessionStoreTests",
            dependencies: ["AgentCore", "JSONCore", "PerdureTesting", "SQLiteDriver", "SessionStore", "StoreWriter"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "Misbehaving",
            dependencies: ["LambdaRuntimeAPI"],
            path: "Tests/RIE/Misbehaving",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ModelClientsTests",
            dependencies: ["AgentCore", "CurlHTTP", "JSONCore", "ModelClients", "PerdureTesting"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "PerdureTests",
            dependencies: [
                "AgentCore", "JSONCore", "LambdaRuntimeAPI", "ModelClients", "Perdure", "PerdureTesting",
                "SQLiteDriver", "SessionStore",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "PerdureObservabilityTests",
            dependencies: [
                "AgentCore", "Perdure", "PerdureObservability", "PerdureTesting",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "LambdaEmulatorTests",
            dependencies: [
                "CurlHTTP", "LambdaEmulator",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "ScriptedFunction",
            dependencies: ["LambdaRuntimeAPI"],
            path: "Tests/Fixtures/ScriptedFunction",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "AWSClientTests",
            dependencies: ["AWSClient", "CurlHTTP", "JSONCore"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "AWSCaller",
            dependencies: ["AWSClient", "JSONCore"],
            path: "Tests/AWS/Caller",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "CrashAgent",
            dependencies: ["Perdure", "SQLiteDriver"],
            path: "Tests/CrashAgent",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "LoopAgent",
            dependencies: ["Perdure", "SQLiteDriver", "SessionStore"],
            path: "Tests/LoopAgent",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CrashTests",
            dependencies: ["CrashAgent", "CurlHTTP", "LambdaEmulator", "Perdure", "PerdureTesting"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ExampleTests",
            dependencies: ["CurlHTTP", "LambdaEmulator", "Perdure", "PerdureTesting"],
            swiftSettings: swiftSettings
        ),
    ]
)
