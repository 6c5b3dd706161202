// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An order of the shop.
struct Order: Codable {
    let number: Int
    let item: String
    let paidCents: Int
    let state: String
}

/// The shop's orders: a JSON file that is read at the start, and a file of refunds that only grows.
///
/// A real shop has a service in this place. What matters here is that a refund leaves a line behind that can be counted.
struct OrderBook: Sendable {
    private let orders: [Order]
    private let refundFile: String

    /// Reads the file that `ORDERS_FILE` names, or `orders.json` in the function's folder. Refunds are written to the
    /// file that `REFUNDS_FILE` names, by default below the folder of the sessions.
    static func load() throws -> OrderBook {
        let environment = RuntimeEnvironment.current()
        let file = environment["ORDERS_FILE"] ?? "\(environment["LAMBDA_TASK_ROOT"] ?? ".")/orders.json"
        let orders = try JSONCoder.decode([Order].self, from: try read(file))
        let root = environment["PERDURE_ROOT"] ?? "/mnt/agents"
        return OrderBook(orders: orders, refundFile: environment["REFUNDS_FILE"] ?? "\(root)/refunds.txt")
    }

    func order(_ number: Int) throws -> Order {
        guard let order = orders.first(where: { $0.number == number }) else { throw OrderError.unknown(number) }
        return order
    }

    /// What was refunded so far.
    func refundedCents(of order: Order) throws -> Int {
        let bytes: [UInt8]
        do {
            bytes = try Self.read(refundFile)
        } catch OrderError.file(_, ENOENT) {
            return 0
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
        return lines.reduce(0) { sum, words in
            words.count == 3 && words[0] == String(order.number) ? sum + (Int(words[1]) ?? 0) : sum
        }
    }

    func recordRefund(of order: Order, cents: Int, key: String) throws {
        let file = unsafe open(refundFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw OrderError.file(refundFile, errno) }
        defer { close(file) }
        let line = Array("\(order.number) \(cents) \(key)\n".utf8)
        let written = unsafe line.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        guard written == line.count, fsync(file) == 0 else { throw OrderError.file(refundFile, errno) }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw OrderError.file(path, errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Self.read(file, $0) }
            guard count >= 0 else { throw OrderError.file(path, errno) }
            if count == 0 { return bytes }
            bytes += buffer.prefix(count)
        }
    }

    private static func read(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
        unsafe Glibc.read(file, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
        unsafe Musl.read(file, buffer.baseAddress, buffer.count)
        #else
        unsafe Darwin.read(file, buffer.baseAddress, buffer.count)
        #endif
    }
}

/// What the tools tell the model when they cannot do what it wants.
enum OrderError: Error, CustomStringConvertible {
    case unknown(Int)
    case amount(left: Int)
    case file(String, Int32)

    var description: String {
        switch self {
        case .unknown(let number): "there is no order \(number)"
        case .amount(let left):
            "the amount must be at least 1 cent, and at most the \(left) cents that are left of the payment"
        case .file(let path, let number): "\(path): \(unsafe String(cString: strerror(number)))"
        }
    }
}
