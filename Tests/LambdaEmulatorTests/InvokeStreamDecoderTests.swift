// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore
import Testing

@testable import LambdaEmulator

struct InvokeStreamDecoderTests {
    static let stream: [UInt8] =
        [
            EventStreamMessage.event("PayloadChunk", contentType: "a", payload: ByteBuffer(string: "hello")),
            EventStreamMessage.event("SomethingNew", contentType: "a", payload: ByteBuffer(string: "?")),
            EventStreamMessage.event("PayloadChunk", contentType: "a", payload: ByteBuffer()),
            EventStreamMessage.event("InvokeComplete", contentType: "a", payload: ByteBuffer(string: "{}")),
        ].flatMap { Array($0.encoded.readableBytesView) }

    @Test(arguments: [1, 2, 7, 16, 100, 10_000]) func `an answer is read, cut anywhere`(size: Int) throws {
        var decoder = InvokeStreamDecoder()
        var messages: [InvokeStreamDecoder.Message] = []
        var rest = Self.stream[...]
        while !rest.isEmpty {
            messages += try decoder.decode(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        #expect(messages == [.payload(Array("hello".utf8)), .payload([]), .complete(Array("{}".utf8))])
        #expect(!decoder.hasIncompleteMessage)
    }

    @Test func `half a message is none`() throws {
        var decoder = InvokeStreamDecoder()
        #expect(try decoder.decode(Array(Self.stream.prefix(20))) == [])
        #expect(decoder.hasIncompleteMessage)
    }

    @Test func `a byte that is wrong is noticed, wherever it is`() {
        for index in Self.stream.indices {
            var wrong = Self.stream
            wrong[index] ^= 0x10
            var decoder = InvokeStreamDecoder()
            #expect(throws: InvokeStreamDecoder.Malformed.self, "byte \(index)") { try decoder.decode(wrong) }
        }
        var decoder = InvokeStreamDecoder()
        #expect(throws: InvokeStreamDecoder.Malformed.self) { try decoder.decode(Array("<html></html>".utf8)) }
    }
}
