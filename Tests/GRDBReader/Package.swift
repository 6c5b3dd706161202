// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import PackageDescription

// A package of its own: whoever uses perdure does not fetch GRDB.
let package = Package(
    name: "GRDBReader",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0")
    ],
    targets: [
        .executableTarget(
            name: "GRDBReader",
            dependencies: [.product(name: "GRDB", package: "GRDB.swift")],
            path: "Sources/GRDBReader",
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
        )
    ]
)
