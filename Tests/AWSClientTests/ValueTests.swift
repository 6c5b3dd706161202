// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import AWSClient

@Suite struct ValueTests {
    @Test func `moments are written as Foundation writes them, and read back`() throws {
        let format = Date.ISO8601FormatStyle()
        var generator = SystemRandomNumberGenerator()
        var moments: [Int64] = [0, 951_782_399, 951_782_400, 4_107_542_399, 4_107_542_400, 253_402_300_799]
        for _ in 0..<500 { moments.append(.random(in: 0...253_402_300_799, using: &generator)) }
        for seconds in moments {
            let expected = Date(timeIntervalSince1970: Double(seconds)).formatted(format)
            let time = UTCTime(seconds: seconds)
            #expect(time.extended + "Z" == expected)
            #expect(time.basic == expected.filter { $0 != "-" && $0 != ":" })
            #expect(UTCTime(parsing: expected) == time)
        }
    }

    @Test(arguments: [
        "", "2026-01-02", "2026-01-02 03:04:05", "2026-13-02T03:04:05", "2026-01-32T03:04:05", "2026-01-02T24:04:05",
        "1969-12-31T23:59:59", "２026-01-02T03:04:05", "2026-01-02T03:04:0x",
    ])
    func `what is no moment is refused`(_ text: String) {
        #expect(UTCTime(parsing: text) == nil)
    }

    @Test func `a clock outside of four-digit years does no harm`() {
        #expect(UTCTime(seconds: -1).extended == "1970-01-01T00:00:00")
        #expect(UTCTime(seconds: .max).extended == "9999-12-31T23:59:59")
    }

    @Test func `a moment in milliseconds is rounded up`() {
        for (milliseconds, seconds) in [(0, 0), (1, 1), (1000, 1), (1001, 2), (-1, 0), (Int64.max, 253_402_300_799)] {
            #expect(UTCTime(roundingUp: milliseconds).seconds == seconds)
        }
    }

    @Test func `waits double up to a cap, and end with the attempts`() {
        let limits = CallLimits(attempts: 5, base: .milliseconds(100), cap: .milliseconds(300))
        for (count, bound) in [(1, 100), (2, 200), (3, 300), (4, 300)] {
            let waits = (0..<200).compactMap { _ in limits.delay(after: count) }
            #expect(waits.count == 200 && waits.allSatisfy { $0 >= .zero && $0 <= .milliseconds(bound) })
            // That none of 200 is in the upper half does not happen.
            #expect(waits.contains { $0 > .milliseconds(bound / 2) })
        }
        #expect(limits.delay(after: 5) == nil)
    }

    @Test func `the name of a schedule is one that the scheduler takes, and the same for ever`() {
        let name = OneTimeSchedule.name(for: "agent\nada/1")
        #expect(name == "perdure-d84b12cf34daced4ae6b54e7bd3cd5d2a08cf9731d99dd097a0447d6")
        #expect(name.wholeMatch(of: /[0-9a-zA-Z_.-]{64}/) != nil)
        #expect(OneTimeSchedule.name(for: "agent\nada/2") != name)
    }

    @Test func `an empty variable is one that is not set`() {
        let variables = ["AWS_LAMBDA_FUNCTION_NAME": "agent", "PERDURE_SCHEDULER_ROLE": ""]
        let waker = FunctionWaker { variables[$0] }
        #expect(waker.canInvoke && !waker.canSchedule)
        #expect(!FunctionWaker { _ in "" }.canInvoke)
    }

    @Test func `credentials are asked for again where somebody can be asked`() {
        let keys = ["AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hidden"]
        let endpoint = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"]
        #expect(!CredentialSource(environment: { keys[$0] }, now: UTCTime.now).forget())
        let source = CredentialSource(environment: { endpoint[$0] }, now: UTCTime.now)
        // Two calls at once may find the same ones expired.
        #expect(source.forget() && source.forget())
    }
}
