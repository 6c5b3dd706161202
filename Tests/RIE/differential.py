#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Runs the same scenarios under AWS's Runtime Interface Emulator and under `perdure dev`, and compares what was seen.

Seen by callers: status, body and the headers that matter. Seen by a runtime that says right and wrong things to the
Runtime API: the same. Each difference has to be in the table of differences.py, and each entry of that table has to show.
"""

import argparse
import base64
import concurrent.futures
import fnmatch
import http.client
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
import zlib

sys.dont_write_bytecode = True
import emulator  # noqa: E402 the line above must come first
import caller_scenarios  # noqa: E402
import concurrent_scenarios  # noqa: E402
import raw_scenarios  # noqa: E402
from differences import DIFFERENCES  # noqa: E402
from emulator import ConcurrentEmulator, Emulator, INVOKE  # noqa: E402
from perdure_dev import PerdureDev  # noqa: E402

RAW = os.path.join(emulator.HERE, "raw_runtime.py")
LIMIT = 2  # seconds that a script may take to its end once its callers are answered
# What callers of Lambda read. AWS's emulator has more headers, of the protocol behind its front door.
HEADERS = ("Content-Type", "X-Amz-Function-Error", "X-Amz-Executed-Version", "X-Amz-Log-Result", "x-amzn-errortype")

# What cannot be the same twice.
VARIABLE = [
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0"), "<trace>"),
    (re.compile(r"\b[12]\d{12}\b"), "<milliseconds>"),
    (re.compile(r"\b\d+(\.\d+)? ms\b"), "<time>"),
    (re.compile(r"\b\d+ MB\b"), "<memory>"),
]


def plain(value):
    """The value without what differs from run to run; long ones by their length and checksum."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return value
    if len(value) > 2000 or "\0" in value:
        return "%d bytes, %08x" % (len(value), zlib.crc32(value.encode("latin-1")))
    for pattern, name in VARIABLE:
        value = pattern.sub(name, value)
    return value


class Stage:
    """One run of one scenario under one emulator, and what was seen of it."""

    def __init__(self, kind):
        self.kind = kind
        self.seen = {}
        self.calls = 0

    def start(self, bootstrap, **environment):
        # So that both name the function in the same way.
        return self.kind(bootstrap, AWS_LAMBDA_FUNCTION_NAME="function", AWS_LAMBDA_FUNCTION_HANDLER="bootstrap",
                         AWS_ACCOUNT_ID="000000000000", **environment)

    def see(self, what, value):
        self.seen[what] = plain(value)

    def call(self, function, payload=b"{}", headers={}, method="POST", path=INVOKE, number=None, retries=False):
        if number is None:
            number, self.calls = self.calls, self.calls + 1
        limit = time.monotonic() + LIMIT
        while True:
            try:
                status, found, body = function.request(method, path, payload, headers)
            except (OSError, http.client.HTTPException) as error:
                in_time = "in time" if isinstance(error, TimeoutError) else "at all"
                return self.see("call %d status" % number, "no answer " + in_time)
            # The runtime has not come to ask for more; AWS's emulator keeps no queue of calls.
            if not (retries and status == 400 and b"Runtime.Unavailable" in body and time.monotonic() < limit):
                break
            time.sleep(0.002)
        self.see("call %d status" % number, status)
        self.see("call %d body" % number, body)
        for name in HEADERS:
            value = found.get(name.lower())
            if name == "X-Amz-Log-Result" and value is not None:
                value = base64.b64decode(value)
            if value is not None:
                self.see("call %d %s" % (number, name), value)

    def raw(self, scripts, calls, headers={}, **environment):
        """Runs scripts of raw_runtime.py. `calls` is how many calls are made one after the other, or what each waits for."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)  # the runtime may be another user
            with self.start(RAW, RECORD=folder, SCRIPTS=json.dumps(scripts), **environment) as function:
                if isinstance(calls, int):
                    for number in range(calls):
                        self.call(function, b'{"call":%d}' % number, headers)
                else:
                    self.call_at_once(function, calls, folder)
                for number in range(len(scripts)):
                    self.read(folder, number)

    def call_at_once(self, function, gates, folder):
        def call(number, gate):
            limit = time.monotonic() + 10
            while gate and not os.path.exists(os.path.join(folder, gate.rstrip("!"))) and time.monotonic() < limit:
                time.sleep(0.002)
            # With an exclamation mark it is not made again.
            self.call(function, b'{"call":%d}' % number, number=number, retries=not gate.endswith("!"))
            open(os.path.join(folder, "answered %d" % number), "w").close()

        threads = [threading.Thread(target=call, args=pair) for pair in enumerate(gates)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def read(self, folder, number):
        path, limit = os.path.join(folder, str(number)), time.monotonic() + LIMIT
        if not os.path.exists(path):
            return self.see("process %d" % number, "was not started")
        while not os.path.exists(path + ".done") and time.monotonic() < limit:
            time.sleep(0.002)
        with open(path) as file:
            lines = [json.loads(line) for line in file]
        for index, line in enumerate(lines):
            what = "%d.%d %s:" % (number, index, line["request"])
            self.see(what + " status", line["status"])
            self.see(what + " body", line.get("body"))
            for name, value in line.get("headers", {}).items():
                self.see(what + " " + name, value)


def scenarios(echo, misbehaving):
    """(name, what is played on a Stage, the class of AWS's emulator) of each scenario."""
    found = [("call: " + name, play, Emulator) for name, play in caller_scenarios.scenarios(echo, misbehaving)]
    for name, scripts, calls in raw_scenarios.SCENARIOS:
        found.append(("runtime: " + name,
                      lambda stage, scripts=scripts, calls=calls: stage.raw(scripts, calls), Emulator))
    if not ConcurrentEmulator.is_possible():
        return found
    for name, play in caller_scenarios.concurrent_scenarios(echo, misbehaving):
        found.append(("concurrent: " + name, play, ConcurrentEmulator))
    for name, scripts, calls in concurrent_scenarios.SCENARIOS:
        found.append(("concurrent: " + name, lambda stage, scripts=scripts, calls=calls: stage.raw(
            scripts, calls, AWS_LAMBDA_MAX_CONCURRENCY="3"), ConcurrentEmulator))
    return found


def play(scenario, kind):
    stage = Stage(kind)
    scenario(stage)
    return stage.seen


def compare(name, theirs, ours, table, shown):
    """The differences that are not in the table, in words. Adds the entries that explain one to `shown`."""
    unlisted = []
    for what in sorted(set(theirs) | set(ours)):
        pair = theirs.get(what), ours.get(what)
        if pair[0] == pair[1]:
            continue
        for index, (scenario, pattern, *expected, _) in enumerate(table):
            if fnmatch.fnmatchcase(name, scenario) and fnmatch.fnmatchcase(what, pattern) and tuple(expected) == pair:
                shown.add(index)
                break
        else:
            unlisted.append("%s:\n    AWS's  %r\n    ours   %r" % (what, *pair))
    return unlisted


def stale(table, shown, names):
    """The entries that no scenario showed, of those for scenarios that ran."""
    return ["the table has a difference that does not show: %r" % (entry[:4],) for index, entry in enumerate(table)
            if index not in shown and any(fnmatch.fnmatchcase(name, entry[0]) for name in names)]


def self_test():
    table = [("a*", "call ? status", 1, 2, "why")]
    cases = [
        ("same", {"call 0 status": 1}, {"call 0 status": 1}, 0, 0),
        ("a", {"call 0 status": 1}, {"call 0 status": 2}, 0, 1),
        ("b", {"call 0 status": 1}, {"call 0 status": 2}, 1, 0),
        ("a", {"call 0 status": 1}, {"call 0 status": 3}, 1, 0),
        ("a", {"call 0 status": 1}, {}, 1, 0),
        ("a", {"call 0 body": 1}, {"call 0 body": 2}, 1, 0),
    ]
    for name, theirs, ours, unlisted, shows in cases:
        shown = set()
        assert len(compare(name, theirs, ours, table, shown)) == unlisted and len(shown) == shows, name
        assert len(stale(table, shown, [name])) == (name == "a" and not shows), name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--perdure", required=True, metavar="PATH", help="the perdure command")
    parser.add_argument("--echo", required=True, metavar="PATH", help="a bootstrap that answers with what it was asked")
    parser.add_argument("--misbehaving", required=True, metavar="PATH", help="the bootstrap built from Misbehaving")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="the scenarios to run")
    parser.add_argument("--verbose", action="store_true", help="name the scenarios that show nothing new, too")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    self_test()
    PerdureDev.program = os.path.abspath(arguments.perdure)
    emulator.emulator()

    started, failed, shown, names = time.monotonic(), 0, set(), []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, scenario, kind in scenarios(arguments.echo, arguments.misbehaving):
            if not fnmatch.fnmatchcase(name, arguments.only):
                continue
            names.append(name)
            begun = time.monotonic()
            both = [pool.submit(play, scenario, one) for one in (kind, PerdureDev)]
            try:
                wrong = compare(name, both[0].result(), both[1].result(), DIFFERENCES, shown)
            except Exception as failure:  # the others are to run all the same
                wrong = ["%s: %s\n%s" % (type(failure).__name__, failure, getattr(failure, "emulator_output", ""))]
            failed += bool(wrong)
            if wrong or arguments.verbose:
                print("%-6s %s (%.1f s)" % ("FAILED" if wrong else "ok", name, time.monotonic() - begun), flush=True)
                print("".join("  %s\n" % line for line in wrong), end="", flush=True)
    rest = stale(DIFFERENCES, shown, names) if arguments.only == "*" else []
    for line in rest:
        print("FAILED " + line)
    if not ConcurrentEmulator.is_possible():
        print("skipped: several invocations at once, which AWS's emulator needs root and a mount namespace for")
    print("%d scenarios under both emulators: %d differ in what is not listed; %d of %d listed differences were seen (%.0f s)"
          % (len(names), failed, len(shown), len(DIFFERENCES), time.monotonic() - started))
    sys.exit(1 if failed or rest else 0)


if __name__ == "__main__":
    main()
