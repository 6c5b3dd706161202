# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A language model that follows a script, behind OpenAI's chat completions on loopback.

It bills what it is asked, and refuses what a provider refuses: a tool call that is not followed by its result, a result without
its call. What it answers depends on the conversation alone, so that the same request gets the same answer.
"""

import hashlib
import http.server
import json
import threading

TOOLS = 3
SEQUENTIAL, PARALLEL = "Act one after the other.", "Act at once."


def text(content):
    """The text of a message's content, which some clients send as a list of parts."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])


def objection(messages):
    """What a provider would refuse; None if nothing."""
    wanted, speaks = [], None
    for message in messages:
        role = message["role"]
        if role == "tool":
            if message.get("tool_call_id") not in wanted:
                return "a tool message without its call"
            wanted.remove(message["tool_call_id"])
        elif role in ("user", "assistant"):
            if wanted:
                return "a tool call without its result"
            if role == "assistant" and speaks is None:
                return "the model speaks first"
            wanted = [call["id"] for call in message.get("tool_calls") or []]
            if len(set(wanted)) != len(wanted):
                return "two tool calls of one id"
        speaks = role if role != "system" else speaks
    return "a tool call without its result" if wanted else None


def answer(messages):
    """(text, tool calls), by what was said last and what was done since."""
    last = max(index for index, message in enumerate(messages) if message["role"] == "user")
    done = sum(message["role"] == "tool" for message in messages[last:])
    said = text(messages[last].get("content"))
    if said == SEQUENTIAL and done < TOOLS:
        numbers = [done + 1]
    elif said == PARALLEL and done == 0:
        numbers = range(1, TOOLS + 1)
    else:
        return "All done." if done else "Hello.", []
    # No two calls of one conversation have the same id.
    return "", [{"index": index, "id": "call_%d_%d" % (len(messages), number), "type": "function",
                 "function": {"name": "act", "arguments": json.dumps({"number": number})}}
                for index, number in enumerate(numbers)]


class Script:
    """What one conversation has asked. The request of number `hold` waits, after it was billed, until it is let go."""

    def __init__(self, hold=0):
        self.hold, self.arrived, self.let_go = hold, threading.Event(), threading.Event()
        self.lock, self.billed, self.refused = threading.Lock(), [], []

    answer = staticmethod(answer)

    def take(self, body):
        """Bills or refuses a request; returns its number, 0 where it was refused."""
        wrong = objection(body["messages"])
        with self.lock:
            if wrong:
                self.refused.append(wrong)
                return 0
            kept = [{key: each.get(key) for key in ("role", "content", "tool_calls", "tool_call_id")} for each in body["messages"]]
            self.billed.append(hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest())
            return len(self.billed)


class Server:
    def __init__(self):
        self.scripts, self.next, self.lock = {}, 0, threading.Lock()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                script = server.scripts.get(self.path.split("/")[1])
                try:
                    server.serve(self, script, body)
                except OSError:
                    # Whoever asked is gone.
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Clients are killed here."""

        self.http = Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def open(self, script):
        """The address of an endpoint that follows the script."""
        with self.lock:
            self.next += 1
            name = str(self.next)
            self.scripts[name] = script
        return "http://127.0.0.1:%d/%s/v1" % (self.http.server_address[1], name)

    def close(self, address):
        self.scripts.pop(address.split("/")[3], None)

    def serve(self, handler, script, body):
        number = script.take(body) if script else 0
        if not number:
            return self.send(handler, 400, "application/json", json.dumps({"error": {
                "message": (script.refused or ["it is not welcome"])[-1] if script else "there is no such script",
                "type": "invalid_request_error", "code": None, "param": "messages"}}))
        if number == script.hold:
            script.arrived.set()
            script.let_go.wait(120)
        said, calls = script.answer(body["messages"])
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        head = {"id": "chatcmpl-%d" % number, "created": 1, "model": "scripted"}
        reason = "tool_calls" if calls else "stop"
        if not body.get("stream"):
            message = {"role": "assistant", "content": said or None}
            if calls:
                message["tool_calls"] = [{key: call[key] for key in ("id", "type", "function")} for call in calls]
            return self.send(handler, 200, "application/json", json.dumps(dict(
                head, object="chat.completion", usage=usage,
                choices=[{"index": 0, "message": message, "finish_reason": reason}])))
        delta = {"role": "assistant", "content": said or None}
        if calls:
            delta["tool_calls"] = calls
        chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
                  {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
                  {"choices": [], "usage": usage}]
        lines = ["data: %s\n\n" % json.dumps(dict(head, object="chat.completion.chunk", **chunk)) for chunk in chunks]
        self.send(handler, 200, "text/event-stream", "".join(lines) + "data: [DONE]\n\n")

    @staticmethod
    def send(handler, status, kind, body):
        data = body.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


def self_test():
    """Whether it refuses what it has to: a check that cannot fail is none."""
    user, call = {"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"id": "1"}]}
    result = {"role": "tool", "tool_call_id": "1"}
    bad = [[call], [user, call], [user, call, user], [user, result], [user, call, result, result]]
    return objection([user, call, result]) is None and all(objection(each) for each in bad)
