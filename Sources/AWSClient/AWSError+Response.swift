// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import JSONCore

extension AWSError {
    /// Puts an answer other than a success into words.
    ///
    /// Of the service's own message only the name of a permission is used: others quote the request.
    init(refusal response: HTTPResponse, of call: AWSCall) {
        let body = try? JSONValue(parsing: response.body)
        let message = (body?["Message"] ?? body?["message"])?.string ?? ""
        let type = Self.type(of: response, body: body)
        // Not `contains` of a text in a text, which links the standard library's regular expressions: 1.5 MB.
        let words = message.split { !$0.isLetter }
        let about = "status \(response.status)\(type.isEmpty ? "" : " \(type)") about \(call.subject)"
        func error(_ code: Code, _ advice: String, isRetryable: Bool = false) -> AWSError {
            AWSError(code, at: call.operation, advice.isEmpty ? about : "\(about): \(advice)", isRetryable: isRetryable)
        }
        switch (response.status, type) {
        case (_, "ExpiredTokenException"), (_, "ExpiredToken"):
            self = error(.expiredCredentials, "the temporary credentials are used up")
        case (_, "InvalidSignatureException"), (_, "SignatureDoesNotMatch"), (_, "RequestExpired"),
            (_, "RequestTimeTooSkewed"):
            // A process that was frozen between signing and sending comes too late.
            let isLate = type.hasPrefix("Request") || words.contains("expired")
            let advice = isLate ? "it came too late" : "the key is not the one that AWS has, or the clock is wrong"
            self = error(.invalidSignature, advice, isRetryable: isLate)
        case (_, "UnrecognizedClientException"), (_, "InvalidClientTokenId"), (_, "IncompleteSignatureException"),
            (_, "MissingAuthenticationTokenException"):
            self = error(.invalidSignature, "AWS does not know the credentials")
        case (_, "TooManyRequestsException"), (_, "ThrottlingException"), (_, "Throttling"), (429, _):
            self = error(.throttled, "too many requests", isRetryable: true)
        case (_, "ServiceQuotaExceededException"):
            self = error(.throttled, "the account's quota is used up; ask for a larger one")
        case (403, _), (_, "AccessDeniedException"):
            let permission = Self.permission(in: message) ?? call.permission
            self = error(.accessDenied, "the role of the function needs \(permission)")
        case (404, _), (_, "ResourceNotFoundException"):
            self = error(.notFound, "")
        case (409, _), (_, "ConflictException"):
            self = error(.conflict, "")
        case (413, _):
            self = error(.tooLarge, "")
        case (408, _), (500..., _):
            self = error(.unavailable, "", isRetryable: true)
        case (400, "ValidationException") where words.contains("assume"):
            self = error(.refused, "the role of the schedule does not let scheduler.amazonaws.com assume it")
        default:
            self = error(.refused, "")
        }
    }

    /// `X-Amzn-ErrorType: Name:http://…`, or the body's `__type` or `code`, which may begin with a namespace and `#`.
    private static func type(of response: HTTPResponse, body: JSONValue?) -> String {
        let text =
            response.fields["X-Amzn-ErrorType"] ?? body?["__type"]?.string ?? body?["code"]?.string ?? ""
        let name = text.prefix { $0 != ":" }.split(separator: "#").last ?? ""
        return name.utf8.count <= 64 && name.allSatisfy { $0.isASCII && $0.isLetter } ? String(name) : ""
    }

    /// The action in "is not authorized to perform: lambda:InvokeFunction on resource: …".
    private static func permission(in message: String) -> String? {
        let words = message.split(separator: " ")
        guard let position = words.firstIndex(of: "perform:"), position + 1 < words.count else { return nil }
        let action = words[position + 1]
        let isAction = action.utf8.count <= 64 && action.allSatisfy { $0.isASCII && ($0.isLetter || ":-".contains($0)) }
        return isAction ? String(action) : nil
    }
}
