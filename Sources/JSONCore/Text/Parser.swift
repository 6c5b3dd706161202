// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Reads RFC 8259 text in one pass, without recursion.
///
/// Finished values wait on two stacks, array elements on one and object members on the other, until their container
/// ends and moves them into an array of the right size.
struct Parser: ~Copyable {
    /// An array or object that has not ended yet.
    struct Frame {
        let isObject: Bool
        /// Where its elements or members begin on their stack.
        let start: Int
        /// The key whose value is being read.
        var key = JSONString("")
        var keys = KeyFilter()
    }

    let base: UnsafePointer<UInt8>
    let count: Int
    var position = 0
    /// Where strings with escapes are put together.
    var scratch: [UInt8] = []

    private let maximumDepth: Int
    private var frames = MoveStack<Frame>(capacity: 16)
    private var elements = MoveStack<JSONValue>(capacity: 64)
    private var members = MoveStack<JSONObject.Member>(capacity: 64)

    init(base: UnsafePointer<UInt8>, count: Int, maximumDepth: Int) {
        self.base = base
        self.count = count
        self.maximumDepth = min(maximumDepth, JSONValue.maximumParsingDepth)
    }

    static func parse(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int) -> Result<JSONValue, JSONError> {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return .failure(JSONError(.emptyInput, at: 0)) }
        return bytes.withMemoryRebound(to: UInt8.self) { buffer in
            var parser = Parser(
                base: buffer.baseAddress ?? start.assumingMemoryBound(to: UInt8.self),
                count: buffer.count,
                maximumDepth: maximumDepth
            )
            do throws(JSONError) {
                return .success(try parser.document())
            } catch {
                return .failure(error)
            }
        }
    }

    private mutating func document() throws(JSONError) -> JSONValue {
        if count >= 3, base[0] == 0xEF, base[1] == 0xBB, base[2] == 0xBF { throw JSONError(.byteOrderMark, at: 0) }
        skipWhitespace()
        guard position < count else { throw JSONError(.emptyInput, at: position) }

        while true {
            guard var value = try scalarOrEmptyContainer() else { continue }
            // The value ends its container, perhaps that one its own, and so on; or another value follows.
            repeat {
                guard frames.count > 0 else {
                    skipWhitespace()
                    guard position == count else { throw JSONError(.trailingBytes, at: position) }
                    return value
                }
                guard let container = try add(value) else { break }
                value = container
            } while true
        }
    }

    /// Reads a value that is complete at once, or opens a container that is not empty and returns nil.
    private mutating func scalarOrEmptyContainer() throws(JSONError) -> JSONValue? {
        guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
        switch base[position] {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "{"):
            try open()
            if position < count, base[position] == UInt8(ascii: "}") {
                position += 1
                return .object(JSONObject())
            }
            frames.push(Frame(isObject: true, start: members.count))
            try key()
            return nil
        case UInt8(ascii: "["):
            try open()
            if position < count, base[position] == UInt8(ascii: "]") {
                position += 1
                return .array([])
            }
            frames.push(Frame(isObject: false, start: elements.count))
            return nil
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        default: throw JSONError(.unexpectedByte, at: position)
        }
    }

    private mutating func open() throws(JSONError) {
        guard frames.count < maximumDepth else { throw JSONError(.depthExceeded, at: position) }
        position += 1
        skipWhitespace()
    }

    /// Adds `value` to the innermost container. Returns that container when it ends here, and nil when more follows.
    @inline(__always)
    private mutating func add(_ value: consuming JSONValue) throws(JSONError) -> JSONValue? {
        let isObject = frames.top.isObject
        if isObject {
            members.push(JSONObject.Member(key: frames.top.key, value: value))
        } else {
            elements.push(value)
        }
        skipWhitespace()
        guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
        let byte = base[position]
        if byte == UInt8(ascii: ",") {
            position += 1
            skipWhitespace()
            if isObject { try key() }
            return nil
        }
        guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
            throw JSONError(.unexpectedByte, at: position)
        }
        position += 1
        let frame = frames.pop()
        guard isObject else { return .array(elements.takeArray(from: frame.start)) }
        let taken = members.takeArray(from: frame.start)
        return .object(
            JSONObject(members: taken, mayRepeatKeys: frame.keys.mayRepeat && JSONObject.repeatsKeys(taken))
        )
    }

    /// Reads a key and its colon.
    private mutating func key() throws(JSONError) {
        guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
        guard base[position] == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
        let start = position + 1
        let key = try string()
        if case .plain = key.storage {
            frames.top.keys.insert(UnsafeRawBufferPointer(start: base + start, count: position - 1 - start))
        } else {
            // Its spelling says nothing about whether its text was there before.
            frames.top.keys.mayRepeat = true
        }
        frames.top.key = key
        skipWhitespace()
        guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
        guard base[position] == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
        position += 1
        skipWhitespace()
    }

    @inline(__always)
    private mutating func skipWhitespace() {
        while position < count {
            let byte = base[position]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
            guard base[position] == word.utf8Start[index] else { throw JSONError(.unexpectedByte, at: position) }
            position += 1
        }
    }
}
