// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The time of the system, in microseconds since 1970.
func wallClockMicroseconds() -> Int64 {
    var now = timespec()
    // Cannot fail: CLOCK_REALTIME exists on every system.
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
}

/// Appends a moment as `2026-01-02T03:04:05.678Z`.
///
/// `gmtime_r` is not used, as it may read the environment while another thread changes it.
/// - Parameter microseconds: Since 1970; what is before counts as 1970.
func appendTimestamp(_ microseconds: Int64, to bytes: inout [UInt8]) {
    let milliseconds = Int(max(0, microseconds) / 1000)
    let (days, ofDay) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
    // The Gregorian calendar repeats itself after 400 years, which are 146,097 days.
    var year = 1970 + days / 146_097 * 400
    var day = days % 146_097
    while day >= 365 + leapDays(year) {
        day -= 365 + leapDays(year)
        year += 1
    }
    var month = 1
    while day >= length(ofMonth: month, year) {
        day -= length(ofMonth: month, year)
        month += 1
    }
    // A clock that is set to the far future is wrong, and no reason to end the process.
    appendDigits(year, year > 9999 ? 6 : 4, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    appendDigits(month, 2, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    appendDigits(day + 1, 2, to: &bytes)
    bytes.append(UInt8(ascii: "T"))
    appendDigits(ofDay / 3_600_000, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    appendDigits(ofDay / 60_000 % 60, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    appendDigits(ofDay / 1000 % 60, 2, to: &bytes)
    bytes.append(UInt8(ascii: "."))
    appendDigits(ofDay % 1000, 3, to: &bytes)
    bytes.append(UInt8(ascii: "Z"))
}

private func leapDays(_ year: Int) -> Int { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 1 : 0 }

private func length(ofMonth month: Int, _ year: Int) -> Int {
    switch month {
    case 2: 28 + leapDays(year)
    case 4, 6, 9, 11: 30
    default: 31
    }
}

/// Appends the last digits of a number, with zeros before it.
private func appendDigits(_ number: Int, _ count: Int, to bytes: inout [UInt8]) {
    var divisor = 1
    for _ in 1..<count { divisor *= 10 }
    while divisor > 0 {
        bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
        divisor /= 10
    }
}
