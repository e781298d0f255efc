# SPDX-License-Identifier: Apache-2.0
"""The program on DynamoDB: `guidon table`, serving, two nodes on one table, and an outage. Against moto."""

import json
import os
import pathlib
import shutil
import sys
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cli"))
sys.path.insert(0, str(HERE))

import support  # noqa: E402  (tests/cli)
from support import CONFLICT, FAILURE, NOT_FOUND, OK, UNAVAILABLE, USAGE  # noqa: E402
from with_emulator import Emulator  # noqa: E402

EMULATORS = os.environ["GUIDON_TEST_EMULATORS"]
WAIT_SECONDS_MAX = 30
# Nothing of this machine's own AWS configuration.
NO_AWS = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}


def evaluate(server, flag):
    request = urllib.request.Request(
        f"{server.url}/ofrep/v1/evaluate/flags/{flag}", method="POST", data=b'{"context":{"targetingKey":"u"}}',
        headers={"Content-Type": "application/json", "Guidon-Environment": "production"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer).get("value")
    except urllib.error.HTTPError as refused:
        return json.load(refused).get("errorCode")


class ProgramTest(support.TestCase):
    def setUp(self):
        self.emulator = Emulator("moto", EMULATORS)
        self.addCleanup(lambda: self.emulator.close())

    def table(self, *arguments):
        return support.run("table", *arguments, "--dynamodb-endpoint", self.emulator.endpoint, **NO_AWS)

    def node(self, data, **variables):
        server = support.Server("--store", "dynamodb", "--dynamodb-endpoint", self.emulator.endpoint, "--cache-ttl", "1s",
                                data=data, **NO_AWS, **variables)
        self.addCleanup(server.stop)
        return server

    def eventually(self, what, expected):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while (seen := what()) != expected:
            self.assertLess(time.monotonic(), deadline, f"{seen} and not {expected}")
            time.sleep(0.05)

    def test_table_is_made_described_and_deleted(self):
        self.expect(self.table("describe"), NOT_FOUND, "feature-flags-local in ap-northeast-1 at http://127.0.0.1")
        made = self.expect(self.table("create", "--pitr", "--stream", "--tag", "team=platform", "-o", "json"), OK).json()
        self.assertEqual(made["problems"], [])
        self.assertEqual(made["status"], "ACTIVE")
        self.assertEqual(made["billing"], "PAY_PER_REQUEST")
        self.assertEqual(made["ttlAttribute"], "ttl")
        self.assertEqual(made["pointInTimeRecovery"], "ENABLED")
        self.assertEqual(made["stream"], "NEW_AND_OLD_IMAGES")
        self.assertEqual(made["tags"], {"team": "platform"})
        self.assertEqual([(i["name"], i["partitionKey"], i["sortKey"], i["projection"]) for i in made["indexes"]],
                         [("GSI1-FLAGS-INDEX", "GSI1PK", "GSI1SK", "ALL"), ("GSI2-OWNER-INDEX", "GSI2PK", "GSI2SK", "ALL"),
                          ("GSI3-TENANT-INDEX", "GSI3PK", "GSI3SK", "ALL")])
        self.expect(self.table("create"), CONFLICT, "already exists")
        self.expect(self.table("describe"), OK, "time to live +ttl")
        self.expect(self.table("delete"), USAGE, "--yes")
        self.expect(self.table("delete", "--yes"), OK, "Deleted the table feature-flags-local")
        self.expect(self.table("describe"), NOT_FOUND)

    def test_provisioned_and_protected(self):
        made = self.expect(self.table("create", "--table", "other", "--billing", "provisioned", "--read-units", "7",
                                      "--write-units", "3", "--deletion-protection", "-o", "json"), OK).json()
        self.assertEqual((made["billing"], made["readUnits"], made["writeUnits"]), ("PROVISIONED", 7, 3))
        self.assertTrue(made["deletionProtection"])
        self.expect(self.table("delete", "--table", "other", "--yes"), CONFLICT)
        self.expect(self.table("describe", "--table", "other"), OK)

    def test_wrong_settings_are_named(self):
        self.expect(self.table("create", "--table", "a b"), USAGE, "Setting 'table' is 'a b'")
        self.expect(self.table("create", "--region", "Evil.Region"), USAGE, "not the name of an AWS region")
        self.expect(self.table("create", "--tag", "x"), USAGE, "'x' is not a tag")
        self.expect(support.run("table", "describe", "--dynamodb-endpoint", "nonsense", **NO_AWS), USAGE, "is not the URL")
        self.expect(support.run("table", "describe", "--dynamodb-endpoint", f"http://127.0.0.1:{support.free_port()}",
                                **NO_AWS), UNAVAILABLE, "no answer from")

    def test_serving_without_the_table_says_how_to_make_it(self):
        served = support.run("serve", "--store", "dynamodb", "--dynamodb-endpoint", self.emulator.endpoint, "--data",
                             str(self.folder()), "--listen", "127.0.0.1:0", **NO_AWS)
        self.expect(served, UNAVAILABLE, "guidon table create --table feature-flags-local")

    def test_where_the_endpoint_comes_from(self):
        variables = {"AWS_ENDPOINT_URL_DYNAMODB": self.emulator.endpoint, "AWS_REGION": "eu-west-3", **NO_AWS}
        self.expect(support.run("table", "create", **variables), OK)
        self.expect(support.run("table", "describe", **variables, GUIDON_REGION="us-west-1"), NOT_FOUND, "in us-west-1")
        self.expect(support.run("table", "describe", "--region", "eu-west-3", **variables, GUIDON_REGION="us-west-1"), OK)

    def test_two_nodes_share_the_table(self):
        self.expect(self.table("create"), OK)
        first_data = self.folder()
        first = self.node(first_data)
        second_data = self.folder()
        shutil.copy(first_data / "key-hash-secret", second_data)
        second = self.node(second_data)
        self.expect(first.run("flag", "create", "shared", "-e", "production", "--owner", "o", "--enabled", "true"), OK)
        self.assertEqual(evaluate(first, "shared"), True)
        self.eventually(lambda: evaluate(second, "shared"), True)
        # Versions are the table's, not a node's: the second node changes, the first one's next change builds on that.
        self.expect(second.run("flag", "update", "shared", "-e", "production", "--description", "second"), OK)
        self.expect(first.run("flag", "update", "shared", "-e", "production", "--description", "first"), OK)
        flag = self.expect(second.run("flag", "get", "shared", "-e", "production", "-o", "json"), OK).json()
        self.assertEqual((flag["version"], flag["description"]), (3, "first"))
        self.expect(second.run("kill", "engage", "-e", "production", "--flag", "shared", "--reason", "r", "--yes"), OK)
        self.assertEqual(evaluate(second, "shared"), False)
        self.eventually(lambda: evaluate(first, "shared"), False)

    def test_an_outage_stops_writes_and_nothing_else(self):
        self.expect(self.table("create"), OK)
        node = self.node(self.folder())
        self.expect(node.run("flag", "create", "steady", "-e", "production", "--owner", "o", "--enabled", "true"), OK)
        port = self.emulator.port
        self.emulator.stop()
        self.expect(node.run("flag", "update", "steady", "-e", "production", "--description", "x"), UNAVAILABLE,
                    "no answer from")
        node.wait_for("full resync fails; evaluation goes on with the last snapshot")
        self.assertEqual(evaluate(node, "steady"), True)
        # A new, empty table: what nobody can evaluate from is not taken for the truth before it is there.
        self.emulator.close()
        self.emulator = Emulator("moto", EMULATORS, port)
        self.assertEqual(evaluate(node, "steady"), True)
        self.expect(self.table("create"), OK)
        # Nor is it afterwards, until an operator says so.
        self.eventually(lambda: "a new or emptied table" in support.get(node.url + "/readyz")[1], True)
        self.assertEqual(evaluate(node, "steady"), True)
        self.expect(node.run("refresh"), OK)
        self.assertEqual(evaluate(node, "steady"), "FLAG_NOT_FOUND")
        node.wait_for("full resync works again")

    def call(self, operation, request):
        """A request as another program sends it."""
        urllib.request.urlopen(urllib.request.Request(
            self.emulator.endpoint, data=json.dumps(request).encode(),
            headers={"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0",
                     "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/ap-northeast-1/dynamodb/aws4_request, "
                                      "SignedHeaders=host, Signature=0"}), timeout=30).close()

    def test_verify_finds_and_repair_mends(self):
        self.expect(self.table("create", "--pitr", "--deletion-protection"), OK)
        node = self.node(self.folder())
        self.expect(node.run("flag", "create", "ours", "-e", "production", "--owner", "o", "--enabled", "true"), OK)
        sound = self.expect(self.table("verify", "-o", "json"), OK).json()
        self.assertTrue(sound["sound"])
        self.assertEqual((sound["findings"], sound["items"]["flag"]), ([], 1))
        # As `aws dynamodb put-item` writes it: evaluated by key, found by no list.
        self.call("PutItem", {"TableName": "feature-flags-local", "Item": {
            "PK": {"S": "FLAG#production#plain"}, "SK": {"S": "METADATA"}, "flagKey": {"S": "plain"},
            "description": {"S": "d"}, "defaultEnabled": {"BOOL": True}, "owner": {"S": "web"},
            "createdAt": {"S": "2026-11-01T00:00:00.000Z"}}})
        self.call("PutItem", {"TableName": "feature-flags-local", "Item": {
            "PK": {"S": "FLAG#production#gone"}, "SK": {"S": "OVERRIDE#acme"}, "variation": {"S": "off"}}})
        self.call("UpdateTimeToLive", {"TableName": "feature-flags-local",
                                       "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "ttl"}})
        wrong = self.expect(self.table("verify"), FAILURE, "2 problems, 2 warnings.*guidon table repair")
        for words in (r"problem FLAG#production#plain / METADATA: its GSI1PK.*repair mends it.*index-keys",
                      r"warning FLAG#production#gone / OVERRIDE#acme: its flag does not exist.*dangling-override",
                      r"warning the table: time to live is not on.*table-ttl"):
            self.assertRegex(wrong.out, words)
        planned = self.expect(self.table("repair"), OK, "sets GSI1PK, GSI1SK, GSI2PK, GSI2SK.*Nothing was written").out
        self.assertIn("turns time to live on", planned)
        self.expect(self.table("verify"), FAILURE)
        done = self.expect(self.table("repair", "--yes", "-o", "json"), OK).json()
        self.assertEqual({repair["outcome"] for repair in done["repairs"]}, {"done"})
        left = self.expect(self.table("verify", "-o", "json"), FAILURE)
        self.assertEqual(set(left.json()["counts"]), {"dangling-override"})
        self.expect(node.run("refresh"), OK)
        self.assertEqual(evaluate(node, "plain"), True)

    def test_verify_goes_on_from_its_checkpoint_and_keeps_to_its_rate(self):
        self.expect(self.table("create", "--pitr", "--deletion-protection"), OK)
        file = self.folder() / "verify.json"
        file.write_text("{}")
        self.expect(self.table("verify", "--checkpoint", str(file)), FAILURE, "is no checkpoint of a check: delete it")
        file.unlink()
        self.expect(self.table("verify", "--checkpoint", str(file), "--max-read-units", "100", "--segments", "2"), OK,
                    "is as it should be")
        self.assertFalse(file.exists())

    def test_a_table_of_the_wrong_shape_is_described_as_such(self):
        request = {"TableName": "wrong", "BillingMode": "PAY_PER_REQUEST",
                   "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                   "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
        self.call("CreateTable", request)
        self.expect(self.table("verify", "--table", "wrong"), FAILURE, "4 problems, 1 warnings")
        self.expect(self.table("describe", "--table", "wrong"), FAILURE,
                    "keys are 'id' and ''.*GSI1-FLAGS-INDEX is missing.*time to live is not on")


if __name__ == "__main__":
    unittest.main()
