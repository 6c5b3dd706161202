#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A bootstrap that does what its event says.

Init, from environment variables:
  INIT: "error", "exit", "hang"
  EXTENSION: the body of a registration; then EXTENSION_POLLS: path that must exist before the extension polls
  SIGTERM: path that is created by that signal, before an exit; or, with SIGTERM_IGNORED, before nothing
  RESTORE: "next", "error" (after /restore/next), "hang" (the same)
  WORKERS: how many threads work, for several invocations at once
Keys of an event, in the order in which they take effect:
  print: text       waitFor: path that must exist      sleep: seconds
  exit: status      kill: signal                       nextAgain: true (asks for the invocation a second time)
  posts: [{"kind": "response", "error", "init" or "register", "id": ..., "headers": {...}, "size": bytes}] made before
    the answer
  raise: message    raiseBelow: the count from which there is no error     size: bytes of the answer
  stream: see streaming.py
  silent: true (no answer after `posts`)
  background: path that must exist before the next /next
The answer tells what the bootstrap saw; `posts` shows the statuses and bodies of this and of earlier invocations.
"""
import http.client
import json
import os
import signal
import sys
import threading
import time
import urllib.parse

import streaming

BASE = "/2018-06-01/runtime"
EXTENSION = "/2020-01-01/extension"
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
posts = []
events = []
restored = None
count = 0


def call(on, method, path, body=None, headers={}, base=BASE):
    on.request(method, base + path, body, headers)
    response = on.getresponse()
    names = {name.lower(): value for name, value in response.getheaders()}
    return response.status, names, response.read()


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)


def error(message):
    return json.dumps({"errorMessage": message, "errorType": "Function.Scripted", "stackTrace": []}).encode()


def terminated(number, frame):
    open(os.environ["SIGTERM"], "w").close()
    if "SIGTERM_IGNORED" not in os.environ:
        os._exit(0)


def poll_events(identifier):
    # The signal has to wake the main thread: Python runs handlers nowhere else.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if "EXTENSION_POLLS" in os.environ:
        wait_for(os.environ["EXTENSION_POLLS"])
    connection = http.client.HTTPConnection(API)
    while True:
        headers = {"Lambda-Extension-Identifier": identifier}
        status, _, body = call(connection, "GET", "/event/next", headers=headers, base=EXTENSION)
        if status != 200:
            return
        events.append(json.loads(body))


def register(connection):
    headers = {"Lambda-Extension-Name": "internal"}
    status, headers, body = call(
        connection, "POST", "/register", os.environ["EXTENSION"], headers, base=EXTENSION)
    print("registered", status, body.decode().strip(), flush=True)
    identifier = headers["lambda-extension-identifier"]
    threading.Thread(target=poll_events, args=(identifier,), daemon=True).start()


def post(connection, request_id, echo, post):
    path = "/invocation/" + urllib.parse.quote(post.get("id", request_id), safe="") + "/" + post["kind"]
    base = BASE
    if post["kind"] == "init":
        path = "/init/error"
    elif post["kind"] == "register":
        path, base = "/register", EXTENSION
    data = b"1" * post["size"] if "size" in post else b'"posted"' if base == BASE else b"{}"
    headers = {**echo, **post.get("headers", {})}
    status, _, answer = call(connection, "POST", path, data, headers, base=base)
    posts.append([status, json.loads(answer)])


def work():
    global count
    if threading.current_thread() is not threading.main_thread():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    connection = http.client.HTTPConnection(API)
    while True:
        status, headers, body = call(connection, "GET", "/invocation/next")
        if status != 200:
            print(f"next: {status} {body}", flush=True)
            sys.exit(1)
        count += 1
        event = json.loads(body)
        if not isinstance(event, dict):
            event = {"event": event}
        request_id = headers["lambda-runtime-aws-request-id"]
        path = "/invocation/" + urllib.parse.quote(request_id, safe="")
        echo = {"Lambda-Runtime-Invocation-Id": headers["lambda-runtime-invocation-id"]}
        seen = {"pid": os.getpid(), "count": count, "headers": headers, "event": event.get("event")}
        seen.update({"events": events, "restored": restored})
        if "print" in event:
            print(event["print"], end="", flush=True)
            os.write(2, b"to standard error\n")
        if "environment" in event:
            seen["environment"] = dict(os.environ)
            seen["folder"] = os.getcwd()
            seen["descriptors"] = sorted(os.listdir("/proc/self/fd"), key=int)
            seen["stdin"] = os.readlink("/proc/self/fd/0")
        if "waitFor" in event:
            wait_for(event["waitFor"])
        time.sleep(event.get("sleep", 0))
        if "exit" in event:
            os._exit(event["exit"])
        if "kill" in event:
            os.kill(os.getpid(), event["kill"])
        if "nextAgain" in event:
            other = http.client.HTTPConnection(API)
            status, again, again_body = call(other, "GET", "/invocation/next")
            names = ["lambda-runtime-aws-request-id", "lambda-runtime-invocation-id", "lambda-runtime-deadline-ms"]
            seen["again"] = status == 200 and again_body == body and all(again[n] == headers[n] for n in names)
            other.close()
        for one in event.get("posts", []):
            post(connection, request_id, echo, one)
        seen["posts"] = posts
        data = b"1" * event["size"] if "size" in event else json.dumps(seen).encode()
        if "raise" in event and count < event.get("raiseBelow", sys.maxsize):
            call(connection, "POST", path + "/error", error(event["raise"]), echo)
        elif "stream" in event:
            posts.append(streaming.post(API, BASE + path + "/response", echo, event["stream"]))
        elif "silent" not in event:
            status, _, answer = call(
                connection, "POST", path + "/response", data, {**echo, "Content-Type": "application/json"})
            if status != 202:
                print("answer:", status, json.loads(answer)["errorType"], flush=True)
        if "background" in event:
            wait_for(event["background"])
            print("background done", flush=True)


init = os.environ.get("INIT")
connection = http.client.HTTPConnection(API)
if init == "error":
    headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.ImportModuleError"}
    call(connection, "POST", "/init/error", error("no module"), headers)
    sys.exit(1)
if init == "exit":
    sys.exit(4)
if init == "hang":
    signal.pause()
if "SIGTERM" in os.environ:
    signal.signal(signal.SIGTERM, terminated)
if "EXTENSION" in os.environ:
    register(connection)
print("init done", flush=True)
if "RESTORE" in os.environ:
    before = time.monotonic()
    status, _, body = call(connection, "GET", "/restore/next")
    restored = [status, len(body), time.monotonic() - before]
    if os.environ["RESTORE"] == "error":
        headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.AfterRestoreError"}
        call(connection, "POST", "/restore/error", error("not restored"), headers)
        sys.exit(1)
    if os.environ["RESTORE"] == "hang":
        signal.pause()
# The connection of init is not one that `descriptors` should show.
connection.close()
for _ in range(int(os.environ.get("WORKERS", "1")) - 1):
    threading.Thread(target=work).start()
work()
