# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Processes that compete for one session while they are stopped, continued and killed at random."""

import glob
import os
import random
import select
import signal
import time

import reader
from points import OPERATIONS
from process import LIMIT, Process, Silence

# What befalls a turn, in percent: by the clock, or by a plan at one of its operations, if it comes to that.
FATES = {None: 50, "kill": 10, "stop": 10, "plan kill": 20, "plan stop": 10}


class Slot:
    """A writer's name and numbers, and the process that has them at the time."""

    def __init__(self, name):
        self.name, self.process, self.next, self.round = name, None, 0, 0
        self.may_stop = False


class Competition:
    def __init__(self, program, folder, processes, turns, seed, say):
        self.program, self.root, self.turns, self.say = program, os.path.join(folder, "root"), turns, say
        self.random = random.Random("%d of %d processes" % (seed, processes))
        self.leases, self.complaints, self.timers = [], [], []
        self.slots = [Slot(chr(ord("a") + number)) for number in range(processes)]
        self.counts = {"killed": 0, "stopped": 0}
        os.makedirs(self.root)

    # Timers

    def after(self, seconds, slot, what):
        """Does something to the slot's process later, unless it has ended by then."""
        self.timers.append((time.monotonic() + seconds, slot, slot.process, slot.round, what))

    def ring(self):
        """Does what is due."""
        due = [timer for timer in self.timers if timer[0] <= time.monotonic()]
        self.timers = [timer for timer in self.timers if timer not in due]
        for _, slot, process, turn, what in due:
            # A fate is of one turn. But who was stopped just after its end has to go on too.
            if process is slot.process and process.state != "ended" and (turn == slot.round or what in ("resume", "end")):
                getattr(self, what)(slot)

    def ask(self, slot):
        """Has the slot's process do a turn, and decides what befalls it."""
        if self.acknowledged() >= self.turns:
            return
        slot.round += 1
        fate = self.random.choices(list(FATES), list(FATES.values()))[0]
        moment, plan = self.random.uniform(0, 0.03), None
        slot.may_stop = fate == "plan stop"
        if fate and fate.startswith("plan"):
            plan = "%s:%s:%d" % (fate.split()[1], self.random.choice(OPERATIONS), self.random.choice((1, 1, 2, 3)))
            # Some of them in the middle of a write.
            plan += self.random.choice(("", ":%d" % self.random.randint(1, 12_000)))
        slot.process.ask(
            commits=self.random.choice((1, 1, 2, 3)), size=self.random.choice((50, 400, 2000, 30_000)), read=1, wait=LIMIT,
            checkpoint=self.random.choice((0, None, None)), fault=plan)
        if fate in ("kill", "stop"):
            self.after(moment, slot, fate)

    def kill(self, slot):
        slot.process.signal(signal.SIGKILL)
        # It is not asked for anything any more.
        slot.round += 1

    end = kill

    def stop(self, slot):
        slot.process.signal(signal.SIGSTOP)
        self.stopped(slot)

    def stopped(self, slot):
        """Some who stand still are killed."""
        slot.may_stop = False
        self.counts["stopped"] += 1
        self.after(self.random.uniform(0.01, 0.3), slot, self.random.choice(("resume", "resume", "end")))

    def resume(self, slot):
        slot.process.signal(signal.SIGCONT)

    # The course of it

    def acknowledged(self):
        return sum(len(lease.acknowledged) for lease in self.leases)

    def start(self, slot):
        slot.process = Process(self.program, self.root, slot.name, self.leases)
        slot.process.next = slot.next

    def attend(self, slot):
        """Looks after one slot; returns whether it is at work."""
        process = slot.process
        process.listen()
        slot.next = process.next
        if process.state == "ended":
            self.counts["killed"] += 1
            if process.child.returncode != -signal.SIGKILL:
                self.complaints.append("%s ended with %s" % (slot.name, process.child.returncode))
            process.end()
            slot.round += 1
            self.start(slot)
        elif process.state in ("ready", "done"):
            if process.state == "done" and process.outcome != "ack":
                self.complaints.append("%s was told: %s" % (slot.name, process.outcome))
            process.state = "idle"
            slot.round += 1
            # The others get a chance, as they look only every 20 to 250 ms.
            self.after(self.random.uniform(0, 0.1), slot, "ask")
        elif process.state == "asked" and slot.may_stop and process.is_stopped():
            self.stopped(slot)
        return process.state == "asked"

    def run(self):
        for slot in self.slots:
            self.start(slot)
        try:
            self.play()
            found = glob.glob(os.path.join(self.root, "agent", "*", "s"))
            self.copy = reader.Copy(found[0], os.path.join(os.path.dirname(self.root), "copy"), self.leases)
        finally:
            for slot in self.slots:
                slot.process.end()

    def play(self):
        said, count, progress = 0, -1, time.monotonic()
        while True:
            self.ring()
            busy = [slot for slot in self.slots if self.attend(slot)]
            now, before, count = time.monotonic(), count, self.acknowledged()
            progress = now if count != before else progress
            if count >= said + self.turns // 5:
                said = count
                self.say("%d turns, %s" % (count, self.figures()))
            if not busy and count >= self.turns:
                return
            if len(self.complaints) > 20:
                raise Silence("and so on")
            if now - progress > LIMIT:
                raise Silence("nothing was acknowledged for %d s" % LIMIT)
            # Who stops by himself does not say so.
            wait = 0.005 if any(slot.may_stop for slot in busy) else 0.05
            wait = max(0, min([wait] + [timer[0] - now for timer in self.timers]))
            select.select([slot.process.output for slot in self.slots], [], [], wait)

    def figures(self):
        return ", ".join("%d %s" % (count, name) for name, count in self.counts.items())

    def judge(self, grdb=None):
        """What is wrong, in words, and a line about what there is."""
        wrong = self.complaints + reader.judge(self.copy, grdb)
        order = self.copy.order
        present, told = set(order), {request for lease in self.leases for request in lease.acknowledged}
        asked = [request for lease in self.leases for request in lease.requests]
        changes = sum(one.split("/")[0] != other.split("/")[0] for one, other in zip(order, order[1:]))
        shares = [sum(request.startswith(slot.name + "/") for request in order) for slot in self.slots]
        # Not fair, but nobody is left out.
        if min(shares) < self.turns / len(self.slots) / 20 or changes < self.turns / 50:
            wrong.append("they hardly competed: %d changes, shares %s" % (changes, shares))
        return wrong, "%d turns acknowledged, %d more there, %d not; %d leases, %s; %d changes of the writer, shares %d to %d" % (
            len(told), len(present - told), len(set(asked) - present), len(self.leases), self.figures(), changes,
            min(shares), max(shares))
