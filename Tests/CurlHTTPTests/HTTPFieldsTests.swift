// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Testing

struct HTTPFieldsTests {
    @Test func `names compare without regard to case`() {
        let fields: HTTPFields = ["Retry-After": "1", "A": "x", "a": "", "É": "1"]
        #expect(fields["retry-AFTER"] == "1")
        #expect(fields["a"] == "x")
        #expect(fields.values(for: "A") == ["x", ""])
        #expect(fields["é"] == nil)
        #expect(fields["Retry"] == nil)
        #expect(fields["@etry-After"] == nil)
        #expect(fields.contains(name: "A"))
        #expect(!fields.contains(name: ""))
    }

    @Test func `empty is not missing`() {
        let fields: HTTPFields = ["A": ""]
        #expect(fields["a"] == "")
        #expect(fields["b"] == nil)
        #expect(fields.values(for: "b") == [])
    }

    @Test func `setting replaces in place, appending keeps`() {
        var fields: HTTPFields = ["A": "1", "B": "2", "a": "3"]
        fields["A"] = "4"
        #expect(fields == ["A": "4", "B": "2"])
        fields.append(name: "b", value: "5")
        #expect(fields.map(\.value) == ["4", "2", "5"])
        fields["B"] = nil
        fields["C"] = "6"
        #expect(fields == ["A": "4", "C": "6"])
    }
}
