# SPDX-License-Identifier: Apache-2.0
"""`guidon watch` against a real server: what it shows, when it ends, how it comes back."""

import json
import subprocess
import threading
import unittest

import support
from support import NOT_ALLOWED, NOT_FOUND, OK, UNAVAILABLE

LINE_SECONDS_MAX = 60


class Watcher:
    """`guidon watch`, read line by line."""

    def __init__(self, url, *arguments, **variables):
        self.process = subprocess.Popen(
            [support.BINARY, "watch", "--environment", "development", *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=support.environment(GUIDON_URL=url, **variables))
        self.timer = threading.Timer(LINE_SECONDS_MAX, self.process.kill)
        self.timer.start()

    def line(self):
        """The next line but those of how far a change has come: they may be between any two others."""
        while "propagation" in (line := self.process.stdout.readline()):
            pass
        return line.rstrip("\n")

    def until(self, text):
        for line in self.process.stdout:
            if text in line:
                return line
        raise AssertionError(f"the output ended without '{text}': {self.process.stderr.read()}")

    def end(self):
        code = self.process.wait(LINE_SECONDS_MAX)
        self.close()
        return code

    def close(self):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Watch(support.TestCase):
    def setUp(self):
        self.server = support.Server("--store", "rocksdb")
        self.addCleanup(lambda: self.server.stop())

    def watch(self, *arguments, **variables):
        watcher = Watcher(self.server.url, *arguments, **variables)
        self.addCleanup(watcher.close)
        return watcher

    def ok(self, *arguments):
        return self.expect(self.server.run(*arguments), OK)

    def test_lines_for_people(self):
        watcher = self.watch()
        self.assertRegex(watcher.line(), r"^ +#0  node              \S+ is serving$")
        self.ok("flag", "create", "checkout", "--owner", "web", "--enabled", "true")
        self.assertRegex(watcher.line(), r"^\d{4}-\S+Z        #1  flag\.create       checkout \(version 1\)$")
        self.ok("kill", "engage", "--flag", "checkout", "--reason", "r", "--yes")
        self.assertRegex(watcher.line(), r"  kill\.engage       flag:checkout \(version 1\)$")
        self.ok("override", "set", "checkout", "--tenant", "acme", "--enabled", "false")
        self.assertRegex(watcher.line(), r"  override\.\w+ +checkout for acme")

    def test_says_how_far_a_change_has_come(self):
        watcher = self.watch()
        self.assertIn("is serving", watcher.line())
        self.ok("flag", "create", "checkout", "--owner", "web")
        # Whoever watches is a client, too.
        self.assertRegex(watcher.until("1 of 1"), r"^ +#1  propagation       served by \S+, 1 of 1 client has it$")

    def test_json_lines_end_after_so_many(self):
        watcher = self.watch("--output", "json", "--count", "2")
        self.assertEqual(json.loads(watcher.line())["event"], "node")
        for key in ("a", "b", "c"):
            self.ok("flag", "create", key, "--owner", "web")
        first, second = json.loads(watcher.line()), json.loads(watcher.line())
        self.assertEqual((first["event"], first["action"], first["resource"], first["sequence"]),
                         ("change", "flag.create", "a", 1))
        self.assertEqual(second["resource"], "b")
        self.assertEqual(watcher.line(), "")
        self.assertEqual(watcher.end(), OK)

    def test_comes_back_after_a_restart(self):
        watcher = self.watch("--output", "json")
        self.assertEqual(json.loads(watcher.line())["state"], "serving")
        self.ok("flag", "create", "a", "--owner", "web")
        self.assertEqual(json.loads(watcher.line())["resource"], "a")
        listen = self.server.url.removeprefix("http://")
        data = self.server.data
        self.server.owns_data = False
        self.server.stop()
        self.assertEqual(json.loads(watcher.line())["state"], "draining")
        self.server = support.Server("--store", "rocksdb", data=data, listen=listen)
        self.server.owns_data = True
        self.assertEqual(json.loads(watcher.until('"serving"'))["sequence"], 1)
        self.ok("flag", "create", "b", "--owner", "web")
        self.assertEqual(json.loads(watcher.until('"change"'))["resource"], "b")

    def test_refusals_end_it(self):
        self.expect(self.server.run("watch", "--environment", "nowhere"), NOT_FOUND)
        key = self.ok("key", "create", "--kind", "client", "--environment", "development", "-o", "json").json()["token"]
        done = self.server.run("watch", "--environment", "development", GUIDON_API_KEY=key)
        self.expect(done, NOT_ALLOWED)
        self.expect(support.run("watch", "--environment", "development", GUIDON_URL="http://127.0.0.1:9"), UNAVAILABLE)


if __name__ == "__main__":
    unittest.main()
