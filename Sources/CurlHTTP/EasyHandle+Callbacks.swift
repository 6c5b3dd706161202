// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CCurl

// The C functions that libcurl calls while a transfer is driven. Each finds its EasyHandle, which outlives the transfer.

private func easyHandle(_ pointer: UnsafeMutableRawPointer?) -> EasyHandle? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe Unmanaged<EasyHandle>.fromOpaque(pointer).takeUnretainedValue()
}

let curlWrite: curl_write_callback = { data, size, count, pointer in
    guard let handle = unsafe easyHandle(pointer), let data = unsafe data else { return 0 }
    let length = size * count
    switch unsafe handle.receive(body: UnsafeRawBufferPointer(start: data, count: length)) {
    case .taken: return length
    case .pause: return Int(CURL_WRITEFUNC_PAUSE)
    // Any count other than the one given ends the transfer; a body is never empty here.
    case .stop: return 0
    }
}

let curlHeader: curl_write_callback = { data, size, count, pointer in
    guard let handle = unsafe easyHandle(pointer), let data = unsafe data else { return 0 }
    let length = size * count
    let line = unsafe UnsafeRawBufferPointer(start: data, count: length)
    return unsafe handle.receive(headerLine: line) ? length : 0
}

let curlRead: curl_read_callback = { data, size, count, pointer in
    guard let handle = unsafe easyHandle(pointer), let data = unsafe data else { return Int(CURL_READFUNC_ABORT) }
    let buffer = unsafe UnsafeMutableRawBufferPointer(start: data, count: size * count)
    return unsafe handle.upload.read(into: buffer) ?? Int(CURL_READFUNC_PAUSE)
}

let curlSeek: curl_seek_callback = { pointer, offset, origin in
    // libcurl only ever goes back to the beginning.
    guard offset == 0, origin == SEEK_SET, let handle = unsafe easyHandle(pointer) else { return CURL_SEEKFUNC_FAIL }
    handle.upload.rewind()
    return CURL_SEEKFUNC_OK
}

let curlPrerequest: curl_prereq_callback = { pointer, _, _, _, _ in
    guard let handle = unsafe easyHandle(pointer) else { return CURL_PREREQFUNC_ABORT }
    return handle.willSend() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

let curlTrailer: curl_trailer_callback = { list, pointer in
    guard let handle = unsafe easyHandle(pointer), let list = unsafe list else { return CURL_TRAILERFUNC_ABORT }
    let trailers = handle.upload.trailers
    guard !trailers.isEmpty else { return CURL_TRAILERFUNC_OK }
    // libcurl frees this list, and wants "Name: value" also of an empty value.
    guard let lines = unsafe makeList(trailers.map { "\($0.name): \($0.value)" }) else { return CURL_TRAILERFUNC_ABORT }
    unsafe list.pointee = lines
    return CURL_TRAILERFUNC_OK
}
