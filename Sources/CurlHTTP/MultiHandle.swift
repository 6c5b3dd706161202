// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CCurl

/// A libcurl multi handle: the connections, and the place where a thread waits for them.
///
/// `@unchecked Sendable`: only ``wakeUp()`` is called from other threads than the one that drives the handle, and of
/// `curl_multi_wakeup` libcurl says that it "can be called from any thread". `deinit` runs when nobody can do either.
@safe final class MultiHandle: @unchecked Sendable {
    private let raw: UnsafeMutableRawPointer

    /// Makes a handle that keeps at most that many idle connections.
    init(maximumConnections: Int, callSite: String) throws(HTTPError) {
        guard CurlLibrary.initialization == CURLE_OK, let raw = unsafe curl_multi_init() else {
            throw HTTPError(.outOfResources, at: callSite, "libcurl could not be set up")
        }
        unsafe self.raw = raw
        // Refused only for an unknown option: then libcurl's own limit stays.
        _ = unsafe ccurl_multi_setopt_long(raw, CURLMOPT_MAXCONNECTS, maximumConnections)
    }

    deinit {
        unsafe curl_multi_cleanup(raw)
    }

    /// Makes the current or next ``wait()`` return. From any thread.
    func wakeUp() {
        // It can fail only where the wake-up is already pending or the handle has no socket pair.
        _ = unsafe curl_multi_wakeup(raw)
    }

    func add(_ easy: EasyHandle) -> CURLMcode {
        unsafe curl_multi_add_handle(raw, easy.raw)
    }

    /// Ends the transfer if it is under way, which closes its connection, and lets go of the handle.
    func remove(_ easy: EasyHandle) {
        // The only errors are those of a handle that is not in here.
        _ = unsafe curl_multi_remove_handle(raw, easy.raw)
    }

    /// Does what can be done without waiting; runs the callbacks.
    func perform() -> CURLMcode {
        var running: Int32 = 0
        return unsafe curl_multi_perform(raw, &running)
    }

    /// The next transfer that has come to its end, and how.
    func nextFinished() -> Finished? {
        var result = CURLE_OK
        guard let handle = unsafe ccurl_multi_next_done(raw, &result) else { return nil }
        return unsafe Finished(handle: handle, result: result)
    }

    /// Whether no connection is looked at. A transfer whose body is paused comes to that, and not to its end, when the
    /// peer closes the connection. Sees no
    /// descriptors from 1024 on; Lambda allows no more.
    var isBlind: Bool { unsafe ccurl_multi_watches_nothing(raw) != 0 }

    /// Blocks until a connection, a timer of libcurl or ``wakeUp()`` asks for the thread; an hour at most.
    func wait() -> CURLMcode {
        unsafe curl_multi_poll(raw, nil, 0, 3_600_000, nil)
    }
}

/// A transfer that has come to its end.
@safe struct Finished {
    /// The handle, as ``EasyHandle/raw``.
    let handle: UnsafeMutableRawPointer
    /// How it ended.
    let result: CURLcode
}
