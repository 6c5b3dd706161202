// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension JSONValue: Hashable {
    /// Whether both hold the same values in the same order.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        var lefts = Traversal(left)
        var rights = Traversal(right)
        while let step = lefts.next() {
            guard let other = rights.next(), step == other else { return false }
        }
        return rights.next() == nil
    }

    /// Hashes the values in order.
    public func hash(into hasher: inout Hasher) {
        var steps = Traversal(self)
        while let step = steps.next() { step.hash(into: &hasher) }
    }
}

extension Traversal.Step: Equatable {
    static func == (left: Traversal.Step, right: Traversal.Step) -> Bool {
        switch (left, right) {
        case (.scalar(.null), .scalar(.null)), (.beginArray, .beginArray), (.endArray, .endArray),
            (.beginObject, .beginObject), (.endObject, .endObject):
            true
        case (.scalar(.bool(let left)), .scalar(.bool(let right))): left == right
        case (.scalar(.number(let left)), .scalar(.number(let right))): left == right
        case (.scalar(.string(let left)), .scalar(.string(let right))): left == right
        case (.key(let left), .key(let right)): left == right
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .scalar(.bool(let value)): hasher.combine(value)
        case .scalar(.number(let value)): hasher.combine(value)
        case .scalar(.string(let value)), .key(let value): hasher.combine(value)
        case .scalar: hasher.combine(0)
        case .beginArray: hasher.combine(1)
        case .endArray: hasher.combine(2)
        case .beginObject: hasher.combine(3)
        case .endObject: hasher.combine(4)
        }
    }
}
