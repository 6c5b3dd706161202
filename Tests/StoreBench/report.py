# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What the results are held against, and how they are shown: tables as Markdown has them."""

from measuring import JOINED, MESSAGE, OURS

NAMES = {
    OURS: "SessionStore", JOINED: "SessionStore, one commit", "langgraph": "LangGraph `SqliteSaver`",
    "openai": "OpenAI `SQLiteSession`", "strands": "Strands `FileSessionManager`",
}
LIMIT = 25_000


def targets(results):
    """Each target with what was found. A missed one that is a count is an error: `isCount`."""
    found = []

    def add(target, value, met, is_count):
        found.append({"target": target, "value": value, "met": met, "isCount": is_count})

    ours = results["stores"][OURS]
    first, last = (str(results["histories"][index]) for index in (0, -1))
    for form, syncs, pick in (("two commits", 2, lambda each: each), ("one commit", 1, lambda each: each["joined"])):
        written = [pick(each)["bytesWritten"] for each in ours.values()]
        add("at most %s written in a turn of %s" % (size(LIMIT), form), "%s to %s" % (size(min(written)), size(max(written))),
            max(written) <= LIMIT, True)
        add("as many bytes for a long history as for a short one, with %s (an index of one more level: at most 1.2 times)"
            % form, "%.2f times" % (max(written) / min(written)), max(written) <= 1.2 * min(written), True)
        most = max(pick(each)["syncs"] for each in ours.values())
        add("%d sync%s in a turn of %s" % (syncs, "s" if syncs > 1 else "", form), "%g" % most, most <= syncs, True)
    for form, share in results.get("shares", {}).items():
        if form in (OURS, JOINED):
            add("at most %s a turn with its share of checkpoints, %s" % (
                size(LIMIT), "one commit" if form == JOINED else "two commits"),
                "%s, %.2f syncs" % (size(share["bytesWritten"]), share["syncs"]), share["bytesWritten"] <= LIMIT, True)
    if ours[last].get("disk"):
        ratio = ours[last]["disk"] / (int(last) * MESSAGE)
        add("at most twice the text on the disk, %s messages" % number(last), "%.2f times" % ratio, ratio <= 2, True)
    if "resumes" in results:
        for form, key in (("", "long"), (", with the longest log", "longestLog")):
            ratio = results["resumes"][key]["ratio"]
            add("a new process with %s messages: at most twice the time as with %s%s" % (number(last), first, form),
                "%.2f times" % ratio, ratio <= 2, False)
    if "steps" in results:
        steps = results["steps"]
        add("at least 1,000 commits a second, where the disk can do as many", "%s, where the disk itself did %s" % (number(steps["steps"]),
            number(steps["floor"])), steps["steps"] >= 1000 if steps["floor"] >= 1000 else None, False)
    for store, each in results.get("competing", {}).items():
        if store == OURS:
            add("two processes lose and interleave nothing", "%d of %d kept, %d apart" % (each["kept"], each["of"], each["split"]),
                each["kept"] == each["of"] and not each["split"] and not each["errors"], True)
    return found


def missed(found):
    return [each["target"] + ": " + each["value"] for each in found if each["isCount"] and not each["met"]]


# MARK: text

def number(value):
    return "{:,}".format(round(float(value)))


def size(value):
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if value >= factor:
            scaled = value / factor
            return ("%.0f %s" if scaled >= 100 else "%.1f %s" if scaled >= 10 else "%.2f %s") % (scaled, unit)
    return "%d B" % value


def time(nanoseconds):
    value = nanoseconds / 1e6
    return "%s ms" % number(value) if value >= 100 else "%.1f ms" % value if value >= 10 else "%.2f ms" % value


def times(spread):
    """The least and the median: what else the machine does makes them differ."""
    return "%s, %s" % (time(spread["least"]), time(spread["median"]))


def table(head, rows):
    """A table of Markdown, with columns as wide as what is in them."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in [head, *rows]]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def by_history(results, what, pick, joined=False):
    """A table with a column for each length of history; `pick` gives a cell's text, or None where there is nothing."""
    histories = [str(count) for count in results["histories"]]
    rows = []
    for store, measured in results["stores"].items():
        for form in (OURS, JOINED) if store == OURS and joined else (store,):
            cells = []
            for count in histories:
                each = measured.get(count, {"notRun": ""})
                if form == JOINED:
                    each = each["joined"]
                cells.append("not run" if "notRun" in each else pick(each, int(count)) or "–")
            if any(cell != "–" for cell in cells):
                rows.append([NAMES[form], *cells])
    return table([what, *(number(count) for count in histories)], rows)


def remarks(results):
    for store, measured in results["stores"].items():
        for count, each in measured.items():
            if each.get("notRun"):
                yield "not run: %s with %s messages: %s" % (NAMES[store], number(count), each["notRun"])
            elif each.get("remark"):
                yield "not run: the size of %s with %s messages: %s" % (NAMES[store], number(count), each["remark"])


def text(results):
    def resume(kind):
        return lambda each, count: each.get(kind) and times(each[kind])

    def disk(each, count):
        if each.get("disk"):
            return "%s, %.2f ×" % (size(each["disk"]), each["disk"] / (count * MESSAGE))
        return "not run" if each.get("remark") else None

    parts = [
        by_history(results, "bytes written a turn", lambda each, _: size(each["bytesWritten"]), True),
        by_history(results, "syncs a turn", lambda each, _: "%g" % each["syncs"], True),
        by_history(results, "system calls a turn", lambda each, _: number(each["calls"]), True),
        by_history(results, "bytes read a turn", lambda each, _: size(each["bytesRead"]), True),
        by_history(results, "time of a turn: least, median", lambda each, _: times(each["time"]), True),
        by_history(results, "new process, newest 20: least, median", resume("resumeNewest")),
        by_history(results, "new process, all: least, median", resume("resumeAll")),
        by_history(results, "on the disk", disk),
    ]
    parts += list(remarks(results))
    if "shares" in results:
        parts.append(table(["many turns", "bytes a turn", "syncs a turn"], [
            [NAMES[store], size(each["bytesWritten"]), "%.2f" % each["syncs"]] for store, each in results["shares"].items()]))
    if "resumes" in results:
        resumes = results["resumes"]
        parts.append("Newest 20 in a new process, least time: %s with the shortest history, %s with the longest, and %s with a "
                     "log of %s beside it" % (*(time(resumes[name]["least"]) for name in ("short", "long", "longestLog")),
                                              size(resumes["log"])))
    if "steps" in results:
        steps = results["steps"]
        parts.append("%s commits a second in one lease; 8 KiB appended and synced: %s a second; ratio %.2f (%.2f to %.2f)" % (
            number(steps["steps"]), number(steps["floor"]), steps["ratio"], steps["leastRatio"], steps["mostRatio"]))
    if "competing" in results:
        parts.append(table(["two processes, 20 turns each", "messages kept", "turns with another's message inside", "errors"], [
            [NAMES[store], "%d of %d" % (each["kept"], each["of"]), number(each["split"]),
             "%d%s" % (each["errors"], " (%s)" % ", ".join(each["kinds"]) if each["kinds"] else "")]
            for store, each in results["competing"].items()]))
    parts.append(table(["target", "found", ""], [
        [each["target"], each["value"], {True: "met", False: "missed", None: "not with this disk"}[each["met"]]] for each in results["targets"]]))
    parts.append(", ".join("%s %s" % pair for pair in results["versions"].items()) + "; Linux %s, %d processors" % (
        results["kernel"], results["processors"]))
    return "\n\n".join(parts)
