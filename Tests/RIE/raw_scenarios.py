# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What a runtime may say to the Runtime API, right or wrong, step by step: see raw_runtime.py.

Each scenario: its name, the scripts of its processes in turn, and how often the function is called.
"""

NEXT = {"get": "/invocation/next"}
TYPE = "Lambda-Runtime-Function-Error-Type"
ATTEMPT = "Lambda-Runtime-Invocation-Id"
JSON = {"Content-Type": "application/json"}
EXTENSION = "/2020-01-01/extension"


TOLD = '{"errorMessage":"m","errorType":"Function.Told"}'


def response(body="1", **more):
    return {"post": "/invocation/{id}/response", "body": body, "headers": JSON, **more}


def error(body=TOLD, type="Function.Told", **more):
    headers = {**JSON, TYPE: type} if type is not None else JSON
    return {"post": "/invocation/{id}/error", "body": body, "headers": headers, **more}


def init_error(body=TOLD, type="Function.Told", **more):
    return {**error(body, type, **more), "post": "/init/error"}


def register(name="internal", body='{"events":[]}', **more):
    headers = {"Lambda-Extension-Name": name} if name is not None else {}
    return {"post": EXTENSION + "/register", "body": body, "headers": headers, **more}


def event(identifier="{extension}", **more):
    headers = {} if identifier is None else {"Lambda-Extension-Identifier": identifier}
    return {"get": EXTENSION + "/event/next", "headers": headers, "on": "extension", **more}


# So that what other connections brought, or that they broke off, is noticed before what comes next.
PINGS = [{"get": "/2018-06-01/ping", "on": "other"}] * 3
SERVE = {"serve": True}
EXIT = {"exit": 0}
LARGEST = 6_291_556

TYPES = ("Runtime.Ab", "Runtime.A", "Function.A", "Function.ab", "Function.", "Other.Type", "Sandbox.Failure",
         "before Function.Told after", "", "Function.Told\xfc")

SCENARIOS = [
    ("an answer", [[NEXT, response(), SERVE]], 2),
    ("no content type", [[NEXT, {**response(), "headers": {}}, SERVE]], 1),
    ("a content type of its own", [[NEXT, {**response("<p>"), "headers": {"Content-Type": "text/html"}}, SERVE]], 1),
    ("an empty answer", [[NEXT, response(""), SERVE]], 1),
    ("a chunked answer", [[NEXT, response("chunked", chunked=True), SERVE]], 1),
    ("a chunked error", [[NEXT, error(chunked=True), SERVE]], 1),
    ("binary", [[NEXT, response("".join(map(chr, range(256)))), SERVE]], 1),
    ("unknown ids", [[
        NEXT, response(post="/invocation/unknown/response"), error(post="/invocation/unknown/error"),
        response(post="/invocation/00000000-0000-0000-0000-000000000000/response"), response(), SERVE]], 1),
    ("an answer before the first invocation", [[response(post="/invocation/early/response"), SERVE]], 1),
    ("an error before the first invocation", [[error(post="/invocation/early/error"), SERVE]], 1),
    ("more answers, and then the next one", [[NEXT, response(), error(), response(), NEXT, response(), SERVE]], 2),
    ("two answers", [[NEXT, response(), response("2"), SERVE]], 2),
    ("an answer and an error", [[NEXT, response(), error(), SERVE]], 2),
    ("an error and an answer", [[NEXT, error(), response(), SERVE]], 2),
    ("two errors", [[NEXT, error(), error(), SERVE]], 2),
    ("an answer to the last invocation", [[
        {**NEXT, "on": "first"}, response(), NEXT, response("old", post="/invocation/{first.id}/response"),
        error(post="/invocation/{first.id}/error"), response(), SERVE]], 2),
    ("the same invocation again", [[NEXT, {**NEXT, "on": "again"}, response(), SERVE]], 2),
    ("next by POST", [[{"post": "/invocation/next"}, SERVE]], 1),
    ("an answer by PUT", [[NEXT, {"put": "/invocation/{id}/response", "body": "1"}, response(), SERVE]], 1),
    ("paths that are none", [[
        {"get": "/"}, {"get": "/invocation"}, {"get": "/2018-06-01/ping"}, {"get": "/2018-06-01/nothing"},
        {"post": "/invocation/x/nothing"}, SERVE]], 1),
    ("the largest answer", [[NEXT, {**response(), "size": LARGEST}, SERVE]], 2),
    ("an answer that is too large", [[NEXT, {**response(), "size": LARGEST + 1}, error(), response(), SERVE]], 2),
    ("a chunked answer that is too large", [[NEXT, {**response(), "size": LARGEST + 1, "chunked": True}, SERVE]], 1),
    ("an error that is large", [[NEXT, {**error(), "size": 1_500_000}, SERVE]], 2),
    ("an error that is too large", [[NEXT, {**error(), "size": LARGEST + 1}, SERVE]], 2),
    ("a response mode that is none", [[NEXT, response(mode="nonsense"), response(), error(), NEXT, EXIT], [SERVE]], 2),
    ("the mode of other letters", [[NEXT, response(mode="Streaming"), EXIT], [SERVE]], 2),
    ("an empty mode", [[NEXT, response(mode=""), SERVE]], 2),
    ("a body shorter than announced", [[
        NEXT, response("1", announce=10), *PINGS, {**NEXT, "on": "other"}, EXIT], [SERVE]], 2),
    ("a stale invocation id", [[
        NEXT, response(headers={**JSON, ATTEMPT: "stale"}), error(headers={**JSON, ATTEMPT: "stale"}), response(),
        SERVE]], 2),
    ("an empty invocation id", [[NEXT, response(headers={**JSON, ATTEMPT: ""}), SERVE]], 2),
    ("an error", [[NEXT, error(), SERVE]], 2),
    ("an empty error", [[NEXT, error(""), SERVE]], 2),
    ("an error that is no JSON", [[NEXT, error("not JSON"), SERVE]], 2),
    ("an error without a type", [[NEXT, error(type=None), SERVE]], 2),
    ("an init error", [[init_error(), {"exit": 1}], [init_error(), {"exit": 1}], [SERVE]], 3),
    ("an init error without a body", [[init_error(""), {"exit": 1}], [init_error(""), {"exit": 1}]], 1),
    ("an init error without a type", [[init_error(type=None), {"exit": 1}], [init_error(type=None), {"exit": 1}]], 1),
    ("two init errors", [[init_error(), init_error(), {"exit": 1}], [init_error(), {"exit": 1}]], 1),
    ("an init error after the first next", [[NEXT, init_error(), response(), SERVE]], 2),
    ("a next after an init error", [[init_error(), NEXT, {"exit": 1}], [init_error(), {"exit": 1}]], 1),
    ("restoring where there is no snapshot", [[{"get": "/restore/next"}, {"post": "/restore/error"}, SERVE]], 1),
    ("an extension", [[register(), event(later=True), NEXT, response(), SERVE]], 2),
    ("an extension that says nothing of events", [[register(body="{}"), event(later=True), NEXT, response(), SERVE]], 2),
    ("an extension that asks for invocations", [[
        register(body='{"events":["INVOKE"]}'), event(later=True), NEXT, {"read": "extension"}, response(), EXIT]], 1),
    ("an extension that asks for the shutdown", [[
        register(body='{"events":["SHUTDOWN"]}'), register(body='{"events":["INVOKE","SHUTDOWN"]}'), SERVE]], 1),
    ("registrations that are none", [[
        register(body='{"events":["NONE"]}'), register(body="[]"), register(body=""), register(body="no"),
        register(body='{"events":"INVOKE"}'), register(body='{"events":[1]}'), register(body='{"events":null}', name=""),
        register(name=""), register(name=None), SERVE]], 1),
    ("two extensions of one name", [[register(), register(), event(later=True), SERVE]], 1),
    ("eleven extensions", [[register("e%d" % number) for number in range(11)] + [{"exit": 1}], [SERVE]], 2),
    ("an extension that comes late", [[NEXT, register(), response(), register(), SERVE]], 2),
    ("events for nobody", [[
        event(None), event("no id"), event("00000000-0000-0000-0000-000000000000"), SERVE]], 1),
    ("errors of extensions", [[
        register(), {"post": EXTENSION + "/init/error", "headers": {
            "Lambda-Extension-Identifier": "{extension}", "Lambda-Extension-Function-Error-Type": "Extension.X"}},
        {"exit": 1}], [SERVE]], 1),
    ("the APIs of logs and telemetry", [[
        {"put": "/2020-08-15/logs", "body": "{}"}, {"put": "/2022-07-01/telemetry", "body": "{}"}, SERVE]], 1),
    ("a streamed answer", [[NEXT, response("streamed", mode="streaming", chunked=True), SERVE]], 2),
    ("a streamed answer of known length", [[NEXT, response("streamed", mode="streaming"), SERVE]], 2),
    ("a streamed answer that fails", [[NEXT, response("half", mode="streaming", chunked=True, trailers={
        TYPE: "Function.Told", "Lambda-Runtime-Function-Error-Body": "e30="}), SERVE]], 2),
    ("errors of many types", [[
        step for type in TYPES for step in (NEXT, error(type=type), NEXT, error("", type=type))] + [SERVE]],
     2 * len(TYPES)),
]
