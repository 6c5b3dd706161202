# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A model that says what it was told to say: the streaming part of OpenAI's chat completions, on loopback."""

import http.server
import json
import threading


class ScriptedModel:
    """Answers request n with replies[n], in two chunks, and keeps the requests. For a `with` statement."""

    def __init__(self, *replies):
        self.replies = replies
        self.requests = []
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                number = len(model.requests)
                model.requests.append(json.loads(body))
                if self.path != "/v1/chat/completions" or number >= len(model.replies):
                    self.send_error(400, "not in the script")
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()  # HTTP/1.0: the end of the connection is the end of the answer
                for event in chunks(model.replies[number]):
                    self.wfile.write(b"data: " + event + b"\n\n")
                    self.wfile.flush()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/v1" % self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def chunks(text):
    """The events of an answer: the text in two parts, the reason for its end, the count of tokens."""
    middle = len(text) // 2
    parts = [({"role": "assistant", "content": text[:middle]}, None), ({"content": text[middle:]}, "stop")]
    for delta, reason in parts:
        yield json.dumps({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "scripted",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        }).encode()
    yield json.dumps({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "scripted", "choices": [],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }).encode()
    yield b"[DONE]"
