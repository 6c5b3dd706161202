# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Perdure's own emulator, `perdure dev`, with the interface of AWS's."""

import os

from emulator import Server


class PerdureDev(Server):
    """`perdure dev`."""

    program = None  # its path

    def command(self, port, _):
        command = [self.program, "dev", self.bootstrap, "--name", "function", "--port", str(port), "--root", "/dev/null"]
        environment = dict(self.environment)
        command += ["--timeout", environment.pop("AWS_LAMBDA_FUNCTION_TIMEOUT")]
        command += ["--concurrency-per-sandbox", environment.pop("AWS_LAMBDA_MAX_CONCURRENCY", "1")]
        environment.setdefault("PATH", os.environ["PATH"])
        for variable in environment.items():
            command += ["--env", "%s=%s" % variable]
        return command, {}
