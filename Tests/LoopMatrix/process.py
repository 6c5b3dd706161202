# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A process that runs turns, and says line by line what happens: a LoopAgent, or a peer with the same words."""

import json
import os
import queue
import signal
import subprocess
import threading
import time

# For what takes milliseconds, or a second where Python starts.
LIMIT = 90


class Silence(Exception):
    """A process that does not do what it has to, in words."""


class Process:
    """`events` are what it has said that it reached, and `answers` one (kind, value) for each request."""

    def __init__(self, command, environment=None, stdin=None):
        self.child = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      env=dict(os.environ, **environment or {}))
        self.events, self.answers, self.is_hit, self.began, self.last = [], [], False, None, ""
        self.news, self.errors = queue.Queue(), []
        self.readers = [threading.Thread(target=each, daemon=True) for each in (self.read, self.read_errors)]
        for reader in self.readers:
            reader.start()

    def read(self):
        for line in self.child.stdout:
            kind, _, rest = line.rstrip("\n").partition(" ")
            if kind == "begin":
                self.began = time.monotonic()
            elif kind == "event":
                self.events.append(rest)
            elif kind == "hit" and not self.is_hit:
                # What was before it: the last event but the place itself is told by its own line.
                self.is_hit, self.last = True, self.events[-1] if self.events else ""
            elif kind == "answer":
                self.answers.append((kind, json.loads(rest)))
            elif kind == "error":
                self.answers.append((kind, rest))
            elif kind == "failed":
                self.errors.append(rest)
            else:
                self.hear(kind, rest)
            self.news.put(kind)
        self.news.put("end")

    def hear(self, kind, rest):
        """For what other agents say."""

    def read_errors(self):
        self.errors += [line.rstrip("\n") for line in self.child.stderr]

    def is_stopped(self):
        try:
            with open("/proc/%d/stat" % self.child.pid) as file:
                return file.read().rpartition(")")[2].split()[0] in "Tt"
        except OSError:
            return False

    def wait(self, until=lambda: False, limit=LIMIT):
        """Waits for the end, or a condition: "ended", "met", "late"."""
        end = time.monotonic() + limit
        while True:
            if until():
                return "met"
            if self.child.poll() is not None:
                for reader in self.readers:
                    reader.join(LIMIT)
                return "ended"
            if time.monotonic() > end:
                return "late"
            try:
                self.news.get(timeout=0.004)
            except queue.Empty:
                pass

    def finish(self):
        """Waits for the end; returns its exit status."""
        if self.wait() != "ended":
            self.end()
            raise Silence("a process did not end; it said %s" % (self.events[-3:] + self.answers))
        return self.child.returncode

    def signal(self, number):
        os.kill(self.child.pid, number)

    def kill(self):
        if self.child.poll() is None:
            self.signal(signal.SIGKILL)
        return self.finish()

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        for reader in self.readers:
            reader.join(LIMIT)
        self.child.stdout.close()
        self.child.stderr.close()
