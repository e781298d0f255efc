# SPDX-License-Identifier: Apache-2.0
"""The server as a process: first start, demo data, keys, signals, refusals."""

import http.client
import os
import pathlib
import signal
import stat
import unittest
import urllib.parse

import support
from support import CONFLICT, FAILURE, NOT_ALLOWED, OK, UNAVAILABLE, USAGE


class FirstStart(support.TestCase):
    def test_demo_data_once_and_audited(self):
        data = self.folder()
        with support.Server(data=data, demo=True) as server:
            flags = server.run("flag", "list", "-e", "production", "-o", "json").json()["items"]
            self.assertGreaterEqual(len(flags), 12)
            self.assertEqual({flag["type"] for flag in flags}, {"boolean", "string", "number", "object"})
            self.assertEqual({flag["state"] for flag in flags}, {"ENABLED", "DISABLED", "ARCHIVED"})
            tenants = server.run("tenant", "list", "-o", "json").json()["items"]
            self.assertEqual((len(tenants), len({tenant["plan"] for tenant in tenants})), (3, 2))
            for environment in ("development", "staging", "production"):
                count = server.run("flag", "list", "-e", environment, "-o", "json").json()["items"]
                self.assertEqual(len(count), len(flags))
                self.assertEqual(len(server.run("segment", "list", "-e", environment, "-o", "json").json()["items"]), 1)
            audit = server.run("audit", "-e", "production", "--all", "-o", "json").json()["items"]
            self.assertEqual({entry["actor"]["id"] for entry in audit}, {"system"})
            health = server.run("health", "-o", "json").json()
            self.assertEqual([environment["problems"] for environment in health["environments"]], [[], [], []])
            # What the demo shows, evaluated.
            def value(*arguments):
                return server.run("evaluate", *arguments, "-o", "json").json()
            self.assertEqual(value("new-checkout", "--key", "u", "--tenant", "acme")["value"], True)
            self.assertEqual(value("new-checkout", "--key", "u", "--tenant", "corner")["value"], False)
            self.assertEqual(value("new-checkout", "--key", "user-7")["metadata"]["ruleId"], "testers-first")
            self.assertEqual(value("rate-limit", "--attr", "plan=enterprise")["value"], 1200)
            self.assertEqual(value("search-engine", "--key", "u", "--tenant", "tanuki")["value"], "semantic")
            self.assertEqual(value("banner")["value"]["textJa"], "夏のセール")
            self.assertEqual(value("dashboard-charts", "--key", "user-7")["value"], True)
            self.assertEqual(value("dashboard-charts", "--key", "user-13")["reason"], "PREREQUISITE_FAILED")
            self.assertEqual(value("mobile-sync", "--attr", "app.version=2.10.0", "--attr", "ip=192.0.2.1")["value"], True)
            self.assertEqual(value("mobile-sync", "--attr", "app.version=2.10.0", "--attr", "ip=10.1.2.3")["value"], False)
            self.assertEqual(value("spring-campaign")["metadata"]["expired"], True)
            self.assertNotIn("value", value("legacy-export"))
            self.assertEqual(value("acme-single-sign-on", "--tenant", "acme")["value"], True)
            self.assertEqual(server.run("evaluate", "acme-single-sign-on", "--tenant", "corner").code, 3)
            self.assertEqual(server.run("evaluate", "old-onboarding").code, 3)
            deleted = server.run("flag", "delete", "winter-campaign", "--yes")
            self.expect(deleted, OK)
            sequence = server.run("health", "-o", "json").json()["environments"][0]["sequence"]
        with support.Server(data=data, demo=True) as server:
            environments = server.run("health", "-o", "json").json()["environments"]
            self.assertEqual(environments[0]["sequence"], sequence)
            self.assertEqual(len(server.run("flag", "list", "-o", "json").json()["items"]), len(flags) - 1)

    def test_no_demo(self):
        with support.Server(demo=False) as server:
            self.assertEqual(server.run("flag", "list").out, "No flags.\n")

    def test_data_outlives_the_process(self):
        data = self.folder()
        with support.Server(data=data) as server:
            server.run("flag", "create", "kept", "--owner", "o", "--enabled", "true")
        with support.Server(data=data) as server:
            self.assertEqual(server.run("evaluate", "kept", "-o", "json").json()["value"], True)

    def test_greeting(self):
        for lang, pattern in (("C.UTF-8", r"URL +http://127"), ("ja_JP.UTF-8", r"プロファイル +local\n.*停止 +Ctrl-C")):
            server = support.Server("--store", "memory", "--log-format", "console", wait=False, LANG=lang)
            text = b""
            while b"Ctrl-C" not in text:
                chunk = os.read(server.process.stdout.fileno(), 65536)
                self.assertTrue(chunk, "the server ended")
                text += chunk
            server.stop()
            self.assertRegex(text.decode(), pattern.replace(".*", "[\\s\\S]*"))

    def test_files_are_private(self):
        parent = self.folder()
        with support.Server(data=parent / "new"):
            secret = parent / "new" / "key-hash-secret"
            self.assertEqual(stat.S_IMODE(secret.stat().st_mode), 0o600)
            self.assertEqual(stat.S_IMODE((parent / "new").stat().st_mode), 0o700)
            self.assertGreaterEqual(len(secret.read_text().strip()), 32)

    def test_memory_with_demo_data(self):
        with support.Server(demo=True) as server:
            status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        if not any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")):
            self.assertLess(rss, 25_000)


class Keys(support.TestCase):
    def test_bootstrap_then_start(self):
        data = self.folder()
        arguments = ["--profile", "prod", "--store", "rocksdb", "--data", str(data)]
        refused = support.run("serve", *arguments, "--listen", "127.0.0.1:0")
        self.expect(refused, NOT_ALLOWED, r"does not start without an admin key.*guidon key bootstrap --profile prod "
                                          rf"--store rocksdb --data '{data}'")
        made = self.expect(support.run("key", "bootstrap", *arguments, "-o", "json"), OK).json()
        self.expect(support.run("key", "bootstrap", *arguments), CONFLICT, "--force")
        second = self.expect(support.run("key", "bootstrap", *arguments, "--force"), OK)
        self.assertRegex(second.out, r"shown this once:\n\n  gdn_admin_")
        with support.Server(*arguments, data=data) as server:
            self.expect(server.run("flag", "list"), NOT_ALLOWED, "set GUIDON_API_KEY")
            self.expect(server.run("flag", "list", GUIDON_API_KEY=made["token"]), OK)
            # While the server runs, its store is its own.
            self.expect(support.run("key", "bootstrap", *arguments, "--force"), UNAVAILABLE, "cannot be opened")

    def test_another_address_needs_keys(self):
        data = self.folder()
        self.expect(support.run("serve", "--data", str(data), "--listen", "0.0.0.0:0"), NOT_ALLOWED, "not a loopback")
        self.expect(support.run("serve", "--store", "memory", "--listen", "0.0.0.0:0"), NOT_ALLOWED, "memory store")
        self.expect(support.run("key", "bootstrap", "--store", "memory"), USAGE, "memory store keeps nothing")

    def test_lost_secret_is_not_replaced_silently(self):
        data = self.folder()
        self.expect(support.run("key", "bootstrap", "--data", str(data)), OK)
        (data / "key-hash-secret").unlink()
        self.expect(support.run("serve", "--data", str(data), "--listen", "127.0.0.1:0"), FAILURE,
                    "restore the file from your backup")

    def test_secret_from_file_and_variable(self):
        data = self.folder()
        secret = "s" * 40
        file = self.folder() / "secret"
        file.write_text(secret + "\n")
        made = support.run("key", "bootstrap", "--data", str(data), "-o", "json", GUIDON_KEY_HASH_SECRET_FILE=str(file))
        token = self.expect(made, OK).json()["token"]
        self.assertFalse((data / "key-hash-secret").exists())
        with support.Server("--listen", "127.0.0.1:0", data=data, GUIDON_KEY_HASH_SECRET=secret) as server:
            self.expect(server.run("key", "list", GUIDON_API_KEY=token), OK)
            self.assertNotIn(secret, str(server.log))


class Processes(support.TestCase):
    def test_second_process_on_the_same_data(self):
        with support.Server() as server:
            second = support.run("serve", "--data", str(server.data), "--listen", "127.0.0.1:0")
            self.expect(second, UNAVAILABLE, r"embedded store in .* cannot be opened.*why: ")
            self.expect(server.run("health"), OK)

    def test_address_in_use(self):
        with support.Server("--store", "memory") as server:
            listen = urllib.parse.urlparse(server.url).netloc
            self.expect(support.run("serve", "--store", "memory", "--listen", listen), UNAVAILABLE, "Cannot listen on")

    def test_unwritable_data(self):
        self.expect(support.run("serve", "--data", "/proc/guidon", "--listen", "127.0.0.1:0"), UNAVAILABLE, "/proc/guidon")

    def test_term_and_int_end_with_success(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = support.Server()
            server.send(number)
            server.wait_for("stopped")
            self.assertEqual(server.process.wait(30), 0)
            server.stop()

    def test_term_finishes_what_was_begun(self):
        with support.Server("--store", "memory") as server:
            address = urllib.parse.urlparse(server.url)
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
            body = b'{"flagKey": "late", "owner": "o"}'
            connection.putrequest("POST", "/api/v1/environments/development/flags")
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body[:5])
            # A second connection proves that the server has read what was sent on the first.
            self.assertEqual(support.get(server.url + "/healthz")[0], 200)
            server.send(signal.SIGTERM)
            server.wait_for("stopping")
            connection.send(body[5:])
            answer = connection.getresponse()
            self.assertEqual(answer.status, 201)
            server.wait_for("stopped")
            connection.close()

    def test_second_signal_ends_at_once(self):
        with support.Server("--store", "memory", "--shutdown-grace", "300s") as server:
            address = urllib.parse.urlparse(server.url)
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
            connection.putrequest("POST", "/api/v1/tenants")
            connection.putheader("Content-Length", "100")
            connection.endheaders(b"{")
            self.assertEqual(support.get(server.url + "/healthz")[0], 200)
            server.send(signal.SIGTERM)
            server.wait_for("stopping")
            server.send(signal.SIGTERM)
            self.assertEqual(server.process.wait(30), 1)
            connection.close()

    def test_hup_reloads_what_it_can_and_names_the_rest(self):
        file = self.folder() / "guidon.toml"
        file.write_text('[log]\nlevel = "info"\n')
        with support.Server("--store", "memory", "--config", str(file)) as server:
            file.write_text('listen = "127.0.0.1:1"\n[log]\nlevel = "warn"\n[threads]\nworker = 5\n')
            server.send(signal.SIGHUP)
            refused = server.wait_for("setting changes at the next start")
            self.assertEqual((refused["setting"], refused["from"], refused["to"]), ("threads.worker", "32", "5"))
            changed = next(line for line in server.log if line["message"] == "setting changed")
            self.assertEqual((changed["setting"], changed["to"]), ("log.level", "warn"))
            # `listen` was a flag, which wins over the file.
            self.assertNotIn("listen", [line.get("setting") for line in server.log])

            file.write_text("nonsense = 1\n")
            server.send(signal.SIGHUP)
            self.assertIn("nonsense", server.wait_for("settings not reloaded")["error"])
            self.expect(server.run("health"), OK)
            # At level warn the lines of level info are gone.
            self.assertNotIn("settings reloaded", [line["message"] for line in server.log])

    def test_logs_hold_no_secrets(self):
        with support.Server("--store", "memory", "--log-level", "debug") as server:
            token = server.run("key", "create", "--kind", "admin", "-o", "json").json()["token"]
            server.run("flag", "list", GUIDON_API_KEY=token)
            server.run("flag", "list", GUIDON_API_KEY="gdn_admin_00000000_" + "x" * 43)
            server.send(signal.SIGTERM)
            server.wait_for("stopped")
            log = str(server.log)
            self.assertNotIn(token, log)
            self.assertNotIn("x" * 43, log)
            for line in server.log:
                self.assertEqual({"time", "level", "message"} - line.keys(), set())

    def test_console_log_format(self):
        server = support.Server("--store", "memory", "--log-format", "console", wait=False)
        text = os.read(server.process.stderr.fileno(), 65536).decode()
        server.stop()
        self.assertRegex(text, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info   listening  url=http://127\.0\.0\.1:\d+  profile=local")


if __name__ == "__main__":
    unittest.main()
