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

/// What the whole process shares: libcurl's one-time initialisation, and nothing else.
enum CurlLibrary {
    /// The result of `curl_global_init`, which runs once, at the first use of this constant.
    ///
    /// "CURL_GLOBAL_SSL: this flag's presence or absence serves no meaning since 7.57.0": libcurl sets up its TLS library
    /// here in any case, and loads the certificates of an `https` connection when the first one is opened.
    static let initialization: CURLcode = curl_global_init(Int(CURL_GLOBAL_NOTHING))

    /// The first file with certificate authorities that exists, `nil` for libcurl's built-in choice.
    static func findCertificateAuthorities() -> String? {
        let named = ["SSL_CERT_FILE", "CURL_CA_BUNDLE"].compactMap { name -> String? in
            guard let value = unsafe getenv(name) else { return nil }
            return unsafe String(cString: value)
        }
        let usual = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"]
        return (named + usual).first { unsafe !$0.isEmpty && access($0, R_OK) == 0 }
    }
}

/// Mixes fresh random bytes of the system into those of the TLS library: for a process that was copied with its memory, as
/// from a snapshot. Does nothing where libcurl does not use OpenSSL, or where the linker did not find it.
public func reseedTLS() {
    ccurl_reseed()
}
