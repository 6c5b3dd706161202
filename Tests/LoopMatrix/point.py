# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""One fault at one boundary of a turn of this package's, and what became of the session."""

import collections
import glob
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

import model
from process import Process, Silence

# What befalls the process, and the word for it.
FAULTS = {"SIGKILL": "kill", "SIGSTOP, goes on": "stop", "SIGSTOP, taken over": "lose", "time-out": "hang",
          "deadline": "wait"}
# The boundaries, in the order of a turn; each has numbers from 1 on. The last one of a commit is for SIGKILL alone: where
# nothing is behind it but the next boundary, the other faults are met there.
PLACES = ("lock.db", "ask", "sent", "answered", "wal.write", "wal.sync", "committed", "claimed", "effect", "unlock.db", "reply")
# How many model calls a turn needs, by how the tools are called.
MODES = {"sequential": (model.SEQUENTIAL, 4), "parallel": (model.PARALLEL, 2)}
EFFECTS = ("pure", "idempotent", "once")
# The library cuts off half a second before the deadline. Tried again with twice the time where a busy machine needs it.
DEADLINE, LONGEST = 1000, 10_000
# A process that is killed loses nothing of what it has written, synced or not: the disk has no part in this. Elsewhere: /tmp.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def in_window(place, fault, last):
    """Whether the model's answer is there, or on its way, and not on the disk: then nobody can tell what it was."""
    kind = place.split(":")[0]
    if fault == "stop":
        return False
    if kind in ("sent", "answered"):
        return True
    if fault == "lose" and kind == "ask":
        # The one that is continued does not know yet that the session is another's.
        return True
    return kind == "wal.write" and fault != "wait" and last.startswith("answered")


def complaints_about(runs, effect, is_lower_bound):
    """What is wrong with the effects that there were: number -> keys."""
    wrong = []
    for number in range(1, model.TOOLS + 1):
        keys = runs.get(number, [])
        if len(set(keys)) > 1:
            wrong.append("call %d ran with two keys" % number)
        if effect == "once" and len(keys) > 1:
            wrong.append("call %d ran %d times" % (number, len(keys)))
        if is_lower_bound and effect != "once" and not keys:
            wrong.append("call %d did not run" % number)
    if len({key for keys in runs.values() for key in keys}) > len(runs):
        wrong.append("keys differ between attempts")
    return wrong


class Template:
    """A session with one turn behind it."""

    def __init__(self, program, server, folder):
        self.root = os.path.join(folder, "template")
        script = model.Script()
        address = server.open(script)
        process = Process([program, "turn", "root=" + self.root, "first=Hello?"], {"PERDURE_MODEL_URL": address})
        if process.finish() != 0 or [each[0] for each in process.answers] != ["answer"]:
            raise Silence("there is no session to begin with: %s" % (process.answers + process.errors))
        process.end()
        server.close(address)


class Point:
    """One run. `is_hit` says whether the fault took place, `complaints` what was wrong."""

    def __init__(self, programs, server, template, mode, effect, fault, place):
        self.program, self.cli = programs
        self.server, self.template, self.mode, self.effect = server, template, mode, effect
        self.fault, self.place = FAULTS[fault], place
        self.message, self.plain = MODES[mode]
        self.complaints, self.is_hit, self.deadline = [], False, DEADLINE
        self.ran, self.extra, self.window, self.unknown, self.attempts, self.last = {}, 0, False, 0, 0, ""
        self.processes = []

    def run(self):
        while True:
            with tempfile.TemporaryDirectory(prefix="loop-", dir=MEMORY) as self.folder:
                self.root = os.path.join(self.folder, "root")
                self.effects = os.path.join(self.folder, "effects")
                shutil.copytree(self.template.root, self.root)
                kind, number = self.place.split(":")
                self.script = model.Script(int(number) if kind == "sent" else 0)
                self.address = self.server.open(self.script)
                try:
                    if self.play():
                        return self
                except (Silence, OSError, sqlite3.Error, ValueError, LookupError) as failure:
                    self.complaints.append("%s: %s" % (type(failure).__name__, failure))
                    return self
                finally:
                    self.script.let_go.set()
                    for each in self.processes:
                        each.end()
                    self.processes = []
                    self.server.close(self.address)
            # The machine was too busy for the turn to get to the boundary.
            self.deadline *= 2
            if self.deadline > LONGEST:
                self.complaints.append("neither the boundary nor the end of the turn was reached")
                return self

    def start(self, *requests, **options):
        words = [self.program, "turn", "root=" + self.root, "effects=" + self.effects, "effect=" + self.effect, *requests]
        process = Process(words + ["%s=%s" % each for each in options.items()], {"PERDURE_MODEL_URL": self.address})
        self.processes.append(process)
        return process

    def expect(self, what, holds):
        if not holds:
            self.complaints.append(what)

    # MARK: the fault

    def play(self):
        """False: once more, with more time."""
        kind, number = self.place.split(":")
        at = ("wal.sync:" + number, "kill-after") if kind == "committed" else (self.place, self.fault)
        timed = {"deadline": self.deadline} if self.fault in ("hang", "wait") else {}
        victim = self.start("turn=" + self.message, at=at[0], fault=at[1], **timed)
        if not self.meet(victim, kind):
            return False
        if not self.is_hit:
            self.expect("undisturbed, the turn ended with %s" % victim.answers, self.is_done(victim))
            return True
        settled = self.settled_calls()
        before = self.runs()
        if self.fault in ("stop", "lose"):
            self.two_at_once(victim)
        else:
            self.last = victim.last or (victim.events or [""])[-1]
        self.go_on(settled, before)
        return True

    def meet(self, victim, kind):
        """Lets the process meet with its fault; False if it had too little time."""
        arrived = self.script.arrived.is_set
        if self.fault == "kill":
            if victim.wait(arrived if kind == "sent" else lambda: False) == "met":
                victim.kill()
            victim.finish()
            self.is_hit = victim.child.returncode == -signal.SIGKILL
        elif self.fault in ("stop", "lose"):
            end = victim.wait(arrived if kind == "sent" else victim.is_stopped)
            if end == "met" and kind == "sent":
                victim.signal(signal.SIGSTOP)
                end = victim.wait(victim.is_stopped)
            self.is_hit = end == "met"
        elif self.fault == "hang":
            end = victim.wait(lambda: victim.began and time.monotonic() - victim.began > self.deadline / 1000)
            if end == "met":
                victim.kill()
                if not victim.is_hit:
                    return False
            self.is_hit = end == "met"
        else:
            victim.finish()
            self.is_hit = victim.is_hit
        if not self.is_hit and self.fault in ("hang", "wait") and not self.is_done(victim):
            return False
        return True

    def two_at_once(self, victim):
        """Another process wants the session while the first one stands still."""
        if self.fault == "lose":
            # To whoever looks for the session, nobody has it locked, and it is as it was when the first one stopped.
            os.rename(self.root, self.root + ".lost")
            shutil.copytree(self.root + ".lost", self.root)
        hold, self.script.hold = self.script.hold, 0
        is_locked = self.fault == "stop" and not self.is_unlocked()
        other = self.start("turn=" + self.message, **({"deadline": 700} if is_locked else {}))
        other.finish()
        is_done = self.is_done(other)
        # By now, all that it said before it stopped has been read.
        self.last = victim.last or (victim.events or [""])[-1]
        if self.fault == "lose":
            self.expect("the other process did not take over: %s" % other.answers, is_done)
        else:
            busy = [str(each[1]).split(" ")[0] for each in other.answers] == ["Function.SessionBusy"]
            self.expect("the other process was told %s" % other.answers, busy if is_locked else is_done)
        self.script.let_go.set()
        victim.signal(signal.SIGCONT)
        victim.finish()
        if self.fault == "stop" or self.is_over():
            self.expect("the one that was continued ended with %s" % victim.answers, self.is_done(victim))
        else:
            self.expect("the one that lost the session answered", not self.is_done(victim))

    def is_over(self):
        """Whether the first one stopped with the outcome on the disk."""
        return self.place.startswith(("unlock", "reply"))

    def is_unlocked(self):
        return self.place.startswith(("lock.db", "reply"))

    # MARK: afterwards

    def is_done(self, process):
        return [(kind, kind == "answer" and value.get("reply")) for kind, value in process.answers] == [("answer", "All done.")]

    def go_on(self, settled, before):
        """A new process goes on: the same request, once more the same, and the next turn."""
        self.attempts = 0
        while self.attempts < 5:
            self.attempts += 1
            process = self.start("turn=" + self.message)
            process.finish()
            if self.is_done(process):
                break
        self.expect("the turn ended with %s" % (process.answers + process.errors), self.is_done(process))
        billed, self.ran = len(self.script.billed), self.runs()
        self.extra, self.window = billed - self.plain, in_window(self.place, self.fault, self.last)
        last = self.start("turn=" + self.message, "next=Hello again?")
        last.finish()
        replies = [value.get("reply") if kind == "answer" else value for kind, value in last.answers]
        self.expect("the same request again was answered %s" % replies[:1], replies[:1] == ["All done."])
        self.expect("the next turn was answered %s" % replies[1:], replies[1:] == ["Hello."])
        self.expect("the same request again was not free", len(self.script.billed) == billed + 1 and self.runs() == self.ran)
        self.expect("model requests were refused: %s" % self.script.refused[:1], not self.script.refused)
        self.expect("%d model calls too many" % self.extra, self.extra <= (1 if self.window else 0))
        # "0 model calls too few" would be a turn that skipped one.
        self.expect("%d model calls too few" % -self.extra, self.extra >= 0)
        self.complaints += complaints_about(self.ran, self.effect, True)
        for number in settled:
            self.expect("call %d had its result, and ran again" % number, self.ran.get(number) == before.get(number))
        self.look()

    def runs(self):
        found = collections.defaultdict(list)
        if os.path.exists(self.effects):
            with open(self.effects) as file:
                for line in file:
                    number, key = line.split()
                    found[int(number)].append(key)
        return dict(found)

    def query(self, sql):
        """Asks a copy of the files, which may be in use."""
        found = glob.glob(os.path.join(self.root, "agent", "*", "s", "s.db"))
        if len(found) != 1:
            raise Silence("there are %d sessions" % len(found))
        with tempfile.TemporaryDirectory(dir=self.folder) as copy:
            for suffix in ("", "-wal"):
                if os.path.exists(found[0] + suffix):
                    shutil.copyfile(found[0] + suffix, os.path.join(copy, "s.db" + suffix))
            connection = sqlite3.connect(os.path.join(copy, "s.db"))
            try:
                return connection.execute(sql).fetchall()
            finally:
                connection.close()

    def settled_calls(self):
        """The numbers of the calls whose results are in the log now."""
        calls = [each[0].split(".") for each in self.query("SELECT call FROM log WHERE kind = 'result'")]
        # The first reply of the session was to the turn before.
        return [int(reply) - 1 if self.mode == "sequential" else int(index) + 1 for reply, index in calls]

    def look(self):
        """Readers that know nothing of the turn judge the session."""
        self.unknown = self.query("SELECT count(*) FROM calls WHERE state = 'unknown'")[0][0]
        self.expect("SQLite finds damage", self.query("PRAGMA integrity_check") == [("ok",)])
        self.expect("calls are left claimed", self.query("SELECT count(*) FROM calls WHERE state = 'claimed'") == [(0,)])
        results = self.query("SELECT count(*), count(DISTINCT call) FROM log WHERE kind = 'result'")
        self.expect("there are %d results of %d calls" % results[0], results == [(model.TOOLS, model.TOOLS)])
        verify = subprocess.run([self.cli, "verify", self.root], capture_output=True, text=True)
        self.expect("perdure verify: %s" % verify.stdout.strip(), verify.returncode == 0)

    def result(self):
        """What the table is made of."""
        return {"place": self.place, "runs": [len(self.ran.get(number, [])) for number in range(1, model.TOOLS + 1)],
                "sameKeys": all(len(set(keys)) == 1 for keys in self.ran.values()), "extra": self.extra,
                "window": self.window, "unknown": self.unknown, "attempts": self.attempts,
                "goesOn": not any(each.startswith(("the turn", "the next", "the same", "perdure", "SQLite", "model requests"))
                                  for each in self.complaints), "complaints": self.complaints}
