// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What all requests of one ``Transfer`` or ``HTTPClient`` have in common.
public struct HTTPOptions: Sendable, Hashable {
    /// Where connections go through.
    public struct Proxy: Sendable, Hashable {
        private enum Kind: Hashable { case none, environment }
        private let kind: Kind

        /// Straight to the host of the URL, whatever the environment says.
        public static let none = Proxy(kind: .none)
        /// As `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
        public static let environment = Proxy(kind: .environment)
    }

    /// The `User-Agent`, none by default.
    public var userAgent: String?
    /// Where connections go through; straight by default.
    public var proxy: Proxy
    /// The path of a PEM file with the certificate authorities to trust. By default the first that exists of
    /// `$SSL_CERT_FILE`, `$CURL_CA_BUNDLE`, `/etc/pki/tls/certs/ca-bundle.crt` (Amazon Linux, Fedora) and
    /// `/etc/ssl/certs/ca-certificates.crt` (Debian), looked for when the first `https` request is made.
    public var certificateAuthorities: String?

    /// Makes options.
    public init(userAgent: String? = nil, proxy: Proxy = .none, certificateAuthorities: String? = nil) {
        self.userAgent = userAgent
        self.proxy = proxy
        self.certificateAuthorities = certificateAuthorities
    }
}

/// How long one request may take and how much it may bring. By default nothing times out.
public struct HTTPLimits: Sendable, Hashable {
    /// The most time from the start to an open connection, TLS included.
    public var connectTimeout: Duration?
    /// The most time from the start to the last byte of the response.
    public var timeout: Duration?
    /// How long a connection may be silent in both directions. libcurl measures once a second over the last five, so it
    /// fires late, by up to six seconds; a reader that is slow by itself does not count.
    public var idleTimeout: Duration?
    /// The largest response body in bytes; `responseTooLarge` above. 64 MiB by default.
    public var maximumBodySize: Int

    /// Makes limits; times below a millisecond count as one, fractions are rounded up.
    public init(
        connectTimeout: Duration? = nil,
        timeout: Duration? = nil,
        idleTimeout: Duration? = nil,
        maximumBodySize: Int = 64 << 20
    ) {
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.idleTimeout = idleTimeout
        self.maximumBodySize = maximumBodySize
    }
}
