# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""One fault at one operation of a turn, and what must be so afterwards."""

import glob
import os
import shutil
import signal
import tempfile

import reader
from process import Process, Silence

OPERATIONS = ["%s.%s" % (file, what) for file in ("db", "wal") for what in
              ("open", "read", "write", "sync", "truncate", "size")] + [
    "dir.sync", "lock.db", "lock.wal", "unlock.db", "unlock.wal", "wal.remove"]
WRITES = ("db.write", "wal.write")
# What is tried again when it was interrupted. Not a sync, which tells of a failed write only once.
REPEATED = WRITES + ("db.read", "wal.read", "db.truncate", "wal.truncate")
# Before these, the session is not locked; before every other operation it is.
UNLOCKED = ("db.open", "lock.db")
# So much of a write is done before the action: a byte, the log's header and a byte of the first frame, and more. Writes to the
# database are pages of 4096 bytes.
TEARS = {"db.write": (1, 33, 2000), "wal.write": (1, 33, 2000, 4152, 10_000)}

ERRORS = {"EIO": "inputOutput", "ENOSPC": "full", "EDQUOT": "full", "ESTALE": "inputOutput", "ENOLCK": "inputOutput",
          "EINTR": "inputOutput"}
# What is done, and the words of the fault plan for it.
ACTIONS = dict({name: name for name in ERRORS}, **{
    "short": "short", "tear": "EIO", "tear, full": "ENOSPC", "tear, kill": "kill",
    "kill": "kill", "kill after": "kill-after", "stop, go on": "stop", "stop, kill": "stop"})
FATAL = ("kill", "kill-after", "stop")
KILLED = "ended with %d" % -signal.SIGKILL
HALF = "after half a turn"
# A process that is killed loses nothing of what it has written, synced or not: the disk has no part in this. Elsewhere: /tmp.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
TEARING = ("short", "tear", "tear, full", "tear, kill")


class Scenario:
    """What there is of a session before the turn: files, and the leases that made them."""

    def __init__(self, name, program, folder, *turns):
        self.name, self.root, self.leases = name, os.path.join(folder, name.replace(" ", "-")), []
        os.makedirs(self.root)
        for number, turn in enumerate(turns):
            process = Process(program, self.root, "before%d" % number, self.leases)
            process.wait()
            process.ask(**turn)
            if process.wait() == "held":
                process.lease.opened.update(process.lease.requests)
                process.signal(signal.SIGKILL)
                process.wait_for_end()
            wanted = -signal.SIGKILL if "fault" in turn or "at" in turn else None
            if process.child.poll() != wanted or (wanted is None and process.outcome != "ack"):
                raise Silence("the scenario %s does not begin as it should: %s" % (name, process.outcome))
            process.end()


def scenarios(program, folder):
    committed = {"commits": 2}
    torn = {"commits": 2, "fault": "kill:wal.write:2:5000"}
    copying = {"commits": 1, "checkpoint": 0, "fault": "kill:db.write:3:1000"}
    creating = {"commits": 1, "fault": "kill:db.write:3:1000"}
    return [
        Scenario("new session", program, folder),
        Scenario("turn", program, folder, committed),
        Scenario(HALF, program, folder, committed, {"commits": 1, "at": "opened"}),
        Scenario("after a torn commit", program, folder, committed, torn),
        Scenario("after a torn checkpoint", program, folder, committed, copying),
        Scenario("after a torn creation", program, folder, creating),
    ]


class Point:
    """One run. `complaints` says what was wrong, `is_hit` whether the fault took place."""

    def __init__(self, program, scenario, action, operation, number, tear=None, pool=None, grdb=None, **options):
        self.program, self.scenario, self.action, self.operation = program, scenario, action, operation
        # Processes that have done nothing wrong, for the next point.
        self.pool = {} if pool is None else pool
        self.word, self.grdb, self.options = ACTIONS[action], grdb, options
        self.plan = "%s:%s:%d%s" % (self.word, operation, number, "" if tear is None else ":%d" % tear)
        self.complaints, self.is_hit, self.processes, self.leases = [], False, [], []

    def run(self):
        with tempfile.TemporaryDirectory(prefix="faults-", dir=MEMORY) as self.folder:
            self.root = os.path.join(self.folder, "root")
            shutil.copytree(self.scenario.root, self.root)
            self.leases += self.scenario.leases
            try:
                self.play()
            except (Silence, OSError) as failure:
                self.complaints.append(str(failure))
            finally:
                for each in self.processes:
                    if each.state == "done" and not self.complaints:
                        self.pool[each.name] = each
                    else:
                        each.end()
        return self

    def expect(self, what, got, *allowed):
        if got not in allowed:
            self.complaints.append("%s: %s; allowed: %s" % (what, got, ", ".join(allowed)))

    def start(self, name):
        """A process that waits for its first turn in this session; one of an earlier point if it is still there."""
        process = self.pool.pop(name, None) or Process(self.program, self.root, name, self.leases)
        process.begin(self.root, self.leases)
        self.processes.append(process)
        return process

    def play(self):
        victim, other = self.start("victim"), self.start("other")
        victim.ask(commits=2, checkpoint=0, fault=self.plan, **self.options)
        end = victim.wait(may_stop=self.word == "stop")
        self.is_hit = end != "done" or (self.word not in FATAL and victim.is_hit)
        if end == "stopped":
            end = self.stopped(victim, other)
        elif self.is_hit and self.word in FATAL:
            self.expect("the turn", victim.outcome, KILLED)
        elif not self.is_hit or self.word == "short" or (self.word == "EINTR" and self.operation in REPEATED):
            self.expect("the turn", victim.outcome, "ack")
        else:
            self.failed(victim)
        self.look("now")
        if end == "done":
            self.expect("the same process' next turn", victim.turn(wait=0), "ack")
        self.expect("the other process' turn", other.turn(wait=0), "ack")
        self.look("later")

    def failed(self, victim):
        """After an error."""
        errors = [" ".join(word[1:3]) for word in victim.words if word[0] == "error"]
        # After half a turn, the lease first begins another log; on a full disk it goes on with the one that there is.
        if self.scenario.name == HALF and ERRORS[self.word] == "full" and victim.outcome == "ack":
            return
        self.expect("the turn", "an error" if errors else victim.outcome, "an error")
        for each in errors:
            self.expect("the error", each, ERRORS[self.word] + " final")

    def stopped(self, victim, other):
        """The process stands before the operation, and another one wants the session."""
        answer = other.turn(wait=0)
        busy = [" ".join(word[1:3]) for word in other.words if word[0] == "error"] == ["busy retryable"]
        self.expect("the other process meanwhile", "busy" if busy else answer,
                    "ack" if self.operation in UNLOCKED else "busy")
        goes_on = self.action == "stop, go on"
        victim.signal(signal.SIGCONT if goes_on else signal.SIGKILL)
        end = victim.wait()
        self.expect("the turn", victim.outcome, "ack" if goes_on else KILLED)
        return end

    def look(self, name):
        """Has the independent readers judge the session as it is now."""
        wrong = ["the session is gone"]
        is_acknowledged = any(lease.acknowledged for lease in self.leases)
        found = glob.glob(os.path.join(self.root, "agent", "*", "s", "s.db"))
        if found:
            copy = reader.Copy(os.path.dirname(found[0]), os.path.join(self.folder, name), self.leases, not is_acknowledged)
            wrong = reader.judge(copy, self.grdb)
        elif not is_acknowledged:
            wrong = []
        self.complaints += ["%s: %s" % (name, each) for each in wrong]
