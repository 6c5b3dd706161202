// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A step on a coding path: what decoders and encoders of one value have in common.
///
/// The path is put together only when somebody asks, which is mostly when something fails.
class CodingNode {
    private let parent: CodingNode?
    private let key: (any CodingKey)?
    /// The `userInfo` given to the outermost decoder or encoder.
    final var rootUserInfo: [CodingUserInfoKey: any Sendable] = [:]

    init(parent: CodingNode?, key: (any CodingKey)?) {
        self.parent = parent
        self.key = key
    }

    final var codingPath: [any CodingKey] {
        var path: [any CodingKey] = []
        var node: CodingNode? = self
        while let current = node {
            if let key = current.key { path.append(key) }
            node = current.parent
        }
        return path.reversed()
    }

    final var userInfo: [CodingUserInfoKey: Any] {
        var root = self
        while let parent = root.parent { root = parent }
        return root.rootUserInfo
    }
}

/// A key that no type declares: an array's index, or `super`.
struct PathKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    static let superKey = PathKey("super")

    init(_ name: String) {
        stringValue = name
        intValue = nil
    }

    init(index: Int) {
        stringValue = "Index \(index)"
        intValue = index
    }

    init?(stringValue: String) { self.init(stringValue) }

    init?(intValue: Int) { self.init(index: intValue) }
}
