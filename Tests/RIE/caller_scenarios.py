# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What a caller sees of a function: of an echo, and of the function of Misbehaving."""

import base64
import os
import shutil
import tempfile
import threading

from emulator import INVOKE

# The largest event of Lambda, in bytes, and the largest answer.
LARGEST_EVENT = 6_291_456
LARGEST = 6_291_556


def text(size):
    return b'"' + b"x" * (size - 2) + b'"'


def scenarios(echo, misbehaving):
    def payloads(*payloads):
        def play(stage):
            with stage.start(echo) as function:
                for payload in payloads:
                    stage.call(function, payload)
                stage.call(function, b'"the next one"')
        return play

    def events(*events, timeout="30", **environment):
        def play(stage):
            with stage.start(misbehaving, AWS_LAMBDA_FUNCTION_TIMEOUT=timeout, **environment) as function:
                for event in events:
                    stage.call(function, b'{"do":"%s"}' % event.encode())
        return play

    def requests(*requests):
        def play(stage):
            with stage.start(echo) as function:
                for method, path, headers in requests:
                    stage.call(function, b"{}", headers, method, path)
        return play

    def headers(headers):
        def play(stage):
            stage.raw([[{"get": "/invocation/next"}, {"post": "/invocation/{id}/response", "body": "1"}, {"serve": True}]],
                      1, headers)
        return play

    def gone(stage):
        with tempfile.TemporaryDirectory() as folder:
            bootstrap = os.path.join(folder, "bootstrap")
            shutil.copy(echo, bootstrap)
            with stage.start(bootstrap) as function:
                os.remove(bootstrap)
                stage.call(function)
                shutil.copy(echo, bootstrap)
                stage.call(function)
        # The folder's name is in the message.
        stage.seen = {what: value.replace(folder, "<folder>") if isinstance(value, str) else value
                      for what, value in stage.seen.items()}

    def two_at_once(stage):
        script = [{"get": "/invocation/next"}, {"touch": "begun"}, {"await": "answered 1", "limit": 0.5},
                  {"post": "/invocation/{id}/response", "body": "1"}, {"serve": True}]
        stage.raw([script], ["", "begun!"])

    context = base64.b64encode(b'{"custom":{"a":"b"}}').decode()
    function = "/2015-03-31/functions/%s/invocations"
    return [
        ("JSON", payloads('{"text":"ü 🙂 e\u0301 \\u0000","n":1.10}'.encode(), b'  [1, 2 ]\n', b'"text"', b"0", b"null")),
        ("nothing", payloads(b"")),
        ("what is no JSON", payloads(b"not JSON")),
        ("binary", payloads(bytes(range(256)))),
        ("5 MB", payloads(text(5_000_000))),
        ("the largest event", payloads(text(LARGEST_EVENT))),
        ("an event that is too large", payloads(text(LARGEST_EVENT + 1))),
        ("an event that is larger than an answer may be", payloads(text(LARGEST + 1))),
        ("an error", events("fail", "echo", "fail")),
        ("an init error", events("echo", "echo", FAIL_INIT="1")),
        ("a crash", events("echo", "crash", "crash", "echo")),
        ("a crash of the first invocation", events("crash", "echo")),
        ("an exit", events("echo", "exit", "exit", "echo")),
        ("a time-out", events("echo", "hang", "echo", timeout="1")),
        ("a time-out of the first invocation", events("hang", "echo", timeout="1")),
        ("the largest answer", events("largest", "echo")),
        ("an answer that is too large", events("too large", "echo")),
        ("a bootstrap that is gone", gone),
        ("two at once", two_at_once),
        ("a trace", headers({"X-Amzn-Trace-Id": "Root=1-0-0;Parent=0;Sampled=1"})),
        ("a client context", headers({"X-Amz-Client-Context": context})),
        ("a content type", headers({"Content-Type": "text/plain"})),
        ("the end of the log", requests(("POST", INVOKE, {"X-Amz-Log-Type": "Tail"}))),
        ("other types of invocation", requests(
            ("POST", INVOKE, {"X-Amz-Invocation-Type": "DryRun"}), ("POST", INVOKE, {"X-Amz-Invocation-Type": "Event"}))),
        ("the function's other names", requests(
            ("POST", function % "function:live", {}), ("POST", INVOKE + "?Qualifier=live", {}),
            ("POST", function % "arn:aws:lambda:us-east-1:000000000000:function:function", {}))),
        ("what is not there", requests(
            ("POST", function % "unknown", {}), ("GET", INVOKE, {}), ("GET", "/", {}))),
        ("a caller who wants a stream", requests(
            ("POST", "/2021-11-15/functions/function/response-streaming-invocations", {}))),
    ]


def concurrent_scenarios(echo, misbehaving):
    """With three invocations at once, of which a runtime may make use."""
    def at_once(bootstrap, *payloads):
        def play(stage):
            with stage.start(bootstrap, AWS_LAMBDA_MAX_CONCURRENCY="3") as function:
                threads = [threading.Thread(target=stage.call, args=(function, payload), kwargs={
                    "number": number, "retries": True}) for number, payload in enumerate(payloads)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        return play

    # AWS's emulator refuses a call before it has read it when no worker waits: what is larger than the socket breaks.
    return [
        ("an echo", at_once(echo, b"1", b'{"a":"b"}', text(1000), text(20_000))),
        ("answers and errors", at_once(misbehaving, b"1", b'{"do":"fail"}', b"2", b'{"do":"fail"}')),
    ]
