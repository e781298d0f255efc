# SPDX-License-Identifier: Apache-2.0
"""`guidon segment keys` against the real server, up to a million keys through a restart."""

import json
import os
import time
import unittest

import support
from support import CONFLICT, NOT_FOUND, OK, USAGE

RULE = {"id": "in", "when": {"all": [{"operator": "inSegment", "values": ["big"]}]}, "variation": "on"}
# Generous, so that a busy machine with sanitizers passes; without either it takes some seconds.
MILLION_SECONDS_MAX = 240


class SegmentKeys(support.TestCase):
    def setUp(self):
        self.server = support.Server("--store", "memory")
        self.addCleanup(self.server.stop)
        self.ok("segment", "create", "big", "--include", "a,b", "--exclude", "x")

    def cli(self, *arguments, **more):
        return self.server.run(*arguments, **more)

    def ok(self, *arguments, **more):
        return self.expect(self.cli(*arguments, **more), OK)

    def test_add_list_and_remove(self):
        done = self.ok("segment", "keys", "add", "big", "c", "a", "d")
        self.assertEqual(done.out, "Added 2 and removed 0 included keys of segment big in development "
                                   "(now 4 included, 1 excluded; version 2)\n")
        self.assertEqual(self.ok("segment", "keys", "list", "big").out, "a\nb\nc\nd\n")
        gone = self.ok("segment", "keys", "remove", "big", "x", "y", "--list", "excluded", "-o", "json").json()
        self.assertEqual((gone["removed"], gone["added"], gone["excludedCount"], gone["version"]), (1, 0, 0, 3))
        self.assertEqual(self.ok("segment", "keys", "list", "big", "--list", "excluded").out, "")
        listed = self.ok("segment", "keys", "list", "big", "--limit", "2", "-o", "json").json()
        self.assertEqual(listed["items"], ["a", "b"])
        rest = self.ok("segment", "keys", "list", "big", "--cursor", listed["nextCursor"])
        self.assertEqual(rest.out, "c\nd\n")
        first = self.ok("segment", "keys", "list", "big", "--limit", "3")
        self.assertEqual(first.out, "a\nb\nc\n")
        self.assertIn("--cursor", first.err)
        self.assertEqual(self.ok("segment", "keys", "list", "big", "--prefix", "c").out, "c\n")

    def test_import_from_files_and_pipes(self):
        file = self.folder() / "keys.txt"
        file.write_text("ゆーざ\nb\r\n\nq r\n")
        done = self.ok("segment", "keys", "import", "big", str(file), "-o", "json").json()
        self.assertEqual((done["added"], done["includedCount"]), (2, 4))
        self.assertEqual(self.ok("segment", "keys", "list", "big").out, "a\nb\nq r\nゆーざ\n")
        lines = "\n".join(json.dumps({"key": key}) for key in ("s", "t"))
        self.ok("segment", "keys", "import", "big", "-", "--list", "excluded", stdin=lines)
        self.assertEqual(self.ok("segment", "keys", "list", "big", "--list", "excluded").out, "s\nt\nx\n")
        replaced = self.ok("segment", "keys", "import", "big", "-", "--replace", "-o", "json", stdin="b\nz\n").json()
        self.assertEqual((replaced["added"], replaced["removed"], replaced["excludedCount"]), (1, 3, 3))
        self.assertEqual(self.ok("segment", "keys", "list", "big").out, "b\nz\n")
        self.ok("segment", "keys", "remove", "big", "--file", "-", stdin='"z"\n')
        self.assertEqual(self.ok("segment", "keys", "list", "big").out, "b\n")

    def test_what_is_refused(self):
        self.expect(self.cli("segment", "keys", "add", "big"), USAGE, "Which keys")
        self.expect(self.cli("segment", "keys", "add", "big", "a", "--file", "-"), USAGE, "Which keys")
        self.expect(self.cli("segment", "keys", "add", "none", "a"), NOT_FOUND, "segment create none")
        self.expect(self.cli("segment", "keys", "list", "none"), NOT_FOUND)
        self.expect(self.cli("segment", "keys", "list", "big", "--list", "both"), USAGE, "included|excluded")
        self.expect(self.cli("segment", "keys", "import", "big", "/no/such/file"), USAGE, "cannot be read")
        self.expect(self.cli("segment", "keys", "import", "big", "-", stdin=""), USAGE, "no keys in it")
        self.expect(self.cli("segment", "keys", "import", "big", "-", stdin='"a"\nb\n'), USAGE, "Line 2 is no key")
        self.assertEqual(self.ok("segment", "keys", "list", "big").out, "a\nb\n")

    def test_large_segments_are_shown_by_their_counts(self):
        keys = "".join(f"user-{i:06}\n" for i in range(25_000))
        done = self.ok("segment", "keys", "import", "big", "-", stdin=keys)
        self.assertRegex(done.out, r"^Added 25000 and removed 0 included keys.*now 25002 included")
        self.assertRegex(self.ok("segment", "get", "big").out, r"included +25002 keys")
        self.assertRegex(self.ok("segment", "list").out, r"big +25002 +1 ")
        self.assertEqual(self.ok("segment", "keys", "list", "big", "--all").out, "a\nb\n" + keys)
        self.ok("segment", "update", "big", "--description", "many")
        shown = self.ok("segment", "get", "big", "-o", "json").json()
        self.assertEqual((shown["description"], shown["includedCount"], "included" in shown), ("many", 25_002, False))
        file = self.folder() / "segment.json"
        file.write_text(json.dumps({"segmentKey": "big", "description": "oops"}))
        self.expect(self.cli("segment", "update", "big", "--replace", "--file", str(file)), USAGE, "25002 included")
        self.expect(self.cli("segment", "update", "big", "--description", "y", "--version", "1"), CONFLICT)


class AMillionKeys(support.TestCase):
    def test_are_imported_evaluated_and_there_after_a_restart(self):
        started = time.monotonic()
        folder = self.folder()
        count = int(os.environ.get("GUIDON_TEST_KEYS", "1000000"))
        file = folder / "keys.txt"
        file.write_text("".join(f"user-{i:07}\n" for i in range(count)))

        def value(server, key):
            done = self.expect(server.run("evaluate", "f", "--key", key, "-o", "json"), OK)
            return done.json()["value"]

        def check(server, last):
            for key, expected in (("user-0000000", True), (f"user-{count // 2:07}", True), (last, True),
                                  (f"user-{count:07}", False), ("user-0000007", False), ("", False)):
                self.assertEqual(value(server, key), expected, key)

        with support.Server(data=folder / "data") as server:
            self.expect(server.run("segment", "create", "big", "--exclude", "user-0000007"), OK)
            self.expect(server.run("flag", "create", "f", "--owner", "o", "--enabled", "false", "--rule",
                                   json.dumps(RULE)), OK)
            done = self.expect(server.run("segment", "keys", "import", "big", str(file), "--timeout", "60s",
                                          "-o", "json"), OK).json()
            self.assertEqual((done["added"], done["includedCount"]), (count, count))
            check(server, f"user-{count - 1:07}")
            self.expect(server.run("segment", "keys", "remove", "big", f"user-{count - 1:07}"), OK)
            self.expect(server.run("segment", "keys", "add", "big", "zoe"), OK)
            check(server, "zoe")
            self.assertEqual(value(server, f"user-{count - 1:07}"), False)
        with support.Server(data=folder / "data") as server:
            check(server, "zoe")
            # The whole list in one request; most of it is there already.
            done = self.expect(server.run("segment", "keys", "import", "big", str(file), "--replace", "--timeout", "60s",
                                          "-o", "json"), OK).json()
            self.assertEqual((done["added"], done["removed"], done["includedCount"]), (1, 1, count))
            check(server, f"user-{count - 1:07}")
        self.assertLess(time.monotonic() - started, MILLION_SECONDS_MAX)


if __name__ == "__main__":
    unittest.main()
