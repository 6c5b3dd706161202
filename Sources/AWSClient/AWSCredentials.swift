// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What a request is signed with. Neither its description nor a dump of it shows the secrets.
package struct AWSCredentials: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The access key's id, which is sent with each request and no secret.
    package let accessKeyID: String
    /// The secret key, which never leaves the process.
    let secretAccessKey: String
    /// What goes with temporary credentials; nil with the keys of a user.
    let sessionToken: String?

    /// Makes credentials.
    package init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }

    /// The id of the access key alone.
    package var description: String { "AWS credentials \(accessKeyID)" }

    /// Shows what the description shows.
    package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}
