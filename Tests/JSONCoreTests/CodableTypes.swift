// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Every shape that Codable's synthesis knows, in one type.
struct Everything: Codable, Equatable {
    struct Line: Codable, Equatable {
        var sku: String
        var quantity: Int
        var price: Double?
    }

    enum Status: String, Codable {
        case open, closed
    }

    enum Level: Int, Codable {
        case low = 1
        case high = 10
    }

    enum Event: Codable, Equatable {
        case started
        case moved(x: Int, y: Int)
        case named(String)
    }

    enum CodingKeys: String, CodingKey {
        case text, flag, status, level, events, lines, matrix, byName, byNumber, absent, present, renamed = "re_named"
        case small, large, single, double, optionals, nested
    }

    var text = "naïve \"quoted\"\n\u{1}𝄞"
    var flag = true
    var status = Status.closed
    var level = Level.high
    var events: [Event] = [.started, .moved(x: 1, y: -2), .named("n")]
    var lines = [Line(sku: "a", quantity: 2, price: 1.25), Line(sku: "b", quantity: 0, price: nil)]
    var matrix = [[1, 2], [], [3]]
    var byName = ["one": 1, "two": 2]
    var byNumber = [7: "seven"]
    var absent: String?
    var present: Int? = 4
    var renamed = UInt8.max
    var small = Int8.min
    var large = UInt64.max
    var single: Float = 0.1
    var double = Double.leastNonzeroMagnitude
    var optionals: [Int?] = [1, nil, 3]
    var nested: Line? = Line(sku: "é", quantity: -1, price: 1e300)
}

/// A class hierarchy that gives its superclass a nested encoder.
class Animal: Codable {
    var name: String

    init(name: String) {
        self.name = name
    }
}

final class Dog: Animal {
    enum CodingKeys: CodingKey {
        case breed, tricks
    }

    var breed: String
    var tricks: [String]

    init(name: String, breed: String, tricks: [String]) {
        self.breed = breed
        self.tricks = tricks
        super.init(name: name)
    }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        breed = try container.decode(String.self, forKey: .breed)
        var tricks = try container.nestedUnkeyedContainer(forKey: .tricks)
        self.tricks = []
        while !tricks.isAtEnd { self.tricks.append(try tricks.decode(String.self)) }
        try super.init(from: try container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(breed, forKey: .breed)
        var list = container.nestedUnkeyedContainer(forKey: .tricks)
        for trick in tricks { try list.encode(trick) }
        try super.encode(to: container.superEncoder())
    }
}

/// A subclass that shares its superclass's container.
final class Cat: Animal {
    enum CodingKeys: CodingKey {
        case lives
    }

    var lives = 9

    init(named name: String) { super.init(name: name) }

    required init(from decoder: any Decoder) throws {
        lives = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .lives)
        try super.init(from: decoder)
    }

    override func encode(to encoder: any Encoder) throws {
        try super.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(lives, forKey: .lives)
    }
}

/// Uses nested containers of both kinds, in both kinds.
struct Nested: Codable, Equatable {
    enum Keys: CodingKey {
        case inner, list, x, y
    }

    var x = 1
    var y = "why"
    var pairs = [[1, 2], [3, 4]]

    init() {}

    init(from decoder: any Decoder) throws {
        let outer = try decoder.container(keyedBy: Keys.self)
        let inner = try outer.nestedContainer(keyedBy: Keys.self, forKey: .inner)
        x = try inner.decode(Int.self, forKey: .x)
        y = try inner.decode(String.self, forKey: .y)
        var list = try outer.nestedUnkeyedContainer(forKey: .list)
        pairs = []
        while !list.isAtEnd {
            if list.currentIndex == 1 {
                var pair = try list.nestedUnkeyedContainer()
                pairs.append([try pair.decode(Int.self), try pair.decode(Int.self)])
            } else {
                let pair = try list.nestedContainer(keyedBy: Keys.self)
                pairs.append([try pair.decode(Int.self, forKey: .x), try pair.decode(Int.self, forKey: .y)])
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var outer = encoder.container(keyedBy: Keys.self)
        var inner = outer.nestedContainer(keyedBy: Keys.self, forKey: .inner)
        var list = outer.nestedUnkeyedContainer(forKey: .list)
        for (index, pair) in pairs.enumerated() {
            if index == 1 {
                var values = list.nestedUnkeyedContainer()
                for number in pair { try values.encode(number) }
            } else {
                var values = list.nestedContainer(keyedBy: Keys.self)
                try values.encode(pair[0], forKey: .x)
                try values.encode(pair[1], forKey: .y)
            }
        }
        try inner.encode(x, forKey: .x)
        try inner.encode(y, forKey: .y)
    }
}

/// A value that stands for itself.
struct Wrapped<Value: Codable & Equatable & Sendable>: Codable, Equatable, Sendable {
    var value: Value

    init(_ value: Value) {
        self.value = value
    }

    init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(Value.self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}
