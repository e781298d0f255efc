# SPDX-License-Identifier: Apache-2.0
"""`guidon kill … --wait` and `guidon propagation` against a real server, with clients as processes: one hangs, is named,
and is let go."""

import json
import pathlib
import signal
import subprocess
import sys
import unittest

import support
from support import NOT_FOUND, OK, UNAVAILABLE, USAGE

CLIENT = pathlib.Path(__file__).parent / "ofrep_client.py"


class OfrepClient:
    def __init__(self, url, environment="development", key=None):
        arguments = [sys.executable, "-B", str(CLIENT), url, environment] + ([key] if key else [])
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "listening\n"

    def evaluated(self):
        assert self.process.stdout.readline() == "evaluated\n"

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def release(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class PropagationTest(support.TestCase):
    def setUp(self):
        self.server = support.Server("--node-id", "node-a")
        self.addCleanup(self.server.stop)
        self.expect(self.server.run("flag", "create", "f", "--owner", "o", "--enabled", "true"), OK)

    def client(self, **arguments):
        made = OfrepClient(self.server.url, **arguments)
        self.addCleanup(made.close)
        return made

    def kill(self, *arguments):
        return self.server.run("kill", *arguments, "--flag", "f", "--yes")

    def test_the_command_ends_when_everybody_has_it(self):
        for _ in range(3):
            self.client()
        done = self.expect(self.kill("engage", "--reason", "r", "--wait", "30s"), OK)
        self.assertRegex(done.out, r"(?s)Engaged the kill switch flag:f.*sequence 2\)\n"
                                   r"1 of 1 node and 3 of 3 clients have it \(p50 .* ms, p99 .* ms, last .* ms\)\n$")
        released = self.expect(self.kill("release", "--wait", "30s", "--output", "json"), OK).json()
        self.assertEqual(released["sequence"], 3)
        self.assertTrue(released["propagation"]["complete"])
        self.assertEqual(released["propagation"]["clients"]["converged"], 3)

    def test_a_client_that_hangs_is_named_and_the_switch_is_engaged_all_the_same(self):
        quick, frozen = self.client(), self.client()
        frozen.freeze()
        failed = self.expect(self.kill("engage", "--reason", "r", "--wait", "500ms"), UNAVAILABLE,
                             "Engaged the kill switch flag:f in development .*, but after 500ms not everybody has it: "
                             "1 of 1 node and 1 of 2 clients have it")
        self.assertRegex(failed.err, "1 of 2 evaluation clients at 127.0.0.1 on node node-a")
        self.assertRegex(failed.err, "guidon propagation 2 --environment development")
        self.assertRegex(failed.out, "Engaged the kill switch")
        quick.evaluated()
        self.assertRegex(self.server.run("kill", "status").out, "flag:f")
        as_json = self.kill("engage", "--reason", "r", "--wait", "100ms", "--output", "json")
        self.assertEqual(as_json.code, UNAVAILABLE)
        waiting = json.loads(as_json.out)["propagation"]["waiting"]
        self.assertEqual(waiting, [{"node": "node-a", "kind": "evaluation", "address": "127.0.0.1", "waiting": 1,
                                    "connected": 2}])
        self.assertEqual(json.loads(as_json.err)["error"]["exitCode"], UNAVAILABLE)
        frozen.release()
        self.expect(self.server.run("propagation", "2", "--wait", "30s"), OK, "Everybody has change 2 in development")

    def test_a_client_that_goes_is_not_waited_for(self):
        gone = self.client()
        gone.freeze()
        self.expect(self.kill("engage", "--reason", "r", "--wait", "100ms"), UNAVAILABLE)
        gone.close()
        self.expect(self.server.run("propagation", "--wait", "30s"), OK, "Everybody has change 2 .* 0 of 0\\n")

    def test_propagation_is_shown_as_a_table_and_as_a_document(self):
        self.expect(self.kill("engage", "--reason", "r"), OK)
        shown = self.expect(self.server.run("propagation", "latest"), OK)
        self.assertRegex(shown.out, r"Everybody has change 2 in development \(kill.engage flag:f\) of 20")
        self.assertRegex(shown.out, r"NODE +STATE +SERVED AFTER +CLIENTS")
        self.assertRegex(shown.out, r"node-a +serving +[0-9.]+ ms +0 of 0")
        document = self.server.run("propagation", "2", "--output", "json").json()
        self.assertEqual(document["nodes"][0]["node"], "node-a")
        self.assertTrue(document["complete"])
        self.expect(self.server.run("propagation", "999"), NOT_FOUND, "does not know a change 999")

    def test_a_wait_that_is_none_changes_nothing(self):
        self.expect(self.kill("engage", "--reason", "r", "--wait", "soon"), USAGE, "--wait 'soon'")
        self.expect(self.server.run("kill", "status"), OK, "No kill switch is engaged")

    def test_the_node_says_what_it_is_called(self):
        self.assertEqual(json.loads(support.get(self.server.url + "/readyz")[1])["node"], "node-a")
        settings = json.loads(support.get(self.server.url + "/api/v1/configuration")[1])["settings"]
        self.assertIn("node-a", [setting["value"] for setting in settings if setting["name"] == "node_id"])
        refused = support.run("serve", "--data", str(self.folder()), "--listen", "127.0.0.1:0", "--node-id", "a#b")
        self.expect(refused, USAGE, "node_id")
        with support.Server() as other:
            name = json.loads(support.get(other.url + "/readyz")[1])["node"]
            settings = json.loads(support.get(other.url + "/api/v1/configuration")[1])["settings"]
            self.assertIn(name, [setting["value"] for setting in settings if setting["name"] == "node_id"])


if __name__ == "__main__":
    unittest.main()
