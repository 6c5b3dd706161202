# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What a runtime with three invocations at once may say, step by step: see raw_runtime.py.

Each scenario: its name, the scripts of its processes in turn, and what each call waits for ("" for nothing): a name that
a script touches, or "answered N", the end of call N.
"""

from raw_scenarios import (ATTEMPT, EXTENSION, EXIT, JSON, LARGEST, NEXT, PINGS, SERVE, TOLD, TYPE, TYPES, error, event,
                           init_error, register, response)


def poll(on, **more):
    return {**NEXT, "on": on, **more}


def answer(on, body="1", attempt="{%s.invocation}", **more):
    return response(body, **{"post": "/invocation/{%s.id}/response" % on, "headers": headers(on, attempt), **more})


def fail(on, body=TOLD, attempt="{%s.invocation}", type="Function.Told", **more):
    more = {"post": "/invocation/{%s.id}/error" % on, "headers": {**headers(on, attempt), TYPE: type}, **more}
    return error(body, **more)


def headers(on, attempt):
    return JSON if attempt is None else {**JSON, ATTEMPT: attempt.replace("%s", on)}


def running(*names):
    """Each of these gets an invocation; the next call goes out when the last one is there."""
    return [step for name in names for step in (poll(name), {"touch": name})]


THREE, CALLS = running("a", "b", "c"), ["", "a", "b"]

SCENARIOS = [
    ("three, answered in another order", [THREE + [answer("c", "3"), fail("a"), answer("b", "2"), SERVE]], CALLS),
    ("invocation ids of others, and none", [THREE + [
        answer("a", attempt="{b.invocation}"), answer("a", attempt="nonsense"), answer("a", attempt=None),
        answer("b", attempt=""), fail("c", attempt="nonsense"), fail("c", attempt=None), answer("a"), answer("b"),
        answer("c"), SERVE]], CALLS),
    ("answers twice", [running("a") + [
        answer("a"), answer("a", "2"), fail("a"), poll("a"), fail("a"), fail("a"), answer("a"), SERVE]],
     ["", "answered 0"]),
    ("unknown ids", [[
        response(post="/invocation/early/response"), poll("a"), response(post="/invocation/unknown/response"),
        error(post="/invocation/unknown/error"), answer("a"), SERVE]], [""]),
    ("more polls than invocations at once", [[
        poll("a"), poll("b", later=True), poll("c", later=True), poll("d", later=True), *PINGS,
        poll("e", later=True), {"silent": "e"}, answer("a"), EXIT]], [""]),
    ("more calls than polls", [running("a") + [
        {"await": "answered 1", "limit": 0.5}, answer("a"), SERVE]], ["", "a!"]),
    ("an error of the largest size", [running("a") + [fail("a", size=1_048_576), SERVE]], [""]),
    ("an error that is too large", [running("a") + [
        error(size=1_048_577, post="/invocation/unknown/error"), fail("a", size=1_048_577), fail("a", size=LARGEST + 1),
        answer("a"), SERVE]], [""]),
    ("the largest answer", [running("a") + [answer("a", size=LARGEST), SERVE]], [""]),
    ("an answer that is too large", [running("a") + [answer("a", size=LARGEST + 1), answer("a"), SERVE]], [""]),
    ("an exit", [THREE + [answer("b"), {"exit": 3}]], CALLS),
    ("a response mode that is none", [THREE + [
        answer("b", mode="nonsense"), answer("b"), answer("a"), answer("c"), SERVE]], CALLS),
    ("an init error", [[init_error(), {"exit": 1}]], [""]),
    ("an init error after the first next", [running("a") + [init_error(), answer("a"), SERVE]], [""]),
    ("extensions", [[
        register(body='{"events":["INVOKE"]}'), register(body='{"events":["SHUTDOWN"]}'),
        register(body='{"events":["NONE"]}'), register(), event(later=True), SERVE]], [""]),
    ("paths", [[
        {"get": "/2018-06-01/ping"}, {"get": "/nothing"}, {"get": "/restore/next"}, {"post": "/restore/error"},
        {"post": "/invocation/next"}, {"put": "/2020-08-15/logs"}, {"put": "/2022-07-01/telemetry"},
        {"post": EXTENSION + "/init/error"}, {"post": EXTENSION + "/exit/error"}, SERVE]], [""]),
    ("an answer shorter than announced", [running("a") + [
        answer("a", announce=10), *PINGS, {**answer("a"), "on": "other"}, SERVE]], [""]),
    ("a stream shorter than announced", [running("a") + [
        answer("a", announce=10, mode="streaming"), *PINGS, {**answer("a"), "on": "other"}, SERVE]], [""]),
    ("an error shorter than announced", [running("a") + [
        fail("a", announce=1000), *PINGS, {**answer("a"), "on": "other"}, SERVE]], [""]),
    ("a streamed answer", [running("a") + [answer("a", mode="streaming", chunked=True), SERVE]], [""]),
    ("a streamed answer that fails", [running("a") + [answer("a", mode="streaming", chunked=True, trailers={
        TYPE: "Function.Told", "Lambda-Runtime-Function-Error-Body": "e30="}), SERVE]], [""]),
    ("an empty answer", [running("a") + [answer("a", ""), SERVE]], [""]),
    ("content types", [[
        poll("a"), answer("a", headers={"Content-Type": "text/html"}), poll("a"), answer("a", headers={}), SERVE]],
     ["", "answered 0"]),
    ("errors of many types", [[
        step for type in TYPES for step in (poll("a"), fail("a", type=type))] + [SERVE]],
     [""] + ["answered %d" % number for number in range(len(TYPES) - 1)]),
    ("errors of other bodies", [[poll("a"), fail("a", ""), poll("a"), fail("a", "not JSON"), SERVE]],
     ["", "answered 0"]),
]
