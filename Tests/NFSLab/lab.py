# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A file server, its clients, and the processes in them that write to sessions."""

import os
import subprocess
import tempfile
import time

import image
import machine
from machine import Failure, Machine

# The server's lease and its grace period after a restart, in seconds. Linux' server accepts 10 or more.
LEASE = 10
WRITERS = "/writers"
# Where a writer stops itself (SIGSTOP) instead of waiting for a line: inside of SQLite's calls, by a fault plan.
STOPS = {"transaction", "written", "checkpoint", "copied", "truncate"}


class Lab:
    """One server and some clients, each with a link of its own to it."""

    def __init__(self, images, accelerator, kind="linux", size=2, lease=LEASE):
        self.images, self.accelerator, self.kind, self.size, self.lease = images, accelerator, kind, size, lease
        self.machines, self.clients, self.boots = [], [], 0
        # Paths of sockets must be short.
        self.temporary = tempfile.TemporaryDirectory(prefix="nfslab-")
        self.folder = self.temporary.name
        self.disk = os.path.join(self.folder, "disk")
        with open(self.disk, "wb") as disk:
            disk.truncate(1 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.disk], check=True)
        self.server = None

    def __enter__(self):
        try:
            self.server = Machine(self, "server", "server", 0).start()
            for number in range(1, self.size + 1):
                self.clients.append(self.boot(number))
            for each in [self.server] + self.clients:
                each.ready()
            for each in self.clients:
                self.check_mount(each)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        for each in list(self.machines):
            each.destroy()
        self.temporary.cleanup()

    def boot(self, number):
        """Starts a client, under a name that the server does not know yet."""
        self.boots += 1
        return Machine(self, "sandbox%d" % self.boots, "client", number).start()

    def replace(self, client):
        """Starts a new client in the place of a destroyed one; `ready` and `check_mount` are the caller's."""
        index = self.clients.index(client)
        client.destroy()
        self.clients[index] = self.boot(client.number)
        return self.clients[index]

    def check_mount(self, client):
        mounts = client.sh("grep ' /mnt nfs4 ' /proc/mounts")
        if "vers=4.1" not in mounts or "local_lock=none" not in mounts:
            with open(client.path("console")) as console, open(self.server.path("console")) as other:
                raise Failure("%s has no mount: %s\n%s\n%s" % (client.name, mounts, console.read(), other.read()))


class Writer:
    """A StoreWriter in a client that is told what to do line by line. Its words are kept when its machine is gone."""

    def __init__(self, client, session, name):
        self.client, self.session, self.name = client, session, name
        self.file = "%s/%s.%s" % (WRITERS, session, name)
        self.lines, self.asked, self.read = [], {}, 0
        # Requests whose turn is two commits.
        self.opened = set()
        self.next, self.point, self.is_stopped = 0, None, False

    def command(self):
        # Not as root: SQLite then asks the server for a change of owner each time it opens a log.
        return ("mkfifo {0}.in; su sandbox -s /bin/sh -c 'exec StoreWriter serve /mnt {1} {2}' <>{0}.in >{0}.out 2>&1 & "
                "echo $! >{0}.pid".format(self.file, self.session, self.name))

    def turn(self, at=None, commits=1, size=2048, wait=60):
        """The command for a turn. Its commits get the next numbers."""
        for number in range(self.next, self.next + commits):
            self.asked["%s/%d" % (self.name, number)] = size
        if at == "opened":
            self.opened.add("%s/%d" % (self.name, self.next + commits - 1))
        line = "turn %d commits=%d size=%d wait=%d%s" % (
            self.next, commits, size, wait, " at=%s" % at if at else "")
        self.next += commits
        self.point = at
        return "echo %s >%s.in" % (line, self.file)

    def go(self):
        return "kill -CONT $(cat %s.pid)" % self.file if self.point in STOPS else "echo go >%s.in" % self.file

    def kill(self):
        return "kill -9 $(cat %s.pid)" % self.file

    # Its words

    def new(self):
        """The words since the last `seen`."""
        return self.lines[self.read:]

    def seen(self):
        self.read = len(self.lines)

    def errors(self):
        """What went wrong in the last turn, in the store's words."""
        return [line for line in self.new() if line.startswith("error ")]

    @property
    def acknowledged(self):
        return [line.split(" ")[1] for line in self.lines if line.startswith("ack ")]

    def outcome(self):
        """What became of the last turn: "ack", the codes of its errors, or what it waits for."""
        words = [line.split(" ") for line in self.new()]
        found = ["ack" for word in words if word[0] == "ack"][:1] + [word[1] for word in words if word[0] == "error"]
        return "+".join(found) or (words[-1][0] if words else "nothing")


def tell(commands):
    """Pairs of a client and a command for it: one line for each client."""
    lines = {}
    for client, command in commands:
        lines.setdefault(client, []).append(command)
    for client, parts in lines.items():
        # The command line of the guest's terminal is bounded.
        for start in range(0, len(parts), 12):
            client.sh("; ".join(parts[start:start + 12]))


# The state of a process is the third word there, T for a stopped one.
LISTEN = ("cd %s && grep -H '' *.out; for f in *.pid; do read -r pid <$f; "
          "[ ! -e /proc/$pid/stat ] || { read -r _ _ state _ </proc/$pid/stat; echo $f:$state; }; done" % WRITERS)


def listen(writers):
    """Fetches what the writers have said, and whether they are stopped."""
    for client in {each.client for each in writers}:
        said = {}
        for line in client.sh(LISTEN).splitlines():
            name, _, words = line.partition(":")
            said.setdefault(name, []).append(words)
        for each in writers:
            if each.client is client:
                file = os.path.basename(each.file)
                each.lines, each.is_stopped = said.get(file + ".out", []), said.get(file + ".pid") == ["T"]


def wait_for(writers, word, limit=60):
    """Waits until each of the writers has said a word; fails when that takes too long."""
    end = time.monotonic() + limit
    while True:
        listen(writers)
        silent = [each for each in writers if not (word == "held" and each.is_stopped) and not any(
            line.split(" ")[0] == word for line in each.new())]
        if not silent:
            return
        if time.monotonic() > end:
            raise Failure("%s/%s did not say %r in %d s, but %r" % (
                silent[0].session, silent[0].name, word, limit, silent[0].new()[-3:]))
        time.sleep(0.1)


def start(writers):
    tell([(each.client, each.command()) for each in writers])
    wait_for(writers, "ready")
    for each in writers:
        each.seen()


def do(writers, limit=90, **turn):
    """Has each of the writers do a turn, and waits for its end or, with `at`, until it is held there."""
    for each in writers:
        each.seen()
    tell([(each.client, each.turn(**turn)) for each in writers])
    wait_for(writers, "held" if turn.get("at") else "done", limit)


def go(writers, limit=90, wait=True):
    """Lets held writers go on, and waits for the end of their turns."""
    tell([(each.client, each.go()) for each in writers])
    if wait:
        wait_for(writers, "done", limit)


def kill(writers):
    tell([(each.client, each.kill()) for each in writers])


def open_lab(cache, folder, writer, server="linux"):
    """A function that makes labs, on the fastest accelerator that boots."""
    reason = machine.available()
    if reason:
        raise image.Unavailable(reason)
    images = image.build(os.path.abspath(cache), folder, writer, server)
    ways = machine.accelerators()

    def make(**options):
        while True:
            lab = Lab(images, ways[0], server, **options)
            try:
                return lab.__enter__()
            except Failure:
                if len(ways) == 1:
                    raise
                ways.pop(0)

    return make
