// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A second in UTC, as AWS writes moments in signatures, schedules and credentials.
///
/// `gmtime_r` and `timegm` are not used, as they may read the environment while another thread changes it.
package struct UTCTime: Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z.
    package var seconds: Int64

    package init(seconds: Int64) {
        // What is outside of four-digit years is a wrong clock, and no reason to end the process.
        self.seconds = min(max(seconds, 0), 253_402_300_799)
    }

    /// The first second that is not before a moment in milliseconds since 1970: what is woken then does not wake early.
    package init(roundingUp milliseconds: Int64) {
        self.init(seconds: milliseconds / 1000 + (milliseconds % 1000 > 0 ? 1 : 0))
    }

    /// Reads `2026-01-02T03:04:05`, whatever follows (`Z`, or a fraction and `Z`); nil for anything else.
    init?(parsing text: String) {
        let bytes = Array(text.utf8.prefix(19))
        guard bytes.count == 19 else { return nil }
        var fields = [0]
        for (position, byte) in bytes.enumerated() {
            if let separator = [4: "-", 7: "-", 10: "T", 13: ":", 16: ":"][position] {
                guard byte == separator.utf8.first else { return nil }
                fields.append(0)
            } else {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                fields[fields.count - 1] = fields[fields.count - 1] * 10 + Int(byte - UInt8(ascii: "0"))
            }
        }
        guard fields[0] >= 1970, (1...12).contains(fields[1]), (1...31).contains(fields[2]), fields[3] < 24,
            fields[4] < 60, fields[5] < 61
        else { return nil }
        let days = Self.days(year: fields[0], month: fields[1], day: fields[2])
        self.init(seconds: Int64(((days * 24 + fields[3]) * 60 + fields[4]) * 60 + fields[5]))
    }

    /// The system's time.
    package static func now() -> UTCTime {
        var now = timespec()
        // Cannot fail: CLOCK_REALTIME exists on every system.
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return UTCTime(seconds: Int64(now.tv_sec))
    }

    package static func < (left: UTCTime, right: UTCTime) -> Bool { left.seconds < right.seconds }

    /// `20260102T030405Z`, of a signature.
    var basic: String { date(separator: "") + "T" + time(separator: "") + "Z" }
    /// `20260102`, of a signature's scope.
    var basicDate: String { date(separator: "") }
    /// `2026-01-02T03:04:05`, of a schedule.
    var extended: String { date(separator: "-") + "T" + time(separator: ":") }

    private func date(separator: String) -> String {
        var days = Int(seconds / 86_400)
        // The Gregorian calendar repeats itself after 400 years, which are 146,097 days.
        var year = 1970 + days / 146_097 * 400
        days %= 146_097
        while days >= Self.length(ofYear: year) {
            days -= Self.length(ofYear: year)
            year += 1
        }
        var month = 1
        while days >= Self.length(ofMonth: month, year) {
            days -= Self.length(ofMonth: month, year)
            month += 1
        }
        return [Self.digits(year, 4), Self.digits(month), Self.digits(days + 1)].joined(separator: separator)
    }

    private func time(separator: String) -> String {
        let ofDay = Int(seconds % 86_400)
        return [ofDay / 3600, ofDay / 60 % 60, ofDay % 60].map { Self.digits($0) }.joined(separator: separator)
    }

    private static func digits(_ number: Int, _ count: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }

    private static func days(year: Int, month: Int, day: Int) -> Int {
        (1970..<year).reduce(0) { $0 + length(ofYear: $1) } + (1..<month).reduce(0) { $0 + length(ofMonth: $1, year) }
            + day - 1
    }

    private static func length(ofYear year: Int) -> Int { 337 + length(ofMonth: 2, year) }

    private static func length(ofMonth month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
