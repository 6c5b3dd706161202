// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A function as callers name it: `name`, a partial ARN (`account:function:name`) or an ARN, each with or without
/// `:qualifier`.
///
/// The emulator has one version, `$LATEST`. A qualifier is taken as the name of an alias of it and appears in the
/// invoked ARN. Partition, region and account of an ARN are not compared with anything.
struct FunctionName: Equatable {
    var name: String
    var qualifier: String?

    /// Nil when `text` is none of the forms.
    init?(_ text: String) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.first == "arn" {
            guard parts.count >= 7, parts[2] == "lambda", parts[5] == "function" else { return nil }
            parts.removeFirst(6)
        } else if parts.count >= 3 {
            guard parts[1] == "function" else { return nil }
            parts.removeFirst(2)
        }
        guard parts.count <= 2, Self.isName(parts[0]) else { return nil }
        name = parts[0]
        if parts.count == 2 {
            guard Self.isQualifier(parts[1]) else { return nil }
            qualifier = parts[1]
        }
    }

    func arn(region: String) -> String {
        "arn:aws:lambda:\(region):\(Self.account):function:\(name)" + (qualifier.map { ":\($0)" } ?? "")
    }

    /// An account number that AWS gives to nobody.
    static let account = "000000000000"

    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
    }

    /// The Lambda API reference: `$LATEST` or 1 to 128 of `[a-zA-Z0-9$_-]`.
    static func isQualifier(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "$") }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
