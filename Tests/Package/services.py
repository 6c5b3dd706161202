# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""The two services that a bootstrap talks to, on the loopback: the Lambda Runtime API, and a model behind TLS."""

import http.server
import json
import queue
import ssl
import subprocess
import threading
import time


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that goes away, or does not trust the certificate, is what some of the tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class RuntimeAPI:
    """Hands out events, and collects (kind, body) of what comes back."""

    def __init__(self):
        self.events, self.answers, self.count = queue.Queue(), queue.Queue(), 0
        api = self

        class Requests(Handler):
            def do_GET(self):
                event = api.events.get()
                api.count += 1
                self.answer(200, json.dumps(event).encode(), [
                    ("Content-Type", "application/json"),
                    ("Lambda-Runtime-Aws-Request-Id", "request-%d" % api.count),
                    ("Lambda-Runtime-Deadline-Ms", str(int(1000 * time.time()) + 20_000)),
                    ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:support"),
                ])

            def do_POST(self):
                body = self.body()
                if "/extension/" in self.path:
                    self.answer(404)
                    return
                self.answer(202, b'{"status":"OK"}\n')
                api.answers.put((self.path.split("/")[-1], json.loads(body)))

        self.server = Server(Requests)
        self.address = "127.0.0.1:%d" % self.server.server_port


class Model:
    """Looks order 1001 up when it has not yet, and then says how many messages it was sent."""

    def __init__(self, certificate, key):
        self.requests = []
        model = self

        class Requests(Handler):
            def do_POST(self):
                request = json.loads(self.body())
                model.requests.append(request)
                messages = request["messages"]
                if any(message["role"] == "tool" for message in messages):
                    delta, reason = {"content": "%d messages" % len(messages)}, "stop"
                else:
                    call = {"name": "look_up_order", "arguments": '{"number":1001}'}
                    delta = {"tool_calls": [{"index": 0, "id": "call_0", "type": "function", "function": call}]}
                    reason = "tool_calls"
                chunks = [
                    {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
                    {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}],
                     "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
                ]
                lines = ["data: " + json.dumps(chunk) for chunk in chunks] + ["data: [DONE]", ""]
                self.answer(200, "\n\n".join(lines).encode(), [("Content-Type", "text/event-stream")])

        self.server = Server(Requests)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The handshake belongs to the connection's thread, where its failure ends nothing else.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = "https://127.0.0.1:%d/v1" % self.server.server_port


def make_certificate(folder, name):
    """A certificate for 127.0.0.1 that is its own authority: (certificate, key)."""
    certificate, key = folder + "/" + name + ".crt", folder + "/" + name + ".key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name, "-addext",
         "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key], check=True, capture_output=True)
    return certificate, key
