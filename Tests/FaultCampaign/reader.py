# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Reads copies of a session's two files with readers that know nothing of the store: the stock `sqlite3` shell, and GRDB."""

import os
import shutil
import subprocess
import threading

import history
from history import oracle

# What both readers say of a file, to be compared.
SUMMARY = """SELECT 'summary', (SELECT group_concat(integrity_check) FROM pragma_integrity_check) || ' ' || count(*) || ' ' ||
ifnull(max(turn), 0) || ' ' || ifnull(sum(length(body)), 0) || ' ' || (SELECT count(*) FROM requests) || ' ' ||
(SELECT epoch FROM meta) FROM log;""".replace("\n", " ")
SCRIPT = "SELECT 'integrity', integrity_check FROM pragma_integrity_check;\n%s\n%s\n" % (oracle.ROWS, SUMMARY)


class Copy:
    """The two files of a session as they are now, the log included, and the leases that there were until now. The session may
    be missing, for want of an acknowledgement: then what a creation may leave is no complaint."""

    def __init__(self, folder, target, leases, may_be_missing=False):
        self.path, self.leases, self.may_be_missing = os.path.join(target, "s.db"), list(leases), may_be_missing
        os.makedirs(target)
        for name in ("s.db", "s.db-wal"):
            if os.path.exists(os.path.join(folder, name)):
                shutil.copyfile(os.path.join(folder, name), os.path.join(target, name))

        # Within the headers of its first page: see `SessionFiles.clearIfUnwritten`.
        self.is_cut_off = not os.path.exists(self.path) or os.path.getsize(self.path) < 108

    def again(self):
        """Another copy, as the shell empties the log of the one that it reads."""
        folder = os.path.dirname(self.path)
        return Copy(folder, folder + ".again", self.leases).path


class GRDB:
    """A process that reads the databases whose paths it is given, with GRDB."""

    def __init__(self, program):
        self.lock, self.count = threading.Lock(), 0
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def summary(self, database):
        with self.lock:
            self.count += 1
            self.process.stdin.write(database + "\n")
            return self.process.stdout.readline().rstrip("\n")

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def shell(database):
    """What the shell says of a database, as lists of words; and its errors."""
    process = subprocess.run(["sqlite3", "-batch", database], input=SCRIPT, capture_output=True, text=True)
    return [line.split("|") for line in process.stdout.splitlines()], process.stderr.strip()


def judge(copy, grdb=None):
    """What is wrong with a copy of a session, in words. Leaves the order of its requests with the copy."""
    other = grdb.summary(copy.again()) if grdb else None
    rows, errors = shell(copy.path)
    copy.order = history.requests(rows)
    if copy.may_be_missing and (copy.is_cut_off or rows == [["integrity", "ok"]] and "no such table: log" in errors):
        return []
    wrong = history.judge(rows, copy.leases) + ([errors] if errors else [])
    mine = [row[1] for row in rows if row[0] == "summary"]
    if grdb and mine != [other]:
        wrong.append("the shell reads %s and GRDB %s" % (mine, other))
    return wrong
