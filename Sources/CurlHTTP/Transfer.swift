// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CCurl

/// Performs HTTP requests one after the other on the calling thread and keeps the connection between them.
///
/// Everything here blocks: call it from a thread of your own, never from the cooperative pool. To be used by one thread
/// at a time, which is why it is not `Sendable`; ``Canceller`` is what other threads may touch.
public final class Transfer {
    /// Whether a streaming transfer goes on.
    public enum Continuation: Sendable {
        /// Go on.
        case proceed
        /// Abort: the connection is closed and the request fails with `cancelled`.
        case stop
    }

    private var options: HTTPOptions
    private let multi: MultiHandle
    private let easy: EasyHandle
    private var isBusy = false
    private var hasCertificateAuthorities = false

    /// Makes a transfer without connecting. Throws `outOfResources`.
    public init(options: HTTPOptions = HTTPOptions()) throws(HTTPError) {
        self.options = options
        multi = try MultiHandle(maximumConnections: 2, callSite: "Transfer.init")
        easy = try EasyHandle(callSite: "Transfer.init")
    }

    /// Performs a request and returns the whole response. Blocks until then; nothing times out unless the limits say so.
    ///
    /// A `GET` or `HEAD` that finds its kept connection dead is sent again on a new one by libcurl, no other method is:
    /// that fails with `connectionReset` or `emptyReply` and ``HTTPError/requestWasSent``.
    public func perform(
        _ request: HTTPRequest,
        limits: HTTPLimits = HTTPLimits(),
        canceller: Canceller? = nil
    ) throws(HTTPError) -> HTTPResponse {
        try run(request, limits: limits, canceller: canceller, window: .max, streamsUpload: false) {
            _ throws(HTTPError) in
        }
    }

    /// Performs a request and hands over the response as it arrives, on the calling thread, outside of libcurl.
    ///
    /// While a closure works, the transfer waits: the peer is slowed down once 256 KiB have piled up. Pieces are
    /// never empty. Returns the head after the last byte. The closures must not use this transfer.
    @discardableResult
    public func perform(
        _ request: HTTPRequest,
        limits: HTTPLimits = HTTPLimits(),
        canceller: Canceller? = nil,
        onHead: (HTTPResponseHead) -> Continuation = { _ in .proceed },
        onBody: ([UInt8]) -> Continuation
    ) throws(HTTPError) -> HTTPResponseHead {
        var isHeadDelivered = false
        return try run(
            request, limits: limits, canceller: canceller, window: EasyHandle.defaultWindow, streamsUpload: false
        ) { easy throws(HTTPError) in
            guard let head = easy.collector.head else { return }
            if !isHeadDelivered {
                isHeadDelivered = true
                guard onHead(head) == .proceed else { throw easy.error(.cancelled, "stopped by the caller") }
            }
            guard !easy.collector.pending.isEmpty else { return }
            let bytes = easy.collector.takePending()
            guard onBody(bytes) == .proceed else { throw easy.error(.cancelled, "stopped by the caller") }
        }.head
    }

    /// Performs a request whose body is produced while it is sent, in chunked encoding, and returns the whole response.
    ///
    /// `nextChunk` is called on the calling thread, outside of libcurl, whenever everything before is on its way, and may
    /// block: nothing else happens meanwhile, so it must look after the canceller itself. A producer that is not to block
    /// answers ``HTTPUploadChunk/later``. It is not called again after the end, nor when the response came early. The
    /// request's own body must be empty. Such a request is never repeated.
    public func perform(
        _ request: HTTPRequest,
        limits: HTTPLimits = HTTPLimits(),
        canceller: Canceller? = nil,
        nextChunk: () -> HTTPUploadChunk
    ) throws(HTTPError) -> HTTPResponse {
        guard request.body.isEmpty, request.method != .get, request.method != .head else {
            throw HTTPError(
                .invalidRequest, at: "Transfer.perform", "a body in chunks needs another method and no other body")
        }
        return try run(request, limits: limits, canceller: canceller, window: .max, streamsUpload: true) {
            easy throws(HTTPError) in
            guard easy.upload.isPaused else { return }
            let chunk = nextChunk()
            if case .end(let trailers) = chunk.content { try trailers.validate(at: "Transfer.perform") }
            easy.upload.add(chunk)
        }
    }

    /// Drives one request; `step` runs after each round, with what has arrived or is wanted.
    private func run(
        _ request: HTTPRequest,
        limits: HTTPLimits,
        canceller: Canceller?,
        window: Int,
        streamsUpload: Bool,
        step: (EasyHandle) throws(HTTPError) -> Void
    ) throws(HTTPError) -> HTTPResponse {
        let callSite = "Transfer.perform"
        guard !isBusy else { throw HTTPError(.invalidRequest, at: callSite, "the transfer is in use") }
        try request.validate(at: callSite)
        isBusy = true
        defer { isBusy = false }
        // A handle that has sent trailers once does not send them again, and overruns its buffer instead (libcurl 7.88):
        // `curl_easy_reset` forgets to forget them.
        let easy = streamsUpload ? try EasyHandle(callSite: callSite) : easy
        if request.isSecure { findCertificateAuthorities() }

        easy.begin(request, limits: limits, window: window, callSite: callSite)
        defer { easy.reset() }
        try easy.configure(request, options: options, limits: limits, streamsUpload: streamsUpload)
        canceller?.attach(multi)
        defer { canceller?.detach(multi) }
        try check(multi.add(easy))
        defer { multi.remove(easy) }

        while true {
            if canceller?.isCancelled == true { throw easy.error(.cancelled, "cancelled") }
            try check(multi.perform())
            let finished = multi.nextFinished()
            if let finished = finished, let error = easy.error(for: finished.result) {
                // What arrived before the error still goes to a streaming caller.
                if !streamsUpload { try step(easy) }
                throw error
            }
            if finished != nil, let head = easy.collector.head {
                if !streamsUpload { try step(easy) }
                return HTTPResponse(head: head, body: easy.collector.takePending())
            }
            try step(easy)
            if easy.upload.isPaused, easy.upload.isWaiting, !easy.hasEarlyRefusal {
                if multi.isBlind {
                    throw easy.error(.emptyReply, "the peer closed before the end of the body")
                }
                try check(multi.wait())
            } else if easy.isReceivePaused || easy.upload.isPaused {
                let result = easy.resume()
                if result != CURLE_OK, let error = easy.error(for: result) { throw error }
            } else {
                try check(multi.wait())
            }
        }
    }

    private func check(_ result: CURLMcode) throws(HTTPError) {
        guard result != CURLM_OK else { return }
        throw easy.error(.outOfResources, unsafe String(cString: curl_multi_strerror(result)))
    }

    private func findCertificateAuthorities() {
        guard !hasCertificateAuthorities else { return }
        hasCertificateAuthorities = true
        options.certificateAuthorities = options.certificateAuthorities ?? CurlLibrary.findCertificateAuthorities()
    }
}

@available(*, unavailable)
extension Transfer: Sendable {}
