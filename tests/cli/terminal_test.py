# SPDX-License-Identifier: Apache-2.0
"""On a terminal: questions, progress, colours; and none of it in a pipe."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import unittest

import support
from support import FAILURE, OK


def run_on_terminal(*arguments, answer=None, columns=80, **variables):
    """Runs the program with a pseudo-terminal as its three streams; `answer` is typed when a question stands there."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([support.BINARY, *arguments], stdin=terminal, stdout=terminal, stderr=terminal,
                               env=support.environment(TERM="xterm", **variables), start_new_session=True)
    os.close(terminal)
    text = b""
    while True:
        if not select.select([controller], [], [], support.COMMAND_SECONDS_MAX)[0]:
            process.kill()
            raise AssertionError(f"nothing more came after {text!r}")
        try:
            chunk = os.read(controller, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        text += chunk
        if answer is not None and text.endswith(b"[y/N] "):
            os.write(controller, answer.encode() + b"\n")
            answer = None
    os.close(controller)
    return process.wait(support.COMMAND_SECONDS_MAX), text.decode().replace("\r\n", "\n")


class Terminal(support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server("--store", "memory")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def on_terminal(self, *arguments, **more):
        return run_on_terminal(*arguments, GUIDON_URL=self.server.url, **more)

    def test_kill_asks_first(self):
        command = ["kill", "engage", "--tenant", "acme", "--reason", "drill"]
        code, text = self.on_terminal(*command, answer="n")
        self.assertEqual(code, FAILURE)
        self.assertIn(f"Turn off all flags for tenant acme in development now, on {self.server.url}? [y/N] ", text)
        self.assertIn("Not confirmed: nothing was changed", text)
        self.assertEqual(self.server.run("kill", "status", "-o", "json").json()["items"], [])
        code, text = self.on_terminal(*command, answer="y")
        self.assertEqual(code, OK)
        self.assertIn("Engaged the kill switch tenant:acme", text)
        code, text = self.on_terminal("kill", "release", "--tenant", "acme", "--yes")
        self.assertEqual((code, "[y/N]" in text), (OK, False))

    def test_colours_only_on_a_terminal_and_not_with_no_color(self):
        self.server.run("flag", "create", "coloured", "--owner", "o", "--enabled", "true")
        self.assertIn("\x1b[", self.on_terminal("flag", "list")[1])
        self.assertNotIn("\x1b[", self.on_terminal("flag", "list", NO_COLOR="1")[1])
        self.assertNotIn("\x1b[", self.on_terminal("flag", "list", "--no-color")[1])
        self.assertNotIn("\x1b[", self.server.run("flag", "list").out)
        self.assertIn("\x1b[31merror:", self.on_terminal("flag", "get", "none")[1])

    def test_long_lines_are_cut_to_the_terminal(self):
        self.server.run("flag", "create", "long", "--owner", "o", "--description", "説明" * 100)
        rows = self.on_terminal("flag", "list", "--no-color", columns=140)[1].splitlines()
        row = next(row for row in rows if row.startswith("long"))
        self.assertTrue(row.endswith("…"))
        self.assertIn("説明" * 100, self.server.run("flag", "list").out)

    def test_stored_text_cannot_drive_the_terminal(self):
        self.server.run("tenant", "create", "evil", "--name", "a\u202eb\u009b31m")
        text = self.on_terminal("tenant", "list", "--no-color")[1]
        self.assertNotIn("\u202e", text)
        self.assertNotIn("\u009b", text)

    def test_progress_of_whole_stores(self):
        data = self.folder()
        with support.Server(data=data, demo=True):
            pass
        file = self.folder() / "export.jsonl"
        code, text = run_on_terminal("store", "export", str(file), "--data", str(data))
        self.assertEqual(code, OK, text)
        self.assertRegex(text, r"exporting: \d+ items, \d+\.\d MB, \d+ items/s")
        self.assertIn("ENTITY", text.split("\r\x1b[K")[-1])  # the line is gone before the report
        in_a_pipe = support.run("store", "verify", "--data", str(data))
        self.assertEqual((in_a_pipe.code, in_a_pipe.err), (OK, ""))

    def test_progress_on_a_terminal(self):
        self.server.run("flag", "create", "many", "--owner", "o")
        file = self.folder() / "tenants.csv"
        file.write_text("tenantId,enabled\n" + "".join(f"t{number},true\n" for number in range(1500)))
        code, text = self.on_terminal("override", "set", "many", "--file", str(file))
        self.assertEqual(code, OK)
        self.assertIn("1000 of 1500 overrides (66 %)", text)
        self.assertIn("Set 1500 overrides of flag many", text)


if __name__ == "__main__":
    unittest.main()
