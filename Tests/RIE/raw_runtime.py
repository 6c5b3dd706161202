#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A bootstrap that sends the Runtime API what it is told, right or wrong, and writes down what it was told back.

SCRIPTS: a list of scripts in JSON, one for each process that is started, in turn; later ones serve invocations.
RECORD: a folder. What process n (from 0) is told goes to the file n, one line of JSON a response.

A script is a list of steps, each an object:
  get, post, put: a path; {id} in it, as in header values, is the last invocation's request id, {invocation} its
    invocation id, {extension} the identifier of the last registration; {x.id} is of what came on the connection x
  headers: more headers         on: the connection (a name), kept alive; "main" when there is none
  body: text    size: bytes in place of a body    chunked: true    mode: the response mode    trailers: {name: value}
  announce: the Content-Length, when it is to lie; the connection is then closed behind the body
  later: true (the response is read by a step {"read": connection})
  silent: a connection on which no response may come within 0.3 s
  touch: a name: from then on the calls go out that wait for it      await: such a name    limit: for that long, in seconds
  exit: a status     serve: true (answers invocations with what they bring, for ever)
"""
import http.client
import json
import os
import select
import signal
import sys
import time

BASE = "/2018-06-01/runtime"
RECORD = os.environ["RECORD"]
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
KEPT = ("content-type", "lambda-")

connections = {}
pending = {}
names = {}


def record(**line):
    with open(path, "a") as file:
        file.write(json.dumps(line) + "\n")


def expanded(text):
    for name, value in names.items():
        text = text.replace("{%s}" % name, value)
    return text


def read(on):
    what, connection = pending.pop(on), connections[on]
    try:
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return record(request=what, status="broken off")
    headers = {name.lower(): value for name, value in response.getheaders()}
    for name, header in ("id", "lambda-runtime-aws-request-id"), ("invocation", "lambda-runtime-invocation-id"), (
            "extension", "lambda-extension-identifier"):
        if header in headers:
            names[name] = names["%s.%s" % (on, name)] = headers[header]
    record(request=what, status=response.status, body=body.decode("latin-1"),
           headers={name: value for name, value in headers.items() if name.startswith(KEPT)})


def send(method, step):
    on = step.get("on", "main")
    connection = connections.setdefault(on, http.client.HTTPConnection(API))
    place = step[method] if step[method].startswith("/20") else BASE + step[method]
    pending[on] = "%s %s" % (method.upper(), step[method])
    body = b"1" * step["size"] if "size" in step else step.get("body", "").encode("latin-1")
    headers = {name: expanded(value) for name, value in step.get("headers", {}).items()}
    if "mode" in step:
        headers["Lambda-Runtime-Function-Response-Mode"] = step["mode"]
    connection.putrequest(method.upper(), expanded(place), skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if step.get("chunked"):
        if "trailers" in step:
            connection.putheader("Trailer", ", ".join(step["trailers"]))
        connection.putheader("Transfer-Encoding", "chunked")
        trailers = "".join("%s: %s\r\n" % trailer for trailer in step.get("trailers", {}).items())
        body = b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailers.encode())
    elif method != "get":
        connection.putheader("Content-Length", str(step.get("announce", len(body))))
    try:
        connection.endheaders(body or None)
        if "announce" in step:
            connection.sock.shutdown(1)
    except OSError:
        pass  # refused before its end: the response says why
    if not step.get("later"):
        read(on)


def serve():
    # As a runtime does it: one connection, and away when it is refused.
    connection = http.client.HTTPConnection(API)
    while True:
        connection.request("GET", BASE + "/invocation/next")
        response = connection.getresponse()
        event = response.read()
        if response.status != 200:
            sys.exit(1)
        headers = {"Content-Type": "application/json"}
        if "Lambda-Runtime-Invocation-Id" in response.headers:
            headers["Lambda-Runtime-Invocation-Id"] = response.headers["Lambda-Runtime-Invocation-Id"]
        place = BASE + "/invocation/%s/response" % response.headers["Lambda-Runtime-Aws-Request-Id"]
        connection.request("POST", place, event, headers)
        connection.getresponse().read()


def touch(name):
    open(os.path.join(RECORD, name), "w").close()


def wait_for(name, limit):
    end = time.monotonic() + limit
    while not os.path.exists(os.path.join(RECORD, name)) and time.monotonic() < end:
        time.sleep(0.002)


def run(script):
    for step in script:
        method = next((method for method in ("get", "post", "put") if method in step), None)
        if method:
            send(method, step)
        elif "read" in step:
            read(step["read"])
        elif "silent" in step:
            answered, _, _ = select.select([connections[step["silent"]].sock], [], [], 0.3)
            record(request=pending.pop(step["silent"]), status="an answer" if answered else "none yet")
        elif "await" in step:
            wait_for(step["await"], step.get("limit", 10))
        elif "touch" in step:
            touch(step["touch"])
        elif "exit" in step:
            touch("%d.done" % number)
            os._exit(step["exit"])
        elif "serve" in step:
            touch("%d.done" % number)
            serve()


for number in range(1000):
    path = os.path.join(RECORD, str(number))
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o666))
        break
    except FileExistsError:
        continue
scripts = json.loads(os.environ["SCRIPTS"])
if number < len(scripts):
    run(scripts[number])
    touch("%d.done" % number)
    signal.pause()
serve()
