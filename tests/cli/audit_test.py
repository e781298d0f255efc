# SPDX-License-Identifier: Apache-2.0
"""`guidon audit verify` against a real server, and the hashes made again by a program that shares nothing with it."""

import base64
import hashlib
import hmac
import json
import unittest

import support
from support import FAILURE, NOT_ALLOWED, OK, USAGE

SECRET_FILE = "key-hash-secret"


def sealed(item):
    """The form of docs/operations/audit.md."""
    rest = {name: value for name, value in item.items() if name != "hash"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def hash_of(secret, item):
    key = hmac.digest(secret, b"guidon audit chain", hashlib.sha256)
    return base64.urlsafe_b64encode(hmac.digest(key, sealed(item), hashlib.sha256)).rstrip(b"=").decode()


class Audit(support.TestCase):
    def store(self, *arguments, **more):
        return support.run("store", *arguments, **more)

    def change(self, server):
        self.expect(server.run("flag", "create", "plain", "--owner", "web"), OK)
        self.expect(server.run("flag", "create", "other", "--owner", "web",
                               "--description", 'quotes ", back\\slash, tab\t, line\n, 日本語, emoji 🚩, <&>'), OK)
        self.expect(server.run("flag", "update", "plain", "--enabled", "true"), OK)
        self.expect(server.run("tenant", "create", "acme", "--name", "Acme"), OK)

    def filled(self):
        data = self.folder()
        with support.Server("--store", "rocksdb", data=data) as server:
            self.change(server)
        return data

    def verify(self, data, *arguments, code=OK):
        with support.Server("--store", "rocksdb", data=data) as server:
            return self.expect(server.run("audit", "verify", *arguments), code)

    def items(self, data):
        file = self.folder() / "export.jsonl"
        self.expect(self.store("export", str(file), "--data", str(data)), OK)
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        return [line["Item"] for line in lines if "Item" in line]

    def test_what_is_whole(self):
        data = self.filled()
        shown = self.verify(data)
        self.assertRegex(shown.out, r"development +changes +ok +3 +0 +\S+ \(1\) to \S+ \(3\)")
        self.assertRegex(shown.out, r"\(tenants and keys\) +changes +ok +1 ")
        report = self.verify(data, "--environment", "development", "--from", "100d", "--output", "json").json()
        self.assertEqual(report["problems"], [])
        self.assertEqual([(chain["environment"], chain["state"], chain["entries"]) for chain in report["chains"]],
                         [("development", "ok", 3)])
        self.assertNotIn("nextCursor", report)

    def test_the_hashes_are_those_of_the_documented_form(self):
        data = self.filled()
        secret = (data / SECRET_FILE).read_bytes().strip()
        items = self.items(data)
        entries = [item for item in items if item["PK"]["S"].startswith("AUDIT#")]
        self.assertEqual(len(entries), 4)
        chains = {}
        for item in sorted(entries, key=lambda item: int(item["sequence"]["N"])):
            self.assertEqual(item["hash"]["S"], hash_of(secret, item))
            self.assertEqual(item.get("previousHash", {}).get("S"), chains.get(item["environment"]["S"]))
            chains[item["environment"]["S"]] = item["hash"]["S"]
        heads = {item["PK"]["S"].split("#")[1]: item["auditHash"]["S"] for item in items if item["SK"]["S"] == "HEAD"}
        self.assertEqual(heads, chains)

    def test_a_node_with_another_secret_finds_everything_changed(self):
        data = self.filled()
        secret = data / SECRET_FILE
        kept = secret.read_bytes()
        secret.write_bytes(b"another secret of at least thirty-two bytes")
        result = self.verify(data, code=FAILURE)
        self.assertRegex(result.out, r"development +changes +broken +3")
        self.assertIn("development: The entry of change 2 is not as it was written, or was made with another secret.", result.out)
        self.assertRegex(result.err, r"(?s)The audit chain is broken.*another key hash secret.*keep the store as it is")
        document = self.verify(data, "--output", "json", code=FAILURE).json()
        self.assertEqual(sorted({problem["kind"] for problem in document["problems"]}), ["changed"])
        secret.write_bytes(kept)
        self.verify(data)

    def test_a_store_that_moved_with_its_secret_is_whole_and_goes_on(self):
        data = self.filled()
        file = self.folder() / "export.jsonl"
        self.expect(self.store("export", str(file), "--data", str(data)), OK)
        other = self.folder()
        (other / SECRET_FILE).write_bytes((data / SECRET_FILE).read_bytes())
        self.expect(self.store("import", str(file), "--data", str(other)), OK)
        self.verify(other)
        self.expect(self.store("repair", "--data", str(other), "--yes"), OK)
        with support.Server("--store", "rocksdb", data=other) as server:
            self.expect(server.run("flag", "create", "later", "--owner", "web"), OK)
            report = self.expect(server.run("audit", "verify", "-e", "development", "-o", "json"), OK).json()
        self.assertEqual(report["chains"][0]["entries"], 4)

    def test_what_cannot_be_asked(self):
        with support.Server("--store", "memory") as server:
            self.expect(server.run("audit", "verify", "--environment", "mars"), USAGE)
            self.expect(server.run("audit", "verify", "--from", "someday"), USAGE)
            key = self.expect(server.run("key", "create", "--kind", "admin", "--tenant", "acme", "--name", "x", "-o", "json"), OK).json()
            refused = self.expect(server.run("audit", "verify", GUIDON_API_KEY=key["token"]), NOT_ALLOWED)
            self.assertIn("bound to a tenant", refused.err)


if __name__ == "__main__":
    unittest.main()
