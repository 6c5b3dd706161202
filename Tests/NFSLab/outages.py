# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What else befalls a turn: the server restarts, the network is cut, the machine is destroyed, the files are replaced."""

import time

import freezes
import oracle
from freezes import CHECKPOINT, LONG, LOST, hold, writers
from lab import Writer, do, go, kill, listen, start, tell, wait_for


def settle(holders):
    """The ends and the errors of the writers' turns, and the ends of one more turn of each."""
    ends = [each.outcome() for each in holders]
    errors = [each.errors() for each in holders]
    do(holders, limit=150)
    after = [each.outcome() for each in holders]
    return ends, errors, after


def server_restart(lab, report):
    """The server restarts while turns are under way; the clients take their locks back within its grace period."""
    points = ("idle", "leased", "transaction", "written", "committed", "acknowledged")
    holders = writers(lab, 0, "a", ["restart-" + each for each in points])
    others = writers(lab, 1, "b", [each.session for each in holders])
    start(holders + others)
    do(holders)
    hold(holders, points)
    lab.server.reset()
    go(holders, limit=150)
    ends, errors, after = settle(holders)
    do(others, limit=150)
    theirs = [each.outcome() for each in others]
    wrong = oracle.judge(lab, holders + others)
    for index, point in enumerate(points):
        complaints = wrong[holders[index].session] + ["%s: %s" % pair for pair in (
            ("its next turn", after[index]), ("the other one's turn", theirs[index])) if pair[1] != "ack"]
        report.case(point, ends[index], {"ack"}, complaints, errors[index])
    kill(holders + others)


def server_restart_missed(lab, report):
    """The server restarts and ends its grace period while the sandbox is frozen: its locks cannot be taken back."""
    points = ("idle", "leased", "transaction", "written", "committed", "acknowledged")
    cases = [(point, taken) for point in points for taken in (True, False)]
    holders = writers(lab, 0, "a", ["missed-%s-%s" % (point, "taken" if taken else "alone") for point, taken in cases])
    others = [each for each, (_, taken) in zip(writers(lab, 1, "b", [each.session for each in holders]), cases) if taken]
    start(holders + others)
    do(holders)
    hold(holders, [point for point, _ in cases])
    lab.clients[0].freeze("pause")
    lab.server.reset()
    # The first turn of another sandbox waits for the end of the grace period.
    do(others, limit=150)
    theirs = [each.outcome() for each in others]
    time.sleep(lab.lease * 0.5)
    lab.clients[0].thaw("pause")
    go(holders, limit=150)
    ends, errors, after = settle(holders)
    wrong = oracle.judge(lab, holders + others)
    for index, (point, taken) in enumerate(cases):
        complaints = wrong[holders[index].session] + (
            [] if after[index] == "ack" else ["its next turn: %s" % after[index]])
        report.case("%s, %s" % (point, "taken over" if taken else "alone"), ends[index],
                    freezes.ends_after_loss(point), complaints, errors[index])
    report.case("the others' turns", " ".join(sorted(set(theirs))), {"ack"})
    kill(holders + others)


def partition(lab, report, seconds, taken):
    """The network of a sandbox is cut while it locks, writes and syncs, and comes back before or after its lease ended."""
    points = ("idle", "leased", "transaction", "written", "committed", "acknowledged")
    word = "long" if taken else "short"
    holders = writers(lab, 0, "a", ["cut-%s-%s" % (word, point) for point in points])
    others = writers(lab, 1, "b", [each.session for each in holders])
    start(holders + others)
    do(holders)
    hold(holders, points)
    lab.clients[0].plug(False)
    cut = time.monotonic()
    # They go on into the dead line: lock, write, sync or unlock.
    go(holders, wait=False)
    if taken:
        do(others, limit=150)
    time.sleep(max(0, cut + seconds - time.monotonic()))
    lab.clients[0].plug(True)
    wait_for(holders, "done", 200)
    report.figure("seconds from the reconnection to the end of the turns (%s)" % word,
                  round(time.monotonic() - cut - seconds, 1))
    ends, errors, after = settle(holders)
    do(others, limit=150)
    theirs = [each.outcome() for each in others]
    wrong = oracle.judge(lab, holders + others)
    for index, point in enumerate(points):
        complaints = wrong[holders[index].session] + ["%s: %s" % pair for pair in (
            ("its next turn", after[index]), ("the other one's turn", theirs[index])) if pair[1] != "ack"]
        # A commit that the server had before the line was cut may be acknowledged afterwards.
        report.case(point, ends[index], freezes.ends_after_loss(point) if taken else {"ack"}, complaints, errors[index])
    kill(holders + others)


def destroyed(lab, report):
    """A machine is destroyed at ten points of a turn and in free running; another sandbox goes on after one lease."""
    points = ("idle", "leased", "transaction", "written", "committed", "acknowledged", "checkpoint", "copied", "truncate")
    names = ["gone-" + point for point in points]
    holders = writers(lab, 0, "a", names)
    fresh, free = Writer(lab.clients[0], "gone-created", "a"), Writer(lab.clients[0], "gone-running", "a")
    start(holders + [fresh, free])
    do(holders)
    hold(holders + [fresh], points + ("leased",))
    tell([(free.client, "; ".join(["(" + free.turn()] + [free.turn() for _ in range(30)]) + ")")])
    wait_for([free], "ack")
    client = lab.clients[0]
    everybody = holders + [fresh, free]
    # What was said after this is not known, as it would not be to an invocation's caller.
    listen(everybody)
    client.destroy()
    gone = time.monotonic()
    takers = writers(lab, 1, "b", [each.session for each in everybody])
    start(takers)
    tell([(each.client, each.turn(wait=90)) for each in takers])
    busy = [each for each in takers if each.session not in ("gone-idle", "gone-running")]
    wait_for(busy[:1], "leased", 120)
    waited = time.monotonic() - gone
    report.figure("seconds until a destroyed machine's session was leased", round(waited, 1))
    wait_for(takers, "done", 120)
    wrong = oracle.judge(lab, everybody + takers)
    for taker, point in zip(takers, points + ("created", "running")):
        report.case(point, taker.outcome(), {"ack"}, wrong[taker.session], taker.errors())
    kill(takers)
    lab.clients[0] = lab.boot(client.number).ready()
    lab.check_mount(lab.clients[0])


# What somebody does to the files of a session, in the folder $d, while it is leased.
REPLACEMENTS = {
    "the folder is renamed": "mv $d $d.old",
    "both files are deleted": "rm $d/s.db $d/s.db-wal",
    "the database is deleted": "rm $d/s.db",
    "the log is deleted": "rm $d/s.db-wal",
    "a copy takes the place of both": "cp -rp $d $d.new && mv $d $d.old && mv $d.new $d",
}


def replaced(lab, report):
    """Somebody replaces the files of a leased session. That is never right to do. A commit that is acknowledged is in the
    files that were leased, wherever they are, and gone with them if they are; the next turn ends in an orderly way."""
    names = ["replaced-%d" % index for index in range(len(REPLACEMENTS))]
    holders = writers(lab, 0, "a", names)
    start(holders)
    do(holders)
    hold(holders, ["leased"] * len(holders))
    for name, command in zip(names, REPLACEMENTS.values()):
        lab.clients[1].sh("d=$(echo /mnt/agent/*/%s); %s" % (name, command))
    go(holders)
    ends, errors, after = settle(holders)
    found, old = oracle.read(lab, names), oracle.read(lab, names, ".old")
    for each, what, end, error, then in zip(holders, REPLACEMENTS, ends, errors, after):
        there = [row[4] for rows in (found, old) for row in rows[each.session] if row[0] == "row"]
        gone = [request for request in each.acknowledged[1:] if request not in there]
        # Giving a deleted file back may fail, too.
        turns = {"ack"} | LOST | ({"ack+" + each for each in LOST} if "deleted" in what else set())
        allowed = {each + ", then ack" for each in turns}
        if "deleted" in what:
            # The client may believe in the deleted file for a while (ESTALE), as it believes what it knows of names.
            allowed |= {"ack, then damaged", "ack, then inputOutput"}
            allowed |= {each + ", gone" for each in allowed}
        report.case(what, "%s, then %s%s" % (end, then, ", gone" if gone else ""), allowed, (), error)
    kill(holders)
