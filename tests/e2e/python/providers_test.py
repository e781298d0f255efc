# SPDX-License-Identifier: Apache-2.0
"""OpenFeature's Python SDK with the providers of flagd (evaluated by the server, and in the program) and of OFREP, all
three unmodified from the Python package index, on the real binary.

  providers_test.py GUIDON
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

WAIT_S_MAX = 20
USER = EvaluationContext("user-7", {"tenantId": "acme", "plan": "pro"})
FLAGS = [
    {"flagKey": "bool-on", "defaultEnabled": True},
    {"flagKey": "text", "type": "string", "defaultEnabled": True, "variations": {"red": "red", "grey": "grey"},
     "defaultVariation": "red", "offVariation": "grey"},
    {"flagKey": "number", "type": "number", "defaultEnabled": True, "variations": {"low": 1, "high": 12.5},
     "defaultVariation": "high", "offVariation": "low"},
    {"flagKey": "count", "type": "number", "defaultEnabled": True, "variations": {"few": 1, "many": 40},
     "defaultVariation": "many", "offVariation": "few"},
    {"flagKey": "object", "type": "object", "defaultEnabled": True,
     "variations": {"a": {"limit": 10, "names": ["x", "y"]}, "none": {}}, "defaultVariation": "a",
     "offVariation": "none"},
    {"flagKey": "targeted", "defaultEnabled": False, "targetingRules": [
        {"id": "pros", "when": {"all": [{"attribute": "plan", "operator": "in", "values": ["pro"]}]},
         "variation": "on"}]},
    {"flagKey": "rollout", "defaultEnabled": True, "rolloutPercentage": 50},
]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Guidon:
    """The program on free loopback ports, with a store in memory."""

    def __init__(self, binary):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = tempfile.mkdtemp(prefix="guidon-python-")
        self.output = ""
        self.process = subprocess.Popen(
            [binary, "serve", "--profile", "local", "--store", "memory", "--data", self.folder, "--no-demo", "--listen",
             f"127.0.0.1:{self.port}", "--flagd-enabled", "--flagd-port", "0", "--flagd-sync-port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        self.until(self.ready, "the server")
        ports = re.search(r" port=(\d+) +sync_port=(\d+)", self.output)
        self.flagd_ports = {ResolverType.RPC: int(ports[1]), ResolverType.IN_PROCESS: int(ports[2])}

    def read(self):
        for line in self.process.stdout:
            self.output += line

    def ready(self):
        try:
            with urllib.request.urlopen(self.url + "/readyz") as answer:
                return answer.status == 200 and " sync_port=" in self.output
        except (urllib.error.URLError, ConnectionError):
            return False

    def until(self, condition, what):
        deadline = time.monotonic() + WAIT_S_MAX
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"timed out waiting for {what}\n{self.output}")
            time.sleep(0.02)

    def call(self, method, path, body, headers=None):
        request = urllib.request.Request(
            self.url + "/api/v1" + path, data=json.dumps(body).encode(), method=method,
            headers={"Content-Type": "application/json", **(headers or {})})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "null")

    def patch(self, key, change):
        self.call("PATCH", f"/environments/development/flags/{key}", change, {"If-Match": "*"})

    def stop(self):
        self.process.terminate()
        status = self.process.wait(WAIT_S_MAX)
        self.reader.join()
        self.process.stdout.close()
        shutil.rmtree(self.folder)
        assert status == 0, self.output


def setUpModule():
    global guidon
    guidon = Guidon(sys.argv[1])
    for flag in FLAGS:
        guidon.call("POST", "/environments/development/flags", {"owner": "e2e", "description": "python", **flag})
    guidon.call("PUT", "/environments/development/flags/bool-on/overrides/globex", {"enabled": False})


def tearDownModule():
    api.shutdown()
    guidon.stop()


class Answers:
    """What every provider has to answer alike."""

    client = None

    def test_all_types(self):
        self.assertIs(self.client.get_boolean_value("bool-on", False, USER), True)
        self.assertEqual(self.client.get_string_value("text", "x", USER), "red")
        self.assertEqual(self.client.get_float_value("number", -1.0, USER), 12.5)
        self.assertEqual(self.client.get_integer_value("count", -1, USER), 40)
        self.assertEqual(self.client.get_object_value("object", {}, USER), {"limit": 10, "names": ["x", "y"]})

    def test_targeting_and_tenants(self):
        details = self.client.get_boolean_details("targeted", False, USER)
        self.assertEqual((details.value, details.variant, details.reason), (True, "on", Reason.TARGETING_MATCH))
        other = EvaluationContext("user-7", {"tenantId": "globex", "plan": "free"})
        self.assertIs(self.client.get_boolean_value("targeted", True, other), False)
        self.assertIs(self.client.get_boolean_value("bool-on", True, other), False)

    def test_the_same_users_are_in_the_rollout(self):
        values = [self.client.get_boolean_value("rollout", False, EvaluationContext(f"user-{i}")) for i in range(20)]
        # flagd's buckets of these keys
        served = [self.served("rollout", f"user-{i}") for i in range(20)]
        self.assertEqual(values, served)
        self.assertIn(True, values)
        self.assertIn(False, values)

    def served(self, key, user):
        request = urllib.request.Request(
            guidon.url + f"/ofrep/v1/evaluate/flags/{key}", data=json.dumps({"context": {"targetingKey": user}}).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())["value"]

    def test_what_is_not_there_and_another_type(self):
        for own in (True, False):
            missing = self.client.get_boolean_details("nowhere", own, USER)
            self.assertEqual((missing.value, missing.error_code), (own, ErrorCode.FLAG_NOT_FOUND))
        wrong = self.client.get_string_details("bool-on", "mine", USER)
        self.assertEqual((wrong.value, wrong.error_code), ("mine", ErrorCode.TYPE_MISMATCH))


class Changes:
    """For providers with an event stream."""

    def test_a_change_and_a_kill_switch_reach_handler_and_answer(self):
        changed = set()
        def note(details):
            changed.update(details.flags_changed or [])
        self.client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, note)
        self.addCleanup(self.client.remove_handler, ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, note)
        switch = "/environments/development/kill-switches/flag:bool-on"
        for act, value in (
                (lambda: guidon.patch("bool-on", {"defaultEnabled": False}), False),
                (lambda: guidon.patch("bool-on", {"defaultEnabled": True}), True),
                (lambda: guidon.call("PUT", switch, {"reason": "r"}), False),
                (lambda: guidon.call("DELETE", switch + "?reason=over", {}), True)):
            changed.clear()
            act()
            guidon.until(lambda: "bool-on" in changed, "the change event")
            self.assertIs(self.client.get_boolean_value("bool-on", not value, USER), value)


class FlagdByTheServer(Answers, Changes, unittest.TestCase):
    resolver = ResolverType.RPC

    @classmethod
    def setUpClass(cls):
        provider = FlagdProvider(host="127.0.0.1", port=guidon.flagd_ports[cls.resolver], tls=False,
                                 resolver_type=cls.resolver, selector="flagSetId=development")
        api.set_provider_and_wait(provider, cls.__name__)
        cls.client = api.get_client(cls.__name__)


class FlagdInProcess(FlagdByTheServer):
    resolver = ResolverType.IN_PROCESS


class Ofrep(Answers, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        key = guidon.call("POST", "/keys", {"kind": "server", "environment": "development", "name": "python"})["token"]
        api.set_provider_and_wait(
            OFREPProvider(guidon.url, headers_factory=lambda: {"Authorization": f"Bearer {key}"}), cls.__name__)
        cls.client = api.get_client(cls.__name__)

    def test_a_key_that_does_not_hold(self):
        api.set_provider_and_wait(
            OFREPProvider(guidon.url, headers_factory=lambda: {"Authorization": "Bearer nonsense"}), "refused")
        details = api.get_client("refused").get_boolean_details("bool-on", False, USER)
        self.assertEqual((details.value, details.error_code), (False, ErrorCode.GENERAL))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
