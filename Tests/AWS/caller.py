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
    """Keeps the method, target, headers and body of each request. Answers with what is next in `answers`, each a status,
    an error type and a body, then with 202 and `{}`; on the path `/credentials` with what is in `credentials`."""

    def __init__(self, answers=(), credentials=None):
        self.requests = []
        self.answers = list(answers)
        self.credentials = credentials
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                recorder.requests.append((self.command, self.path, list(self.headers.items()), body))
                status, type, value = (
                    (200, "", recorder.credentials) if self.path == "/credentials"
                    else recorder.answers.pop(0) if recorder.answers else (202, "", {}))
                answer = json.dumps(value).encode()
                self.send_response(status)
                if type:
                    self.send_header("X-Amzn-ErrorType", type)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

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


class Emulator:
    """Our local Lambda with one function."""

    def __init__(self, perdure, bootstrap, name):
        self.process = subprocess.Popen(
            [perdure, "dev", bootstrap, "--name", name, "--port", "0"], stderr=subprocess.PIPE, text=True)
        self.url = ""

    def __enter__(self):
        for line in self.process.stderr:
            if " at http://" in line:
                self.url = line.split(" at ")[1].split(";")[0]
                return self
        raise AssertionError("the emulator did not start")

    def line(self, prefix):
        """The next line of the log that begins so."""
        return next(line for line in self.process.stderr if line.startswith(prefix))

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()
