# SPDX-License-Identifier: Apache-2.0
"""The CloudFormation templates of deploy/aws, as the program meets them: the table is the one that `guidon table create`
makes, and each role's work runs behind a gate that lets through only what its policy allows. What a policy allows and
its work did not need fails, too. Against moto."""

import fnmatch
import http.client
import http.server
import json
import os
import pathlib
import re
import sys
import threading
import time
import unittest
import urllib.request

import yaml

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "cli"))
sys.path.insert(0, str(HERE.parent / "dynamodb"))

import support  # noqa: E402  (tests/cli)
from support import FAILURE, NOT_ALLOWED, OK, UNAVAILABLE  # noqa: E402
from with_emulator import Emulator  # noqa: E402

EMULATORS = os.environ["GUIDON_TEST_EMULATORS"]
TABLE, REGION, ACCOUNT = "feature-flags-local", "ap-northeast-1", "123456789012"
POLICIES = {"node": "NodePolicy", "administrator": "AdministratorPolicy", "reader": "ReaderPolicy"}
WAIT_SECONDS_MAX = 30
LARGE_SEGMENT_KEYS = 12_000  # more than fit in a segment's item, so that they are written in batches beside it


class Loader(yaml.SafeLoader):
    """CloudFormation's YAML: !Ref, !Sub, !If … become {"Ref": …} as in its JSON."""


def tagged(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", tagged)


class Template:
    """A template with its parameters given: what CloudFormation would make of it, as far as these two go."""

    def __init__(self, file, **given):
        self.body = yaml.load((ROOT / "deploy/aws" / file).read_text(), Loader)
        self.values = {name: str(given.get(name, spec["Default"])) for name, spec in self.body["Parameters"].items()}
        self.values |= {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}

    def properties(self, resource):
        return self.resolve(self.body["Resources"][resource]["Properties"])

    def holds(self, condition):
        if isinstance(condition, str):
            return self.holds(self.body["Conditions"][condition])
        if "Fn::Not" in condition:
            return not self.holds(condition["Fn::Not"][0])
        left, right = (self.resolve(side) for side in condition["Fn::Equals"])
        return left == right

    NOTHING = object()

    def resolve(self, value):
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not self.NOTHING]
        if not isinstance(value, dict):
            return value
        if "Ref" in value:
            return self.NOTHING if value["Ref"] == "AWS::NoValue" else self.values.get(value["Ref"], value["Ref"])
        if "Fn::Sub" in value:
            return re.sub(r"\$\{([^}]+)\}", lambda found: self.values[found[1]], value["Fn::Sub"])
        if "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            return self.resolve(then if self.holds(condition) else otherwise)
        resolved = {name: self.resolve(part) for name, part in value.items()}
        return {name: part for name, part in resolved.items() if part is not self.NOTHING}


def allowed_by(template, policy):
    """Pairs of action and resource pattern."""
    pairs = set()
    for statement in template.properties(policy)["PolicyDocument"]["Statement"]:
        assert statement["Effect"] == "Allow"
        resources = statement["Resource"]
        for action in statement["Action"]:
            for resource in resources if isinstance(resources, list) else [resources]:
                pairs.add((action, resource))
    return pairs


def needed_by(operation, request):
    """Pairs of action and resource that DynamoDB asks a policy for (Service Authorization Reference; a transaction asks
    for what it is made of)."""
    def table(name):
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"

    if operation == "TransactWriteItems":
        names = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
        return {("dynamodb:" + names[kind], table(one["TableName"]))
                for item in request["TransactItems"] for kind, one in item.items()}
    if "RequestItems" in request:
        return {("dynamodb:" + operation, table(name)) for name in request["RequestItems"]}
    resource = request.get("ResourceArn") or table(request["TableName"])
    resource = re.sub(r":\d{12}:", f":{ACCOUNT}:", resource)
    if "IndexName" in request:
        resource += "/index/" + request["IndexName"]
    needed = {("dynamodb:" + operation, resource)}
    if operation == "CreateTable" and request.get("Tags"):
        needed.add(("dynamodb:TagResource", resource))
    return needed


class Gate:
    """Between the program and the emulator: the access key names the role, whose policy decides."""

    def __init__(self, endpoint, policies):
        self.endpoint, self.policies = endpoint, policies
        self.used = {role: set() for role in policies}
        self.denied = []
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, answer = gate.carry(self.headers, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who asked has given up
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def carry(self, headers, body):
        role = re.search(r"Credential=([^/]+)/", headers["Authorization"])[1]
        operation = headers["X-Amz-Target"].split(".")[1]
        for action, resource in needed_by(operation, json.loads(body)):
            rule = next(((allowed, pattern) for allowed, pattern in self.policies[role]
                         if allowed == action and fnmatch.fnmatchcase(resource, pattern)), None)
            if rule is None:
                self.denied.append((role, action, resource))
                return 400, {}, json.dumps({"__type": "com.amazon.coral.service#AccessDeniedException",
                                            "Message": f"not authorized to perform: {action} on resource: {resource}"}
                                           ).encode()
            self.used[role].add(rule)
        connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"), timeout=60)
        try:
            connection.request("POST", "/", body, {name: value for name, value in headers.items()
                                                   if name.lower() not in ("host", "connection", "content-length")})
            answer = connection.getresponse()
            return answer.status, {name: value for name, value in answer.getheaders()
                                   if name.lower().startswith("x-amz")}, answer.read()
        finally:
            connection.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def as_role(role):
    return {"AWS_ACCESS_KEY_ID": role, "AWS_SECRET_ACCESS_KEY": "x", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_REGION": REGION}


class RolesTest(support.TestCase):
    def setUp(self):
        self.emulator = Emulator("moto", EMULATORS)
        self.addCleanup(lambda: self.emulator.close())
        template = Template("access.yaml", TableName=TABLE)
        self.gate = Gate(self.emulator.endpoint, {role: allowed_by(template, name) for role, name in POLICIES.items()})
        self.addCleanup(self.gate.close)

    def run_as(self, role, *arguments, **more):
        return support.run(*arguments, "--dynamodb-endpoint", self.gate.url, **as_role(role), **more)

    def direct(self, operation, request):
        """As another program, past the gate."""
        with urllib.request.urlopen(urllib.request.Request(
                self.emulator.endpoint, data=json.dumps(request).encode(),
                headers={"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0",
                         "Authorization": f"AWS4-HMAC-SHA256 Credential=a/20260101/{REGION}/dynamodb/aws4_request, "
                                          "SignedHeaders=host, Signature=0"}), timeout=30) as answer:
            return json.load(answer)

    def node(self, data):
        server = support.Server("--store", "dynamodb", "--dynamodb-endpoint", self.gate.url, "--changes-poll-interval",
                                "2s", data=data, **as_role("node"))
        self.addCleanup(server.stop)
        return server

    def work_of_administrator(self, data):
        """What fills the table is the data of a server that had an embedded store."""
        run = lambda *arguments: self.expect(self.run_as("administrator", *arguments), OK)  # noqa: E731
        run("table", "create", "--pitr", "--tag", "team=platform")
        run("store", "copy", "--from", f"rocksdb:{data}", "--to", f"dynamodb:{TABLE}")
        self.direct("PutItem", {"TableName": TABLE, "Item": {
            "PK": {"S": "FLAG#production#gone"}, "SK": {"S": "OVERRIDE#acme"}, "variation": {"S": "off"}}})
        # A gap in the change log, which verify looks at more closely.
        self.direct("DeleteItem", {"TableName": TABLE, "Key": {"PK": {"S": "CHANGES#production"}, "SK": {"S": f"{2:020}"}}})
        run("table", "repair", "--yes")
        run("table", "describe")
        run("store", "export", str(self.folder() / "x"), "--store", "dynamodb")
        self.expect(self.run_as("administrator", "table", "verify"), FAILURE, "2 warnings")

    def work_of_nodes(self):
        data = self.folder()
        key = json.loads(self.expect(self.run_as("node", "key", "bootstrap", "--store", "dynamodb", "--data", str(data), "-o",
                                                 "json"), OK).out)["token"]
        node, other = self.node(data), self.node(data_copy(self, data))

        def run(*arguments, **more):
            return self.expect(node.run(*arguments, GUIDON_API_KEY=key, **more), OK)

        run("flag", "create", "a", "-e", "production", "--owner", "o", "--enabled", "true")
        run("override", "set", "a", "--tenant", "acme", "-e", "production", "--enabled", "false")
        run("flag", "update", "a", "-e", "production", "--description", "d")
        run("override", "unset", "a", "--tenant", "acme", "-e", "production")
        run("flag", "delete", "a", "-e", "production", "--yes")
        run("segment", "create", "large", "-e", "production")
        keys = self.folder() / "keys.txt"
        keys.write_text("\n".join(f"user-{i:06}" for i in range(LARGE_SEGMENT_KEYS)))
        run("segment", "keys", "import", "large", str(keys), "-e", "production")
        run("segment", "delete", "large", "-e", "production", "--yes")  # moto is slow with it
        # The other node follows, and the key's last use is kept.
        self.eventually("node", "dynamodb:UpdateItem")
        self.eventually("node", "dynamodb:BatchGetItem")
        for server in (node, other):
            self.assertEqual(server.stop(), 0)

    def eventually(self, role, action):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while action not in {used for used, _ in self.gate.used[role]}:
            self.assertLess(time.monotonic(), deadline, f"{role} never does {action}")
            time.sleep(0.05)

    def work_of_readers(self):
        run = lambda *arguments, **more: self.run_as("reader", *arguments, **more)  # noqa: E731
        self.expect(run("table", "describe"), OK)
        self.expect(run("table", "verify"), FAILURE, "2 warnings")
        self.expect(run("store", "export", str(self.folder() / "x"), "--store", "dynamodb"), OK)
        self.expect(run("store", "copy", "--from", "dynamodb", "--to", f"rocksdb:{self.folder()}"), OK)
        self.expect(run("table", "delete", "--yes"), NOT_ALLOWED, "dynamodb:DeleteTable")
        self.expect(run("table", "repair", "--yes"), OK, "nothing that can be mended")

    def test_each_role_can_do_its_work_and_nothing_more(self):
        data = self.folder()
        with support.Server(data=data) as server:
            for flag in ("first", "second", "third"):
                self.expect(server.run("flag", "create", flag, "-e", "production", "--owner", "o", "--enabled", "true"), OK)
        self.work_of_administrator(data)
        self.work_of_nodes()
        self.work_of_readers()
        self.expect(self.run_as("node", "table", "delete", "--yes"), NOT_ALLOWED, "dynamodb:DeleteTable")
        self.expect(self.run_as("node", "store", "export", "-", "--store", "dynamodb"), UNAVAILABLE, "dynamodb:Scan")
        self.expect(self.run_as("administrator", "table", "delete", "--yes"), OK)
        self.assertEqual({(role, action) for role, action, _ in self.gate.denied},
                         {("reader", "dynamodb:DeleteTable"), ("node", "dynamodb:DeleteTable"), ("node", "dynamodb:Scan")})
        for role, allowed in self.gate.policies.items():
            self.assertEqual(sorted(allowed - self.gate.used[role]), [], f"{role} may do what its work did not need")

    def test_every_operation_of_the_program_belongs_to_a_role(self):
        """What the sources call is what the policies name: a new operation cannot be forgotten."""
        called = set()
        for file in (ROOT / "src/guidon/store_dynamodb").glob("*.cpp"):
            if not file.name.endswith("_test.cpp"):
                called |= set(re.findall(r'"((?:BatchGet|BatchWrite|Get|Put|Update|Delete|TransactWrite)Items?|Query|Scan|'
                                         r'(?:Create|Delete|Describe|Update)[A-Z][A-Za-z]+|ListTagsOfResource)"', file.read_text()))
        self.assertIn("TransactWriteItems", called)
        called = (called - {"TransactWriteItems", "DeleteRequest", "UpdateExpression"}) | {"ConditionCheckItem", "TagResource"}
        named = {action.removeprefix("dynamodb:") for pairs in self.gate.policies.values() for action, _ in pairs}
        self.assertEqual(called, named)

    def test_the_table_of_the_template_is_the_one_that_guidon_makes(self):
        for billing in ("PAY_PER_REQUEST", "PROVISIONED"):
            properties = Template("table.yaml", TableName=TABLE, BillingMode=billing).properties("Table")
            later = {name: properties.pop(name) for name in ("TimeToLiveSpecification", "PointInTimeRecoverySpecification")}
            properties["DeletionProtectionEnabled"] = properties["DeletionProtectionEnabled"] == "true"
            for one in (properties, *properties["GlobalSecondaryIndexes"]):
                if "ProvisionedThroughput" in one:
                    one["ProvisionedThroughput"] = {name: int(units) for name, units in one["ProvisionedThroughput"].items()}
            self.direct("CreateTable", properties)
            self.direct("UpdateTimeToLive", {"TableName": TABLE, "TimeToLiveSpecification": later["TimeToLiveSpecification"]})
            self.direct("UpdateContinuousBackups", {"TableName": TABLE, "PointInTimeRecoverySpecification": {
                "PointInTimeRecoveryEnabled": later["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == "true"}})
            seen = support.run("table", "verify", "--dynamodb-endpoint", self.emulator.endpoint, "-o", "json", **as_role("a"))
            self.assertEqual((seen.code, seen.json()["findings"]), (OK, []), seen.err)
            described = support.run("table", "describe", "--dynamodb-endpoint", self.emulator.endpoint, "-o", "json",
                                    **as_role("a")).json()
            self.assertEqual((described["billing"], described["pointInTimeRecovery"], described["deletionProtection"]),
                             (billing, "ENABLED", True))
            self.direct("UpdateTable", {"TableName": TABLE, "DeletionProtectionEnabled": False})
            self.direct("DeleteTable", {"TableName": TABLE})

    def test_alarms_have_the_thresholds_of_the_operations_page(self):
        template = Template("table.yaml")
        alarms = {name: template.resolve(resource["Properties"]) for name, resource in template.body["Resources"].items()
                  if resource["Type"] == "AWS::CloudWatch::Alarm" and "SystemErrors" != name}
        self.assertEqual({name: alarm["Threshold"] for name, alarm in alarms.items()},
                         {"ReadThrottles": 0, "WriteThrottles": 0, "ReadCapacityWarning": 70, "ReadCapacityCritical": 85,
                          "WriteCapacityWarning": 70, "WriteCapacityCritical": 85})
        indexes = {index["IndexName"] for index in template.properties("Table")["GlobalSecondaryIndexes"]}
        for name, alarm in alarms.items():
            seen = {dimension["Value"] for metric in alarm["Metrics"] if "MetricStat" in metric
                    for dimension in metric["MetricStat"]["Metric"]["Dimensions"]}
            self.assertEqual(seen - {"feature-flags-prod"}, indexes, name)


def data_copy(test, data):
    """A data folder of another node: the same key hash secret."""
    folder = test.folder()
    (folder / "key-hash-secret").write_bytes((data / "key-hash-secret").read_bytes())
    (folder / "key-hash-secret").chmod(0o600)
    return folder


if __name__ == "__main__":
    unittest.main()
