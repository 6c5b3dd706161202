# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Draws two of the results against the length of the history, as SVG, in colours that a light and a dark page both bear."""

import math

from measuring import OURS

INK = "#737b85"
COLOURS = {OURS: "#1f83d6", "langgraph": "#cf6a1f", "openai": "#2f9a62", "strands": "#9a6bd0"}
LABELS = {OURS: "SessionStore", "langgraph": "LangGraph", "openai": "OpenAI", "strands": "Strands"}
WIDTH, HEIGHT, LEFT, TOP, PANEL, TALL = 960, 380, 72, 56, 280, 260
UNITS = {
    "bytes": [(1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "B")],
    "time": [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")],
}


def label(value, kind):
    factor, unit = next(pair for pair in UNITS[kind] if value >= pair[0])
    return "%g %s" % (value / factor, unit)


def write(x, y, words, anchor="middle", colour=INK, weight="normal"):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s" font-weight="%s">%s</text>' % (
        x, y, anchor, colour, weight, words)


def panel(left, title, kind, histories, series):
    """One diagram with logarithmic axes: series is {store: [(messages, value)]}."""
    values = [value for points in series.values() for _, value in points]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    first, last = math.log10(histories[0]), math.log10(histories[-1])

    def x(count):
        return left + PANEL * (math.log10(count) - first) / max(last - first, 1)

    def y(value):
        return TOP + TALL * (1 - (math.log10(value) - low) / (high - low))

    parts = [write(left, TOP - 24, title, "start", weight="bold")]
    for power in range(low, high + 1):
        parts.append('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="%s" stroke-opacity="0.3"/>' % (
            left, y(10 ** power), left + PANEL, y(10 ** power), INK))
        parts.append(write(left - 8, y(10 ** power) + 4, label(10 ** power, kind), "end"))
    for count in histories:
        parts.append(write(x(count), TOP + TALL + 20, "{:,}".format(count)))
    parts.append(write(left + PANEL / 2, TOP + TALL + 42, "messages in the session"))
    taken = []
    for store, points in sorted(series.items(), key=lambda item: -item[1][-1][1]):
        colour = COLOURS[store]
        path = " ".join("%.1f,%.1f" % (x(count), y(value)) for count, value in points)
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="%s"/>' % (
            path, colour, 3 if store == OURS else 2))
        parts += ['<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>' % (x(count), y(value), colour) for count, value in points]
        # Labels keep a line's height from each other.
        height = y(points[-1][1]) + 5
        while any(abs(height - other) < 16 for other in taken):
            height += 1
        taken.append(height)
        parts.append(write(left + PANEL + 10, height, LABELS[store], "start", colour, "bold"))
    return parts


def svg(results):
    histories = results["histories"]

    def series(pick):
        found = {}
        for store, measured in results["stores"].items():
            points = [(count, pick(measured[str(count)])) for count in histories
                      if str(count) in measured and "notRun" not in measured[str(count)]]
            if points:
                found[store] = points
        return found

    def resume(each):
        return (each["resumeNewest"] or each["resumeAll"])["least"]

    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13">'
             % (WIDTH, HEIGHT), "<title>Bytes written in a turn, and time until a new process has what a turn needs</title>"]
    parts += panel(LEFT, "Written in a turn of two messages of 2 KB", "bytes", histories, series(lambda each: each["bytesWritten"]))
    parts += panel(LEFT + WIDTH / 2, "A new process, until it has what a turn needs", "time", histories, series(resume))
    return "\n".join([*parts, "</svg>", ""])
