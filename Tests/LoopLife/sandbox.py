# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A process that runs one invocation after the other, and a model whose users say in each message what is to be called."""

import json
import re
import subprocess

import model
from process import Process

TOOL = re.compile(r"^(\w+) (\d+)(?: (\d+))?$")


class Script(model.Script):
    """A message such as "look 1 + note 2; rest 3 30" is two rounds of calls: a tool, a number, and minutes where it wants some."""

    def __init__(self):
        super().__init__()
        self.unwelcome = 0

    def take(self, body):
        if model.text(body["messages"][-1].get("content")) == "refuse":
            with self.lock:
                self.unwelcome += 1
                return 0
        return super().take(body)

    @staticmethod
    def answer(messages):
        last = max(index for index, message in enumerate(messages) if message["role"] == "user")
        rounds = model.text(messages[last].get("content")).split(";")
        done = sum(bool(message.get("tool_calls")) for message in messages[last:])
        calls = []
        if done < len(rounds):
            for index, part in enumerate(rounds[done].split("+")):
                found = TOOL.match(part.strip())
                if found:
                    arguments = {"number": int(found[2]), "minutes": int(found[3] or 0)}
                    calls.append({"index": index, "id": "call_%d_%d" % (len(messages), index), "type": "function",
                                  "function": {"name": found[1], "arguments": json.dumps(arguments)}})
        return ("", calls) if calls else ("All done." if done else "Hello.", [])


class Sandbox(Process):
    def __init__(self, program, root, effects, version, url):
        super().__init__([program, "life", root, effects, version], {"PERDURE_MODEL_URL": url, "PERDURE_MODEL": "scripted"},
                         stdin=subprocess.PIPE)
        self.version, self.wakes, self.is_over, self.told = version, [], False, 0

    def hear(self, kind, rest):
        if kind == "wake":
            self.wakes.append(json.loads(rest))
        elif kind == "end":
            self.is_over = True

    def order(self, **fields):
        """Begins an invocation."""
        self.events, self.answers, self.is_hit, self.last, self.is_over = [], [], False, "", False
        self.child.stdin.write(json.dumps(fields) + "\n")
        self.child.stdin.flush()

    def answer(self):
        return self.answers[0] if self.answers else None

    def new_wakes(self):
        """What it has asked for since the last call of this."""
        found = self.wakes[self.told:]
        self.told += len(found)
        return found

    def end(self):
        super().end()
        self.child.stdin.close()
