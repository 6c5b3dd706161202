# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""The tables, as Markdown has them."""

import model
from point import EFFECTS, FAULTS, MODES


def times(runs):
    """"1", or "0 to 2"."""
    return "%d" % runs[0] if min(runs) == max(runs) else "%d to %d" % (min(runs), max(runs))


def summary(cells, found, peers, versions):
    rows = []
    for cell in cells:
        points = found.get(cell)
        if points:
            rows.append(dict(row(points), mode=cell[0], effect=cell[1], fault=cell[2], points=points))
    others = [dict(row(points), mode=key[1], peer=key[0], points=points) for key, points in sorted(peers.items())]
    return {"cells": rows, "peers": others, "versions": versions}


def row(points):
    window = [each for each in points if each["window"]]
    runs = [count for each in points for count in each["runs"]]
    return {
        "boundaries": len(points), "leastRuns": min(runs), "mostRuns": max(runs),
        "repeatedEffects": sum(any(count > 1 for count in each["runs"]) for each in points),
        "sameKeys": all(each["sameKeys"] for each in points),
        "paidTwice": sum(max(0, each["extra"]) for each in points if not each["window"]),
        "window": len(window), "paidInWindow": sum(max(0, each["extra"]) for each in window),
        "unknown": sum(each["unknown"] for each in points), "goOn": sum(each["goesOn"] for each in points)}


def table(head, rows):
    """A table of Markdown, with columns as wide as what is in them."""
    widths = [max(len(each[column]) for each in [head, *rows]) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(each, widths)) + " |" for each in [head, *rows]]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def text(found):
    parts = []
    if found["cells"]:
        head = ["tools", "effect", "fault", "boundaries", "runs of an effect", "paid twice", "in the window: paid again",
                "told unknown", "go on"]
        parts.append(table(head, [[
            each["mode"], each["effect"], each["fault"], str(each["boundaries"]),
            times([each["leastRuns"], each["mostRuns"]]) + (
                ", same key" if each["mostRuns"] > 1 and each["sameKeys"] else ", OTHER KEY" if not each["sameKeys"] else ""),
            str(each["paidTwice"]), "%d of %d" % (each["paidInWindow"], each["window"]), str(each["unknown"]),
            "%d of %d" % (each["goOn"], each["boundaries"])] for each in found["cells"]]))
    if found["peers"]:
        head = ["", "tools", "boundaries", "runs of an effect", "boundaries with an effect run again", "model calls paid again",
                "of them in the window", "go on"]
        parts.append(table(head, [[
            each["peer"], each["mode"], str(each["boundaries"]), times([each["leastRuns"], each["mostRuns"]]),
            str(each["repeatedEffects"]), str(each["paidTwice"] + each["paidInWindow"]), str(each["paidInWindow"]),
            "%d of %d" % (each["goOn"], each["boundaries"])] for each in found["peers"]]))
    if found["versions"]:
        parts.append(", ".join("%s %s" % each for each in found["versions"].items()))
    return "\n\n".join(parts)
