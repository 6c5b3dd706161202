# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""72 hours of one session: what its users, its wakes and its machines do to it, by a seed."""

import collections
import glob
import heapq
import os
import random
import shutil
import signal

from point import in_window
from process import Silence
from sandbox import Sandbox, Script

MINUTE, HOUR = 60_000, 3_600_000
BEGIN, LENGTH = 1_800_000_000_000, 72 * HOUR
# Where kills and freezes take place; the number is drawn.
PLACES = ("lock.db", "ask", "sent", "answered", "wal.write", "wal.sync", "committed", "claimed", "effect", "unlock.db", "reply")
FINAL = ("completed", "failed", "awaiting", "parked", "cancelled")
# Refusals of a request that will not be taken later either.
REFUSALS = ("Function.NoSuchApproval", "Function.NothingToResume")
# The time kept back before a deadline is a second.
BRIEF = 1300


class Plan:
    """How much of everything there is; a quick life has less."""

    def __init__(self, share):
        def part(number):
            return max(1, round(number * share))
        self.messages, self.kills, self.stops, self.losses, self.cutoffs = part(480), part(42), part(18), part(16), part(8)
        self.kinds = (["ask"] * part(32) + ["plan"] * part(13) + ["rest"] * part(16) + ["listen"] * part(12)
                      + ["cancel"] * part(6) + ["refuse"] * part(4) + ["poison"])
        self.upgrade, self.mixed = BEGIN + LENGTH // 2, 2 * HOUR


class Life:
    def __init__(self, program, server, folder, seed, share):
        self.program, self.folder, self.random, self.plan = program, folder, random.Random(seed), Plan(share)
        self.root, self.effects = os.path.join(folder, "root"), os.path.join(folder, "effects")
        self.script = Script()
        self.url = server.open(self.script)
        self.now, self.queue, self.order, self.pool, self.number = BEGIN, [], 0, [], 0
        self.counts = collections.Counter()
        self.complaints, self.answers, self.events, self.asked, self.status = [], {}, {}, set(), ""
        # How many of the model's answers were lost, and how many may have been.
        self.lost, self.doubtful = 0, 0
        self.faults = (["kill"] * self.plan.kills + ["stop"] * self.plan.stops + ["lose"] * self.plan.losses
                       + ["wait"] * self.plan.cutoffs)
        self.random.shuffle(self.faults)

    # MARK: the future

    def at(self, time, event, kind="event"):
        self.order += 1
        heapq.heappush(self.queue, (time, self.order, kind, event))

    def next_number(self):
        self.number += 1
        return self.number

    def message(self, kind):
        """What a user says."""
        number, draw = self.next_number, self.random
        if kind == "ask":
            return "refund %d" % number() + draw.choice(["", " + note %d" % number(), "; look %d" % number()])
        if kind == "fax":
            return "fax %d" % number()
        if kind == "plan":
            return "plan %d %d" % (number(), draw.randint(2, 300)) + draw.choice(["", "; rest %d 30" % number()])
        if kind in ("rest", "cancel"):
            return "rest %d %d" % (number(), draw.randint(5, 90)) + draw.choice(["", " + charge %d" % number()])
        if kind == "listen":
            return "listen %d %d" % (number(), draw.randint(10, 60))
        if kind == "refuse":
            return "refuse"
        if kind == "poison":
            return "Hello?"
        words = ["look", "note", "charge", "steps", "send", "mail", "charge", "note"]
        rounds = [" + ".join("%s %d" % (draw.choice(words), number()) for _ in range(draw.choice((1, 1, 2, 3))))
                  for _ in range(draw.choice((0, 1, 1, 1, 2, 3)))]
        return "; ".join(rounds) or "Hello?"

    def event(self, **contents):
        return dict({"session": "life", "id": "r%d" % self.next_number()}, **contents)

    def begin(self):
        plan = self.plan
        kinds = plan.kinds + ["any"] * max(0, plan.messages - len(plan.kinds))
        self.random.shuffle(kinds)
        # A message that comes due while the very first turn waits; and what is open while the upgrade takes place.
        first = self.event(message="plan %d 10; rest %d 45" % (self.next_number(), self.next_number()))
        self.at(BEGIN, (first, "first"), "message")
        self.at(BEGIN + LENGTH, (self.event(message="look %d" % self.next_number()), ""), "message")
        step = LENGTH // len(kinds)
        for index, kind in enumerate(kinds):
            time = BEGIN + index * step + self.random.randrange(1, step)
            self.at(time, (self.event(message=self.message(kind)), kind), "message")
        # What the old version begins, and the new one ends: a call that was interrupted, and one that waits for a person.
        for after, text, what in ((10, "send %d; mail %d", "swap"), (25, "fax %d; send %d", "old"), (80, "fax %d + mail %d", "")):
            text = text % (self.next_number(), self.next_number())
            self.at(plan.upgrade + after * MINUTE, (self.event(message=text), what), "message")

    # MARK: sandboxes

    def version(self):
        if self.now < self.plan.upgrade:
            return "before"
        return "after" if self.now > self.plan.upgrade + self.plan.mixed else self.random.choice(("before", "after"))

    def take(self, version=None):
        """A sandbox that is warm, or a new one."""
        version = version or self.version()
        for each in self.pool:
            if each.version == version and self.random.random() < 0.95:
                self.pool.remove(each)
                return each
        self.counts["sandboxes " + version] += 1
        return Sandbox(self.program, self.root, self.effects, version, self.url)

    def give_back(self, sandbox):
        self.collect(sandbox)
        if sandbox.child.poll() is not None or len(self.pool) > 1:
            return sandbox.end()
        self.pool.append(sandbox)

    def collect(self, sandbox):
        """What it asks to be woken by; some of it twice."""
        for wake in sandbox.new_wakes():
            for _ in range(self.random.choice((1, 1, 1, 2))):
                self.counts["wakes"] += 1
                self.at(max(wake["due"], self.now), (wake["event"], "wake"))

    def finish_all(self):
        while self.pool:
            self.pool.pop().end()

    # MARK: one invocation

    def invoke(self, sandbox, event, fault=None, place=None, deadline=None):
        """Runs until it answers, dies or stands still; the answer, "dead" or "still"."""
        order = {"now": self.now, "event": event}
        kind, _, number = (place or ":").partition(":")
        self.script.arrived.clear()
        self.script.let_go.clear()
        self.script.hold = len(self.script.billed) + int(number) if kind == "sent" else 0
        if fault and kind != "sent":
            at, what = ("wal.sync:" + number, "kill-after") if kind == "committed" else (place, fault)
            order.update(at=at, fault=what)
        elif fault == "lose":
            # The files are gone for it from then on.
            order.update(at=place, fault=fault)
        if deadline:
            order["deadline"] = deadline
        sandbox.order(**order)
        held = self.script.arrived.is_set if kind == "sent" else lambda: False
        end = sandbox.wait(lambda: sandbox.is_over or held() or sandbox.is_stopped())
        if end == "late":
            raise Silence("an invocation did not end; it said %s" % sandbox.events[-3:])
        if end == "met" and not sandbox.is_over:
            if held() and not sandbox.is_stopped():
                sandbox.signal(signal.SIGKILL if fault == "kill" else signal.SIGSTOP)
                end = sandbox.wait(sandbox.is_stopped)
            if end == "met":
                return "still"
        if sandbox.child.poll() is not None or end == "ended":
            self.script.let_go.set()
            if sandbox.child.wait() != -signal.SIGKILL:
                raise Silence("a sandbox failed: %s" % sandbox.errors[-3:])
            return "dead"
        return sandbox.answer()

    def deliver(self, event, kind=""):
        """Until there is an answer, as clients and Lambda do."""
        died = 0
        for _ in range(60):
            fault = self.draw_fault(kind, died)
            place = self.draw_place(fault, kind)
            sandbox = self.take({"old": "before", "new": "after", "swap": "after" if died else "before"}.get(kind))
            spoken = self.invoke(sandbox, event, fault, place, BRIEF if fault == "wait" else None)
            self.now += self.random.randrange(200, 3000)
            if spoken == "dead":
                died += 1
                self.note_kill(sandbox, place)
                if kind == "" and self.random.random() < 0.15:
                    self.deliver(self.event(message=self.message("any")), "other")
                continue
            if spoken == "still":
                spoken = self.two_at_once(sandbox, event, fault, place)
            else:
                if fault == "wait" and sandbox.is_hit:
                    self.counts["cut off"] += 1
                    # An answer that arrives as the time is up may be kept or not.
                    self.doubtful += in_window(place, "wait", place)
                elif fault:
                    self.doubtful += fault == "wait"
                    if kind in ("", "again"):
                        self.faults.append(fault)
                        self.random.shuffle(self.faults)
                self.give_back(sandbox)
            if self.is_answer(event, spoken):
                return spoken
        self.complaints.append("%s got no answer; the last was %s" % (event, spoken))

    def draw_fault(self, kind, died):
        if kind == "poison":
            return "kill" if died < 6 else None
        if kind == "swap":
            return None if died else "kill"
        if kind in ("other", "old", "new") or not self.faults:
            return None
        # About evenly over the messages that are left.
        left = sum(each[2] == "message" for each in self.queue) + 1
        return self.faults.pop() if self.random.random() < min(0.9, 1.6 * len(self.faults) / left) else None

    def draw_place(self, fault, kind):
        if not fault:
            return None
        if kind == "poison":
            return "ask:1"
        if kind == "swap":
            return "claimed:1"
        if fault == "wait":
            return self.random.choice(("ask:1", "ask:2", "answered:1", "claimed:1", "effect:1"))
        place = self.random.choice(PLACES if fault == "kill" else [each for each in PLACES if each != "committed"])
        return "%s:%d" % (place, 1 if place in ("lock.db", "unlock.db", "reply") else self.random.choice((1, 1, 2, 3)))

    def note_kill(self, sandbox, place):
        self.counts["kills"] += 1
        last = sandbox.last or (sandbox.events or [""])[-1]
        self.lost += in_window(place, "kill", last)
        self.collect(sandbox)
        sandbox.end()

    # MARK: two at once

    def two_at_once(self, victim, event, fault, place):
        """Another sandbox gets an event while the first one stands still; the first one's answer, or the other's."""
        self.counts["freezes"] += 1
        self.collect(victim)
        if fault == "lose":
            # To whoever looks for the session, nobody has it locked, and it is as it was when the first one stopped. Sandboxes
            # that are warm hold descriptors of the files that moved away.
            self.counts["takeovers"] += 1
            self.finish_all()
            os.rename(self.root, self.root + ".lost")
            shutil.copytree(self.root + ".lost", self.root)
        self.script.hold = 0
        self.lost += in_window(place, fault, victim.last or (victim.events or [""])[-1])
        is_locked = fault == "stop" and not place.startswith(("lock.db", "reply"))
        other = self.take()
        theirs = event if fault == "lose" or self.random.random() < 0.7 else self.event(message=self.message("any"))
        answer = self.invoke(other, theirs, deadline=1200 if is_locked else None)
        if is_locked:
            self.expect("beside one that stood still at %s, another was told %s" % (place, answer),
                        answer[0] == "error" and answer[1].startswith(("Function.SessionBusy", "Function.DeadlineExceeded")))
            self.counts["told busy"] += 1
        elif not self.is_answer(theirs, answer):
            self.expect("who took over was told %s" % (answer,), False)
        self.give_back(other)
        self.script.let_go.set()
        victim.signal(signal.SIGCONT)
        if victim.wait(lambda: victim.is_over) == "late":
            raise Silence("a process that was continued did not end")
        spoken = victim.answer()
        if fault == "lose":
            # Who had not even locked it may find the files that are there now, and its turn done.
            over = place.startswith(("lock", "unlock", "reply"))
            self.expect("the one that lost the session at %s answered %s" % (place, spoken), over or spoken[0] == "error")
            self.collect(victim)
            victim.end()
            shutil.rmtree(self.root + ".lost")
            return answer
        self.give_back(victim)
        if is_locked and theirs is not event:
            self.deliver(theirs, "other")
        return spoken

    def expect(self, what, holds):
        if not holds:
            self.complaints.append(what)

    # MARK: answers

    def is_answer(self, event, spoken):
        """Whether it is one; takes note of it, and of what follows."""
        if spoken in (None, "dead", "still"):
            return False
        kind, value = spoken
        if kind == "error":
            name = value.split(" ")[0]
            self.counts[name] += 1
            if name not in ("Function.SessionBusy", "Function.SessionTakenOver", "Function.StorageFailed",
                            "Function.DeadlineExceeded") + REFUSALS:
                self.complaints.append("%s was answered %s" % (event, value))
                return True
            return name in REFUSALS
        self.status = value["status"]
        self.counts["answers"] += 1
        if any(each in event for each in ("message", "decisions", "signal")):
            earlier = self.answers.setdefault(event["id"], value)
            if earlier["status"] in FINAL:
                self.expect("%s was answered %s and then %s" % (event["id"], earlier, value), earlier == value)
            else:
                self.answers[event["id"]] = value
        if self.status == "awaiting":
            self.decide(value["approvals"])
        return True

    def decide(self, approvals):
        draw = self.random
        for each in approvals:
            if each["call"] in self.asked:
                continue
            self.asked.add(each["call"])
            decision = {"call": each["call"], "approve": draw.random() < 0.8}
            if not decision["approve"]:
                decision["reason"] = "It is too much."
            elif draw.random() < 0.3:
                number = self.next_number()
                decision["arguments"] = {"number": number, "minutes": 0}
            # Some come when their time is up.
            due = self.now + draw.randint(1, 55) * MINUTE + (HOUR if draw.random() < 0.15 else 0)
            event, what = self.event(decisions=[decision]), ""
            if each["tool"] == "fax" and self.now >= self.plan.upgrade:
                # The tool is gone by then.
                decision["approve"], due, what = True, self.now + MINUTE, "new"
            self.at(due, (event, what))
            if draw.random() < 0.3:
                self.at(due + draw.randint(1, 5) * MINUTE, (event, "again"))
            if draw.random() < 0.3:
                other = self.event(decisions=[{"call": each["call"], "approve": not decision["approve"]}])
                self.at(due + draw.randint(0, 5) * MINUTE, (other, "again"))

    # MARK: all of it

    def live(self):
        self.begin()
        while self.queue:
            time, _, kind, (event, what) = heapq.heappop(self.queue)
            waits = self.status in ("awaiting", "suspended")
            # Most users wait for what is under way; if nothing else is to come, somebody does not.
            if kind == "message" and waits and what != "impatient" and any(each[2] == "event" for each in self.queue):
                what = what if self.random.random() < 0.995 else "impatient"
                soonest = min(each[0] for each in self.queue if each[2] == "event")
                if what != "impatient":
                    self.at(max(soonest, time) + self.random.randint(1, 9) * 1000, (event, what), kind)
                    continue
            self.now = max(self.now, time)
            self.play(event, what, kind)
        self.finish_all()

    def play(self, event, what, kind):
        answer = self.deliver(event, what if what in ("poison", "again", "swap", "old", "new") else "")
        self.counts[kind + "s"] += 1
        if what == "wake":
            return
        if kind == "message":
            self.events[event["id"]] = event
        if answer and answer[0] == "answer":
            status = answer[1]["status"]
            if what == "listen" and status == "suspended" and self.random.random() < 0.8:
                self.at(self.now + self.random.randint(1, 40) * MINUTE,
                        (self.event(signal={"name": "bell", "value": self.next_number()}), ""))
            if what == "cancel" and status == "suspended":
                self.at(self.now + self.random.randint(1, 4) * MINUTE, (self.event(cancel=True, reason="Never mind."), ""))
            if status == "parked":
                self.at(self.now + 2 * MINUTE, (self.event(resume=True), ""))
        if self.events and self.random.random() < 0.1:
            # A client that has not seen its answer.
            self.counts["redelivered"] += 1
            name = self.random.choice(list(self.events))
            is_settled = self.answers.get(name, {}).get("status") in FINAL
            before, status = len(self.script.billed), self.status
            self.deliver(self.events[name], "other")
            if is_settled:
                self.expect("%s, which was settled, was paid again" % name, len(self.script.billed) == before)
                self.status = status

    def file(self):
        return glob.glob(os.path.join(self.root, "agent", "*", "life", "s.db"))[0]
