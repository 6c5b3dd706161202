# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Judges the history of a session: what an independent reader finds in its file, beside what writers asked for and were told.

What must hold: nothing acknowledged is lost, and nothing is there twice; turns are numbered without gaps; the entries of a
turn stand together, and so do the turns of a lease; a turn that was not acknowledged is there whole or not at all; what was
acknowledged before something else was asked for stands before it.
"""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "NFSLab"))

import oracle


class Lease:
    """One lease: the turns that it was asked for, and when each was acknowledged. Times are those of one observer, who notes
    `asked` before he asks and an acknowledgement after he has read it."""

    def __init__(self, writer, first, count, size, asked):
        self.writer, self.asked = writer, asked
        self.sizes = {"%s/%d" % (writer, number): size for number in range(first, first + count)}
        self.acknowledged = {}
        # Of which the input may be there without its reply, as it was committed by itself.
        self.opened = set()

    @property
    def requests(self):
        return list(self.sizes)


class Writer:
    """All leases of one writer, in the form that the NFS lab's oracle takes."""

    def __init__(self, name, leases):
        self.name = name
        self.asked = {request: size for lease in leases for request, size in lease.sizes.items()}
        self.acknowledged = [request for lease in leases for request in lease.acknowledged]
        self.opened = [request for lease in leases for request in lease.opened]


def requests(rows, whole=True):
    """The requests in the order of the log, or those of which there is only the input."""
    log = [row for row in rows if row[0] == "row"] + [["row", "", "", "input"]]
    return [row[4] for row, after in zip(log, log[1:]) if row[3] == "input" and (after[3] != "input") == whole]


def misplaced(places, leases):
    """Leases whose turns stand apart from each other, or of which a later turn is there and an earlier one is not."""
    for lease in leases:
        found = [places.get(request) for request in lease.requests]
        there = [place for place in found if place is not None]
        if None in found[:len(there)]:
            yield "%s: a later turn of the lease is there without an earlier one" % lease.requests[0]
        if there and there != list(range(there[0], there[0] + len(there))):
            yield "%s: the turns of the lease do not stand together" % lease.requests[0]


def reordered(order, leases):
    """Turns that stand before one which had been acknowledged when they were asked for."""
    owner = {request: lease for lease in leases for request in lease.requests}
    # Of the turns behind the one that is looked at: the one that was acknowledged first.
    earliest = None
    for request in reversed(order):
        lease = owner.get(request)
        if lease is None:
            continue
        if earliest and earliest[0] < lease.asked:
            yield "%s was acknowledged before %s was asked for, and stands behind it" % (earliest[1], request)
        told = lease.acknowledged.get(request)
        if told is not None and (earliest is None or told < earliest[0]):
            earliest = told, request


def judge(rows, leases):
    """What is wrong, in words; nothing if all is right."""
    by_writer = {}
    for lease in leases:
        by_writer.setdefault(lease.writer, []).append(lease)
    wrong = oracle.complaints(rows, [Writer(name, own) for name, own in by_writer.items()])
    order = requests(rows)
    places = {request: place for place, request in enumerate(order)}
    wrong += misplaced(places, leases)
    wrong += reordered(order, leases)
    # Each lease that wrote counted itself, so one that nobody knows of shows.
    there = set(order) | set(requests(rows, whole=False))
    wrote = sum(any(request in there for request in lease.requests) for lease in leases)
    epochs = [row[1:] for row in rows if row[0] == "epoch"]
    if epochs != [[str(wrote)]]:
        wrong.append("%d leases have written, and the epoch is %s" % (wrote, epochs))
    return wrong
