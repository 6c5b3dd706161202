# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What a session's file says of its life, and of the lines that its tools have left: read with SQLite alone."""

import collections
import hashlib
import json
import sqlite3

import model

# Tools whose effect is the same in both versions; `send` is what the claim says.
PURE, STEPS = {"look"}, ("part 1", "part 2")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Ledger:
    def __init__(self, file, effects):
        connection = sqlite3.connect(file)
        self.damage = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        self.identity, self.epoch = connection.execute("SELECT identity, epoch FROM meta").fetchone()
        self.log = [(seq, turn, kind, call, json.loads(body), at, outcome and json.loads(outcome)) for
                    seq, turn, kind, call, body, at, outcome in connection.execute("SELECT * FROM log ORDER BY seq")]
        self.requests = {name: (turn, seq) for name, turn, seq in connection.execute("SELECT id, turn, seq FROM requests")}
        self.calls = {row[0]: row[1:] for row in connection.execute("SELECT id, tool, effect, state, attempt, epoch FROM calls")}
        connection.close()
        self.lines = [(tool, int(number), key) for tool, number, key in (line.split() for line in effects)]
        self.complaints = []
        self.read()

    def expect(self, what, holds):
        if not holds:
            self.complaints.append(what)

    def of(self, kind):
        return [row for row in self.log if row[2] == kind]

    def read(self):
        """Which calls there were, by their positions, and what became of each."""
        self.asked, self.results = {}, collections.defaultdict(list)
        self.claims, self.approvals = collections.defaultdict(list), collections.defaultdict(list)
        self.decisions, replies = collections.defaultdict(list), 0
        for seq, turn, kind, call, body, at, _ in self.log:
            if kind == "reply":
                replies += 1
                for index, each in enumerate(body.get("calls", [])):
                    self.asked["%d.%d" % (replies, index)] = (each["name"], json.loads(each["arguments"]), each["id"])
            for name, table in (("result", self.results), ("claim", self.claims), ("approval", self.approvals),
                                ("decision", self.decisions)):
                if kind == name:
                    table[call].append((seq, body, at))
        self.replies = replies
        # A reply that ended its turn is the outcome's as well.
        self.outcomes = [(seq, turn, dict({"reply": body["text"]} if kind == "reply" else {}, **outcome))
                         for seq, turn, kind, _, body, _, outcome in self.log if outcome]

    def check(self, answers):
        self.expect("SQLite finds damage: %s" % self.damage[:1], not self.damage)
        self.check_log()
        self.check_requests(answers)
        self.check_calls()
        self.check_effects()
        self.check_approvals()
        self.check_schedules()
        self.check_transcript()
        return self.complaints

    def check_log(self):
        self.expect("the log has gaps", [row[0] for row in self.log] == list(range(1, len(self.log) + 1)))
        turns = [row[1] for row in self.log]
        self.expect("the turns have gaps", all(after - before in (0, 1) for before, after in zip([0] + turns, turns)))
        ended = collections.Counter(turn for _, turn, _ in self.outcomes)
        self.turns = turns[-1]
        for turn in range(1, self.turns + 1):
            self.expect("turn %d has %d outcomes" % (turn, ended[turn]), ended[turn] == 1)

    def outcome_of(self, name):
        turn, first = self.requests.get(name, (0, 0))
        found = [outcome for seq, of, outcome in self.outcomes if of == turn and seq >= first]
        return found[0] if len(found) == 1 else None

    def check_requests(self, answers):
        named = collections.defaultdict(list)
        for seq, turn, kind, _, body, _, _ in self.log:
            if "request" in body:
                named[body["request"]].append((turn, seq, kind))
        self.expect("the table of requests is not what the log says", {
            name: each[0][:2] for name, each in named.items()} == self.requests)
        for name, each in named.items():
            # One request may decide on several calls; here none does.
            self.expect("request %s is in the log %d times" % (name, len(each)), len(each) == 1)
            outcome = self.outcome_of(name)
            self.expect("request %s has no outcome, or several" % name, outcome is not None)
            given = answers.get(name)
            if outcome and given and given["status"] not in ("suspended", "continuing"):
                self.expect("request %s was answered %s, and the file has %s" % (name, given, outcome),
                            all(given.get(key) == value for key, value in outcome.items()))
        for name, given in answers.items():
            self.expect("request %s was answered %s and is not in the file" % (name, given["status"]), name in named)

    def check_calls(self):
        self.expect("results are not those of the calls: %s" % sorted(set(self.results) ^ set(self.asked))[:3],
                    set(self.results) == set(self.asked))
        for call, found in self.results.items():
            self.expect("call %s has %d results" % (call, len(found)), len(found) == 1)
        self.expect("claims are not those of the table", set(self.claims) == set(self.calls))
        epochs = []
        for call, claims in self.claims.items():
            tool, effect, state, attempt, epoch = self.calls.get(call, ("", "", "", 0, 0))
            epochs.append((claims[-1][0], epoch))
            self.expect("call %s is left %s" % (call, state), state in ("settled", "unknown"))
            self.expect("the attempts of call %s are not in order" % call, [
                body["attempt"] for _, body, _ in claims] == list(range(1, attempt + 1)))
            self.expect("call %s is another's" % call, self.asked.get(call, ("",))[0] == tool)
            if any(body["effect"] == "once" for _, body, _ in claims):
                self.expect("call %s has %d claims and is to run once" % (call, len(claims)), len(claims) == 1)
            first, last = claims[0][0], self.results[call][0][0] if self.results[call] else 0
            self.expect("call %s is claimed behind its result" % call, first < last and claims[-1][0] < last)
        ordered = [epoch for _, epoch in sorted(epochs)]
        self.expect("the epochs do not increase", ordered == sorted(ordered) and (not ordered or ordered[-1] <= self.epoch))

    def check_effects(self):
        keys = {}
        for call in self.asked:
            key = digest("%s/%s" % (self.identity, call))
            keys[key] = (call, None)
            for part in STEPS:
                keys[digest("%s/%s" % (key, part))] = (call, part)
        ran, used = collections.Counter(), collections.defaultdict(set)
        for tool, number, key in self.lines:
            call, part = keys.get(key, (None, None))
            self.expect("%s %d has a key of no call" % (tool, number), call is not None)
            if call is None:
                continue
            ran[call, part] += 1
            used[tool, number].add(call)
            self.expect("call %s was %s, and %s ran" % (call, self.asked[call][0], tool), self.asked[call][0] == tool)
            self.expect("%s %d ran without a claim" % (tool, number), tool in PURE or bool(self.claims[call]))
            edited = [json.loads(body["arguments"]) for _, body, _ in self.decisions[call] if body.get("arguments")]
            wanted = (edited or [self.asked[call][1]])[0]["number"]
            self.expect("call %s ran with %d in place of %d" % (call, number, wanted), number == wanted)
        for (tool, number), calls in used.items():
            self.expect("%s %d ran with several keys" % (tool, number), len(calls) == 1)
        for call in self.asked:
            status = [body["status"] for _, body, _ in self.results[call]][:1]
            count, claims = ran[call, None], self.claims[call]
            if claims and claims[0][1]["effect"] == "once":
                self.expect("call %s is to run once and ran %d times" % (call, count), count <= 1)
            if claims:
                self.expect("call %s ran %d times with %d claims" % (call, count, len(claims)), count <= len(claims))
            if status == ["succeeded"]:
                self.expect("call %s has succeeded, and nothing ran" % call, count > 0)
            if status == ["rejected"]:
                self.expect("call %s was rejected, and ran" % call, count == 0)
        self.repeated = sum(1 for count in ran.values() if count > 1)
        # What was claimed by the version before the upgrade, and is not to run again in the one behind it.
        self.changed = sum(row[:3] == ("send", "idempotent", "unknown") for row in self.calls.values())
        self.unknown = sum(state == "unknown" for _, _, state, _, _ in self.calls.values())

    def check_approvals(self):
        self.edited = self.rejected = self.approved = self.gone = 0
        for call, found in list(self.approvals.items()):
            decided = self.decisions[call]
            self.expect("call %s was to be decided %d times" % (call, len(found)), len(found) == 1)
            self.expect("call %s was decided %d times" % (call, len(decided)), len(decided) <= 1)
            ran = bool(self.claims[call])
            self.expect("call %s ran, and nobody had agreed" % call, not ran or bool(decided) and decided[0][1]["approved"])
            for _, body, at in decided:
                late = at >= found[0][1].get("expires", at + 1)
                self.expect("call %s was approved when its time was up" % call, not (late and body["approved"]))
                self.approved += body["approved"]
                self.rejected += not body["approved"]
                self.gone += body["approved"] and self.results[call][0][1]["status"] == "failed"
                self.edited += body.get("arguments") is not None
        self.decided = self.approved + self.rejected
        self.expect("decisions on what nobody asked for", all(
            self.approvals[call] for call, each in list(self.decisions.items()) if each))

    def check_schedules(self):
        inputs = collections.Counter(body["request"] for _, _, _, _, body, _, _ in self.of("input"))
        texts = {body["request"]: body["text"] for _, _, _, _, body, _, _ in self.of("input")}
        wanted = {}
        for _, _, _, _, body, _, _ in self.of("schedule"):
            name = "schedule/" + body["id"]
            self.expect("%s was scheduled twice" % name, name not in wanted)
            wanted[name] = body["text"]
            self.expect("%s was delivered %d times" % (name, inputs[name]), inputs[name] == 1)
            self.expect("%s says something else" % name, texts.get(name) == body["text"])
        came = {name for name in inputs if name.startswith("schedule/")}
        self.expect("messages came that nobody had scheduled", came == set(wanted))
        self.schedules = len(wanted)

    def check_transcript(self):
        """The conversation as a provider would get it. Refused turns stay in: their messages are no worse than others."""
        messages, replies = [], 0
        for _, _, kind, call, body, _, _ in self.log:
            if kind == "input":
                messages.append({"role": "user", "content": body["text"]})
            elif kind == "reply":
                replies += 1
                messages.append({"role": "assistant", "content": body["text"], "tool_calls": body.get("calls", [])})
            elif kind == "result":
                messages.append({"role": "tool", "tool_call_id": self.asked[call][2] if call in self.asked else None})
        self.expect("the conversation would be refused: %s" % model.objection(messages), model.objection(messages) is None)


def self_test(ledger_of, lines):
    """A check that cannot fail is none: each of these falsifications has to be found out."""
    wrong = []
    once = [line for line in lines if line.startswith("charge ")][:1]
    falsified = {
        "an effect twice": (lines + once, None),
        "an effect of nobody": (lines + ["charge 1 " + "0" * 32], None),
        "a gap": (lines, "DELETE FROM log WHERE seq = 5"),
        "an outcome less": (
            lines, "UPDATE log SET outcome = NULL WHERE seq = (SELECT max(seq) FROM log WHERE outcome IS NOT NULL)"),
        "a claim less": (lines, "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log WHERE kind = 'claim')"),
        "a result less": (lines, "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log WHERE kind = 'result')"),
        "a claimed call": (lines, "UPDATE calls SET state = 'claimed' WHERE id = (SELECT min(id) FROM calls)"),
        "an input less": (lines, "UPDATE log SET body = replace(body, 'schedule/', 'r/') WHERE kind = 'input'"),
        "an older epoch": (lines, "UPDATE calls SET epoch = 0 WHERE id = (SELECT id FROM calls ORDER BY epoch DESC LIMIT 1)"),
    }
    for name, (those, change) in falsified.items():
        if not ledger_of(those, change):
            wrong.append(name)
    return wrong
