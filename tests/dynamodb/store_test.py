# SPDX-License-Identifier: Apache-2.0
"""`guidon store export | import | copy` between an embedded store and DynamoDB, in both directions: what arrives, what an
interruption leaves, what is refused. Against the fake DynamoDB of our own."""

import json
import os
import pathlib
import subprocess
import sys
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cli"))
sys.path.insert(0, str(HERE))

import support  # noqa: E402  (tests/cli)
from nodes_test import NO_AWS, Fake  # noqa: E402
from support import CONFLICT, FAILURE, NOT_FOUND, OK, UNAVAILABLE, USAGE  # noqa: E402

WAIT_SECONDS_MAX = 60


class StoreTest(support.TestCase):
    def setUp(self):
        self.fake = self.start_fake()

    def start_fake(self):
        fake = Fake()
        self.addCleanup(fake.close)
        return fake

    def endpoint(self, fake=None):
        return f"http://127.0.0.1:{(fake or self.fake).port}"

    def store(self, *arguments, fake=None, **more):
        return support.run("store", *arguments, "--dynamodb-endpoint", self.endpoint(fake), **NO_AWS, **more)

    def commits(self):
        with urllib.request.urlopen(urllib.request.Request(self.endpoint() + "/commits", data=b""), timeout=30) as answer:
            return int(answer.read())

    def filled(self):
        """The data folder of a server that ran with demo data, a kill switch and a large segment."""
        data = self.folder()
        with support.Server(data=data, demo=True) as server:
            self.expect(server.run("flag", "create", "moved", "-e", "production", "--owner", "o", "--enabled", "true"), OK)
            self.expect(server.run("kill", "engage", "-e", "production", "--flag", "moved", "--reason", "r", "--yes"), OK)
        return data

    def served(self, data, *arguments):
        """What a server on this store says of a flag and its kill switch."""
        with support.Server(*arguments, data=data, **NO_AWS) as server:
            flag = self.expect(server.run("flag", "get", "moved", "-e", "production", "-o", "json"), OK).json()
            kills = self.expect(server.run("kill", "status", "-e", "production", "-o", "json"), OK).json()
            audit = self.expect(server.run("audit", "list", "-e", "production", "--resource", "moved", "-o", "json"), OK).json()
            return flag, kills, audit

    def test_there_and_back_again(self):
        data = self.filled()
        there = self.expect(self.store("copy", "--from", f"rocksdb:{data}", "--to", "dynamodb:feature-flags-local", "-o",
                                       "json"), OK).json()
        self.assertTrue(there["verified"])
        self.assertFalse(there["resumed"])
        self.assertGreater(there["entities"]["flag"]["items"], 20)
        self.assertGreater(there["writeUnits"], there["items"])
        other = self.folder()
        back = self.expect(self.store("copy", "--from", "dynamodb:feature-flags-local", "--to", f"rocksdb:{other}", "-o",
                                      "json"), OK).json()
        self.assertEqual(back["entities"], there["entities"])
        expected = self.served(data)
        self.assertEqual(expected[0]["flagKey"], "moved")
        self.assertEqual(self.served(other), expected)
        self.assertEqual(self.served(self.folder(), "--store", "dynamodb", "--dynamodb-endpoint", self.endpoint()), expected)

    def test_export_and_import_through_a_pipe(self):
        data = self.filled()
        self.expect(self.store("copy", "--from", f"rocksdb:{data}", "--to", "dynamodb"), OK)
        exported = self.expect(self.store("export", "-", "--store", "dynamodb"), OK)
        self.assertRegex(exported.err, "Not verified: what went to standard output")
        lines = [json.loads(line) for line in exported.out.splitlines()]
        self.assertEqual(next(iter(lines[0])), "guidonExport")
        self.assertEqual(lines[-1]["guidonExportEnd"]["items"], sum("Item" in line for line in lines))
        other = self.folder()
        self.expect(self.store("import", "-", "--data", str(other), stdin=exported.out), OK, "Verified: read back")
        self.assertEqual(self.served(other), self.served(data))

    def test_a_file_is_made_for_its_owner_and_never_overwritten(self):
        data = self.filled()
        file = self.folder() / "export.jsonl"
        self.expect(self.store("export", str(file), "--data", str(data)), OK, "Verified: read back")
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.expect(self.store("export", str(file), "--data", str(data)), CONFLICT, "nothing is ever overwritten")
        text = file.read_text()
        file.write_text(text.replace('"moved"', '"m0ved"'))
        self.expect(self.store("import", str(file), "--data", str(self.folder())), FAILURE, "lines were changed, lost or doubled")
        file.write_text("\n".join(text.splitlines()[:-1]))
        self.expect(self.store("import", str(file), "--data", str(self.folder())), FAILURE, "its last line is missing")

    def killed_in_the_middle(self, *command):
        """The command under a limit of writes, killed once something has been written."""
        before = self.commits()
        process = subprocess.Popen([support.BINARY, "store", *command, "--max-write-units", "150", "--writers", "1",
                                    "--dynamodb-endpoint", self.endpoint()], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=support.environment(**NO_AWS))
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while self.commits() < before + 60:
            self.assertIsNone(process.poll(), "it ended before it could be killed")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        process.kill()
        process.wait()

    def test_killed_copies_and_imports_go_on(self):
        data = self.filled()
        copy = ("copy", "--from", f"rocksdb:{data}", "--to", "dynamodb")
        self.killed_in_the_middle(*copy)
        self.expect(self.store("copy", "--from", "dynamodb", "--to", f"rocksdb:{self.folder()}"), CONFLICT,
                    "itself the target of a transfer that has not ended")
        self.expect(support.run("serve", "--store", "dynamodb", "--dynamodb-endpoint", self.endpoint(), "--data",
                                str(self.folder()), "--listen", "127.0.0.1:0", **NO_AWS), CONFLICT,
                    "not whole.*a copy into it from embedded store.*has begun and not ended")
        file = self.folder() / "export.jsonl"
        self.expect(self.store("export", str(file), "--data", str(data)), OK)
        self.expect(self.store("import", str(file), "--store", "dynamodb"), CONFLICT, "an unfinished copy from another")
        done = self.expect(self.store(*copy, "-o", "json"), OK).json()
        self.assertTrue(done["resumed"] and done["verified"], done)

        self.fake = self.start_fake()
        self.killed_in_the_middle("import", str(file), "--store", "dynamodb")
        again = self.expect(self.store("import", str(file), "--store", "dynamodb", "-o", "json"), OK).json()
        self.assertTrue(again["resumed"] and again["verified"], again)
        self.assertEqual(again["entities"], done["entities"])

    def test_a_node_that_writes_meanwhile_is_noticed(self):
        data = self.filled()
        self.expect(self.store("copy", "--from", f"rocksdb:{data}", "--to", "dynamodb"), OK)
        node = support.Server("--store", "dynamodb", "--dynamodb-endpoint", self.endpoint(), data=self.folder(), **NO_AWS)
        self.addCleanup(node.stop)
        other = self.folder()
        process = subprocess.Popen([support.BINARY, "store", "copy", "--from", "dynamodb", "--to", f"rocksdb:{other}",
                                    "--max-read-units", "5", "--segments", "1", "--dynamodb-endpoint", self.endpoint()],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=support.environment(**NO_AWS))
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not (other / "store").exists():  # it has opened its target, and reads slowly
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        time.sleep(0.5)  # the heads are read at once; reading on takes seconds
        self.expect(node.run("flag", "update", "moved", "-e", "production", "--description", "meanwhile"), OK)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, CONFLICT, out + err)
        self.assertRegex(err, r"was written to meanwhile \(production\)")

    def test_an_embedded_store_is_verified_and_mended(self):
        data = self.filled()
        sound = self.expect(self.store("verify", "--data", str(data), "-o", "json"), OK).json()
        self.assertEqual((sound["sound"], sound["findings"]), (True, []))
        self.assertGreater(sound["items"]["flag"], 20)
        file = self.folder() / "export.jsonl"
        self.expect(self.store("export", str(file), "--data", str(data)), OK)
        lines = []
        for line in map(json.loads, file.read_text().splitlines()):
            if "Item" not in line:
                continue  # without its ends it is an export of DynamoDB's, which may be anything
            item = line["Item"]
            if item["PK"]["S"] == "FLAG#production#moved" and item["SK"]["S"] == "METADATA":
                del item["GSI1PK"]
            if item["PK"]["S"] == "CHANGES#production" and item["SK"]["S"].endswith("3"):
                continue
            lines.append(json.dumps(line))
        other = self.folder()
        self.expect(self.store("import", "-", "--data", str(other), stdin="\n".join(lines)), OK, "Verified")
        wrong = self.expect(self.store("verify", "--data", str(other)), FAILURE, "1 problems, 1 warnings.*guidon store repair")
        self.assertRegex(wrong.out, r"FLAG#production#moved / METADATA: its GSI1PK is not what the item says")
        self.assertRegex(wrong.out, r"entries are missing from the change log: 3,? ?")
        self.expect(self.store("repair", "--data", str(other), "--yes"), OK, r"moved / METADATA: sets GSI1PK \[done\]")
        left = self.expect(self.store("verify", "--data", str(other), "-o", "json"), FAILURE).json()
        self.assertEqual(left["counts"], {"log-gap": 1})

    def test_what_is_refused(self):
        data = self.filled()
        with support.Server(data=data):
            self.expect(self.store("export", "-", "--data", str(data)), UNAVAILABLE, "in use by another Guidon process")
        self.expect(self.store("export", "-", "--data", str(self.folder())), NOT_FOUND, "There is no embedded store")
        self.expect(self.store("copy", "--from", f"rocksdb:{data}", "--to", f"rocksdb:{data}"), UNAVAILABLE)
        self.expect(self.store("copy", "--from", "dynamodb", "--to", "dynamodb"), USAGE, "Both ends are the same")
        self.expect(self.store("copy", "--from", "elsewhere", "--to", "dynamodb"), USAGE, "names no store")
        self.expect(self.store("export", "-", "--store", "memory"), USAGE, "ends with its server")
        dry = self.expect(self.store("copy", "--from", f"rocksdb:{data}", "--to", "dynamodb", "--dry-run", "-o", "json"),
                          OK).json()
        self.assertGreater(dry["writeUnitsEstimate"], dry["items"])
        self.assertEqual(self.commits(), 0)
        self.expect(self.store("copy", "--from", f"rocksdb:{data}", "--to", "dynamodb"), OK)
        self.expect(self.store("copy", "--from", f"rocksdb:{data}", "--to", "dynamodb"), CONFLICT, "target is not empty")
        self.expect(self.store("copy", "--from", f"rocksdb:{data}", "--to", "dynamodb", "--dry-run"), CONFLICT, "not empty")


if __name__ == "__main__":
    unittest.main()
