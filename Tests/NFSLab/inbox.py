# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Two sandboxes that leave each other messages in the inbox of one session, or do them; one of them is killed and frozen."""

import time

import oracle
from lab import WRITERS

SESSION = "inbox"


class Correspondent:
    """`StoreWriter deliver` in a client, and the processes that have its name one after the other."""

    def __init__(self, client, name, count):
        self.client, self.name, self.count = client, name, count
        self.file = "%s/%s.%s" % (WRITERS, SESSION, name)
        self.told, self.errors, self.is_running = [], [], False

    def start(self):
        """Goes on behind what was acknowledged, which need not be all that it has left."""
        self.client.sh("su sandbox -s /bin/sh -c 'exec StoreWriter deliver /mnt %s %s %d %d' >>%s.out 2>&1 & echo $! >%s.pid" % (
            SESSION, self.name, len(self.told), self.count, self.file, self.file))

    def kill(self):
        self.client.sh("kill -9 $(cat %s.pid)" % self.file)

    def listen(self):
        lines = self.client.sh(
            "cat {0}.out; [ ! -e /proc/$(cat {0}.pid)/exe ] || echo running".format(self.file)).splitlines()
        self.is_running = "running" in lines
        words = [line.split() for line in lines if line != "running"]
        self.told = [word[1] for word in words if word[:1] in (["posted"], ["ack"])]
        self.errors = [" ".join(word) for word in words if word[:1] not in (["posted"], ["ack"])]
        self.posted = sum(word[:1] == ["posted"] for word in words)

    @property
    def is_done(self):
        return len(self.told) >= self.count


def wrong_with(told, rows, size):
    """What was acknowledged is in the log once, in the order of its writer, and nothing is left in the inbox."""
    log = [row[4] for row in rows if row[0] == "row" and row[3] == "input"]
    wrong = ["integrity: %s" % row[1:] for row in rows if row[0] == "integrity" and row[1:] != ["ok"]]
    wrong += ["acknowledged and lost: %s" % each for each in sorted(set(told) - set(log))]
    wrong += ["%s is there %d times" % (each, log.count(each)) for each in sorted(set(log)) if log.count(each) > 1]
    for name in sorted({each.split("/")[0] for each in log}):
        numbers = [int(each.split("/")[1]) for each in log if each.startswith(name + "/")]
        if numbers != sorted(numbers):
            wrong.append("the messages of %s are out of order" % name)
    return wrong + (["%s bytes are in the inbox that nobody attends to" % size] if size != "0" else [])


def correspond(lab, report, count=60):
    pair = [Correspondent(client, name, count) for client, name in zip(lab.clients, "ab")]
    # What befalls the first one, once each, when so many of its messages are acknowledged.
    plan = {count // 6: "killed", count // 3: "frozen", count // 2: "killed"}
    for each in pair:
        each.start()
    end = time.monotonic() + 600
    while not all(each.is_done for each in pair) and time.monotonic() < end:
        for each in pair:
            each.listen()
            if not each.is_running and not each.is_done:
                each.start()
        due = [number for number in plan if number <= len(pair[0].told)]
        for number in due:
            if plan.pop(number) == "killed":
                pair[0].kill()
            else:
                lab.clients[0].freeze("pause")
                # The other one takes over when the server has given up the frozen one.
                time.sleep(lab.lease * 1.5)
                lab.clients[0].thaw("pause")
        time.sleep(0.3)
    # What one who was killed has left is done by the next one.
    last = Correspondent(lab.clients[1], "z", 1)
    last.start()
    while not last.is_done and time.monotonic() < end:
        time.sleep(0.3)
        last.listen()
    told = [name for each in pair + [last] for name in each.told]
    size = lab.server.sh("stat -c %%s /export/root/agent/*/%s/s.db-inbox" % SESSION).strip()
    wrong = wrong_with(told, oracle.read(lab, [SESSION])[SESSION], size)
    wrong += ["it was not %s" % fate for fate in plan.values()]
    got, expected = "%d acknowledged" % len(told), "%d acknowledged" % (2 * count + 1)
    report.case("%d messages" % (2 * count), got, {expected}, wrong, [error for each in pair for error in each.errors])
    report.figure("left in the inbox, done by another", sum(each.posted for each in pair))
    report.figure("attempts that ended with an error", sum(len(each.errors) for each in pair))
