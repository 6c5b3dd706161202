# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A sandbox is frozen in the middle of a turn, and thaws.

One freeze serves many cases: in the sandbox there is a writer for each point of a turn, with a session of its own.
"""

import time

import oracle
from lab import Writer, do, go, kill, start, tell, wait_for

POINTS = ("idle", "leased", "opened", "transaction", "written", "committed", "acknowledged", "checkpoint", "copied", "truncate")
# A turn whose log is long enough for a checkpoint at its end.
LONG = {"commits": 9, "size": 300_000}
# What a commit may say when its lease was lost: a typed error that is not retryable under this lease.
LOST = {"inputOutput", "inputOutput+inputOutput"}
# The points at which the commit is made already. Giving the session back may fail then, or not.
MADE = {"committed", "acknowledged"}
CHECKPOINT = {"checkpoint", "copied", "truncate"}


def writers(lab, client, name, cases):
    return [Writer(lab.clients[client], session, name) for session in cases]


def hold(holders, points):
    """Takes each of the writers to its point of a turn."""
    for each in holders:
        each.seen()
    tell([(each.client, each.turn(at=point, **(LONG if point in CHECKPOINT else {})))
          for each, point in zip(holders, points)])
    wait_for(holders, "held", 120)


def keep_logs(lab, sessions):
    """Gives each session's log a second name on the server's disk, so that its inode's number is not used again."""
    lab.server.sh("mkdir -p /export/kept")
    for each in sessions:
        lab.server.sh("ln /export/root/agent/*/%s/s.db-wal /export/kept/%s" % (each, each))


def other_logs(lab, sessions):
    """The sessions whose log is another file than it was. Takes the second names away."""
    paths = ["/export/%s" % path for each in sessions for path in ("kept/" + each, "root/agent/*/%s/s.db-wal" % each)]
    inodes = lab.server.sh("stat -c %%i %s; rm -r /export/kept" % " ".join(paths)).split()
    return {each for each, before, after in zip(sessions, inodes[::2], inodes[1::2], strict=True) if before != after}


def ends_after_loss(point):
    if point == "idle":
        return {"ack"}
    if point in MADE or point in CHECKPOINT:
        return {"ack"} | {"ack+" + each for each in LOST}
    return LOST


# The other sandbox has one turn, or two ("on"), or is killed with the lease after its commit, or holds the lease when the
# first one thaws.
SOME = (("idle", "alive"), ("leased", "killed"), ("opened", "alive"), ("opened", "on"), ("transaction", "alive"), ("written", "killed"), ("committed", "alive"),
        ("acknowledged", "killed"), ("copied", "on"))
ALL = tuple((point, variant) for point in POINTS[:7] for variant in ("alive", "killed")) + (
    ("leased", "leased"), ("written", "leased"), ("checkpoint", "alive"), ("copied", "on"), ("truncate", "on"))


def taken_over(lab, report, kind, cases=ALL):
    """Frozen for longer than the server's lease, and another sandbox takes over."""
    names = ["%s-%s-%s" % (kind, point, variant) for point, variant in cases]
    holders, takers = writers(lab, 0, "a", names), writers(lab, 1, "b", names)
    start(holders + takers)
    do(holders)
    hold(holders, [point for point, _ in cases])
    opened = [name for name, (point, _) in zip(names, cases) if point == "opened"]
    keep_logs(lab, opened)
    lab.clients[0].freeze(kind)
    frozen = time.monotonic()
    at = {"alive": None, "on": None, "killed": "acknowledged", "leased": "leased"}
    for each in takers:
        each.seen()
    tell([(each.client, each.turn(at=at[variant])) for each, (_, variant) in zip(takers, cases)])
    waiting = [each for each, (_, variant) in zip(takers, cases) if at[variant]]
    first = [each for each, (point, _) in zip(takers, cases) if point == "leased"]
    wait_for(first, "leased", 90)
    report.figure("seconds until a frozen lease was taken", round(time.monotonic() - frozen, 1))
    wait_for([each for each in takers if each not in waiting], "done", 90)
    wait_for(waiting, "held", 90)
    do([each for each, (_, variant) in zip(takers, cases) if variant == "on"])
    kill([each for each, (_, variant) in zip(takers, cases) if variant == "killed"])
    replaced = other_logs(lab, opened)
    # No shorter than the lease in any case: an idle sandbox loses its state on the server too.
    time.sleep(max(0, frozen + lab.lease * 1.2 - time.monotonic()))
    lab.clients[0].thaw(kind)
    go(holders)
    ends, errors = [each.outcome() for each in holders], [each.errors() for each in holders]
    go([each for each, (_, variant) in zip(takers, cases) if variant == "leased"])
    late = [each.outcome() for each in takers]
    do(holders)
    next_ends = [each.outcome() for each in holders]
    for found, each in zip(errors, holders):
        found += each.errors()
    alive = [each for each, (_, variant) in zip(takers, cases) if variant != "killed"]
    do(alive)
    next_ends += [each.outcome() for each in alive]
    wrong = oracle.judge(lab, holders + takers)
    for index, (point, variant) in enumerate(cases):
        complaints = list(wrong[names[index]])
        if point == "opened" and names[index] not in replaced:
            complaints.append("the log is the one that the frozen one has open")
        if late[index] != "ack":
            complaints.append("the other one's turn: %s" % late[index])
        if next_ends[index] != "ack":
            complaints.append("its next turn: %s" % next_ends[index])
        report.case("%s, the other one %s" % (point, variant), ends[index], ends_after_loss(point), complaints,
                    errors[index])
    others = next_ends[len(holders):]
    report.case("the others' next turns", "ack" if set(others) <= {"ack"} else ", ".join(others), {"ack"})
    kill(holders + takers)


def alone(lab, report, kind, points=POINTS):
    """Frozen for longer than the lease, and nobody takes over: Linux' server keeps the locks of a silent client until
    somebody else wants them; another server may not."""
    names = ["%s-%s-alone" % (kind, point) for point in points]
    holders = writers(lab, 0, "a", names)
    start(holders)
    do(holders)
    hold(holders, points)
    lab.clients[0].freeze(kind)
    time.sleep(lab.lease * 1.5)
    lab.clients[0].thaw(kind)
    finish(lab, report, holders, points, lambda point: ends_after_loss(point) | {"ack"})


def briefly(lab, report, kind, points=POINTS):
    """Frozen for less than the lease: another sandbox is told that the session is busy, and nothing is lost."""
    names = ["%s-%s-short" % (kind, point) for point in points]
    holders, others = writers(lab, 0, "a", names), writers(lab, 1, "b", names)
    start(holders + others)
    do(holders)
    hold(holders, points)
    lab.clients[0].freeze(kind)
    do(others, wait=1)
    busy = [each.outcome() for each in others]
    time.sleep(lab.lease * 0.2)
    lab.clients[0].thaw(kind)
    for point, end in zip(points, busy):
        report.case("%s, for others" % point, end, {"ack"} if point == "idle" else {"busy"})
    finish(lab, report, holders, points, lambda point: {"ack"}, others)


def finish(lab, report, holders, points, allowed, others=()):
    """Lets the holders go on, has everybody do one more turn, and asks the independent reader."""
    go(holders)
    ends, errors = [each.outcome() for each in holders], [each.errors() for each in holders]
    do(holders)
    next_ends = [each.outcome() for each in holders]
    if others:
        do(others)
        report.case("the others' next turns", " ".join(sorted({each.outcome() for each in others})), {"ack"})
    wrong = oracle.judge(lab, list(holders) + list(others))
    for each, point, end, after, found in zip(holders, points, ends, next_ends, errors):
        complaints = wrong[each.session] + ([] if after == "ack" else ["its next turn: %s" % after])
        report.case(point, end, allowed(point), complaints, found + each.errors())
    kill(list(holders) + list(others))
