// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Visits a value and all that is in it, in the order of the text, without recursion: a deep value needs no deep stack.
struct Traversal: IteratorProtocol {
    enum Step {
        /// A null, boolean, number or string.
        case scalar(JSONValue)
        case beginArray
        case endArray
        case beginObject
        /// The value of this key comes next.
        case key(JSONString)
        case endObject
    }

    private enum Container {
        case array([JSONValue])
        case object([JSONObject.Member])
    }

    private struct Level {
        var container: Container
        var next = 0
    }

    /// What is to be visited before anything else: the root, or the value of the key just given.
    private var pending: JSONValue?
    private var levels: [Level] = []

    init(_ value: JSONValue) {
        pending = value
    }

    mutating func next() -> Step? {
        if let value = pending {
            pending = nil
            return enter(value)
        }
        let last = levels.count - 1
        guard last >= 0 else { return nil }
        let index = levels[last].next
        levels[last].next = index + 1
        switch levels[last].container {
        case .array(let elements):
            if index < elements.count { return enter(elements[index]) }
            levels.removeLast()
            return .endArray
        case .object(let members):
            if index < members.count {
                pending = members[index].value
                return .key(members[index].key)
            }
            levels.removeLast()
            return .endObject
        }
    }

    private mutating func enter(_ value: JSONValue) -> Step {
        switch value {
        case .array(let elements):
            levels.append(Level(container: .array(elements)))
            return .beginArray
        case .object(let object):
            levels.append(Level(container: .object(object.members)))
            return .beginObject
        default: return .scalar(value)
        }
    }
}
