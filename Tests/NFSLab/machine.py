# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Virtual machines that can be paused, cut off and destroyed. Their network is unix-domain sockets: no packet of theirs
reaches an interface of this machine."""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import time

QEMU = "qemu-system-x86_64"


class Failure(Exception):
    """The lab itself did not do as it should."""


def accelerators():
    """The ways to run a guest, the fastest first."""
    asked = os.environ.get("NFSLAB_ACCELERATOR")
    if asked:
        return [asked]
    # A /dev/kvm of another make than these two is there for guests with a kernel made for it, and hangs with others.
    by_processor = any(os.path.exists("/sys/module/" + name) for name in ("kvm_intel", "kvm_amd"))
    usable = platform.machine() == "x86_64" and by_processor and os.access("/dev/kvm", os.R_OK | os.W_OK)
    return (["kvm"] if usable else []) + ["tcg"]


def available():
    """Why there can be no machines here; None when there can."""
    if shutil.which(QEMU) is None:
        return "there is no %s" % QEMU
    return None if platform.machine() == "x86_64" else "the guests run programs of an x86-64 host"


class Machine:
    """One guest. Its console goes to a file; commands go over a second serial port."""

    def __init__(self, lab, name, role, number, megabytes=512):
        self.lab, self.name, self.role, self.number, self.megabytes = lab, name, role, number, megabytes
        self.process = None

    def path(self, ending):
        return os.path.join(self.lab.folder, "%s.%s" % (self.name, ending))

    def link(self, number):
        return os.path.join(self.lab.folder, "link%d" % number)

    def arguments(self):
        kernel, initial = self.lab.images
        line = ("console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable random.trust_cpu=on "
                "ROLE=%s SERVER=%s NUMBER=%d CLIENTS=%d LEASE=%d NAME=%s" % (
                    self.role, self.lab.kind, self.number, self.lab.size, self.lab.lease, self.name))
        accelerator = self.lab.accelerator
        yield from [QEMU, "-accel", "tcg,thread=multi" if accelerator == "tcg" else accelerator, "-M", "q35",
                    "-cpu", "max" if accelerator == "tcg" else "host", "-smp", "1", "-m", str(self.megabytes),
                    "-nodefaults", "-no-user-config", "-display", "none",
                    "-kernel", kernel, "-initrd", initial, "-append", line,
                    "-chardev", "file,id=console,path=" + self.path("console"), "-serial", "chardev:console",
                    "-chardev", "socket,id=commands,server=on,wait=off,path=" + self.path("commands"),
                    "-serial", "chardev:commands", "-qmp", "unix:%s,server=on,wait=off" % self.path("monitor")]
        card = "virtio-net-pci,netdev=link%d,mac=52:54:00:00:%02x:%02x,romfile="
        if self.role == "server":
            for number in range(1, self.lab.size + 1):
                yield from ["-netdev", "stream,id=link%d,server=on,addr.type=unix,addr.path=%s" % (
                    number, self.link(number)), "-device", card % (number, 1, number)]
            yield from ["-drive", "if=none,id=disk,format=raw,cache=writeback,file=" + self.lab.disk,
                        "-device", "virtio-blk-pci,drive=disk"]
        else:
            yield from ["-netdev", "stream,id=link%d,server=off,addr.type=unix,addr.path=%s" % (
                self.number, self.link(self.number)), "-device", card % (self.number, 2, self.number)]

    def start(self):
        """Starts the guest; `ready` waits for it."""
        for ending in ("console", "commands", "monitor"):
            if os.path.exists(self.path(ending)):
                os.remove(self.path(ending))
        self.started, self.unread, self.count = time.monotonic(), b"", 0
        with open(self.path("log"), "wb") as log:
            # A session of its own, so that Ctrl-C ends the lab, which then ends the machine.
            self.process = subprocess.Popen(
                list(self.arguments()), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.lab.machines.append(self)
        self.commands, self.monitor = self.connect("commands"), self.connect("monitor")
        self.answers = self.monitor.makefile("r")
        self.answers.readline()
        self.control("qmp_capabilities")
        return self

    def connect(self, ending):
        limit = time.monotonic() + 30
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self.path(ending))
                return connection
            except OSError:
                connection.close()
                if self.process.poll() is not None:
                    with open(self.path("log")) as log:
                        raise Failure("%s did not start: %s" % (self.name, log.read().strip()))
                if time.monotonic() > limit:
                    raise Failure("%s does not answer" % self.name)
                time.sleep(0.02)

    def ready(self):
        # One that is not emulated starts within seconds, or never.
        self.until("started", 120 if self.lab.accelerator == "tcg" else 30)
        return self

    # Commands in the guest

    def sh(self, command, limit=60):
        """Runs a command in the guest and returns what it printed. One line; it must not block for ever."""
        self.count += 1
        name = "%d" % self.count
        self.commands.sendall(("%s %s\n" % (name, command)).encode())
        return self.until(name, limit)

    def until(self, name, limit):
        """What the guest says until the end of a command."""
        end, lines = time.monotonic() + limit, []
        while True:
            line = self.line(end)
            head, found, rest = line.rpartition("@@ ")
            if not found:
                lines.append(line)
                continue
            # Answers of commands that nobody waited for to the end are passed over.
            if head:
                lines.append(head)
            if rest.split(" ")[0] == name:
                self.code = int(rest.split(" ")[1])
                return "\n".join(lines)
            lines = []

    def line(self, end):
        while b"\n" not in self.unread:
            self.commands.settimeout(max(0.01, end - time.monotonic()))
            try:
                more = self.commands.recv(1 << 16)
            except socket.timeout:
                raise Failure("%s does not answer in time; it said %r" % (self.name, self.unread[-200:]))
            if not more:
                raise Failure("%s ended" % self.name)
            self.unread += more
        line, self.unread = self.unread.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

    # What happens to machines

    def control(self, command, **arguments):
        self.monitor.sendall((json.dumps({"execute": command, "arguments": arguments}) + "\n").encode())
        while True:
            answer = json.loads(self.answers.readline() or '{"error": "no answer"}')
            if "error" in answer:
                raise Failure("%s of %s: %s" % (command, self.name, answer["error"]))
            if "return" in answer:
                return answer["return"]

    def freeze(self, kind):
        """Stops the guest: "pause" stops its processor, and its clocks with it; "stop" stops the whole process (SIGSTOP),
        and its clocks jump when it goes on."""
        if kind == "pause":
            self.control("stop")
        else:
            os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self, kind):
        if kind == "pause":
            self.control("cont")
        else:
            os.kill(self.process.pid, signal.SIGCONT)

    def plug(self, connected):
        """Connects the guest's network or cuts it off."""
        self.control("set_link", name="link%d" % self.number, up=connected)

    def reset(self):
        """Restarts the guest as after a power failure; its disk has what was written to it."""
        self.control("system_reset")
        self.ready()

    def destroy(self):
        """Ends the guest at once."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for connection in (getattr(self, "commands", None), getattr(self, "monitor", None)):
            if connection:
                connection.close()
        self.process = None
        self.lab.machines.remove(self)
