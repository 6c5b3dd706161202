// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CCurl

extension EasyHandle {
    /// Of what libcurl takes from a connection, or gives to it, at once. "The maximum buffer size allowed to be set is 512
    /// kB" before libcurl 8.7; its own 16 KiB are 64 system calls for a body of 1 MiB. Only what is used of it is memory.
    private static let bufferSize = 512 << 10

    /// Sets every option of a request. The same for synchronous and asynchronous transfers.
    func configure(_ request: HTTPRequest, options: HTTPOptions, limits: HTTPLimits, streamsUpload: Bool)
        throws(HTTPError)
    {
        try setConnection(request, options: options)
        if request.isSecure { try setTLS(options) }
        try setLimits(limits)
        try setCallbacks()
        if streamsUpload {
            try setStreamingUpload(request)
        } else {
            try setMethod(request)
        }
        try setHeaders(request, options: options, streamsUpload: streamsUpload)
    }

    private func setConnection(_ request: HTTPRequest, options: HTTPOptions) throws(HTTPError) {
        try set(CURLOPT_URL, request.url)
        // "When NOSIGNAL is 1, libcurl will not use any functions that install signal handlers."
        try set(CURLOPT_NOSIGNAL, 1)
        // A name lookup that is called off must not be waited for.
        try set(CURLOPT_QUICK_EXIT, 1)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        try set(CURLOPT_PATH_AS_IS, 1)
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_TCP_NODELAY, 1)
        // Also with TLS: HTTP/2 is missing from a minimal libcurl, and one connection a stream is what pausing needs.
        try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        if options.proxy == .none { try set(CURLOPT_PROXY, "") }
        if let agent = options.userAgent { try set(CURLOPT_USERAGENT, agent) }
        if request.opensNewConnection { try set(CURLOPT_FRESH_CONNECT, 1) }
        if request.closesConnection { try set(CURLOPT_FORBID_REUSE, 1) }
    }

    private func setTLS(_ options: HTTPOptions) throws(HTTPError) {
        try set(CURLOPT_SSL_VERIFYPEER, 1)
        try set(CURLOPT_SSL_VERIFYHOST, 2)
        try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        // A long silence is normal for a model, and gateways forget connections that say nothing for some minutes.
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        if let path = options.certificateAuthorities { try set(CURLOPT_CAINFO, path) }
    }

    private func setLimits(_ limits: HTTPLimits) throws(HTTPError) {
        // Zero would be libcurl's default of 300 seconds, which a freeze of the process would use up.
        try set(CURLOPT_CONNECTTIMEOUT_MS, limits.connectTimeout?.curlMilliseconds ?? Int(Int32.max))
        if let timeout = limits.timeout { try set(CURLOPT_TIMEOUT_MS, timeout.curlMilliseconds) }
        if let idle = limits.idleTimeout {
            try set(CURLOPT_LOW_SPEED_LIMIT, 1)
            try set(CURLOPT_LOW_SPEED_TIME, (idle.curlMilliseconds + 999) / 1000)
        }
    }

    private func setMethod(_ request: HTTPRequest) throws(HTTPError) {
        switch request.method {
        case .head:
            try set(CURLOPT_NOBODY, 1)
        case let method where !request.body.isEmpty || [.post, .put, .patch].contains(method):
            try set(CURLOPT_POST, 1)
            if method != .post { try set(CURLOPT_CUSTOMREQUEST, method.rawValue) }
            try setBody(request.body)
        case let method:
            try set(CURLOPT_HTTPGET, 1)
            if method != .get { try set(CURLOPT_CUSTOMREQUEST, method.rawValue) }
        }
    }

    /// libcurl sends a body below 64 KiB that it was given together with the head, in one system call. Of a larger one it
    /// would need a copy for itself: that it reads piece by piece, from where it is.
    private func setBody(_ body: [UInt8]) throws(HTTPError) {
        try check(unsafe ccurl_setopt_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
        guard body.count < 64 << 10 else {
            upload = UploadBuffer(whole: body)
            let this = unsafe Unmanaged.passUnretained(self).toOpaque()
            try check(unsafe ccurl_setopt_seek_function(raw, curlSeek))
            try check(unsafe ccurl_setopt_pointer(raw, CURLOPT_SEEKDATA, this))
            try set(CURLOPT_UPLOAD_BUFFERSIZE, Self.bufferSize)
            return try setReadCallback()
        }
        let result = unsafe body.withUnsafeBytes { bytes -> CURLcode in
            // An empty array may have no address, and a null pointer would mean "ask the read callback".
            guard let base = bytes.baseAddress else {
                return unsafe ccurl_setopt_string(raw, CURLOPT_COPYPOSTFIELDS, "")
            }
            return unsafe ccurl_setopt_bytes(raw, CURLOPT_COPYPOSTFIELDS, base)
        }
        try check(result)
    }

    private func setReadCallback() throws(HTTPError) {
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        try check(unsafe ccurl_setopt_read_function(raw, curlRead))
        try check(unsafe ccurl_setopt_pointer(raw, CURLOPT_READDATA, this))
    }

    private func setStreamingUpload(_ request: HTTPRequest) throws(HTTPError) {
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        try set(CURLOPT_POST, 1)
        if request.method != .post { try set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
        try setReadCallback()
        try check(unsafe ccurl_setopt_trailer_function(raw, curlTrailer))
        try check(unsafe ccurl_setopt_pointer(raw, CURLOPT_TRAILERDATA, this))
    }

    private func setCallbacks() throws(HTTPError) {
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        // A response that is read piece by piece is to arrive in small pieces, of which few wait when it pauses.
        if window == .max { try set(CURLOPT_BUFFERSIZE, Self.bufferSize) }
        try check(unsafe ccurl_setopt_write_function(raw, CURLOPT_WRITEFUNCTION, curlWrite))
        try check(unsafe ccurl_setopt_pointer(raw, CURLOPT_WRITEDATA, this))
        try check(unsafe ccurl_setopt_write_function(raw, CURLOPT_HEADERFUNCTION, curlHeader))
        try check(unsafe ccurl_setopt_pointer(raw, CURLOPT_HEADERDATA, this))
        try check(unsafe ccurl_setopt_prereq_function(raw, curlPrerequest))
        try check(unsafe ccurl_setopt_pointer(raw, CURLOPT_PREREQDATA, this))
        try check(unsafe ccurl_setopt_pointer(raw, CURLOPT_ERRORBUFFER, errorBuffer))
    }

    private func setHeaders(_ request: HTTPRequest, options: HTTPOptions, streamsUpload: Bool) throws(HTTPError) {
        // "Name:" takes away what libcurl would add by itself.
        var lines = ["Expect:"]
        if !request.headers.contains(name: "Accept") { lines.append("Accept:") }
        if !request.headers.contains(name: "Content-Type") { lines.append("Content-Type:") }
        if streamsUpload { lines.append("Transfer-Encoding: chunked") }
        lines += request.headers.curlLines
        guard let list = unsafe makeList(lines) else { throw error(.outOfResources, "no memory for the headers") }
        unsafe keep(list)
        try check(unsafe ccurl_setopt_list(raw, CURLOPT_HTTPHEADER, list))
    }

    private func set(_ option: CURLoption, _ value: Int) throws(HTTPError) {
        try check(unsafe ccurl_setopt_long(raw, option, value))
    }

    private func set(_ option: CURLoption, _ value: String) throws(HTTPError) {
        try check(unsafe ccurl_setopt_string(raw, option, value))
    }

    private func check(_ result: CURLcode) throws(HTTPError) {
        if result != CURLE_OK, let error = error(for: result) { throw error }
    }
}

/// Makes a libcurl list, `nil` when there is no memory (or nothing to put in).
func makeList(_ lines: [String]) -> UnsafeMutablePointer<curl_slist>? {
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines {
        // "Null is returned if anything went wrong", and the list so far is then still the caller's.
        guard let longer = unsafe curl_slist_append(list, line) else {
            unsafe curl_slist_free_all(list)
            return nil
        }
        unsafe list = longer
    }
    return unsafe list
}

extension HTTPFields {
    /// The fields as libcurl wants them. "Name;" sends a field without a value; "Name:" would take it away.
    var curlLines: [String] {
        map { field in
            let value = field.value.utf8
            let isBlank = value.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            return isBlank ? "\(field.name);" : "\(field.name): \(field.value)"
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded up, at least 1 and at most what fits libcurl's arithmetic (24 days).
    var curlMilliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < Int64(Int32.max) / 1000 else { return Int(Int32.max) }
        guard seconds >= 0, attoseconds >= 0 else { return 1 }
        let milliseconds = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return max(1, Int(milliseconds))
    }
}
