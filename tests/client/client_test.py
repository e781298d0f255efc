# SPDX-License-Identifier: Apache-2.0
"""The client library in a program, against the real server: changes, restarts, no server, wrong keys, forks, tenants."""

import http.server
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cli"))
import support  # noqa: E402

PROBE = os.environ.get("GUIDON_TEST_PROBE", str(pathlib.Path(__file__).parents[2] / "build/ci/bin/client_probe"))
SECONDS_MAX = 60
FLAGS = "/api/v1/environments/development/flags"
SWITCHES = "/api/v1/environments/development/kill-switches"


class Probe:
    """A program with a client. Its lines come in the order in which it said them."""

    def __init__(self, **options):
        arguments = [f"{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen([PROBE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=support.environment())
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def wait(self, pattern):
        """The next line that the pattern matches."""
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            try:
                line = self.lines.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                raise AssertionError(f"no line like {pattern!r}; there were {self.seen}") from None
            if line is None:
                raise AssertionError(f"ended without a line like {pattern!r}; there were {self.seen}")
            self.seen.append(line)
            if re.search(pattern, line):
                return line

    def ask(self, command, pattern=r"(answer|status|ready) "):
        self.say(command)
        return self.wait(pattern)

    def bool(self, *words):
        return self.ask("bool " + " ".join(words), r"answer ").split("answer ", 1)[1]

    def stop(self):
        if self.process.stdin.closed:
            return self.process.returncode
        if self.process.poll() is None:
            try:
                self.say("quit")
            except BrokenPipeError:
                pass
        try:
            self.process.wait(SECONDS_MAX)
        finally:
            self.process.kill()
            self.process.stdin.close()
            self.reader.join(SECONDS_MAX)
            self.process.stdout.close()
        return self.process.returncode


def call(server, method, path, body=None, headers=None, key=None):
    request = urllib.request.Request(server.url + path, method=method,
                                     data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", "Bearer " + key)
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def patch(server, key, **fields):
    call(server, "PATCH", f"{FLAGS}/{key}", fields, {"If-Match": "*"})


class Base(support.TestCase):
    def server(self, **options):
        server = support.Server("--profile", "local", **options)
        self.addCleanup(server.stop)
        return server

    def probe(self, **options):
        probe = Probe(**options)
        self.addCleanup(probe.stop)
        return probe

    def make(self, server, key, **fields):
        call(server, "POST", FLAGS, {"flagKey": key, "owner": "o", "defaultEnabled": True, **fields})

    def key(self, server, tenant=None, kind="server"):
        body = {"kind": kind, "environment": "development"}
        if tenant:
            body["tenantId"] = tenant
        return call(server, "POST", "/api/v1/keys", body)["token"]

    def streaming(self, probe):
        """Waits until changes are pushed."""
        deadline = time.monotonic() + SECONDS_MAX
        while "streaming" not in probe.ask("status", "status "):
            self.assertLess(time.monotonic(), deadline, "no stream")
            time.sleep(0.02)


class ClientTest(Base):
    def test_changes_and_kill_switches_are_pushed(self):
        server = self.server()
        self.make(server, "here")
        probe = self.probe(url=server.url, key=self.key(server))
        self.assertEqual(probe.ask("ready"), "ready yes")
        self.assertEqual(probe.bool("here"), "true STATIC  ")
        self.streaming(probe)
        patch(server, "here", defaultEnabled=False)
        self.assertEqual(probe.wait(r"^change (?!everything)"), "change here")
        self.assertEqual(probe.bool("here"), "false STATIC  ")
        self.make(server, "later")
        probe.wait("^change later$")
        self.assertEqual(probe.bool("later"), "true STATIC  ")
        call(server, "PUT", f"{SWITCHES}/flag:later", {"reason": "broken"})
        probe.wait("^change everything")
        self.assertEqual(probe.bool("later"), "false DISABLED  flag:later")
        call(server, "DELETE", f"{SWITCHES}/flag:later")
        probe.wait("^change everything")
        self.assertEqual(probe.bool("later"), "true STATIC  ")
        call(server, "DELETE", f"{FLAGS}/later")
        probe.wait("^change later$")
        self.assertEqual(probe.bool("later"), "false ERROR FLAG_NOT_FOUND ")

    def test_a_server_that_restarts_is_found_again(self):
        port = support.free_port()
        data = self.folder()
        server = self.server(data=data, listen=f"127.0.0.1:{port}")
        self.make(server, "here")
        probe = self.probe(url=server.url, key=self.key(server), stale=1000)
        probe.wait("^change everything")
        self.streaming(probe)
        server.stop()
        probe.wait("^state STALE")
        self.assertEqual(probe.bool("here"), "true STATIC  ")
        again = self.server(data=data, listen=f"127.0.0.1:{port}")
        patch(again, "here", defaultEnabled=False)
        probe.wait("^change ")
        self.assertEqual(probe.bool("here"), "false STATIC  ")
        probe.wait("^state READY")

    def test_a_start_without_server_has_what_was_there_last(self):
        snapshot = self.folder() / "flags.snapshot"
        port = support.free_port()
        data = self.folder()
        server = self.server(data=data, listen=f"127.0.0.1:{port}")
        self.make(server, "here")
        key = self.key(server)
        first = self.probe(url=server.url, key=key, snapshot=snapshot)
        first.wait("^change everything")
        self.assertEqual(first.stop(), 0)
        server.stop()
        second = self.probe(url=server.url, key=key, snapshot=snapshot, stale=1)
        self.assertEqual(second.bool("here"), "true STATIC  ")  # the first thing that it does
        self.assertEqual(second.ask("ready"), "ready yes")
        if "change everything" not in second.seen:
            second.wait("^change everything")  # all of the file is compiled
        self.assertRegex(second.ask("status", "status "), r"status STALE \d+ polling 1")
        again = self.server(data=data, listen=f"127.0.0.1:{port}")
        patch(again, "here", defaultEnabled=False)
        second.wait("^change ")  # what it had is older than what the new server remembers: it is told everything
        self.assertEqual(second.bool("here"), "false STATIC  ")

    def test_a_wrong_key_is_told_and_defaults_hold(self):
        server = self.server()
        self.make(server, "here")
        for key in ("gdn_server_0123456789abcdef_" + "A" * 43, self.key(server, kind="client")):
            probe = self.probe(url=server.url, key=key)
            self.assertEqual(probe.ask("ready"), "ready no")
            self.assertRegex(probe.ask("status", "status "), r"status ERROR -1 polling 0 .*key")
            self.assertEqual(probe.bool("here"), "false ERROR GENERAL ")

    def test_a_key_that_is_revoked_leaves_the_last_definitions(self):
        server = self.server()
        self.make(server, "here")
        key = self.key(server)
        probe = self.probe(url=server.url, key=key, poll=200)
        probe.wait("^change everything")
        self.streaming(probe)
        call(server, "DELETE", "/api/v1/keys/" + key.split("_")[2])
        probe.wait("^state ERROR")
        self.assertEqual(probe.bool("here"), "true STATIC  ")

    def test_polling_alone_finds_changes(self):
        server = self.server()
        self.make(server, "here")
        probe = self.probe(url=server.url, key=self.key(server), stream=0, poll=100)
        probe.wait("^change everything")
        patch(server, "here", defaultEnabled=False)
        probe.wait("^change here")
        self.assertIn("polling", probe.ask("status", "status "))

    def test_a_forked_child_follows_on_its_own(self):
        server = self.server()
        self.make(server, "here")
        probe = self.probe(url=server.url, key=self.key(server))
        probe.wait("^change everything")
        self.streaming(probe)
        probe.say("fork")
        self.assertEqual(probe.bool("here"), "true STATIC  ")
        self.streaming(probe)
        patch(server, "here", defaultEnabled=False)
        probe.wait("^child change here")
        self.assertEqual(probe.bool("here"), "false STATIC  ")
        self.assertEqual(probe.stop(), 0)

    def test_some_flags_come_alone(self):
        server = self.server()
        self.make(server, "base")
        self.make(server, "wanted", prerequisites=[{"flagKey": "base", "variations": ["on"]}])
        self.make(server, "other")
        probe = self.probe(url=server.url, key=self.key(server), flags="wanted")
        probe.wait("^change everything")
        self.assertRegex(probe.ask("status", "status "), r" 2 ")
        self.assertEqual(probe.bool("wanted").split()[0], "true")
        self.assertEqual(probe.bool("other"), "false ERROR FLAG_NOT_FOUND ")
        self.streaming(probe)
        patch(server, "base", defaultEnabled=False)
        probe.wait("^change base")
        self.assertEqual(probe.bool("wanted"), "false PREREQUISITE_FAILED  ")

    def test_the_server_counts_what_is_evaluated_here(self):
        server = support.Server("--profile", "local", "--usage-interval", "1s")
        self.addCleanup(server.stop)
        self.make(server, "here")
        for options in ({"key": self.key(server)}, {}):  # in the local profile no key is needed
            probe = self.probe(url=server.url, usage=100, **options)
            probe.wait("^change everything")
            for _ in range(3):
                probe.bool("here", "acme")
            self.assertEqual(probe.stop(), 0)
        deadline = time.monotonic() + SECONDS_MAX
        count = 0
        while count < 6:
            self.assertLess(time.monotonic(), deadline, f"the server has counted {count}")
            count = call(server, "GET", f"{FLAGS}/here/usage")["total"]["evaluations"]
            time.sleep(0.05)
        self.assertEqual(count, 6)

    def test_two_tenants_see_nothing_of_each_other(self):
        server = self.server()
        self.make(server, "shared")
        self.make(server, "acmes", tenantId="acme")
        self.make(server, "globexs", tenantId="globex")
        probes = {tenant: self.probe(url=server.url, key=self.key(server, tenant), snapshot=self.folder() / "s")
                  for tenant in ("acme", "globex")}
        for tenant, probe in probes.items():
            probe.wait("^change everything")
            self.streaming(probe)
            self.assertRegex(probe.ask("status", "status "), r" 2 ")
            # The credential fixes the tenant: a context need not name it, and names no other.
            self.assertEqual(probe.bool(tenant + "s").split()[0], "true")
            other = "globex" if tenant == "acme" else "acme"
            self.assertEqual(probe.bool(other + "s"), "false ERROR FLAG_NOT_FOUND ")
            self.assertEqual(probe.bool("shared", other), "false ERROR INVALID_CONTEXT ")
        patch(server, "acmes", defaultEnabled=False)
        probes["acme"].wait("^change acmes$")
        call(server, "PUT", f"{FLAGS}/shared/overrides/acme", {"enabled": False})
        probes["acme"].wait("^change shared$")
        self.assertEqual(probes["acme"].bool("shared").split()[0], "false")
        patch(server, "shared", description="for both")
        probes["globex"].wait("^change shared$")
        self.assertEqual(probes["globex"].bool("shared").split()[0], "true")
        heard = [line for line in probes["globex"].seen if line.startswith("change")]
        self.assertEqual(heard, ["change everything", "change shared"])
        probes["globex"].stop()


class UsageReceiver(http.server.BaseHTTPRequestHandler):
    """Stands before the real server, takes usage and acknowledgements itself and fails at first."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        request = urllib.request.Request(self.server.behind + self.path)
        for name in ("Authorization", "If-None-Match"):
            if name in self.headers:
                request.add_header(name, self.headers[name])
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, tag, body = answer.status, answer.headers.get("ETag"), answer.read()
        except urllib.error.HTTPError as refused:
            status, tag, body = refused.code, refused.headers.get("ETag"), b""
        self.send_response(status)
        if tag:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = "usage" if self.path == "/api/v1/usage" else self.path
        attempts = self.server.attempts
        attempts[kind] = attempts.get(kind, 0) + 1
        status = 503 if attempts[kind] == 1 else 204
        if status == 204:
            self.server.received.put((kind, body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class ReportsTest(Base):
    def test_usage_and_acknowledgements_are_sent_again_until_they_arrive(self):
        server = self.server()
        self.make(server, "here")
        relay = http.server.ThreadingHTTPServer(("127.0.0.1", 0), UsageReceiver)
        relay.behind, relay.attempts, relay.received = server.url, {}, queue.Queue()
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        self.addCleanup(relay.server_close)
        self.addCleanup(relay.shutdown)
        probe = self.probe(url=f"http://127.0.0.1:{relay.server_address[1]}", key=self.key(server), id="checkout-1",
                           stream=0, usage=100)
        probe.wait("^change everything")
        for _ in range(5):
            probe.bool("here", "acme")
        probe.bool("here")
        probe.bool("missing")
        counts, acknowledged = {}, None
        deadline = time.monotonic() + SECONDS_MAX
        while sum(counts.values()) < 6 or acknowledged is None:
            kind, body = relay.received.get(timeout=max(deadline - time.monotonic(), 0.001))
            self.assertEqual(body["client"], "checkout-1")
            if kind == "usage":
                for record in body["records"]:
                    self.assertRegex(record["minute"], r"^\d{4}-\d\d-\d\dT\d\d:\d\dZ$")
                    place = (record["flagKey"], record["variation"], record.get("tenantId"))
                    counts[place] = counts.get(place, 0) + record["count"]
            else:
                self.assertEqual(kind, "/api/v1/environments/development/acknowledgements")
                acknowledged = body["etag"]
        self.assertEqual(counts, {("here", "on", "acme"): 5, ("here", "on", None): 1})
        self.assertRegex(acknowledged, r'^"[\w-]+"$')
        probe.bool("here", "acme")
        probe.stop()  # sends what is left
        self.assertEqual(relay.received.get(timeout=SECONDS_MAX)[1]["records"][0]["count"], 1)


if __name__ == "__main__":
    unittest.main()
