// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CCurl

/// One reusable libcurl easy handle with the state of the request that it performs.
///
/// It belongs to one thread at a time. Configure, add to a ``MultiHandle``, drive, remove, ``reset()``: connections live
/// in the multi handle and outlast all of that. The callbacks only move bytes in and out of this object; they never
/// throw, trap, run foreign code or call back into libcurl.
@safe final class EasyHandle {
    /// More than this many body bytes that nobody takes pause a streaming transfer.
    static let defaultWindow = 256 << 10

    /// The libcurl handle.
    let raw: UnsafeMutableRawPointer
    /// The response so far.
    var collector = ResponseCollector(maximumBodySize: 0)
    /// How many body bytes may wait here before the transfer pauses; `Int.max` for never.
    var window = Int.max
    /// Whether the write callback has paused the transfer.
    private(set) var isReceivePaused = false
    /// The body of a streaming request.
    var upload = UploadBuffer()

    let errorBuffer: UnsafeMutablePointer<CChar>
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var callSite = ""
    private var url = ""
    private var isSafeToRepeat = false
    private var attempts = 0
    private var failure: HTTPError.Code?

    init(callSite: String) throws(HTTPError) {
        guard CurlLibrary.initialization == CURLE_OK, let raw = unsafe curl_easy_init() else {
            throw HTTPError(.outOfResources, at: callSite, "libcurl could not be set up")
        }
        unsafe self.raw = raw
        unsafe errorBuffer = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorBuffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        unsafe curl_easy_cleanup(raw)
        unsafe errorBuffer.deallocate()
        freeHeaderList()
    }

    /// Starts a new request: forgets the last one and remembers what errors need to tell.
    func begin(_ request: HTTPRequest, limits: HTTPLimits, window: Int, callSite: String) {
        collector = ResponseCollector(maximumBodySize: limits.maximumBodySize)
        upload = UploadBuffer()
        self.window = window
        self.callSite = callSite
        url = request.url
        isSafeToRepeat = request.method.isSafe
        isReceivePaused = false
        attempts = 0
        failure = nil
        unsafe errorBuffer.pointee = 0
    }

    /// Frees what the last request needed. The handle must be out of its multi handle.
    func reset() {
        unsafe curl_easy_reset(raw)
        freeHeaderList()
        collector = ResponseCollector(maximumBodySize: 0)
        upload = UploadBuffer()
    }

    /// Keeps the list of headers alive until the request is over: libcurl does not copy it.
    func keep(_ list: UnsafeMutablePointer<curl_slist>) {
        freeHeaderList()
        unsafe headerList = list
    }

    private func freeHeaderList() {
        unsafe curl_slist_free_all(headerList)
        unsafe headerList = nil
    }

    /// Whether a response came before the end of the body, at which libcurl sends no more of it. Of a transfer that is
    /// paused it does not see the end before that is resumed.
    var hasEarlyRefusal: Bool { (collector.head?.status ?? 0) >= 300 }

    /// Lets a paused transfer go on. Runs the callbacks; never called from within one.
    func resume() -> CURLcode {
        isReceivePaused = false
        upload.isPaused = false
        return unsafe curl_easy_pause(raw, CURLPAUSE_CONT)
    }

    /// An error of the request under way that is no result of libcurl, such as its cancellation.
    func error(_ code: HTTPError.Code, _ reason: String) -> HTTPError {
        HTTPError(
            code, at: callSite, reason, origin: url.origin,
            requestWasSent: attempts > 0, responseHasBegun: collector.hasBegun)
    }

    /// What the result of a finished transfer means, `nil` for success.
    func error(for result: CURLcode) -> HTTPError? {
        if result == CURLE_OK {
            // libcurl takes a connection that closes within the header lines for a complete response.
            return collector.head == nil ? error(.truncatedResponse, "the connection closed within the head") : nil
        }
        if let failure {
            let isDead = failure == .connectionReset
            return error(failure, isDead ? "the kept connection was dead" : "stopped while receiving")
        }
        var systemError = 0
        if unsafe ccurl_getinfo_long(raw, CURLINFO_OS_ERRNO, &systemError) != CURLE_OK { systemError = 0 }
        let code = HTTPError.Code(result, systemError: Int32(truncatingIfNeeded: systemError), wasSent: attempts > 0)
        return HTTPError(
            code, at: callSite, reason(for: result, code), origin: url.origin,
            curlCode: Int32(truncatingIfNeeded: result.rawValue),
            systemError: Int32(truncatingIfNeeded: systemError),
            requestWasSent: attempts > 0, responseHasBegun: collector.hasBegun)
    }

    private func reason(for result: CURLcode, _ code: HTTPError.Code) -> String {
        // libcurl's own message says more, but may quote what was received: only where nothing can have been.
        if attempts == 0, unsafe errorBuffer.pointee != 0 { return unsafe String(cString: errorBuffer) }
        return unsafe String(cString: curl_easy_strerror(result))
    }
}

// What the C callbacks do.
extension EasyHandle {
    /// Called once a connection stands and before the request is written; answers whether to go on.
    func willSend() -> Bool {
        attempts += 1
        // libcurl writes a request again, of any method, when a kept connection turns out dead. A request that may have
        // taken effect must not be repeated unseen.
        guard attempts == 1 || isSafeToRepeat else {
            failure = .connectionReset
            return false
        }
        return true
    }

    /// Takes a header line; answers whether to go on.
    func receive(headerLine line: UnsafeRawBufferPointer) -> Bool {
        failure = collector.receive(headerLine: unsafe Array(line)[...])
        return failure == nil
    }

    /// What to do with body bytes.
    enum Verdict { case taken, pause, stop }

    /// Takes body bytes.
    func receive(body bytes: UnsafeRawBufferPointer) -> Verdict {
        guard collector.pending.count < window else {
            isReceivePaused = true
            return .pause
        }
        failure = unsafe collector.receive(body: bytes)
        return failure == nil ? .taken : .stop
    }
}
