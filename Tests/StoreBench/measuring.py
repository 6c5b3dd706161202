# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""The passes of the comparison: each is a process of a store, on a folder of its own."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import tracing

HERE = os.path.dirname(os.path.abspath(__file__))
OURS, JOINED = "perdure", "perdure, one commit"
PEERS = ("langgraph", "openai", "strands")
MESSAGE = 2048
# How many messages a turn reads, and the stores that can give the newest alone.
NEWEST, GIVE_NEWEST = 20, (OURS, "openai")
# How long one process may take, in seconds.
LIMIT = 900
# Folders up to this size are copied for each pass, so that every pass begins with the same history.
COPIED = 300_000_000


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, folder, writer, python, build_limit):
        self.folder, self.writer, self.python, self.build_limit = folder, writer, python, build_limit
        self.number = 0

    def command(self, store, *words):
        """The process of a store; the two forms of this package's turn differ in one word."""
        words = [str(word) for word in words]
        if store == JOINED and words[0] == "turns":
            words[0] = "joined"
        # -W error: a warning would be a finding.
        return ([self.writer] if store in (OURS, JOINED) else
                [self.python, "-W", "error", os.path.join(HERE, "peers.py"), store]) + words

    def call(self, store, *words):
        result = subprocess.run(self.command(store, *words), stdout=subprocess.PIPE, text=True, timeout=LIMIT)
        if result.returncode != 0:
            raise SystemExit("run: %s %s ended with %d" % (store, " ".join(map(str, words)), result.returncode))
        return json.loads(result.stdout)

    def new_folder(self):
        self.number += 1
        path = os.path.join(self.folder, str(self.number))
        os.makedirs(path)
        return path

    # MARK: histories

    def build(self, store, count):
        """(folder, what is not as it should be). LangGraph's are built turn by turn, as what it keeps of a turn is what its
        size on the disk consists of."""
        root = self.new_folder()
        if store != "langgraph":
            self.call(store, "build", root, count)
            return root, None
        if count > 1000:
            self.call(store, "build", root, count)
            return root, "made in one checkpoint, as %d turns would take a hundred times the disk of 500" % (count // 2)
        done = len(self.call(store, "turns", root, "build", count // 2, "", self.build_limit)["nanoseconds"])
        if done < count // 2:
            shutil.rmtree(root)
            return None, "%d of %d turns took %d s" % (done, count // 2, self.build_limit)
        return root, None

    def measure(self, store, count, turns, timed, repeats):
        """Everything about one store with one length of history."""
        say("%s, %d messages" % (store, count))
        root, remark = self.build(store, count)
        if root is None:
            return {"notRun": remark}
        found = {"disk": None if remark else disk_use(root), "remark": remark}
        if store == OURS:
            found["log"] = log_size(root)
        for kind, newest in (("resumeNewest", NEWEST), ("resumeAll", 0)):
            found[kind] = self.resume(store, root, newest, repeats) if newest == 0 or store in GIVE_NEWEST else None
        found.update(self.turns(store, root, turns, timed))
        if store == OURS:
            found["joined"] = self.turns(JOINED, root, turns, timed)
        shutil.rmtree(root)
        return found

    def resume(self, store, root, newest, repeats):
        """Nanoseconds of a new process until it has what it asked for."""
        times = []
        started = time.monotonic()
        for _ in range(repeats):
            times.append(self.call(store, "resume", root, newest)["nanoseconds"])
            if len(times) >= 3 and time.monotonic() - started > 60:
                break
        return spread(times)

    def turns(self, store, root, traced, timed):
        """What a turn comes to, after a first one: counts under strace, and its time without; 0 timed turns: with."""
        with Copy(root) as copy:
            output, counts = tracing.trace(self.command(store, "turns", copy, "traced", traced + 1), copy, LIMIT)
            answer = json.loads(output)
            expect_no_errors(store, answer)
        found = {key: value / traced for key, value in counts.items()}
        if timed > 0:
            with Copy(root) as copy:
                gate_and_limit = [] if store in (OURS, JOINED) else ["", 60]
                answer = self.call(store, "turns", copy, "timed", timed + 1, *gate_and_limit)
                expect_no_errors(store, answer)
        found["time"] = spread(answer["nanoseconds"][1:])
        return found

    # MARK: over many turns

    def shares(self, store, count, turns):
        """Counts of a turn with its share of the checkpoints, over so many turns that there are some."""
        say("%s, %d turns with their checkpoints" % (store, turns))
        root, _ = self.build(OURS if store == JOINED else store, count)
        _, counts = tracing.trace(self.command(store, "turns", root, "many", turns + 1), root, LIMIT)
        shutil.rmtree(root)
        return {key: value / turns for key, value in counts.items()}

    def resumes(self, short, long, rounds):
        """A new process with a short history, a long one, and the long one with the longest log that a session ever has
        between two turns. In turns, so that each is compared with what the machine did at the same time."""
        say("%s, new processes with %d and %d messages" % (OURS, short, long))
        roots = {"short": self.build(OURS, short)[0], "long": self.build(OURS, long)[0]}
        roots["longestLog"], log = self.with_longest_log(roots["long"])
        times = {name: [] for name in roots}
        for _ in range(rounds):
            for name, root in roots.items():
                times[name].append(self.call(OURS, "resume", root, NEWEST)["nanoseconds"])
        for root in roots.values():
            shutil.rmtree(root)
        return {"log": log, **{name: {"least": min(found), "ratio": statistics.median(
            each / short for each, short in zip(found, times["short"]))} for name, found in times.items()}}

    def with_longest_log(self, root):
        """(a copy of the session with turns until the next one would empty the log, the size of that)."""
        grown, kept = root + "-grown", root + "-longest"
        shutil.copytree(root, grown)
        longest, number = 0, 0
        while True:
            self.call(OURS, "turns", grown, "long%d" % number, 2)
            number += 1
            size = log_size(grown)
            if size < longest:
                shutil.rmtree(grown)
                return kept, longest
            longest = size
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(grown, kept)

    def steps(self, count, rounds):
        """Commits of one message in one lease, and what the disk itself can do, in turns."""
        say("%d commits in one lease, %d rounds" % (count, rounds))
        root = self.new_folder()
        found = {"floor": [], "steps": []}
        for _ in range(rounds):
            for kind, rates in (("floor", found["floor"]), ("steps", found["steps"])):
                rates.append(count * 1e9 / self.call(OURS, kind, root, count)["nanoseconds"])
        shutil.rmtree(root)
        ratios = [steps / floor for steps, floor in zip(found["steps"], found["floor"])]
        return {"floor": statistics.median(found["floor"]), "steps": statistics.median(found["steps"]),
                "ratio": statistics.median(ratios), "leastRatio": min(ratios), "mostRatio": max(ratios)}

    def compete(self, store, turns):
        """Two processes with so many turns each, at once, on one session, and a model that takes 5 ms."""
        say("%s, two processes with %d turns each" % (store, turns))
        root = self.new_folder()
        gate = root + ".gate"
        self.call(store, "kept", root)
        writers = [subprocess.Popen(self.command(store, "turns", root, name, turns, gate), stdout=subprocess.PIPE, text=True)
                   for name in ("a", "b")]
        for writer in writers:
            if writer.stdout.readline() != "ready\n":
                raise SystemExit("run: a writer of %s did not begin" % store)
        open(gate, "w").close()
        answers = []
        for writer in writers:
            output, _ = writer.communicate(timeout=LIMIT)
            # One that ended with an error of its own says nothing more.
            answers.append(json.loads(output) if writer.returncode == 0 else {"errors": 1, "kinds": ["exit"]})
        kept = self.call(store, "kept", root)["messages"]
        os.unlink(gate)
        shutil.rmtree(root)
        return {"kept": sum(min(2, kept.count(word)) for word in set(kept)), "of": 4 * turns,
                "split": sum(kept.count(word) == 2 and kept[kept.index(word) + 1] != word for word in set(kept)),
                "errors": sum(answer["errors"] for answer in answers),
                "kinds": sorted({kind for answer in answers for kind in answer["kinds"]})}


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


class Copy:
    """The folder's copy, or the folder itself where that is too large."""

    def __init__(self, root):
        self.root, self.path = root, root

    def __enter__(self):
        if disk_use(self.root) <= COPIED:
            self.path = self.root + "-copy"
            shutil.copytree(self.root, self.path)
        return self.path

    def __exit__(self, *_):
        if self.path != self.root:
            shutil.rmtree(self.path)


def files_below(root):
    return [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]


def disk_use(root):
    """What the files below a folder take on the disk."""
    return sum(os.stat(path).st_blocks * 512 for path in files_below(root))


def log_size(root):
    return sum(os.path.getsize(path) for path in files_below(root) if path.endswith("-wal"))


def expect_no_errors(store, answer):
    if answer["errors"]:
        raise SystemExit("run: a turn of %s failed: %s" % (store, ", ".join(answer["kinds"])))
