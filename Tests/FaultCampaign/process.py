# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A StoreWriter on this machine, which is told what to do line by line."""

import os
import select
import signal
import subprocess
import time

from history import Lease

# For what takes milliseconds.
LIMIT = 60


class Silence(Exception):
    """A process that does not say what it has to, in words."""


class Process:
    """`leases` are all that its session has seen; it adds its own."""

    def __init__(self, program, root, name, leases):
        self.name, self.root, self.leases, self.next = name, None, leases, 0
        self.lease, self.words, self.unread, self.state = None, [], b"", "started"
        self.child = subprocess.Popen(
            [program, "serve", root, "s", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.output = self.child.stdout.fileno()
        os.set_blocking(self.output, False)

    def begin(self, root, leases):
        """From now on its turns are in this root, and their numbers begin anew."""
        self.root, self.leases, self.next = root, leases, 0
        if self.state == "started":
            self.wait()

    def ask(self, commits=1, size=3000, **options):
        """Asks for a turn. Its commits get the next numbers."""
        words = ["turn %d commits=%d size=%d" % (self.next, commits, size)]
        words += ["root=" + self.root] if self.root else []
        words += ["%s=%s" % option for option in options.items() if option[1] is not None]
        self.lease = Lease(self.name, self.next, commits, size, time.monotonic())
        self.leases.append(self.lease)
        self.next += commits
        self.words, self.state = [], "asked"
        self.child.stdin.write((" ".join(words) + "\n").encode())
        self.child.stdin.flush()

    def listen(self):
        """Reads what it has said, and notes acknowledgements."""
        while self.state != "ended":
            try:
                more = os.read(self.output, 1 << 16)
            except BlockingIOError:
                return
            if not more:
                self.state = "ended"
                self.child.wait()
            *lines, self.unread = (self.unread + more).split(b"\n")
            now = time.monotonic()
            for line in lines:
                word = line.decode().split(" ")
                self.words.append(word)
                if word[0] == "ack":
                    self.lease.acknowledged[word[1]] = now
                elif word[0] in ("ready", "held", "done"):
                    self.state = word[0]
                elif word[0] == "unknown":
                    raise Silence("%s was not understood" % self.name)

    def is_stopped(self):
        with open("/proc/%d/stat" % self.child.pid) as file:
            return file.read().rpartition(")")[2].split()[0] == "T"

    def wait(self, may_stop=False):
        """Waits for the end of its turn: "done", "held" at a point of it, "ended" with the process, or "stopped"."""
        end = time.monotonic() + LIMIT
        while True:
            self.listen()
            if self.state in ("ready", "held", "done", "ended"):
                return self.state
            if may_stop and self.is_stopped():
                self.listen()
                return self.state if self.state in ("done", "ended") else "stopped"
            if time.monotonic() > end:
                raise Silence("%s said nothing for %d s after %s" % (self.name, LIMIT, self.words[-2:]))
            # Where it may stop instead of saying something, it is asked again.
            select.select([self.output], [], [], 0.002 if may_stop else 1)

    def wait_for_end(self):
        """Waits until a process that was killed is gone."""
        self.state = "killed"
        self.wait()

    def turn(self, **options):
        """Asks for a turn and waits for its end; returns what became of it."""
        self.ask(**options)
        self.wait()
        return self.outcome

    @property
    def errors(self):
        """The codes of its turn's errors."""
        return [word[1] for word in self.words if word[0] == "error"]

    @property
    def outcome(self):
        """"ack" for a turn that was acknowledged as a whole, without errors; else what it said."""
        if self.state == "ended":
            return "ended with %s" % self.child.returncode
        if not self.errors and len(self.lease.acknowledged) == len(self.lease.sizes):
            return "ack"
        return " ".join("+".join(word[:3]) for word in self.words)

    @property
    def is_hit(self):
        """Whether its turn's fault plan hit something."""
        return ["missed"] not in self.words

    def signal(self, number):
        os.kill(self.child.pid, number)

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()
