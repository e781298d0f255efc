#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command against an emulator of DynamoDB that it starts on a free loopback port and stops afterwards.

    with_emulator.py FOLDER moto|dynalite -- COMMAND...

FOLDER is where tools/install-emulators put them. The command finds GUIDON_TEST_DYNAMODB_ENDPOINT and
GUIDON_TEST_DYNAMODB_EMULATOR; its exit code is this program's. What the emulator wrote is shown when the command fails.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

START_SECONDS_MAX = 60
LOG_LINES_SHOWN = 40


def command_of(emulator, folder, port):
    if emulator == "moto":
        serve = pathlib.Path(__file__).parent / "emulators/serve_moto.py"
        return [str(folder / "moto/bin/python"), "-B", str(serve), str(port)]
    if emulator == "dynalite":
        return ["node", str(folder / "dynalite/node_modules/dynalite/cli.js"), "--host", "127.0.0.1", "--port", str(port),
                "--createTableMs", "0", "--deleteTableMs", "0"]
    sys.exit(f"unknown emulator: {emulator}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(process, port):
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


class Emulator:
    """A running emulator; `endpoint` is its URL."""

    def __init__(self, emulator, folder, port=None):
        self.port = port or free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command_of(emulator, pathlib.Path(folder), self.port), stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        if not wait_for(self.process, self.port):
            text = self.tail()
            self.close()
            raise RuntimeError(f"{emulator} does not start:\n{text}")

    def tail(self):
        self.log.seek(0)
        return "\n".join(self.log.read().decode(errors="replace").splitlines()[-LOG_LINES_SHOWN:])

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self):
        self.stop()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    if len(sys.argv) < 5 or sys.argv[3] != "--":
        sys.exit(__doc__)
    folder, emulator, command = sys.argv[1], sys.argv[2], sys.argv[4:]
    with Emulator(emulator, folder) as running:
        environment = dict(os.environ, GUIDON_TEST_DYNAMODB_ENDPOINT=running.endpoint,
                           GUIDON_TEST_DYNAMODB_EMULATOR=emulator)
        code = subprocess.run(command, env=environment, check=False).returncode
        if code != 0:
            print(f"--- {emulator} wrote last:\n{running.tail()}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
