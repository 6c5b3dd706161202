#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Runs bootstraps under AWS's Runtime Interface Emulator and compares what a caller sees.

One line for each scenario, then a count; the status is 1 when one of them failed. Where the emulator differs from
Lambda the scenario says so: it asserts what the emulator does.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import emulator  # noqa: E402 the line above must come first
from emulator import Emulator  # noqa: E402
from scripted_model import ScriptedModel  # noqa: E402

ORDERS = os.path.join(emulator.HERE, "..", "..", "examples", "SupportAgent", "orders.json")
# The largest event and the largest answer, in bytes. The emulator cuts a longer event off without a word.
LARGEST = 6_291_556

ECHO = b'{"do":"echo"}'


def equal(found, expected):
    if found != expected:
        raise AssertionError("found %.300r, expected %.300r" % (found, expected))


def error(body):
    """Type and message of an error that a caller sees."""
    value = json.loads(body)
    return value["errorType"], value["errorMessage"]


def echoed(function, payload):
    equal(function.invoke(payload), (200, payload))


def echo_scenarios(bootstrap):
    def same_bytes():
        with Emulator(bootstrap) as function:
            echoed(function, '{"text":"ü 🙂 e\u0301 \\u0000 \\"quoted\\"","n":1.10}'.encode())

    def five_in_a_row():
        with Emulator(bootstrap) as function:
            for number in range(5):
                echoed(function, b'{"n":%d}' % number)

    def large(size):
        def scenario():
            with Emulator(bootstrap) as function:
                echoed(function, b'"' + b"x" * (size - 2) + b'"')
                echoed(function, b"{}")
        return scenario

    return [
        ("echo: the same bytes come back", same_bytes),
        ("echo: five invocations in a row", five_in_a_row),
        ("echo: 5 MB", large(5_000_000)),
        ("echo: the largest payload, %d bytes" % LARGEST, large(LARGEST)),
    ]


def misbehaving_scenarios(bootstrap):
    def handler_error():
        with Emulator(bootstrap) as function:
            status, body = function.invoke(b'{"do":"fail"}')
            equal(status, 200)  # with Lambda as well; but there X-Amz-Function-Error tells it from a result
            equal(error(body), ("Function.Refused", 'asked to fail: ü, "quoted"'))
            echoed(function, ECHO)

    def init_error():
        with Emulator(bootstrap, FAIL_INIT="1") as function:
            for _ in range(2):  # the second invocation starts the function again
                status, body = function.invoke(ECHO)
                equal(status, 502)
                equal(error(body), ("Function.InitRefused", "FAIL_INIT is set"))

    def end_of_the_process(event, reason):
        def scenario():
            with Emulator(bootstrap) as function:
                echoed(function, ECHO)
                for _ in range(2):
                    status, body = function.invoke(event)
                    equal(status, 502)
                    kind, message = error(body)
                    equal(kind, "Runtime.ExitError")
                    equal(message.partition(" Error: ")[2], "Runtime exited with error: " + reason)
                echoed(function, ECHO)  # by a new process
        return scenario

    def time_out():
        with Emulator(bootstrap, AWS_LAMBDA_FUNCTION_TIMEOUT="2") as function:
            echoed(function, ECHO)
            started = time.monotonic()
            # The emulator answers with 200 and text in place of an error.
            equal(function.invoke(b'{"do":"hang"}'), (200, b"Task timed out after 2.00 seconds"))
            took = time.monotonic() - started
            if not 1.9 < took < 10:
                raise AssertionError("it was stopped after %.1f s" % took)
            echoed(function, ECHO)  # by a new process

    return [
        ("misbehaving: a handler's error reaches the caller, and the function goes on", handler_error),
        ("misbehaving: an init error reaches the caller, each time", init_error),
        ("misbehaving: a crash is reported, and a new process answers", end_of_the_process(
            b'{"do":"crash"}', "signal: aborted")),
        ("misbehaving: an exit is reported, and a new process answers", end_of_the_process(
            b'{"do":"exit"}', "exit status 3")),
        ("misbehaving: a time-out ends the process, and a new one answers", time_out),
    ]


def agent_scenarios(bootstrap):
    def request(identifier, message):
        return json.dumps({"session": "rie", "id": identifier, "message": message}).encode()

    def agent(root, model):
        environment = {"PERDURE_ROOT": root, "PERDURE_MODEL_URL": model.url, "PERDURE_MODEL": "scripted"}
        environment["ORDERS_FILE"] = os.environ.get("ORDERS_FILE", os.path.abspath(ORDERS))
        return Emulator(bootstrap, **environment)

    def answers(function, identifier, message, reply):
        status, body = function.invoke(request(identifier, message))
        equal((status, json.loads(body)),
              (200, {"session": "rie", "id": identifier, "status": "completed", "reply": reply}))
        return body

    def in_turn():
        with tempfile.TemporaryDirectory() as root, ScriptedModel("Hello ü 🙂.", "Again.") as model:
            with agent(root, model) as function:
                first = answers(function, "1", "Hi.", "Hello ü 🙂.")
                equal(answers(function, "1", "Hi.", "Hello ü 🙂."), first)
                equal(len(model.requests), 1)
            with agent(root, model) as function:
                equal(answers(function, "1", "Hi.", "Hello ü 🙂."), first)
                equal(len(model.requests), 1)
                answers(function, "2", "Once more.", "Again.")
                equal(len(model.requests), 2)
                before, after = (request["messages"] for request in model.requests)
                equal(after[:len(before)], before)
                equal([(one["role"], one["content"]) for one in after[len(before):]],
                      [("assistant", "Hello ü 🙂."), ("user", "Once more.")])

    def not_an_event():
        with tempfile.TemporaryDirectory() as root, ScriptedModel() as model, agent(root, model) as function:
            status, body = function.invoke(b'{"message":"Hi."}')
            equal((status, error(body)[0]), (200, "Function.InvalidEvent"))
            equal(model.requests, [])

    def no_folder():
        with tempfile.NamedTemporaryFile() as file, ScriptedModel() as model, agent(file.name, model) as function:
            status, body = function.invoke(request("1", "Hi."))
            equal(status, 502)
            if "PERDURE_ROOT" not in error(body)[1]:
                raise AssertionError("the message does not say what to do: %r" % body)

    return [
        ("agent: a request is answered once, also in a new process, and remembered", in_turn),
        ("agent: an event without a session is an error", not_an_event),
        ("agent: a root that is no folder is an init error", no_folder),
    ]


def run(scenario):
    """What is wrong, in words; None if nothing is."""
    try:
        scenario()
        return None
    except Exception as failure:  # the others are to run all the same
        return "%s: %s\n%s" % (type(failure).__name__, failure, getattr(failure, "emulator_output", ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--echo", "--bootstrap", metavar="PATH", help="a bootstrap that answers with what it was asked")
    parser.add_argument("--misbehaving", metavar="PATH", help="the bootstrap that is built from Misbehaving")
    parser.add_argument("--agent", metavar="PATH", help="a bootstrap that is an AgentFunction")
    arguments = parser.parse_args()
    scenarios = []
    for path, of in ((arguments.echo, echo_scenarios), (arguments.misbehaving, misbehaving_scenarios),
                     (arguments.agent, agent_scenarios)):
        if path is not None:
            if not os.access(path, os.X_OK):
                parser.error("%s is not an executable file" % path)
            scenarios += of(path)
    if not scenarios:
        parser.error("nothing to run: give at least one bootstrap")
    # So that the emulator is ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    emulator.emulator()

    failed = 0
    for name, scenario in scenarios:
        started = time.monotonic()
        wrong = run(scenario)
        failed += wrong is not None
        print("%-6s %s (%.1f s)" % ("FAILED" if wrong else "ok", name, time.monotonic() - started), flush=True)
        if wrong:
            print("    " + wrong.strip().replace("\n", "\n    "), flush=True)
    print("%d passed, %d failed" % (len(scenarios) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
