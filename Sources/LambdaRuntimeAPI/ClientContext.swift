// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

/// What a client said of itself and its surroundings: the `ClientContext` of an invocation.
public struct ClientContext: Sendable, Hashable {
    /// The app that calls, as the AWS Mobile SDK describes it.
    public struct Client: Sendable, Hashable {
        /// Tells one installation of the app from others.
        public let installationID: String?
        /// The name of the app.
        public let appTitle: String?
        /// The version that people see.
        public let appVersionName: String?
        /// The version that the app store counts.
        public let appVersionCode: String?
        /// The bundle or package.
        public let appPackageName: String?
    }

    /// Everything, as received.
    public let json: JSONObject

    /// The app; nil when the client says nothing of it.
    public var client: Client? {
        guard let client = json["client"]?.object else { return nil }
        return Client(
            installationID: client["installation_id"]?.string,
            appTitle: client["app_title"]?.string,
            appVersionName: client["app_version_name"]?.string,
            appVersionCode: client["app_version_code"]?.string,
            appPackageName: client["app_package_name"]?.string
        )
    }

    /// What the caller has added, by name.
    public var custom: JSONObject { json["custom"]?.object ?? JSONObject() }

    /// The device: platform, model, locale and more, by name.
    public var environment: JSONObject { json["env"]?.object ?? JSONObject() }

    /// Reads a JSON object; nil when it is none.
    public init?(parsing text: String) {
        guard let object = (try? JSONValue(parsing: text.utf8))?.object else { return nil }
        json = object
    }
}

/// The Cognito identity of the caller, for calls signed with its credentials.
public struct CognitoIdentity: Sendable, Hashable {
    /// The identity that was authenticated.
    public let identityID: String?
    /// The pool that authenticated it.
    public let identityPoolID: String?

    /// Reads a JSON object; nil when it is none.
    public init?(parsing text: String) {
        guard let object = (try? JSONValue(parsing: text.utf8))?.object else { return nil }
        identityID = object["cognitoIdentityId"]?.string
        identityPoolID = object["cognitoIdentityPoolId"]?.string
    }
}
