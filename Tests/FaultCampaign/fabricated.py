# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Fabricated histories: right ones that must pass, and wrong ones that must be found."""

import random

from history import Lease

SIZE = 40


def rows(turns, epoch, integrity="ok"):
    """What a reader would find: pairs of a turn's number and its request."""
    log, settled = [], []
    for number, request in turns:
        for kind, word in (("input", request), ("reply", "re:" + request)):
            named = request if kind == "input" else ""
            log.append(["row", str(len(log) + 1), str(number), kind, named, word, str(SIZE), "1"])
        settled.append(["settled", request, str(number), "1"])
    return [["integrity", integrity]] + log + settled + [["epoch", str(epoch)]]


class World:
    """Three writers with five leases one after the other, some of them of several turns, the last one not acknowledged."""

    def __init__(self):
        self.leases = []
        for asked, writer, first, count in ((0, "a", 0, 2), (10, "b", 0, 1), (20, "a", 2, 3), (30, "c", 0, 2), (40, "b", 1, 2)):
            lease = Lease(writer, first, count, SIZE, asked)
            self.leases.append(lease)
            if asked < 40:
                lease.acknowledged = {request: asked + 1 + index for index, request in enumerate(lease.requests)}
        self.order = [request for lease in self.leases for request in lease.requests]
        self.epoch = len(self.leases)

    def rows(self):
        return rows(enumerate(self.order, 1), self.epoch)

    def swap(self, one, other):
        first, second = self.order.index(one), self.order.index(other)
        self.order[first], self.order[second] = other, one


def right():
    """Names and histories that must pass."""
    world = World()
    yield "all there", world.rows(), world.leases
    world = World()
    world.order.remove("b/2")
    yield "the first half of a lease that was not acknowledged", world.rows(), world.leases
    world = World()
    world.order, world.epoch = world.order[:-2], 4
    yield "nothing of the lease that was not acknowledged", world.rows(), world.leases
    world = World()
    world.leases[1].asked = 0
    world.order.remove("b/0")
    world.order.insert(0, "b/0")
    yield "two at a time, in either order", world.rows(), world.leases
    yield "nothing", rows([], 0), []


def wrong():
    """Names and histories that must be found."""
    for request in World().order[:-2]:
        world = World()
        world.order.remove(request)
        yield "%s lost" % request, world.rows(), world.leases
    for request in World().order:
        world = World()
        world.order.append(request)
        yield "%s doubled" % request, world.rows(), world.leases
    for one, other in (("a/0", "a/1"), ("a/1", "b/0"), ("a/2", "a/4"), ("c/0", "c/1"), ("b/1", "b/2"), ("a/4", "b/1")):
        world = World()
        world.swap(one, other)
        yield "%s and %s reordered" % (one, other), world.rows(), world.leases
    world = World()
    world.order = world.order[2:3] + world.order[:2] + world.order[3:]
    yield "a whole lease before one that was acknowledged earlier", world.rows(), world.leases
    # Both at a time, so that only their turns standing apart is wrong.
    world = World()
    world.leases[3].asked = world.leases[2].asked
    world.order.remove("c/0")
    world.order.insert(world.order.index("a/3"), "c/0")
    yield "the turns of two leases interleaved", world.rows(), world.leases
    world = World()
    world.order.remove("b/1")
    yield "a later turn of a lease without an earlier one", world.rows(), world.leases
    world = World()
    world.order.insert(2, "b/0")
    yield "a turn twice on the spot", world.rows(), world.leases
    # Nobody was told of it, but its writer has gone on.
    world = World()
    world.leases[1].acknowledged = {}
    world.order.append(world.order.pop(2))
    yield "a late turn of a writer that has gone on", world.rows(), world.leases
    world = World()
    world.order.append("z/0")
    yield "a turn that nobody asked for", world.rows(), world.leases
    world = World()
    world.epoch += 1
    yield "a lease that nobody knows of", world.rows(), world.leases
    world = World()
    yield "a gap in the numbers of turns", rows(enumerate(world.order, 2), 5), world.leases
    yield "a malformed file", rows(enumerate(world.order, 1), 5, "row 3 missing from index"), world.leases
    yield "no rows at all", [], world.leases
    yield from wrong_rows()


def wrong_rows():
    """Entries that are wrong by themselves."""
    for name, change in {
        "half a turn": lambda found: found.pop(2),
        "half a turn at the end": lambda found: (found.pop([row[0] for row in found].index("settled") - 1), found.pop(-2)),
        "entries of two turns interleaved": lambda found: found.insert(2, found.pop(3)),
        "a gap in the numbers of entries": lambda found: found[5].__setitem__(1, "60"),
        "a text of another length": lambda found: found[3].__setitem__(6, "39"),
        "a text with something else in it": lambda found: found[3].__setitem__(7, "0"),
        "a reply to another turn": lambda found: found[2].__setitem__(5, "re:z/0"),
        "a reply in another turn": lambda found: found[2].__setitem__(2, "7"),
        "an acknowledged turn without an outcome": lambda found: found[-2].__setitem__(3, "0"),
        "a request that is not in the log": lambda found: found.insert(-1, ["settled", "z/0", "3", "1"]),
    }.items():
        world = World()
        found = world.rows()
        change(found)
        yield name, found, world.leases


def serial(chance):
    """A random right history: leases of several writers at a time, each of which takes place at one moment between its being
    asked for and its acknowledgement."""
    leases, free = [], {writer: 0.0 for writer in "abcd"}
    numbers = dict.fromkeys(free, 0)
    for _ in range(12):
        writer = chance.choice(sorted(free))
        asked = free[writer] + chance.uniform(0, 3)
        moment, told = sorted(chance.uniform(asked, asked + 8) for _ in range(2))
        lease = Lease(writer, numbers[writer], chance.randint(1, 3), SIZE, asked)
        numbers[writer] += len(lease.sizes)
        free[writer] = told
        if chance.random() < 0.8:
            lease.acknowledged = dict.fromkeys(lease.requests, told)
        leases.append((moment, lease))
    leases.sort(key=lambda pair: pair[0])
    return [lease for _, lease in leases]


def test(judge):
    """What the judge got wrong, in words."""
    failures = ["refused, but right: %s: %s" % (name, judge(found, leases)) for name, found, leases in right()
                if judge(found, leases)]
    failures += ["passed, but wrong: %s" % name for name, found, leases in wrong() if not judge(found, leases)]
    chance = random.Random(1)
    for number in range(200):
        leases = serial(chance)
        order = [request for lease in leases for request in lease.requests]
        if judge(rows(enumerate(order, 1), len(leases)), leases):
            failures.append("refused, but right: serial history %d" % number)
        told = [request for lease in leases for request in lease.acknowledged]
        if told:
            order.remove(chance.choice(told))
            if not judge(rows(enumerate(order, 1), len(leases)), leases):
                failures.append("passed, but wrong: serial history %d with a turn lost" % number)
    return failures
