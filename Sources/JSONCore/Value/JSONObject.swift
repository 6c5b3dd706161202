// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// An object's members in order. Repeated keys and the keys' spelling survive reading and writing.
///
/// Look-up by key is linear in the number of members. Equality counts the order.
public struct JSONObject: Sendable {
    struct Member: Sendable {
        var key: JSONString
        var value: JSONValue
    }

    var members: [Member]
    /// False only when no two members have the same key; lets a look-up stop at the first match.
    var mayRepeatKeys: Bool

    /// An object without members.
    public init() {
        members = []
        mayRepeatKeys = false
    }

    init(members: [Member], mayRepeatKeys: Bool) {
        self.members = members
        self.mayRepeatKeys = mayRepeatKeys
    }

    /// An object with these members, repeated keys included.
    public init(_ members: some Sequence<(key: String, value: JSONValue)>) {
        self.init()
        for (key, value) in members { append(value, forKey: JSONString(key)) }
    }

    /// The value of the member named `key`: the last one when repeated.
    ///
    /// Setting replaces that member's value where it stands, or appends a member. Setting nil removes every member of
    /// that name.
    public subscript(key: String) -> JSONValue? {
        get { index(of: key).map { members[$0].value } }
        set {
            guard let newValue else {
                members.removeAll { $0.key.value.hasSameBytes(as: key) }
                return
            }
            if let index = index(of: key) {
                members[index].value = newValue
            } else {
                members.append(Member(key: JSONString(key), value: newValue))
            }
        }
    }

    /// Adds a member at the end, even when there is one of that name.
    public mutating func append(_ value: JSONValue, forKey key: JSONString) {
        // Past a few members the search would make building quadratic; saying "perhaps" is always right.
        mayRepeatKeys = mayRepeatKeys || members.count >= 16 || index(of: key.value) != nil
        members.append(Member(key: key, value: value))
    }

    /// The key at `position` with its spelling.
    public func spelledKey(at position: Int) -> JSONString { members[position].key }

    func index(of key: String) -> Int? {
        mayRepeatKeys
            ? members.lastIndex { $0.key.value.hasSameBytes(as: key) }
            : members.firstIndex { $0.key.value.hasSameBytes(as: key) }
    }

    /// Whether two members have the same key.
    static func repeatsKeys(_ members: [Member]) -> Bool {
        if members.count <= 16 {
            for (index, member) in members.enumerated() {
                for other in members[..<index] where other.key == member.key { return true }
            }
            return false
        }
        var seen = Set<JSONString>(minimumCapacity: members.count)
        return !members.allSatisfy { seen.insert($0.key).inserted }
    }

    /// The members that look-ups see: of each key the last value, at the place of the first.
    var distinctMembers: [Member] {
        guard mayRepeatKeys else { return members }
        var places = [JSONString: Int](minimumCapacity: members.count)
        var result: [Member] = []
        result.reserveCapacity(members.count)
        for member in members {
            if let place = places[member.key] {
                result[place].value = member.value
            } else {
                places[member.key] = result.count
                result.append(member)
            }
        }
        return result
    }
}

extension JSONObject: Hashable {
    /// Whether both have equal members in the same order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        JSONValue.object(left) == JSONValue.object(right)
    }

    /// Hashes the members in order.
    public func hash(into hasher: inout Hasher) { JSONValue.object(self).hash(into: &hasher) }
}

extension JSONObject: RandomAccessCollection {
    /// A member's key and value.
    public typealias Element = (key: String, value: JSONValue)

    /// Always zero.
    public var startIndex: Int { 0 }

    /// The number of members.
    public var endIndex: Int { members.count }

    /// The member at `position`.
    public subscript(position: Int) -> Element {
        (key: members[position].key.value, value: members[position].value)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// An object with its members in the order written.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.lazy.map { (key: $0, value: $1) })
    }
}
