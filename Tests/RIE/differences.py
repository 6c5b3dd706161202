# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""All that AWS's Runtime Interface Emulator and Perdure's are known to do differently.

Each entry: patterns of the scenario and of what was seen, its value under AWS's emulator and under ours (None: not
there), and why. An entry that does not show fails the run, as does a difference without an entry.
"""

OK = '{"status":"OK"}\n'
TIMED_OUT = '{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}\n'
TOO_LARGE = '{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}\n'
NO_IDENTIFIER = ('{"errorMessage":"Missing Lambda-Extension-Identifier header",'
                 '"errorType":"Extension.MissingExtensionIdentifier"}\n')
TRUNCATED = '{"errorMessage":"HTTP request detected as truncated","errorType":"TruncatedHTTPRequest"}\n'
NO_EVENTS = '{"errorMessage":"The body is not an object with events","errorType":"InvalidRequestFormat"}\n'
NOT_FOUND = "404 page not found\n"
TOO_LARGE_EVENT = '{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}'
NO_JSON = '{"Type":"User","message":"Could not parse request body into json: JSON at byte %d: a byte that can not stand here"}'
NO_OPERATION = '{"Type":"User","message":"This emulator does not have this operation."}'


def refused(before, after):
    return ('{"errorMessage":"State transition from %s to %s failed for runtime. Error: State transition is not allowed",'
            '"errorType":"InvalidStateTransition"}\n' % (before, after))


def failure(type, message=None):
    return '{"errorType":"%s"}' % type if message is None else '{"errorType":"%s","errorMessage":"%s"}' % (type, message)


EXIT = failure("Runtime.ExitError", "RequestId: <uuid> Error: Runtime exited %s")
RESPONSE_TOO_LARGE = failure("Function.ResponseSizeTooLarge",
                             "Response payload size exceeded maximum allowed payload size (6291556 bytes).")

PLAIN, JSON, OCTETS = "text/plain; charset=utf-8", "application/json", "application/octet-stream"

FRONT_DOOR = "the front door of AWS's emulator is not Lambda's: no version, no mark of an error, status 502 for some"
SNIFFED = "AWS's emulator loses the content type and guesses one from the body"
NO_TRACE = "AWS's emulator passes no trace on"
NO_ATTEMPT = "AWS's emulator knows invocation ids only with several invocations at once"
ACCOUNT = "AWS's emulator has this account built in"
REQUIRED = "Lambda takes nothing but JSON, of up to 6,291,456 bytes, and makes {} of nothing"
NO_SUCH_API = "extensions' reports of errors, and telemetry, are not here: see LambdaEmulator's article"
GO = "the words of AWS's JSON parser"
CONTAINER = "AWS's emulator has no words for it; Lambda's are taken"
BROKEN_OFF = "our server closes the connection of a peer that has closed its side, AWS's still answers"
AT_ONCE = "AWS's emulator runs one at a time, and ends itself when there is a second call"

DIFFERENCES = [
    # What callers see of any answer.
    ("*", "call * X-Amz-Executed-Version", None, "$LATEST", FRONT_DOOR),
    ("*", "call * X-Amz-Function-Error", None, "Unhandled", FRONT_DOOR),
    ("call: *", "call * status", 502, 200, FRONT_DOOR),
    ("runtime: *", "call * status", 502, 200, FRONT_DOOR),
    ("*", "call * Content-Type", PLAIN, JSON, SNIFFED),
    ("*", "call * Content-Type", PLAIN, OCTETS, SNIFFED),
    ("*", "call * Content-Type", None, JSON, "the same, of an empty body"),
    ("runtime: binary", "call 0 Content-Type", OCTETS, JSON, SNIFFED),
    ("runtime: a content type of its own", "call 0 Content-Type", "text/html; charset=utf-8", "text/html", SNIFFED),
    # What a runtime sees of any invocation.
    ("*", "* GET /invocation/next: lambda-runtime-trace-id", None, "<trace>", NO_TRACE),
    ("call: a trace", "0.0 *: lambda-runtime-trace-id", None, "Root=1-0-0;Parent=0;Sampled=1", NO_TRACE),
    ("call: *", "* GET /invocation/next: lambda-runtime-invocation-id", None, "<uuid>", NO_ATTEMPT),
    ("runtime: *", "* GET /invocation/next: lambda-runtime-invocation-id", None, "<uuid>", NO_ATTEMPT),
    ("*", "* GET /invocation/next: lambda-runtime-invoked-function-arn",
     "arn:aws:lambda:us-east-1:012345678912:function:function",
     "arn:aws:lambda:us-east-1:000000000000:function:function", ACCOUNT),

    # Callers.
    ("call: nothing", "call 0 body", "", "{}", REQUIRED),
    ("call: what is no JSON", "call 0 status", 200, 400, REQUIRED),
    ("call: what is no JSON", "call 0 body", "not JSON", NO_JSON % 1, REQUIRED),
    ("call: binary", "call 0 status", 200, 400, REQUIRED),
    ("call: binary", "call 0 body", "256 bytes, 29058c73", NO_JSON % 0, REQUIRED),
    ("call: binary", "call 0 Content-Type", OCTETS, JSON, SNIFFED),
    ("call: *", "call 0 x-amzn-errortype", None, "InvalidRequestContentException", REQUIRED),
    ("call: an event that is*", "call 0 status", 200, 413, REQUIRED),
    ("call: an event that is*", "call 0 x-amzn-errortype", None, "RequestTooLargeException", REQUIRED),
    ("call: an event that is too large", "call 0 body", "6291457 bytes, 563dceca", TOO_LARGE_EVENT, REQUIRED),
    ("call: an event that is larger*", "call 0 body", "6291556 bytes, 8e7c2214", TOO_LARGE_EVENT,
     "the same; AWS's emulator cuts it off after as many bytes as an answer may have, without a word"),
    ("call: a time-out*", "call * body", "Task timed out after 1.00 seconds",
     failure("Sandbox.Timedout", "RequestId: <uuid> Error: Task timed out after 1.00 seconds"), FRONT_DOOR),
    ("call: a bootstrap that is gone", "call 0 body", "", failure(
        "Runtime.InvalidEntrypoint", "RequestId: <uuid> Error: Couldn't find valid bootstrap(s): [<folder>/bootstrap]"),
     CONTAINER),
    ("call: two at once", "call ? status", "no answer at all", 200, AT_ONCE),
    ("call: two at once", "call 0 body", None, "1", AT_ONCE),
    ("call: two at once", "call 0 Content-Type", None, OCTETS, AT_ONCE),
    ("call: two at once", "call 1 body", None, '{"call":1}', AT_ONCE),
    ("call: two at once", "0.1 *: status", "broken off", 202, AT_ONCE),
    ("call: two at once", "0.1 *: body", None, OK, AT_ONCE),
    ("call: two at once", "0.1 *: content-type", None, JSON, AT_ONCE),
    ("call: the end of the log", "call 0 X-Amz-Log-Result", None,
     "START RequestId: <uuid> Version: $LATEST\nEND RequestId: <uuid>\nREPORT RequestId: <uuid>\tDuration: <time>\t"
     "Billed Duration: <time>\tMemory Size: <memory>\tMax Memory Used: <memory>\tInit Duration: <time>\n", FRONT_DOOR),
    ("call: other types of invocation", "call 0 status", 200, 204, "AWS's emulator runs the function, whatever the type"),
    ("call: other types of invocation", "call 1 status", 200, 202, "the same"),
    ("call: other types of invocation", "call ? body", "{}", "", "the same"),
    ("call: other types of invocation", "call ? Content-Type", PLAIN, None, "the same"),
    ("call: the function's other names", "call * status", 404, 200, "AWS's emulator knows one path"),
    ("call: the function's other names", "call * body", NOT_FOUND, "{}", "the same"),
    ("call: what is not there", "call 0 body", NOT_FOUND,
     '{"Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:unknown","Type":"User"}', FRONT_DOOR),
    ("call: what is not there", "call 0 x-amzn-errortype", None, "ResourceNotFoundException", FRONT_DOOR),
    ("call: what is not there", "call 1 status", 200, 404, "AWS's emulator takes any method for a POST"),
    ("call: what is not there", "call 1 body", "{}", NO_OPERATION, "the same"),
    ("call: what is not there", "call 2 body", NOT_FOUND, NO_OPERATION, FRONT_DOOR),
    ("call: what is not there", "call [12] x-amzn-errortype", None, "UnknownOperationException", FRONT_DOOR),
    ("call: a caller who wants a stream", "call 0 status", 404, 200, "AWS's emulator has no streams"),
    ("call: a caller who wants a stream", "call 0 body", NOT_FOUND, "210 bytes, c501f05d", "the same"),
    ("call: a caller who wants a stream", "call 0 Content-Type", PLAIN, "application/vnd.amazon.eventstream", "the same"),

    # Runtimes with one invocation at a time.
    ("runtime: a stale invocation id", "0.1 *: status", 202, 410, NO_ATTEMPT),
    ("runtime: a stale invocation id", "0.1 *: body", OK, TIMED_OUT, NO_ATTEMPT),
    ("runtime: a stale invocation id", "0.2 *: status", 403, 410, NO_ATTEMPT),
    ("runtime: a stale invocation id", "0.2 *: body", refused("RuntimeResponseSentState", "InvocationErrorResponse"),
     TIMED_OUT, NO_ATTEMPT),
    ("runtime: a stale invocation id", "0.3 *: status", 403, 202, NO_ATTEMPT),
    ("runtime: a stale invocation id", "0.3 *: body", refused("RuntimeResponseSentState", "InvocationResponse"), OK,
     NO_ATTEMPT),
    ("runtime: an error that is too large", "0.1 *: status", "broken off", 413,
     "AWS's emulator breaks the connection off; it is treated as an answer of that size"),
    ("runtime: an error that is too large", "0.1 *: body", None, TOO_LARGE, "the same"),
    ("runtime: an error that is too large", "0.1 *: content-type", None, JSON, "the same"),
    ("runtime: an error that is too large", "call 0 body", EXIT % "with error: exit status 1", RESPONSE_TOO_LARGE,
     "the same: there the runtime ends of it"),
    ("runtime: a response mode that is none", "call 0 body", "", EXIT % "without providing a reason", CONTAINER),
    ("runtime: the mode of other letters", "call 0 body", "", EXIT % "without providing a reason", CONTAINER),
    ("runtime: eleven extensions", "call 0 body", "", EXIT % "with error: exit status 1", CONTAINER),
    ("runtime: errors of extensions", "call 0 body", "", EXIT % "with error: exit status 1", CONTAINER),
    ("runtime: *", "call * body", "", failure("Function.Told"), CONTAINER),
    ("runtime: errors of many types", "call * body", "", failure("Runtime.Ab"), CONTAINER),
    ("runtime: errors of many types", "call * body", "", failure("Function.Unknown"), CONTAINER),
    ("runtime: an extension that asks for invocations", "0.2 *: body",
     '{"eventType":"INVOKE","deadlineMs":<milliseconds>,"requestId":"<uuid>",'
     '"invokedFunctionArn":"arn:aws:lambda:us-east-1:012345678912:function:function"}',
     '{"eventType":"INVOKE","deadlineMs":<milliseconds>,"requestId":"<uuid>",'
     '"invokedFunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:function",'
     '"tracing":{"type":"X-Amzn-Trace-Id","value":"<trace>"}}', NO_TRACE + "; " + ACCOUNT),
    ("runtime: registrations that are none", "0.1 *: body",
     '{"errorMessage":"json: cannot unmarshal array into Go value of type struct { handler.RegisterRequest; '
     'ConfigurationKeys []string \\"json:\\\\\\"configurationKeys\\\\\\"\\" }","errorType":"InvalidRequestFormat"}\n',
     NO_EVENTS, GO),
    ("runtime: registrations that are none", "0.2 *: body",
     '{"errorMessage":"unexpected end of JSON input","errorType":"InvalidRequestFormat"}\n', NO_EVENTS, GO),
    ("runtime: registrations that are none", "0.3 *: body",
     '{"errorMessage":"invalid character \'o\' in literal null (expecting \'u\')","errorType":"InvalidRequestFormat"}\n',
     NO_EVENTS, GO),
    ("runtime: registrations that are none", "0.4 *: body",
     '{"errorMessage":"json: cannot unmarshal string into Go struct field .RegisterRequest.events of type []core.Event",'
     '"errorType":"InvalidRequestFormat"}\n', NO_EVENTS, GO),
    ("runtime: registrations that are none", "0.5 *: body",
     '{"errorMessage":"json: cannot unmarshal number into Go struct field .RegisterRequest.events of type core.Event",'
     '"errorType":"InvalidRequestFormat"}\n', NO_EVENTS, GO),
    ("runtime: errors of extensions", "0.1 *: status", 202, 404, NO_SUCH_API),
    ("runtime: errors of extensions", "0.1 *: body", OK, NOT_FOUND, NO_SUCH_API),
    ("runtime: errors of extensions", "0.1 *: content-type", JSON, PLAIN, NO_SUCH_API),
    ("runtime: a streamed answer that fails", "call 0 body", "half", "{}", "AWS's emulator drops the trailers"),

    # Runtimes with several invocations at once.
    ("concurrent: more polls than invocations at once", "0.[147] *: status", "none yet", "an answer",
     "ours refuses a worker too many, to show a runtime that starts more than it was told to"),
    ("concurrent: more calls than polls", "call 1 status", 400, 200, "AWS's emulator keeps no queue of calls"),
    ("concurrent: more calls than polls", "call 1 body", failure("Runtime.Unavailable"), '{"call":1}', "the same"),
    ("concurrent: an exit", "call * body", failure("Runtime.ExitError"), EXIT % "with error: exit status 3", CONTAINER),
    ("concurrent: an answer that is too large", "call 0 body", failure("Function.ResponseSizeTooLarge"),
     RESPONSE_TOO_LARGE, CONTAINER),
    ("concurrent: a response mode that is none", "call 1 body", failure("Runtime.InvalidResponseModeHeader"), failure(
        "Runtime.InvalidResponseModeHeader", "RequestId: <uuid> Error: The runtime's response mode is unknown"), CONTAINER),
    ("concurrent: an init error", "call 0 body", failure("Function.Told"),
     '{"errorMessage":"m","errorType":"Function.Told"}', "AWS's emulator forgets all but the type"),
    ("concurrent: an init error after the first next", "0.1 *: status", 202, 403,
     "AWS's emulator takes it and does nothing with it; with one at a time it is refused"),
    ("concurrent: an init error after the first next", "0.1 *: body", OK, refused("Ready", "InitError"), "the same"),
    ("concurrent: errors of other bodies", "call 0 body", "", failure("Function.Told"), CONTAINER),
    ("concurrent: * shorter than announced", "0.1 *: status", 400, "broken off", BROKEN_OFF),
    ("concurrent: * shorter than announced", "0.1 *: body", TRUNCATED, None, BROKEN_OFF),
    ("concurrent: * shorter than announced", "0.1 *: content-type", JSON, None, BROKEN_OFF),
    ("concurrent: an error shorter than announced", "0.1 *: status", 413, "broken off", BROKEN_OFF),
    ("concurrent: an error shorter than announced", "0.1 *: body", TOO_LARGE, None, BROKEN_OFF),
    ("concurrent: * shorter than announced", "call 0 body", failure("Runtime.TruncatedResponse"), failure(
        "Runtime.TruncatedResponse", "RequestId: <uuid> Error: The runtime's response broke off"), CONTAINER),
    ("concurrent: paths", "0.5 *: status", 404, 202, "there is no such API with several at once; ours says so less clearly"),
    ("concurrent: paths", "0.5 *: body", NOT_FOUND, '{"errorMessage":"Logs API is not supported",'
     '"errorType":"Logs.NotSupported"}\n', "the same"),
    ("concurrent: paths", "0.5 *: content-type", PLAIN, JSON, "the same"),
    ("concurrent: paths", "0.6 *: status", 403, 202, NO_SUCH_API),
    ("concurrent: paths", "0.6 *: body", NO_IDENTIFIER, '{"errorMessage":"Telemetry API is not supported",'
     '"errorType":"Telemetry.NotSupported"}\n', NO_SUCH_API),
    ("concurrent: paths", "0.[78] *: status", 403, 404, NO_SUCH_API),
    ("concurrent: paths", "0.[78] *: body", NO_IDENTIFIER, NOT_FOUND, NO_SUCH_API),
    ("concurrent: paths", "0.[78] *: content-type", JSON, PLAIN, NO_SUCH_API),
]
