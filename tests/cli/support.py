# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: the real server on a free loopback port, and commands against it."""

import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

BINARY = os.environ.get("GUIDON_TEST_BINARY", str(pathlib.Path(__file__).parents[2] / "build/ci/bin/guidon"))
# Generous: sanitizer builds on a busy machine are slow, and a deadline that is met costs nothing.
START_SECONDS_MAX = 60
COMMAND_SECONDS_MAX = 120

OK, FAILURE, USAGE, NOT_FOUND, CONFLICT, NOT_ALLOWED, UNAVAILABLE = range(7)


def environment(**variables):
    """A clean environment: nothing of the caller's GUIDON_*, locale or colours."""
    base = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            base[name] = os.environ[name]
    base.update({name: value for name, value in variables.items() if value is not None})
    return base


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def json(self):
        return json.loads(self.out)


def run(*arguments, stdin="", **variables):
    """Runs the program without a terminal."""
    done = subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, text=True,
                          timeout=COMMAND_SECONDS_MAX, env=environment(**variables), check=False)
    return Result(done)


class Server:
    """`guidon serve` with a data folder of its own."""

    def __init__(self, *arguments, data=None, listen="127.0.0.1:0", demo=False, wait=True, **variables):
        self.owns_data = data is None
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="guidon-cli-")) if data is None else pathlib.Path(data)
        command = [BINARY, "serve", "--data", str(self.data), "--listen", listen, "--log-format", "json",
                   *([] if demo else ["--no-demo"]), *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment(**variables))
        self.log = []
        self.rest = b""
        self.url = None
        if wait:
            line = self.wait_for("listening")
            self.url = line["url"]

    def wait_for(self, message):
        """The first log line with this message; lines before it are kept in `log`."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            while b"\n" in self.rest:
                text, self.rest = self.rest.split(b"\n", 1)
                try:
                    line = json.loads(text)
                except ValueError:
                    line = {"message": text.decode()}
                self.log.append(line)
                if line.get("message") == message:
                    return line
            left = deadline - time.monotonic()
            ready = select.select([self.process.stderr], [], [], max(left, 0))[0] if left > 0 else []
            chunk = os.read(self.process.stderr.fileno(), 65536) if ready else b""
            if not chunk:
                raise AssertionError(f"no log line '{message}'; code {self.process.poll()}; log {self.log}; {self.rest}")
            self.rest += chunk

    def run(self, *arguments, stdin="", **variables):
        return run(*arguments, stdin=stdin, GUIDON_URL=self.url, **variables)

    def send(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ends it as an operator would; the exit code."""
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
        try:
            self.process.wait(START_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        if self.owns_data:
            shutil.rmtree(self.data, ignore_errors=True)
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def get(url, headers=None):
    """Status and text of a GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class TestCase(unittest.TestCase):
    maxDiff = None

    def folder(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix="guidon-cli-"))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def expect(self, result, code, pattern=None):
        """The exit code, and a pattern in what was printed: on success standard output, else standard error."""
        self.assertEqual(result.code, code, f"out: {result.out}\nerr: {result.err}")
        if pattern is not None:
            self.assertRegex(result.out if code == OK else result.err, re.compile(pattern, re.DOTALL))
        return result
