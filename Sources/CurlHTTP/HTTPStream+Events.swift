// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension HTTPStream {
    /// The body read as `text/event-stream`.
    ///
    /// The content type is not looked at. Ends where the body ends; an event without its blank line is dropped.
    public func events(maximumEventSize: Int = 4 << 20) -> Events {
        Events(reader: reader, maximumEventSize: maximumEventSize)
    }

    /// The body read as `text/event-stream`, with the default limit on an event's size.
    public var events: Events { events() }

    /// The events of a streamed response.
    public struct Events: AsyncSequence, Sendable {
        /// An event.
        public typealias Element = ServerSentEvent
        /// Why the stream ended early.
        public typealias Failure = HTTPError

        let reader: Reader
        let maximumEventSize: Int

        /// Reads the events; to be called once, as the body is read once.
        public func makeAsyncIterator() -> Iterator {
            Iterator(reader: reader, decoder: ServerSentEventDecoder(maximumEventSize: maximumEventSize))
        }

        /// Reads events one by one.
        public struct Iterator: AsyncIteratorProtocol {
            let reader: Reader
            var decoder: ServerSentEventDecoder
            var ready: ArraySlice<ServerSentEvent> = []

            /// The next event, `nil` at the end. Throws what ended the transfer, or `responseTooLarge`.
            public mutating func next(isolation actor: isolated (any Actor)?) async throws(HTTPError)
                -> ServerSentEvent?
            {
                while ready.isEmpty {
                    guard let bytes = try await reader.exchange.nextChunk() else { return nil }
                    ready = try decoder.decode(bytes)[...]
                }
                return ready.popFirst()
            }
        }
    }
}
