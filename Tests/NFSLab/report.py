# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""The results: a line for each case as it ends, a table and a JSON document at the end."""

import json
import sys
import time


class Report:
    def __init__(self):
        self.rows, self.figures, self.notes, self.scenario = [], {}, [], ""
        self.started = time.monotonic()

    def say(self, text):
        print("%6.1f s  %s" % (time.monotonic() - self.started, text), file=sys.stderr, flush=True)

    def case(self, name, got, allowed, wrong=(), errors=()):
        """One case: what became of it, which ends are right, what the independent reader complains of, and the errors in
        the store's words."""
        right = got in allowed and not wrong
        self.rows.append({"scenario": self.scenario, "case": name, "got": got, "allowed": sorted(allowed),
                          "wrong": list(wrong), "errors": list(errors), "ok": right})
        self.say("%-6s %-34s %s%s" % ("ok" if right else "FAILED", "%s: %s" % (self.scenario, name), got, "".join(
            "; " + each for each in wrong) + ("" if got in allowed else "; allowed: " + ", ".join(sorted(allowed)))))
        if not right:
            for error in errors:
                self.say("         " + error)

    def begin(self, scenario):
        self.scenario = scenario
        self.say(scenario)

    def note(self, line):
        """A line of a table that belongs to the scenario."""
        self.notes.append(line)

    def figure(self, name, value):
        self.figures["%s: %s" % (self.scenario, name)] = value

    @property
    def failed(self):
        return [row for row in self.rows if not row["ok"]]

    def table(self):
        width = max([len(row["scenario"]) + len(row["case"]) + 2 for row in self.rows] or [0])
        for row in self.rows:
            name = "%s: %s" % (row["scenario"], row["case"])
            print("%-*s  %-6s  %s" % (width, name, "ok" if row["ok"] else "FAILED", "; ".join([row["got"]] + row["wrong"])))
        for name, value in self.figures.items():
            if not isinstance(value, dict):
                print("%-*s  %s" % (width, name, value))
        if self.notes:
            print("\n".join(self.notes))
        # The form that readers of test results know.
        print("%d passed, %d failed" % (len(self.rows) - len(self.failed), len(self.failed)))

    def json(self):
        return json.dumps({"cases": self.rows, "figures": self.figures}, indent=1)
