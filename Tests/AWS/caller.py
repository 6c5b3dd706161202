# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""The programs that the driver talks to: ours, moto's server, and a server that writes down what it is sent."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server.py")


class Caller:
    """Our client as a process: one call at a time."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]})

    def call(self, do, environment, **arguments):
        self.process.stdin.write(json.dumps({"do": do, "environment": environment, **arguments}, ensure_ascii=False) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the caller ended, with %s" % self.process.wait())
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Moto:
    """moto's server on a free port; `authorizes` says whether signatures and policies are checked from now on."""

    def __init__(self):
        port = free_port()
        self.url = "http://127.0.0.1:%d" % port
        environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
        self.process = subprocess.Popen(
            [sys.executable, SERVER, "-H", "127.0.0.1", "-p", str(port)], env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                # Otherwise an invocation would run in Docker.
                self.post("/moto-api/config", {"lambda": {"use_docker": False}})
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("moto's server did not start") from None
                time.sleep(0.1)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def post(self, path, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        # Not the type of a form, which would be parsed.
        request = urllib.request.Request(
            self.url + path, data=body, method="POST", headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def authorize(self, from_now_on):
        self.post("/moto-api/reset-auth", b"0" if from_now_on else b"inf")


def free_port():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    port = server.server_port
    server.server_close()
    return port


class Recorder:
    """Answers each request with 202 and `{}`, and keeps its method, target, headers and body."""

    def __init__(self):
        self.requests = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                recorder.requests.append((self.command, self.path, list(self.headers.items()), body))
                self.send_response(202)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
