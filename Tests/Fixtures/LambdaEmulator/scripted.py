#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A bootstrap that does what its event says.

Init, from the variable INIT: "error", "exit", "hang".
Keys of an event, in the order in which they take effect:
  print: text       waitFor: path that must exist      sleep: seconds
  exit: status      kill: signal                       nextAgain: true (asks for the invocation a second time)
  posts: [{"kind": "response" or "error", "id": …, "headers": {…}, "size": bytes}] made before the answer
  raise: message    size: bytes of the answer          silent: true (no answer after `posts`)
  background: path that must exist before the next /next
The answer tells what the bootstrap saw; `posts` shows the statuses and bodies of this and of earlier invocations.
"""
import http.client
import json
import os
import signal
import sys
import time
import urllib.parse

BASE = "/2018-06-01/runtime"
connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
posts = []
count = 0


def call(method, path, body=None, headers={}, on=None):
    on = on or connection
    on.request(method, BASE + path, body, headers)
    response = on.getresponse()
    names = {name.lower(): value for name, value in response.getheaders()}
    return response.status, names, response.read()


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)


def error(message):
    return json.dumps({"errorMessage": message, "errorType": "Function.Scripted", "stackTrace": []}).encode()


init = os.environ.get("INIT")
if init == "error":
    headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.ImportModuleError"}
    call("POST", "/init/error", error("no module"), headers)
    sys.exit(1)
if init == "exit":
    sys.exit(4)
if init == "hang":
    signal.pause()
print("init done", flush=True)

while True:
    status, headers, body = call("GET", "/invocation/next")
    if status != 200:
        sys.exit(f"next: {status} {body}")
    count += 1
    event = json.loads(body)
    if not isinstance(event, dict):
        event = {"event": event}
    request_id = headers["lambda-runtime-aws-request-id"]
    path = "/invocation/" + urllib.parse.quote(request_id, safe="")
    echo = {"Lambda-Runtime-Invocation-Id": headers["lambda-runtime-invocation-id"]}
    seen = {"pid": os.getpid(), "count": count, "headers": headers, "event": event.get("event")}
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
        other = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        status, again, again_body = call("GET", "/invocation/next", on=other)
        names = ["lambda-runtime-aws-request-id", "lambda-runtime-invocation-id", "lambda-runtime-deadline-ms"]
        seen["again"] = status == 200 and again_body == body and all(again[n] == headers[n] for n in names)
        other.close()
    for post in event.get("posts", []):
        target = "/invocation/" + urllib.parse.quote(post.get("id", request_id), safe="") + "/" + post["kind"]
        if post["kind"] == "init":
            target = "/init/error"
        data = b"1" * post["size"] if "size" in post else b'"posted"'
        status, _, answer = call("POST", target, data, {**echo, **post.get("headers", {})})
        posts.append([status, json.loads(answer)])
    seen["posts"] = posts
    if "raise" in event:
        call("POST", path + "/error", error(event["raise"]), echo)
    elif "silent" not in event:
        data = b"1" * event["size"] if "size" in event else json.dumps(seen).encode()
        call("POST", path + "/response", data, {**echo, "Content-Type": "application/json"})
    if "background" in event:
        wait_for(event["background"])
        print("background done", flush=True)
