# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""One SIGKILL at one boundary of a turn of another framework's, and what became of the session."""

import collections
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

import model
from point import MEMORY, MODES
from process import Process, Silence

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = ("langgraph", "openai", "strands")
DISTRIBUTIONS = ("langgraph", "langgraph-checkpoint-sqlite", "langchain", "langchain-openai", "openai-agents", "strands-agents",
                 "openai")
QUIET = {"OTEL_SDK_DISABLED": "true", "OPENAI_AGENTS_DISABLE_TRACING": "1", "LANGSMITH_TRACING": "false"}


def places(quick):
    """(peer, mode, boundary). Those of the files are this package's own."""
    found = []
    for peer in PEERS:
        for mode, (_, calls) in MODES.items():
            all_of = ["%s:%d" % (kind, number) for number in range(1, calls + 1) for kind in ("ask", "sent", "answered")]
            all_of += ["%s:%d" % (kind, number) for number in range(1, model.TOOLS + 1) for kind in ("claimed", "effect")]
            all_of.append("reply:1")
            found += [(peer, mode, each) for each in all_of if not quick or (each == "effect:3" and mode == "sequential")]
    return found


def versions(python):
    script = "import importlib.metadata as m, json; print(json.dumps({n: m.version(n) for n in %r}))" % (DISTRIBUTIONS,)
    return json.loads(subprocess.run([python, "-c", script], stdout=subprocess.PIPE, check=True).stdout)


def start(python, peer, root, address, *words):
    return Process([python, os.path.join(HERE, "peers.py"), peer, "turn", "root=" + root, "url=" + address, *words], QUIET)


class Templates:
    """For each peer a session with one turn behind it, made when it is asked for."""

    def __init__(self, python, server, folder):
        self.python, self.server, self.folder, self.lock, self.roots = python, server, folder, threading.Lock(), {}

    def of(self, peer):
        with self.lock:
            if peer not in self.roots:
                root, address = os.path.join(self.folder, peer), self.server.open(model.Script())
                process = start(self.python, peer, root, address, "first=Hello?")
                process.finish()
                if [each[0] for each in process.answers] != ["answer"]:
                    raise Silence("there is no session to begin with: %s" % (process.answers + process.errors[-3:]))
                self.roots[peer] = root
            return self.roots[peer]


class PeerPoint:
    def __init__(self, python, server, templates, peer, mode, place):
        self.python, self.server, self.templates = python, server, templates
        self.peer, self.mode, self.place = peer, mode, place
        self.message, self.plain = MODES[mode]
        self.processes = []

    def start(self, *words):
        process = start(self.python, self.peer, self.root, self.address, "effects=" + self.effects, *words)
        self.processes.append(process)
        return process

    def run(self):
        """What became of it; `broken` says why the point tells nothing."""
        kind, number = self.place.split(":")
        with tempfile.TemporaryDirectory(prefix="loop-", dir=MEMORY) as self.folder:
            self.root, self.effects = os.path.join(self.folder, "root"), os.path.join(self.folder, "effects")
            self.script = model.Script(int(number) if kind == "sent" else 0)
            self.address = self.server.open(self.script)
            try:
                shutil.copytree(self.templates.of(self.peer), self.root)
                return self.play(kind)
            except (Silence, OSError, ValueError) as failure:
                return {"place": self.place, "broken": str(failure), "runs": [0], "sameKeys": True, "extra": 0,
                        "window": False, "unknown": 0, "goesOn": False, "complaints": [str(failure)]}
            finally:
                self.script.let_go.set()
                for each in self.processes:
                    each.end()
                self.server.close(self.address)

    def play(self, kind):
        victim = self.start("turn=" + self.message, "at=" + self.place)
        if kind == "sent" and victim.wait(self.script.arrived.is_set) == "met":
            victim.kill()
        victim.finish()
        if victim.child.returncode != -signal.SIGKILL:
            raise Silence("%s was not reached: %s" % (self.place, victim.answers + victim.errors[-3:]))
        self.script.hold = 0
        self.script.let_go.set()
        # Three tries, as a caller may make. One model call is the next turn's.
        for _ in range(3):
            again = self.start("turn=" + self.message, "next=Hello again?")
            again.finish()
            if [each[0] for each in again.answers][:1] == ["answer"]:
                break
        replies = [each[1].get("reply") if each[0] == "answer" else None for each in again.answers]
        done, next_turn = replies[:1] == ["All done."], replies[1:] == ["Hello."]
        extra, runs = len(self.script.billed) - self.plain - 1, self.runs()
        complaints = [] if done and next_turn else ["the two turns ended with %s" % (again.answers + again.errors[-1:])]
        complaints += ["refused: " + each for each in self.script.refused[:1]]
        return {"place": self.place, "runs": [len(runs.get(number, [])) for number in range(1, model.TOOLS + 1)],
                "sameKeys": True, "extra": extra, "window": kind in ("sent", "answered"), "unknown": 0,
                "goesOn": done and next_turn, "complaints": complaints}

    def runs(self):
        found = collections.defaultdict(list)
        if os.path.exists(self.effects):
            with open(self.effects) as file:
                for line in file:
                    number, key = line.split()
                    found[int(number)].append(key)
        return dict(found)
