#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Has functions answer many invocations, and looks at what is left of them: memory and descriptors.

A Runtime API on plain sockets hands out invocations as fast as they are answered, and checks each answer. After the first
thousand and after the last the process's memory and descriptors are counted, while it waits for the next invocation.
"""

import argparse
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time

WARM_UP = 1000
# How much more of its own memory a process may hold at the end than after the first thousand. The heaps of its threads
# settle by up to 300 KiB within the first 20,000 invocations and stay; 16 bytes lost in each of the 100,000 of a full
# soak are 1,500 KiB, and 60 bytes in each of 10,000 are found too.
ALLOWED_GROWTH = 512  # KiB
LIMIT = 120  # seconds without a request, or to the end of the process after the last
PATH = b"/2018-06-01/runtime"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"
REGISTERED = (b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: 00000000-0000-0000-0000-000000000000\r\n"
              b"Content-Length: 2\r\n\r\n{}")
END = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class Failure(Exception):
    """What went wrong, in words."""


class Kind:
    """One way to answer: the function and what it is asked, and what a right answer is."""

    def __init__(self, name, function, count, payload, path, ending, **environment):
        self.name, self.function, self.count, self.payload = name, function, count, payload
        self.path, self.ending, self.environment = path, ending, environment


def kinds(echo, scripted):
    large = b'"' + b"x" * 65_534 + b'"'
    return [
        Kind("echo", echo, 100_000, b'{"n":1}', b"response", b'\r\n\r\n{"n":1}'),
        Kind("64 KiB", echo, 10_000, large, b"response", b"\r\n\r\n" + large),
        Kind("errors", scripted, 20_000, b"throw", b"error", b'"stackTrace":[]}'),
        Kind("streams", scripted, 10_000, b"one two three", b"response", b"\r\n0\r\n\r\n", STREAM="1"),
        Kind("failing streams", scripted, 10_000, b"one throw", b"response", b"\r\n\r\n", STREAM="1"),
    ]


def taken(buffer):
    """The length of the request at the beginning of the buffer; 0 when it is not all there."""
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return 0
    if buffer.startswith(b"GET"):
        return head + 4
    length = LENGTH.search(buffer, 0, head)
    if length:
        end = head + 4 + int(length.group(1))
        return end if len(buffer) >= end else 0
    # In chunks: the last one, the trailers, a blank line. Nothing comes behind, and no chunk ends so.
    return len(buffer) if buffer.endswith(b"\r\n\r\n") and buffer.find(b"\r\n0\r\n", head) >= 0 else 0


def usage(process):
    """Memory of its own in KiB, and how many descriptors."""
    with open("/proc/%d/status" % process.pid) as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["RssAnon"].split()[0]), len(os.listdir("/proc/%d/fd" % process.pid))


class Soak:
    """The Runtime API for one process."""

    def __init__(self, kind, count):
        self.kind, self.count = kind, count
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.endpoint = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.given = self.answered = 0
        self.marks = []

    def run(self, process):
        poll = select.epoll()
        poll.register(self.listener, select.EPOLLIN)
        sockets, buffers = {}, {}
        while True:
            events = poll.poll(LIMIT)
            if not events:
                raise Failure("it has said nothing for %d s" % LIMIT)
            for number, _ in events:
                if number == self.listener.fileno():
                    one, _ = self.listener.accept()
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    poll.register(one, select.EPOLLIN)
                    sockets[one.fileno()], buffers[one.fileno()] = one, b""
                    continue
                data = sockets[number].recv(1 << 20)
                if not data:
                    poll.unregister(number)
                    sockets.pop(number).close()
                    buffers.pop(number)
                    if self.given > self.count and not sockets:
                        return
                    continue
                buffer = buffers[number] = buffers[number] + data
                length = taken(buffer)
                if length:
                    buffers[number] = buffer[length:]
                    sockets[number].sendall(self.answer(buffer[:length], process))

    def answer(self, request, process):
        if request.startswith(b"GET " + PATH + b"/invocation/next "):
            if self.given != self.answered:
                raise Failure("invocation %d was not answered" % self.given)
            if self.given in (min(WARM_UP, self.count // 2), self.count):
                self.marks.append(usage(process))
            self.given += 1
            if self.given > self.count:
                return END
            return (b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-%d\r\nLambda-Runtime-Deadline-Ms: %d\r\n"
                    b"Lambda-Runtime-Invocation-Id: attempt-%d\r\nLambda-Runtime-Trace-Id: Root=1-2-%d\r\n"
                    b"Content-Length: %d\r\n\r\n" % (self.given, int(time.time() * 1000) + 60_000, self.given,
                                                      self.given, len(self.kind.payload))) + self.kind.payload
        if request.startswith(b"POST /2020-01-01/extension/register "):
            return REGISTERED
        if request.startswith(b"GET /2020-01-01/extension/event/next "):
            return b""  # there are no events
        wanted = b"POST %s/invocation/id-%d/%s " % (PATH, self.given, self.kind.path)
        if not request.startswith(wanted) or not request.endswith(self.kind.ending):
            raise Failure("invocation %d was answered with %r … %r" % (self.given, request[:100], request[-100:]))
        self.answered += 1
        if self.answered != self.given:
            raise Failure("invocation %d was answered twice" % self.given)
        return ACCEPTED


def soak(kind, count):
    """What is wrong after so many invocations, in words; None if nothing is."""
    runtime = Soak(kind, count)
    environment = {"AWS_LAMBDA_RUNTIME_API": runtime.endpoint, "PATH": os.environ["PATH"], **kind.environment}
    process = subprocess.Popen([kind.function], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    started = time.monotonic()
    try:
        runtime.run(process)
        status = process.wait(LIMIT)
        if status != 1:
            raise Failure("it ended with %d, not as it has to after a 500" % status)
        (memory, descriptors), (memory_at_end, descriptors_at_end) = runtime.marks
        took = time.monotonic() - started
        print("%-16s %7d invocations in %5.1f s, %6.0f a second; memory %d KiB, then %d; descriptors %d, then %d" % (
            kind.name, count, took, count / took, memory, memory_at_end, descriptors, descriptors_at_end), flush=True)
        if memory_at_end > memory + ALLOWED_GROWTH:
            return "its memory has grown by %d KiB, %d are allowed" % (memory_at_end - memory, ALLOWED_GROWTH)
        if descriptors_at_end > descriptors:
            return "it has %d descriptors more" % (descriptors_at_end - descriptors)
        return None
    except (Failure, OSError, subprocess.TimeoutExpired) as failure:
        return str(failure)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def self_test(path):
    """A check that cannot fail is none: something that leaks both has to be found out."""
    leak = Kind("a leak", path, 0, b"leak", b"response", b"")
    wrong = soak(leak, 2000)
    if not wrong or not wrong.startswith("its memory has grown by"):
        sys.exit("a process that leaks was not found out: %s" % wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--echo", required=True, metavar="PATH", help="the bootstrap of examples/Echo")
    parser.add_argument("--scripted", required=True, metavar="PATH", help="the bootstrap of ScriptedFunction")
    parser.add_argument("--share", type=float, default=1, help="which part of the full length is run")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    self_test(os.path.join(os.path.dirname(os.path.abspath(__file__)), "leak"))
    failed = 0
    for kind in kinds(os.path.abspath(arguments.echo), os.path.abspath(arguments.scripted)):
        wrong = soak(kind, max(5 * WARM_UP, int(kind.count * arguments.share)))
        failed += wrong is not None
        if wrong:
            print("FAILED %s: %s" % (kind.name, wrong), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
