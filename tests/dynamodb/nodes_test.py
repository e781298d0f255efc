# SPDX-License-Identifier: Apache-2.0
"""Three nodes on one table, as processes: how fast a change arrives, what 50 writers and kill -9 lose (nothing), what an
idle node and an evaluation cost, and what an outage does. Against the fake DynamoDB of our own."""

import concurrent.futures
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
import pathlib
import urllib.parse

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cli"))

import support  # noqa: E402  (tests/cli)
from propagation_test import OfrepClient  # noqa: E402
from support import OK, UNAVAILABLE  # noqa: E402

FAKE = os.environ["GUIDON_TEST_FAKE_DYNAMO"]
NO_AWS = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ACCESS_KEY_ID": "a",
          "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true"}
WAIT_SECONDS_MAX = 30
WRITERS_SECONDS_MAX = 200
ENVIRONMENT = "/api/v1/environments/production"


class Fake:
    """The fake, and a way to make it unreachable: it is stopped, so that connections are accepted and nobody answers, or
    resumed."""

    def __init__(self):
        self.process = subprocess.Popen([FAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def silence(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Caller:
    """Requests over one kept connection."""

    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)

    def send(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        return answer.status, dict(answer.getheaders()), text

    def evaluate(self, flag):
        status, headers, text = self.send("POST", f"/ofrep/v1/evaluate/flags/{flag}", {"context": {"targetingKey": "u"}},
                                          Guidon_Environment="production")
        answer = json.loads(text)
        return answer.get("value", answer.get("errorCode")), headers, answer

    def value(self, flag):
        return self.evaluate(flag)[0]

    def metric(self, name):
        text = self.send("GET", "/metrics")[2]
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{re.escape(name)}[ {{]", line))

    def ready(self):
        return json.loads(self.send("GET", "/readyz")[2])


class NodesTest(support.TestCase):
    def setUp(self):
        self.fake = Fake()
        self.addCleanup(self.fake.close)
        self.secret = None

    def node(self, data=None, *arguments, **variables):
        data = data or self.folder()
        if self.secret is not None and not (data / "key-hash-secret").exists():
            shutil.copy(self.secret, data / "key-hash-secret")
        server = support.Server("--store", "dynamodb", "--dynamodb-endpoint", f"http://127.0.0.1:{self.fake.port}",
                                *arguments, data=data, **NO_AWS, **variables)
        self.secret = self.secret or data / "key-hash-secret"
        self.addCleanup(server.stop)
        return server

    def eventually(self, what, expected):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while (seen := what()) != expected:
            self.assertLess(time.monotonic(), deadline, f"{seen} and not {expected}")
            time.sleep(0.01)

    def create(self, caller, flag, **more):
        status, _, text = caller.send("POST", f"{ENVIRONMENT}/flags", {"flagKey": flag, "owner": "o", "defaultEnabled": True,
                                                                      **more})
        self.assertEqual(status, 201, text)

    def arrival(self, callers, flag, value):
        """Seconds until every one of the callers' nodes serves the value."""
        start = time.monotonic()
        for caller in callers:
            self.eventually(lambda caller=caller: caller.value(flag), value)
        return time.monotonic() - start

    def test_a_change_and_a_kill_switch_reach_every_node_within_a_second(self):
        callers = [Caller(self.node().url) for _ in range(3)]
        self.create(callers[0], "f")
        self.arrival(callers, "f", True)
        changes, kills = [], []
        for i in range(20):
            writer = callers[i % 3]
            status, _, text = writer.send("PATCH", f"{ENVIRONMENT}/flags/f", {"defaultEnabled": False}, If_Match="*")
            self.assertEqual(status, 200, text)
            changes.append(self.arrival(callers, "f", False))
            status, _, text = writer.send("PATCH", f"{ENVIRONMENT}/flags/f", {"defaultEnabled": True}, If_Match="*")
            self.assertEqual(status, 200, text)
            changes.append(self.arrival(callers, "f", True))
            status, _, text = writer.send("PUT", f"{ENVIRONMENT}/kill-switches/flag:f", {"reason": "r"})
            self.assertEqual(status, 200, text)
            kills.append(self.arrival(callers, "f", False))
            status, _, text = writer.send("DELETE", f"{ENVIRONMENT}/kill-switches/flag:f")
            self.assertEqual(status, 204, text)
            self.arrival(callers, "f", True)
        for name, times in (("change", changes), ("kill switch", kills)):
            times.sort()
            print(f"{name}: p50 {times[len(times) // 2] * 1000:.0f} ms, slowest of {len(times)} "
                  f"{times[-1] * 1000:.0f} ms", file=sys.stderr)
            self.assertLess(times[-1], 1.0)

    def client(self, node):
        made = OfrepClient(node.url, "production")
        self.addCleanup(made.close)
        return made

    def test_a_kill_switch_is_waited_for_on_every_node(self):
        nodes = [self.node(None, "--node-id", f"node-{i}") for i in range(3)]
        self.create(Caller(nodes[0].url), "f")
        self.arrival([Caller(node.url) for node in nodes], "f", True)
        clients = [self.client(node) for node in nodes for _ in range(3)]
        times = []
        for i in range(5):
            start = time.monotonic()
            done = nodes[i % 3].run("kill", "engage", "--flag", "f", "--environment", "production", "--reason", "r",
                                    "--yes", "--wait", "10s", "--output", "json")
            times.append(time.monotonic() - start)
            propagation = self.expect(done, OK).json()["propagation"]
            self.assertEqual([node["state"] for node in propagation["nodes"]], ["serving"] * 3)
            self.assertEqual({node["node"] for node in propagation["nodes"]}, {"node-0", "node-1", "node-2"})
            self.assertEqual((propagation["clients"]["connected"], propagation["clients"]["converged"]), (9, 9))
            self.expect(nodes[i % 3].run("kill", "release", "--flag", "f", "--environment", "production", "--yes",
                                         "--wait", "10s"), OK)
        times.sort()
        print(f"kill --wait on 3 nodes: p50 {times[2] * 1000:.0f} ms, slowest of 5 {times[-1] * 1000:.0f} ms",
              file=sys.stderr)
        # One that hangs is named, with the node that it is connected to.
        clients[4].freeze()
        failed = nodes[0].run("kill", "engage", "--flag", "f", "--environment", "production", "--reason", "r", "--yes",
                              "--wait", "2s")
        self.expect(failed, UNAVAILABLE, "3 of 3 nodes and 8 of 9 clients have it")
        self.assertRegex(failed.err, "1 of 3 evaluation clients at 127.0.0.1 on node node-1")
        clients[4].release()
        self.expect(nodes[2].run("propagation", "--environment", "production", "--wait", "10s"), OK, "Everybody has")
        # So is a node: stopped, it serves what it had.
        nodes[1].process.send_signal(signal.SIGSTOP)
        self.addCleanup(nodes[1].process.send_signal, signal.SIGCONT)
        failed = nodes[0].run("kill", "release", "--flag", "f", "--environment", "production", "--yes", "--wait", "2s")
        self.expect(failed, UNAVAILABLE, "2 of 3 nodes")
        self.assertRegex(failed.err, "node node-1 is behind, last heard of at 20")
        nodes[1].process.send_signal(signal.SIGCONT)
        self.expect(nodes[0].run("propagation", "--environment", "production", "--wait", "10s"), OK, "Everybody has")
        # One that ended properly is not waited for.
        nodes[1].stop()
        self.expect(nodes[0].run("kill", "engage", "--flag", "f", "--environment", "production", "--reason", "r", "--yes",
                                 "--wait", "10s"), OK, "2 of 2 nodes and 6 of 6 clients have it")

    def test_fifty_writers_on_three_nodes_lose_nothing(self):
        nodes = [self.node() for _ in range(3)]
        self.create(Caller(nodes[0].url), "shared", tags=[])

        deadline = time.monotonic() + WRITERS_SECONDS_MAX

        def again():
            """Somebody else was faster: a moment's pause, so that not all fifty come back at once."""
            self.assertLess(time.monotonic(), deadline, "the writers did not come to an end")
            time.sleep(random.uniform(0, 0.1))

        def write(number):
            caller = Caller(nodes[number % 3].url)
            done = []
            for i in range(4):
                flag = f"w{number}-{i}"
                while (status := caller.send("POST", f"{ENVIRONMENT}/flags", {"flagKey": flag, "owner": "o"},
                                             Idempotency_Key=flag)[0]) in (409, 503):
                    again()
                done.append((flag, status))
            # Everybody adds a tag to one flag; whoever finds another version there tries again.
            while True:
                _, headers, text = caller.send("GET", f"{ENVIRONMENT}/flags/shared")
                tags = json.loads(text).get("tags", []) + [f"t{number}"]
                status = caller.send("PATCH", f"{ENVIRONMENT}/flags/shared", {"tags": tags[-50:]},
                                     If_Match=headers["ETag"])[0]
                if status == 200:
                    return done
                self.assertIn(status, (409, 412, 503))
                again()

        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            outcomes = [outcome for each in pool.map(write, range(50)) for outcome in each]
        self.assertEqual({status for _, status in outcomes}, {201})
        for node in nodes:
            caller = Caller(node.url)
            for flag, _ in outcomes:
                self.eventually(lambda flag=flag: caller.value(flag), False)
            tags = json.loads(caller.send("GET", f"{ENVIRONMENT}/flags/shared")[2])["tags"]
            self.assertEqual(sorted(tags), sorted(f"t{i}" for i in range(50)))
            self.eventually(lambda: {e["environment"]: e["sequence"]
                                     for e in caller.ready()["environments"]}["production"], 1 + 200 + 50)

    def test_kill_nine_loses_nothing_that_was_acknowledged(self):
        folders = [self.folder() for _ in range(3)]
        nodes = [self.node(folder) for folder in folders]
        acknowledged, stop = [], threading.Event()

        def write(victim, prefix):
            i = 0
            while not stop.is_set():
                flag, i = f"{prefix}-{i}", i + 1
                caller = Caller(nodes[victim].url)
                try:
                    if caller.send("POST", f"{ENVIRONMENT}/flags", {"flagKey": flag, "owner": "o"})[0] == 201:
                        acknowledged.append(flag)
                except (OSError, http.client.HTTPException):
                    pass  # it was killed; what it did not acknowledge may be there or not
                finally:
                    caller.connection.close()
                time.sleep(0.03)

        writers = [threading.Thread(target=write, args=(victim, f"n{victim}w{i}")) for victim in range(3) for i in range(2)]
        for writer in writers:
            writer.start()
        for round_number in range(6):
            time.sleep(0.15 + 0.07 * round_number)
            victim = round_number % 3
            nodes[victim].process.kill()
            nodes[victim].process.wait()
            nodes[victim] = self.node(folders[victim])
        stop.set()
        for writer in writers:
            writer.join()
        self.assertGreater(len(acknowledged), 30)
        for node in nodes:
            caller = Caller(node.url)
            for flag in acknowledged:
                self.eventually(lambda flag=flag: caller.value(flag), False)
        # Every entry of the log is there, and every flag has its audit entry.
        log = self.expect(nodes[0].run("audit", "list", "-e", "production", "--limit", "1000", "-o", "json"), OK).json()
        created = {entry["resource"] for entry in log["items"] if entry["action"] == "flag.create"}
        self.assertTrue(created.issuperset(acknowledged[-300:]))

    def test_an_idle_node_costs_at_most_a_read_unit_a_second_and_an_evaluation_nothing(self):
        node = self.node()
        caller = Caller(node.url)
        self.create(caller, "f")
        units = 'guidon_store_capacity_units_total'
        # What it says of itself, after the change, is written by now; from here on once a minute.
        time.sleep(1)
        start, before = time.monotonic(), caller.metric(units)
        time.sleep(6)
        spent, seconds = caller.metric(units) - before, time.monotonic() - start
        print(f"idle: {spent / seconds:.2f} units a second", file=sys.stderr)
        self.assertGreater(spent, 0, "it follows the log")
        self.assertLessEqual(spent / seconds, 1.0)
        # Ten thousand evaluations: the store is asked for nothing but the change log.
        calls = ("guidon_store_calls_total", "guidon_dynamodb_calls_total")
        before = [caller.metric(name) for name in calls]
        start = time.monotonic()
        for _ in range(10_000):
            caller.connection.request("POST", "/ofrep/v1/evaluate/flags/f", '{"context":{"targetingKey":"u"}}',
                                      {"Content-Type": "application/json", "Guidon-Environment": "production"})
            caller.connection.getresponse().read()
        looks = (time.monotonic() - start) / 0.5 + 2  # and what it says of itself once a minute
        for name, was in zip(calls, before):
            self.assertLessEqual(caller.metric(name) - was, looks, name)

    def test_an_outage_is_said_and_survived(self):
        node = self.node()
        caller = Caller(node.url)
        self.create(caller, "f")
        self.assertEqual(caller.metric("guidon_store_in_touch"), 1)
        self.fake.silence()
        self.eventually(lambda: caller.ready()["store"].get("snapshotAgeSeconds", 0) > 3, True)
        ready = caller.ready()
        self.assertTrue(ready["ready"])
        value, headers, answer = caller.evaluate("f")
        self.assertEqual(value, True)
        self.assertGreaterEqual(int(headers["Guidon-Snapshot-Age"]), 3)
        self.assertGreaterEqual(answer["metadata"]["snapshotAgeSeconds"], 3)
        self.assertGreater(caller.metric("guidon_store_silence_seconds"), 3)
        status, _, text = caller.send("PATCH", f"{ENVIRONMENT}/flags/f", {"defaultEnabled": False}, If_Match="*")
        self.assertEqual(status, 503, text)
        self.assertEqual(json.loads(text)["code"], "UNAVAILABLE")
        self.fake.resume()
        self.eventually(lambda: "snapshotAgeSeconds" in caller.ready()["store"], False)
        self.assertTrue(caller.ready()["store"]["ok"])
        _, headers, _ = caller.evaluate("f")
        self.assertNotIn("Guidon-Snapshot-Age", headers)
        status, _, text = caller.send("PATCH", f"{ENVIRONMENT}/flags/f", {"defaultEnabled": False}, If_Match="*")
        self.assertEqual(status, 200, text)
        self.assertGreater(caller.metric("guidon_dynamodb_retries_total") + caller.metric("guidon_dynamodb_failures_total"),
                           0)

    def test_a_node_starts_from_its_copy_while_the_store_is_down(self):
        folder = self.folder()
        first = self.node(folder)
        caller = Caller(first.url)
        self.create(caller, "f")
        self.create(caller, "killed")
        self.assertEqual(caller.send("PUT", f"{ENVIRONMENT}/kill-switches/flag:killed", {"reason": "r"})[0], 200)
        first.process.kill()
        first.process.wait()
        self.fake.silence()
        again = self.node(folder)
        caller = Caller(again.url)
        self.assertTrue(any("starting from the copy on disk" in line["message"] for line in again.log), again.log)
        self.assertEqual((caller.value("f"), caller.value("killed"), caller.value("none")), (True, False, "FLAG_NOT_FOUND"))
        status, _, text = caller.send("POST", f"{ENVIRONMENT}/flags", {"flagKey": "late", "owner": "o"})
        self.assertEqual(status, 503, text)
        self.fake.resume()
        second = Caller(self.node().url)
        self.create(second, "late")
        self.eventually(lambda: caller.value("late"), True)
        # Without a copy there is nothing to start from.
        self.fake.silence()
        empty = self.folder()
        shutil.copy(self.secret, empty / "key-hash-secret")
        refused = support.run("serve", "--store", "dynamodb", "--dynamodb-endpoint", f"http://127.0.0.1:{self.fake.port}",
                              "--data", str(empty), "--listen", "127.0.0.1:0", **NO_AWS)
        self.expect(refused, UNAVAILABLE, "cannot be loaded from the store")


if __name__ == "__main__":
    unittest.main()
