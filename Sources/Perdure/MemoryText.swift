// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A text of the memory and its lines, which end with a line feed and nothing else.
struct MemoryText {
    private let text: String
    private let lines: [Substring]

    private static let newline = UInt8(ascii: "\n")
    /// The longest file that is shown, by the documentation of the memory tool.
    private static let maximumLines = 999_999
    /// How many bytes of lines a view shows, some 16,000 tokens: what is longer is viewed in parts. The documentation says
    /// to have such a limit, and none.
    static let maximumView = 1 << 16
    /// How many lines are named in which a text occurs that is to be replaced.
    private static let maximumOccurrences = 1000

    init(_ text: String) {
        self.text = text
        lines = text.utf8.split(separator: Self.newline, omittingEmptySubsequences: false).map(Substring.init)
    }

    /// The lines with their numbers.
    /// - Parameter range: The first and the last line, -1 for the end; anything but two numbers means all.
    func view(of location: MemoryLocation, _ range: [Int]?) throws(MemoryRefusal) -> String {
        guard lines.count <= Self.maximumLines else {
            throw MemoryRefusal("File \(location) exceeds maximum line limit of 999,999 lines.")
        }
        var shown = 1...max(1, lines.count)
        var isEmpty = false
        if let range, range.count == 2 {
            let first = max(1, range[0])
            // As in a Python slice, other negative numbers count from the end.
            let last =
                range[1] == -1 ? lines.count : range[1] < 0 ? lines.count + max(range[1], -lines.count) : range[1]
            isEmpty = first > min(last, lines.count)
            if !isEmpty { shown = first...min(last, lines.count) }
        }
        return "Here's the content of \(location) with line numbers:\n" + (isEmpty ? "" : beginning(of: shown))
    }

    /// As many of the lines as are shown at once; of one that is longer than that, its beginning.
    private func beginning(of numbers: ClosedRange<Int>) -> String {
        var room = Self.maximumView
        let whole = numbers.prefix { number in
            // With its number, a tab and a line feed.
            room -= lines[number - 1].utf8.count + 8
            return room >= 0
        }
        if whole.count == numbers.count { return numbered(numbers) }
        guard let last = whole.last else {
            let (number, line) = (numbers.lowerBound, lines[numbers.lowerBound - 1])
            let end = line.utf8.index(line.startIndex, offsetBy: Self.maximumView, limitedBy: line.endIndex)
            return numbered(number, line[..<(end ?? line.endIndex)])
                + "\n(Only the beginning of line \(number) is shown. The view_range [\(number + 1), -1] goes on behind it.)"
        }
        return numbered(numbers.lowerBound...last)
            + "\n(Cut off behind line \(last) of \(lines.count). The view_range [\(last + 1), -1] goes on.)"
    }

    /// Replaces a text that occurs once.
    /// - Returns: The new text, and the lines around the change.
    func replacing(
        _ old: String, with new: String, at location: MemoryLocation
    ) throws(MemoryRefusal) -> (text: String, snippet: String) {
        let (bytes, pattern) = (Array(text.utf8), Array(old.utf8))
        let places = Self.places(of: pattern, in: bytes)
        guard let place = places.first else {
            throw MemoryRefusal(
                "No replacement was performed, old_str `\(old)` did not appear verbatim in \(location).")
        }
        // Two that overlap are one occurrence.
        guard places.allSatisfy({ $0 < place + pattern.count }) else {
            var (numbers, line, position) = ([String](), 1, 0)
            for place in places.prefix(Self.maximumOccurrences) {
                line += bytes[position..<place].count { $0 == Self.newline }
                position = place
                numbers.append("\(line)")
            }
            if places.count > numbers.count { numbers.append("…") }
            throw MemoryRefusal(
                "No replacement was performed. Multiple occurrences of old_str `\(old)` in lines: "
                    + "\(numbers.joined(separator: ", ")). Please ensure it is unique")
        }
        let changed = bytes[..<place] + Array(new.utf8) + bytes[(place + pattern.count)...]
        let result = MemoryText(String(decoding: changed, as: UTF8.self))
        let line = bytes[..<place].count { $0 == Self.newline } + 1
        let last = min(result.lines.count, line + 2)
        return (result.text, result.beginning(of: max(1, min(line - 2, last))...last))
    }

    /// Inserts a line, or several.
    /// - Parameter line: The number of lines that stay before it.
    func inserting(_ inserted: String, behind line: Int) throws(MemoryRefusal) -> String {
        var lines = lines
        // What follows the last line feed is a line if there is something.
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard (0...lines.count).contains(line) else {
            throw MemoryRefusal(
                "Error: Invalid `insert_line` parameter: \(line). It should be within the range of lines of the file: "
                    + "[0, \(lines.count)]")
        }
        var bytes = Array(inserted.utf8)
        while bytes.last == Self.newline { bytes.removeLast() }
        lines.insert(Substring(decoding: bytes, as: UTF8.self), at: line)
        let text = lines.joined(separator: "\n")
        return text.utf8.last == Self.newline ? text : text + "\n"
    }

    private func numbered(_ numbers: ClosedRange<Int>) -> String {
        numbers.map { numbered($0, lines[$0 - 1]) }.joined(separator: "\n")
    }

    private func numbered(_ number: Int, _ line: Substring) -> String {
        let digits = "\(number)"
        return "\(String(repeating: " ", count: max(0, 6 - digits.utf8.count)))\(digits)\t\(line)"
    }

    /// Every place at which the pattern begins, overlapping ones as well; none for an empty pattern.
    private static func places(of pattern: [UInt8], in bytes: [UInt8]) -> [Int] {
        guard let first = pattern.first, pattern.count <= bytes.count else { return [] }
        return (0...(bytes.count - pattern.count)).filter { place in
            bytes[place] == first && bytes[place..<place + pattern.count].elementsEqual(pattern)
        }
    }
}
