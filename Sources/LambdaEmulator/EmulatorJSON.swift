// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import NIOCore

/// Everything the emulator writes or checks as JSON, in one place.
enum EmulatorJSON {
    /// An object with these members, in this order.
    static func object(_ members: KeyValuePairs<String, String>) -> ByteBuffer {
        let object = JSONObject(members.lazy.map { (key: $0.key, value: JSONValue($0.value)) })
        return ByteBuffer(bytes: JSONValue.object(object).bytes())
    }

    /// The names in the member `events` of the object that `bytes` is: none when there is no such member, nil when it is
    /// something else.
    static func extensionEvents(in bytes: ByteBuffer) -> [String]? {
        guard let object = (try? JSONValue(parsing: bytes.readableBytesView))?.object else { return nil }
        guard let events = object["events"], !events.isNull else { return [] }
        guard let names = events.array?.map(\.string), !names.contains(nil) else { return nil }
        return names.compactMap(\.self)
    }

    /// What an extension that asked for invocations is told about one.
    static func invokeEvent(_ invocation: Invocation, deadline: Int64) -> ByteBuffer {
        let event: JSONValue = [
            "eventType": "INVOKE", "deadlineMs": JSONValue(Int(deadline)),
            "requestId": JSONValue(invocation.requestID), "invokedFunctionArn": JSONValue(invocation.functionARN),
            "tracing": ["type": "X-Amzn-Trace-Id", "value": JSONValue(invocation.traceID)],
        ]
        return ByteBuffer(bytes: event.bytes())
    }

    /// The end of a streamed answer.
    static func invokeComplete(_ failure: StreamedAnswer.Failure?, log: String?) -> ByteBuffer {
        var members: [(key: String, value: JSONValue)] = []
        if let failure {
            members.append(("ErrorCode", JSONValue(failure.type)))
            members.append(("ErrorDetails", JSONValue(String(buffer: failure.details))))
        }
        if let log { members.append(("LogResult", JSONValue(log))) }
        return ByteBuffer(bytes: JSONValue.object(JSONObject(members)).bytes())
    }

    /// The record that an on-failure destination gets, as Lambda writes it.
    static func failureRecord(of invocation: Invocation, result: InvocationResult, attempts: Int, timestamp: String)
        -> String
    {
        let version = invocation.functionARN.hasSuffix(":$LATEST") ? "" : ":$LATEST"
        let record: JSONValue = [
            "version": "1.0", "timestamp": JSONValue(timestamp),
            "requestContext": [
                "requestId": JSONValue(invocation.requestID),
                "functionArn": JSONValue(invocation.functionARN + version), "condition": "RetriesExhausted",
                "approximateInvokeCount": JSONValue(attempts),
            ],
            "requestPayload": value(of: invocation.payload),
            "responseContext": ["statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"],
            "responsePayload": value(of: result.payload),
        ]
        return record.description
    }

    /// The JSON in `bytes`; what is no JSON becomes a string.
    private static func value(of bytes: ByteBuffer) -> JSONValue {
        (try? JSONValue(parsing: bytes.readableBytesView)) ?? JSONValue(String(buffer: bytes))
    }

    /// Nil when `bytes` is a JSON text, of any kind; else what is wrong with it.
    static func problem(in bytes: ByteBuffer) -> String? {
        do {
            _ = try JSONValue(parsing: bytes.readableBytesView)
            return nil
        } catch {
            return error.description
        }
    }

    /// The JSON object in `base64` on one line, fit for a header; nil when it is no such thing.
    static func headerObject(base64: String) -> String? {
        guard let data = Data(base64Encoded: base64), let value = try? JSONValue(parsing: data), value.object != nil
        else { return nil }
        return value.description
    }
}
