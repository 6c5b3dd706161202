// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

// Compiled together with JSONCore's sources by fuzz.sh, so there is no module to import.

/// Reads the input and checks what reading and writing promise. A broken promise is a trap, which libFuzzer reports.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTestOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let depth = 64
    do throws(JSONError) {
        let value = try JSONValue(parsing: input, maximumDepth: depth)
        checkWriting(value, of: input)
        precondition(nesting(of: value) <= depth, "the depth limit does not hold")
        checkLookup(value)
        checkCoding(value)
    } catch {
        guard let offset = error.byteOffset, offset >= 0, offset <= count else {
            preconditionFailure("an error outside the input")
        }
        // What comes before the fault can be completed; so the fault does not depend on what follows it.
        if error.code == .trailingBytes {
            precondition((try? JSONValue(parsing: input[..<offset], maximumDepth: depth)) != nil)
        }
    }
    return 0
}

private func checkWriting(_ value: JSONValue, of input: [UInt8]) {
    let written = value.bytes()
    precondition(written == withoutWhitespace(input), "the spelling is lost")
    guard let again = try? JSONValue(parsing: written, maximumDepth: 64), again == value else {
        preconditionFailure("what was written reads differently")
    }
    precondition(again.hashValue == value.hashValue, "equal values hash differently")
    let pretty = value.bytes(.pretty)
    precondition(withoutWhitespace(pretty) == written, "the pretty layout changes more than white space")
    precondition((try? JSONValue(parsing: pretty, maximumDepth: 64)) == value, "the pretty layout reads differently")
}

/// Looking up a key finds its last value, however many members repeat it.
private func checkLookup(_ value: JSONValue) {
    switch value {
    case .array(let elements): elements.forEach(checkLookup)
    case .object(let object):
        for (key, value) in object {
            let last = object.last { $0.key.utf8.elementsEqual(key.utf8) }
            precondition(object[key] == last?.value, "the look-up finds another member")
            checkLookup(value)
        }
    case .number(let number):
        precondition(JSONNumber(literal: number.literal) == number)
        precondition(number.int.map { JSONNumber($0) == number } ?? true, "the integer is not exact")
        guard let double = Double(number.literal) else { preconditionFailure("the standard library refuses a number") }
        precondition(number.double == double, "the double is not the nearest")
    case .null, .bool, .string: break
    }
}

/// A value that goes through the Codable bridge comes back.
private func checkCoding(_ value: JSONValue) {
    guard let coded = try? JSONCoder.encode(value), coded == value else { preconditionFailure("encoding changes it") }
    guard let decoded = try? JSONCoder.decode(JSONValue.self, from: value), decoded.bytes() == value.bytes() else {
        preconditionFailure("decoding changes it")
    }
    _ = try? JSONCoder.decode([String: [Int8?]].self, from: value)
    _ = try? JSONCoder.decode([Double].self, from: value)
}

private func nesting(of value: JSONValue) -> Int {
    switch value {
    case .array(let elements): 1 + (elements.map(nesting).max() ?? 0)
    case .object(let object): 1 + (object.map { nesting(of: $0.value) }.max() ?? 0)
    case .null, .bool, .number, .string: 0
    }
}

private func withoutWhitespace(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var isInString = false
    var isEscaped = false
    for byte in bytes {
        if isInString {
            isInString = isEscaped || byte != UInt8(ascii: "\"")
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        } else if [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
            continue
        } else if byte == UInt8(ascii: "\"") {
            isInString = true
        }
        result.append(byte)
    }
    return result
}
