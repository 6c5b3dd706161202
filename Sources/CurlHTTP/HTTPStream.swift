// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A response whose body is still arriving.
///
/// To be read by one task, once. The transfer is aborted when the stream and everything made from it are dropped before
/// the end. A slow reader slows the peer down: at most about 256 KiB wait here.
public struct HTTPStream: Sendable {
    /// The status and header fields.
    public let head: HTTPResponseHead
    let reader: Reader

    /// The body in pieces, as they arrive.
    public var body: Body { Body(reader: reader) }

    /// Aborts the transfer; a reader gets `cancelled`.
    public func cancel() { reader.exchange.cancel() }

    /// Holds on to the transfer: the last one to let go of it aborts it, which after the end does nothing.
    final class Reader: Sendable {
        let exchange: Exchange
        private let client: HTTPClient

        init(_ exchange: Exchange, client: HTTPClient) {
            self.exchange = exchange
            self.client = client
        }

        deinit {
            exchange.cancel()
        }
    }
}

extension HTTPStream {
    /// The body of a streamed response. Empty pieces do not occur.
    public struct Body: AsyncSequence, Sendable {
        /// A piece of the body.
        public typealias Element = [UInt8]
        /// Why the body ended early.
        public typealias Failure = HTTPError

        let reader: Reader

        /// Reads the body; all iterators read from the same one.
        public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

        /// Waits for the end and returns what is left of the body.
        public func collect() async throws(HTTPError) -> [UInt8] {
            var bytes: [UInt8] = []
            while let chunk = try await reader.exchange.nextChunk() { bytes += chunk }
            return bytes
        }

        /// Reads a body piece by piece.
        public struct Iterator: AsyncIteratorProtocol {
            let reader: Reader

            /// The next piece, `nil` at the end. Throws what ended the transfer.
            public mutating func next(isolation actor: isolated (any Actor)?) async throws(HTTPError) -> [UInt8]? {
                try await reader.exchange.nextChunk()
            }
        }
    }
}
