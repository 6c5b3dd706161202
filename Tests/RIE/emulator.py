# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""AWS's Runtime Interface Emulator: getting it, starting it with a bootstrap, calling the function, ending it."""

import glob
import hashlib
import http.client
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(HERE, "..", "..", ".cache", "rie")
REQUIREMENTS = os.path.join(HERE, "requirements.txt")
START_LIMIT = 20  # seconds
INVOKE = "/2015-03-31/functions/function/invocations"


def emulator():
    """The path of the emulator. It is taken out of the wheel of aws-sam-cli that requirements.txt names, once."""
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    if sys.platform != "linux":
        raise SystemExit("drive.py: AWS's emulator is a program for Linux")
    with open(REQUIREMENTS, "rb") as file:
        revision = hashlib.sha256(file.read()).hexdigest()[:12]
    path = os.path.abspath(os.path.join(CACHE, revision, "aws-lambda-rie-" + machine))
    if os.path.exists(path):
        return path
    print("downloading AWS's emulator …", file=sys.stderr)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
        # Its Python is never run, so that neither its dependencies nor its demands on this Python matter.
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--only-binary", ":all:", "--ignore-requires-python", "--dest", folder,
                        "--requirement", REQUIREMENTS], check=True, stdout=sys.stderr)
        wheel, = glob.glob(os.path.join(folder, "*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            part = archive.extract("samcli/local/rapid/aws-lambda-rie-" + machine, folder)
        os.chmod(part, 0o755)
        os.replace(part, path)
    return path


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Server:
    """A running emulator with one function, `function`, for a `with` statement. Nothing that it started outlives it."""

    def __init__(self, bootstrap, **environment):
        self.bootstrap = os.path.abspath(bootstrap)
        # What this machine has in its environment for AWS is no business of the function.
        self.inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        # The reports that Swift writes about a crash take longer than the rest of a scenario.
        self.environment = {"SWIFT_BACKTRACE": "enable=no", "AWS_LAMBDA_FUNCTION_TIMEOUT": "30", **environment}
        self.log = None
        self.process = None

    def __enter__(self):
        self.log = tempfile.TemporaryFile()
        # Somebody else may take a port between our look and the emulator's: it then ends, and is started again.
        for _ in range(5):
            self.port, runtime_port = free_ports(2)
            command, environment = self.command(self.port, runtime_port)
            self.process = subprocess.Popen(
                command, env={**self.inherited, **environment}, stdin=subprocess.DEVNULL, stdout=self.log,
                stderr=self.log,
                # The emulator gives each function a process group of its own; the session stays the same.
                start_new_session=True)
            try:
                if self._listens():
                    return self
            except BaseException:
                self._end()
                raise
            self._end()
        raise AssertionError("the emulator does not start:\n" + self.output())

    def __exit__(self, _kind, failure, _traceback):
        self._end()
        if failure is not None:
            failure.emulator_output = self.output()

    def invoke(self, payload, limit=30):
        """(status, body) of one invocation; `limit` is in seconds."""
        status, _, body = self.request("POST", INVOKE, payload, limit=limit)
        return status, body

    def request(self, method, path, payload=b"", headers={}, limit=30):
        """(status, headers with names in lower case, body) of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit)
        try:
            connection.request(method, path, payload, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def output(self):
        """The end of what the emulator and the function have written."""
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")[-4000:]

    def _listens(self):
        limit = time.monotonic() + START_LIMIT
        while self.process.poll() is None and time.monotonic() < limit:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self.process.poll() is None
            except OSError:
                time.sleep(0.005)
        return False

    def _end(self):
        if self.process.poll() is None:
            self.process.terminate()  # it ends its function, and then itself
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        # Only of a session that this class made: the number cannot be another's while one of its processes lives.
        for process in session_members(self.process.pid):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()


class Emulator(Server):
    """AWS's emulator."""

    def command(self, port, runtime_port):
        return [emulator(), "--runtime-interface-emulator-address", "127.0.0.1:%d" % port,
                "--runtime-api-address", "127.0.0.1:%d" % runtime_port, self.bootstrap], self.environment


class ConcurrentEmulator(Server):
    """AWS's emulator as it is with several invocations at once in a process, which AWS_LAMBDA_MAX_CONCURRENCY asks for.

    It then ignores the command that it is given: it starts /var/task/bootstrap, in /var/task, as the user 993. Both are
    made in a mount namespace of its own, which only root may have with such a user.
    """

    SCRIPT = 'mount -t tmpfs none /var && mkdir -m 755 /var/task && install -m 755 "$0" /var/task/bootstrap && exec "$@"'

    @staticmethod
    def is_possible():
        return os.geteuid() == 0 and subprocess.run(
            ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/var"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL).returncode == 0

    def command(self, port, runtime_port):
        command, environment = Emulator.command(self, port, runtime_port)
        return ["unshare", "--mount", "sh", "-c", self.SCRIPT, self.bootstrap, *command[:-1], "bootstrap"], environment


def session_members(session):
    """The ids of the processes of a session that run."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name) as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if fields[0] not in "ZX" and int(fields[3]) == session:
            found.append(int(name))
    return found
