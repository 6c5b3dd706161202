# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Turns that nothing befalls: what they cost in round trips, and two sandboxes that compete."""

import re
import time

import oracle
from lab import WRITERS, Writer, do, go, kill, listen, start, tell, wait_for


def compete(lab, report, turns):
    """Two sandboxes on one session, each with so many turns."""
    pair = [Writer(lab.clients[index], "compete", name) for index, name in enumerate("ab")]
    start(pair)
    for each in pair:
        numbers = range(turns)
        each.asked = {"%s/%d" % (each.name, number): 2048 for number in numbers}
        each.next = turns
        each.client.sh("i=0; while [ $i -lt %d ]; do echo turn $i wait=300; i=$((i + 1)); done >%s.in" % (turns, each.file))
    began = time.monotonic()
    while True:
        listen(pair)
        if all(each.lines.count("done") == turns for each in pair) or time.monotonic() > began + 600:
            break
        time.sleep(1)
    seconds = time.monotonic() - began
    errors = [line for each in pair for line in each.lines if line.startswith("error")]
    wrong = oracle.judge(lab, pair)["compete"]
    got = "%d acknowledged" % sum(len(each.acknowledged) for each in pair)
    report.case("%d turns by two sandboxes" % (2 * turns), got, {"%d acknowledged" % (2 * turns)}, wrong, errors)
    rows = oracle.read(lab, ["compete"])["compete"]
    order = [row[4][0] for row in rows if row[0] == "row" and row[3] == "input"]
    changes = sum(one != other for one, other in zip(order, order[1:]))
    report.figure("seconds for %d turns by two sandboxes" % (2 * turns), round(seconds, 1))
    report.figure("changes of the writer", changes)
    kill(pair)


def said(lab, report, count=20, looks=80):
    """What one sandbox says while it holds a session, in the eyes of another, and what that costs both."""
    writer, reader = lab.clients
    command = "su sandbox -s /bin/sh -c 'exec StoreWriter %s /mnt said %d'"
    costs = {}
    # The session has to be there, and a turn that says nothing is what the others are compared with.
    writer.sh(command % ("say", 0))
    before = statistics(writer)
    writer.sh(command % ("say", 0))
    nothing = difference(before, statistics(writer))
    before = statistics(writer)
    began = statistics(reader)
    writer.sh("%s >%s/said.out 2>&1 &" % (command % ("say", count), WRITERS))
    seen = reader.sh(command % ("watch", looks)).split("\n")
    end = time.monotonic() + 60
    while "released" not in writer.sh("cat %s/said.out" % WRITERS):
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    costs["saying %d lines" % count] = without(difference(before, statistics(writer)), nothing)
    costs["looking %d times" % looks] = difference(began, statistics(reader))
    numbers = [int(line.split()[1]) for line in seen if line.startswith("saw ")]
    shown = [number for number in numbers if number >= 0]
    wrong = ["a line was seen that was not said"] if "wrong" in seen else []
    wrong += ["lines were seen and not seen again"] if shown != sorted(shown) else []
    wrong += ["the file is there when all is said"] if numbers[-1:] != [-1] else []
    # All but what was said last, which is there for a moment only.
    got = "lines seen as they were said" if len(set(shown)) > count / 2 and max(shown) >= count - 2 else str(numbers)
    report.case("%d lines" % count, got, {"lines seen as they were said"}, wrong)
    report.figure("counts of lines that were seen", len(set(shown)))
    for name, counts in costs.items():
        report.figure("round trips, " + name, counts)
    table(report, costs)


def without(counts, others):
    return {name: counts[name] - others.get(name, 0) for name in counts if counts[name] != others.get(name, 0)}


def statistics(client):
    """How often each operation was asked of the server, and the bytes of READ and WRITE."""
    text = client.sh("cat /proc/self/mountstats").split("fstype nfs4", 1)[1]
    return {name: int(count) for name, count in re.findall(r"^\s+([A-Z_]+): (\d+) ", text.split("per-op statistics")[1], re.M)}


def difference(before, after):
    return {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}


def round_trips(lab, report):
    """The round trips of one turn with 20 entries of 2 KB before it: in a process and on a machine that see the session for
    the first time, in the same process again, and there after a turn of another sandbox."""
    first = Writer(lab.clients[0], "trips", "a")
    start([first])
    before = statistics(first.client)
    do([first])
    turns = {"creating": difference(before, statistics(first.client))}
    do([first], commits=9)
    cold = Writer(lab.clients[1], "trips", "b")
    start([cold])
    for name in ("cold", "again", "changed"):
        if name == "changed":
            do([first])
        parts = {}
        before = start_of_turn = statistics(cold.client)
        do([cold], at="leased")
        parts["lease, read"] = difference(before, statistics(cold.client))
        before = statistics(cold.client)
        go([cold])
        parts["append, release"] = difference(before, statistics(cold.client))
        turns[name] = difference(start_of_turn, statistics(cold.client))
        turns.update(("%s: %s" % (name, part), counts) for part, counts in parts.items())
    # A commit is one WRITE that is stable at once.
    before, many = statistics(cold.client), 20
    for _ in range(many):
        do([cold])
    counts = difference(before, statistics(cold.client))
    written = "%d WRITE, %d COMMIT" % (counts["WRITE"], counts.get("COMMIT", 0))
    report.case("%d more turns" % many, written, {"%d WRITE, 0 COMMIT" % many})
    wrong = oracle.judge(lab, [first, cold])["trips"]
    for name, counts in turns.items():
        report.figure("round trips, " + name, counts)
        report.figure("round trips in all, " + name, sum(counts.values()))
    table(report, turns)
    report.case("one turn, cold, again and changed", "ack" if cold.outcome() == "ack" else cold.outcome(), {"ack"}, wrong)
    kill([first, cold])


def table(report, turns):
    operations = sorted({operation for counts in turns.values() for operation in counts})
    lines = [("operation", list(turns))] + [
        (operation, [counts.get(operation, "") for counts in turns.values()]) for operation in operations] + [
        ("in all", [sum(counts.values()) for counts in turns.values()])]
    for operation, counts in lines:
        report.note("%-16s" % operation + "".join("%24s" % count for count in counts))
