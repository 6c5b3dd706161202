// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CCurl

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension HTTPError.Code {
    /// What a result of libcurl means, given the `errno` behind it and whether the request was on its way.
    init(_ result: CURLcode, systemError: Int32, wasSent: Bool) {
        switch result {
        case CURLE_URL_MALFORMAT, CURLE_LOGIN_DENIED:
            self = .invalidURL
        case CURLE_UNSUPPORTED_PROTOCOL:
            // Also the answer to a response without a status line (HTTP/0.9).
            self = wasSent ? .protocolViolation : .invalidURL
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            self = .couldNotResolve
        case CURLE_COULDNT_CONNECT:
            self = systemError == ECONNREFUSED ? .connectionRefused : .couldNotConnect
        case CURLE_GOT_NOTHING:
            self = .emptyReply
        case CURLE_SEND_ERROR, CURLE_SEND_FAIL_REWIND:
            self = .connectionReset
        case CURLE_RECV_ERROR:
            // Without an errno it was not the socket that failed but the chunked encoding.
            self = systemError == 0 ? .protocolViolation : .connectionReset
        case CURLE_PARTIAL_FILE:
            self = .truncatedResponse
        case CURLE_OPERATION_TIMEDOUT:
            self = .timedOut
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            self = .protocolViolation
        case CURLE_SSL_CONNECT_ERROR:
            self = systemError == ECONNRESET ? .connectionReset : .tls
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
            CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED:
            self = .tls
        case CURLE_FILESIZE_EXCEEDED:
            self = .responseTooLarge
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT:
            self = .outOfResources
        default:
            self = .other
        }
    }
}
