# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Counts what a process does to the files below a folder, between two marks that it sets itself, with strace."""

import os
import re
import subprocess
import tempfile

WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2"}
READS = {"read", "readv", "pread64", "preadv", "preadv2"}
SYNCS = {"fsync", "fdatasync", "msync", "sync", "syncfs"}

LINE = re.compile(r"(\d+) +(.*)")
CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|\?|0x[0-9a-f]+)")
RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
UNFINISHED = re.compile(r"(.*) <unfinished \.\.\.>$")


def calls(lines):
    """(name, arguments, result) of each system call of every thread, in the order in which they ended."""
    begun = {}
    for line in lines:
        parts = LINE.match(line)
        if not parts:
            continue
        thread, text = parts.groups()
        cut = UNFINISHED.match(text)
        if cut:
            begun[thread] = cut.group(1)
            continue
        rest = RESUMED.match(text)
        if rest:
            text = begun.pop(thread, "") + rest.group(1)
        call = CALL.match(text)
        if call:
            yield call.groups()


def count(lines, root):
    """What was done below the folder between the marks; None when there are no marks."""
    counts = {"calls": 0, "bytesWritten": 0, "bytesRead": 0, "writes": 0, "reads": 0, "syncs": 0}
    inside = complete = False
    for name, arguments, result in calls(lines):
        if '%s/.begin"' % root in arguments:
            inside = True
        elif '%s/.end"' % root in arguments:
            complete = inside
            inside = False
        # The path that strace adds to a descriptor, or one that is an argument.
        elif inside and (root in arguments or name in ("sync", "syncfs")):
            counts["calls"] += 1
            amount = int(result) if result.isdigit() else 0
            if name in WRITES:
                counts["writes"] += 1
                counts["bytesWritten"] += amount
            elif name in READS:
                counts["reads"] += 1
                counts["bytesRead"] += amount
            elif name in SYNCS:
                counts["syncs"] += 1
    return counts if complete else None


def trace(command, root, limit):
    """Runs the command under strace; what it printed, and what it did between its marks."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace")
        # -y: the path of each descriptor. -s 0: no contents; names of files are shown whole all the same.
        result = subprocess.run(["strace", "-f", "-y", "-s", "0", "-qq", "-e", "signal=none", "-o", path, *command],
                                stdout=subprocess.PIPE, text=True, timeout=limit)
        if result.returncode != 0:
            raise SystemExit("run: strace %s ended with %d" % (" ".join(command), result.returncode))
        with open(path, errors="replace") as lines:
            counted = count(lines, os.path.realpath(root))
    if counted is None:
        raise SystemExit("run: there is no mark in the trace of %s" % " ".join(command))
    return result.stdout, counted


def self_test():
    """A trace of two threads, with a call that was interrupted by another thread's, and calls that do not count."""
    lines = """\
7 pwrite64(3</a/s.db>, ""..., 10, 0) = 10
7 access("/a/.begin", F_OK) = -1 ENOENT (No such file or directory)
7 pwrite64(3</a/s.db-wal>, ""..., 10, 0 <unfinished ...>
8 futex(0x1, FUTEX_WAIT, 2, NULL) = 0
8 write(1</b/out>, ""..., 9) = 9
7 <... pwrite64 resumed>) = 10
8 fdatasync(3</a/s.db-wal>) = 0
8 openat(AT_FDCWD</b>, "/a/s.db", O_RDWR) = 3</a/s.db>
7 pread64(3</a/s.db>, ""..., 4096, 0) = 4096
7 access("/a/.end", F_OK) = -1 ENOENT (No such file or directory)
7 fsync(3</a/s.db>) = 0
"""
    found = count(lines.splitlines(), "/a")
    wanted = {"calls": 4, "bytesWritten": 10, "bytesRead": 4096, "writes": 1, "reads": 1, "syncs": 1}
    return found == wanted and count(lines.splitlines()[:-3], "/a") is None
