# SPDX-License-Identifier: Apache-2.0
"""Every command against a real server: effect, output formats, exit codes."""

import csv
import io
import json
import unittest

import support
import yaml
from support import CONFLICT, FAILURE, NOT_ALLOWED, NOT_FOUND, OK, UNAVAILABLE, USAGE


class Commands(support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server("--store", "memory")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def cli(self, *arguments, **more):
        return self.server.run(*arguments, **more)

    def ok(self, *arguments, **more):
        return self.expect(self.cli(*arguments, **more), OK)

    def entity(self, *arguments):
        return self.ok(*arguments, "--output", "json").json()

    def sequence(self, result):
        return result.json()["sequence"]


class FlagCommands(Commands):
    def test_life_of_a_flag(self):
        done = self.ok("flag", "create", "life", "--owner", "web", "--description", "テスト", "--tag", "a", "--tag", "b",
                       "--enabled", "true", "--rollout", "12.345", "--client-visible", "true")
        self.assertRegex(done.out, r"^Created flag life in development \(version 1, sequence \d+\)\n$")
        flag = self.entity("flag", "get", "life")
        self.assertEqual((flag["flagKey"], flag["owner"], flag["tags"], flag["rolloutPercentage"], flag["clientVisible"]),
                         ("life", "web", ["a", "b"], 12.345, True))

        change = self.ok("flag", "update", "life", "--rollout", "50", "-o", "json").json()
        self.assertEqual((change["version"], change["entity"]["rolloutPercentage"]), (2, 50))
        self.assertEqual(change["entity"]["tags"], ["a", "b"])
        change = self.ok("flag", "update", "life", "--unset", "rolloutPercentage", "-o", "json").json()
        self.assertNotIn("rolloutPercentage", change["entity"])

        self.expect(self.cli("flag", "update", "life", "--rollout", "5", "--version", "1"), CONFLICT,
                    r"error: Cannot update flag life.*version 3 is there now.*request id: ")
        self.assertEqual(self.entity("flag", "get", "life")["version"], 3)

        self.assertRegex(self.ok("flag", "archive", "life").out, r"^Archived flag life in development \(version 4")
        self.assertEqual(self.entity("flag", "get", "life")["state"], "ARCHIVED")
        self.assertRegex(self.ok("flag", "delete", "life", "--yes").out, r"^Deleted flag life")
        self.expect(self.cli("flag", "get", "life"), NOT_FOUND, r"next:\s+see which there are: guidon flag list")

    def test_keys_that_are_command_names(self):
        for key in ("list", "flag", "key", "get"):
            self.ok("flag", "create", key, "--owner", "o", "-e", "staging")
            self.assertEqual(self.entity("flag", "get", key, "-e", "staging")["flagKey"], key)

    def test_sequence_grows_by_one_with_each_change(self):
        first = self.sequence(self.ok("flag", "create", "seq", "--owner", "o", "-e", "staging", "-o", "json"))
        second = self.sequence(self.ok("flag", "update", "seq", "--enabled", "true", "-e", "staging", "-o", "json"))
        self.assertEqual(second, first + 1)

    def test_types_and_variations(self):
        self.ok("flag", "create", "text", "--owner", "o", "--type", "string", "--variation", "a=1", "--variation",
                "b=x=y", "--default-variation", "a", "--off-variation", "b", "--enabled", "true")
        self.assertEqual(self.entity("flag", "get", "text")["variations"], {"a": "1", "b": "x=y"})
        self.ok("flag", "update", "text", "--variation", "c=true")
        self.assertEqual(self.entity("flag", "get", "text")["variations"], {"a": "1", "b": "x=y", "c": "true"})
        self.ok("flag", "update", "text", "--unset", "variations.c")
        self.assertEqual(self.entity("flag", "get", "text")["variations"], {"a": "1", "b": "x=y"})
        self.ok("flag", "create", "object", "--owner", "o", "--type", "object", "--variation", 'a={"x":[1,2]}',
                "--variation", "b={}", "--default-variation", "a", "--off-variation", "b")
        self.assertEqual(self.entity("flag", "get", "object")["variations"], {"a": {"x": [1, 2]}, "b": {}})
        self.expect(self.cli("flag", "create", "bad", "--owner", "o", "--type", "number", "--variation", "a=x"), USAGE,
                    "The value of --variation a is not JSON")

    def test_rules_prerequisites_and_expiry(self):
        self.ok("flag", "create", "base", "--owner", "o", "--enabled", "true")
        rule = {"id": "pro", "when": {"all": [{"attribute": "plan", "operator": "in", "values": ["pro"]}]},
                "variation": "on"}
        self.ok("flag", "create", "ruled", "--owner", "o", "--rule", json.dumps(rule), "--prerequisite", "base=on",
                "--expires", "30d", "--bucket-by", "tenantId", "--salt", "s", "--kill-variation", "off")
        flag = self.entity("flag", "get", "ruled")
        self.assertEqual(flag["targetingRules"], [rule])
        self.assertEqual(flag["prerequisites"], [{"flagKey": "base", "variations": ["on"]}])
        self.assertRegex(flag["expiresAt"], r"^20\d\d-\d\d-\d\dT")
        self.expect(self.cli("flag", "delete", "base", "--yes"), CONFLICT, "ruled")
        self.expect(self.cli("flag", "update", "ruled", "--expires", "soon"), USAGE, "--expires 'soon' is not a time")
        table = self.ok("flag", "get", "ruled").out
        self.assertRegex(table, r"serves +off, 1 rule\n")
        self.assertIn('"id":"pro"', table)

    def test_file_and_replace(self):
        document = {"owner": "o", "defaultEnabled": True, "description": "from a file"}
        self.ok("flag", "create", "filed", "--file", "-", "--owner", "other", stdin=json.dumps(document))
        flag = self.entity("flag", "get", "filed")
        self.assertEqual((flag["owner"], flag["description"]), ("other", "from a file"))
        self.ok("flag", "update", "filed", "--replace", "--file", "-", stdin=json.dumps({"owner": "o"}))
        self.assertEqual(self.entity("flag", "get", "filed")["description"], "")
        # What `get` prints can be sent back.
        text = self.ok("flag", "get", "filed", "-o", "json").out
        self.ok("flag", "update", "filed", "--replace", "--file", "-", stdin=text)
        self.expect(self.cli("flag", "update", "filed", "--replace"), USAGE, "--replace needs the whole flag")
        self.expect(self.cli("flag", "create", "x", "--file", "-", stdin="{"), USAGE, "not a JSON document")
        self.expect(self.cli("flag", "create", "x", "--file", "/nonexistent"), USAGE, "cannot be read")
        self.expect(self.cli("flag", "create", "x", "--owner", "o", "--file", "-", stdin='{"colour": 1}'), USAGE, "colour")

    def test_copy(self):
        self.ok("flag", "create", "original", "--owner", "o", "--description", "d")
        self.assertIn("to original in staging",
                      self.ok("flag", "copy", "original", "--to-environment", "staging").out)
        self.assertEqual(self.entity("flag", "get", "original", "-e", "staging")["version"], 1)
        self.ok("flag", "copy", "original", "--to-key", "copied")
        self.assertEqual(self.entity("flag", "get", "copied")["description"], "d")
        self.expect(self.cli("flag", "copy", "original", "--to-key", "copied"), CONFLICT)
        self.expect(self.cli("flag", "copy", "original"), USAGE)

    def test_list_filters_pages_and_formats(self):
        for number in range(7):
            self.ok("flag", "create", f"page-{number}", "--owner", "pager" if number % 2 else "other", "-e", "production",
                    "--tag", "p", "--description", "色々な説明")
        rows = self.ok("flag", "list", "-e", "production", "--owner", "pager").out.splitlines()
        self.assertRegex(rows[0], r"^FLAG +STATE +TYPE +SERVES +OWNER +VERSION +UPDATED +DESCRIPTION$")
        self.assertEqual([row.split()[0] for row in rows[1:]], ["page-1", "page-3", "page-5"])
        page = self.ok("flag", "list", "-e", "production", "--limit", "5", "-o", "json").json()
        self.assertEqual(len(page["items"]), 5)
        rest = self.ok("flag", "list", "-e", "production", "--cursor", page["nextCursor"], "-o", "json").json()
        self.assertEqual([flag["flagKey"] for flag in rest["items"]], ["page-1", "page-0"])
        self.assertNotIn("nextCursor", rest)
        every = yaml.safe_load(self.ok("flag", "list", "-e", "production", "--all", "-o", "yaml").out)
        self.assertEqual(every["items"], page["items"] + rest["items"])
        limited = self.ok("flag", "list", "-e", "production", "--limit", "2")
        self.assertRegex(limited.err, r"There are more: --all lists them, --cursor \S+ goes on")
        self.assertEqual(self.ok("flag", "list", "-e", "production", "-q", "page-3").out.count("page-3"), 1)
        self.assertEqual(self.ok("flag", "list", "-e", "production", "--tag", "none").out, "No flags.\n")
        self.expect(self.cli("flag", "list", "--cursor", "tampered"), USAGE, "cursor")
        self.expect(self.cli("flag", "list", "--limit", "0"), USAGE)

    def test_json_and_yaml_say_the_same(self):
        self.ok("flag", "create", "formats", "--owner", "on", "--description", "no: \"yes\" # 'x' たぬき", "--type", "object",
                "--variation", 'a={"n": 1e30, "list": [1, [2, []], {}], "t": "true", "z": null}', "--variation", "b={}",
                "--default-variation", "a", "--off-variation", "b")
        from_json = self.ok("flag", "get", "formats", "-o", "json").json()
        self.assertEqual(yaml.safe_load(self.ok("flag", "get", "formats", "-o", "yaml").out), from_json)

    def test_idempotency_key(self):
        first = self.ok("flag", "create", "once", "--owner", "o", "--idempotency-key", "k-1", "-o", "json").json()
        again = self.ok("flag", "create", "once", "--owner", "o", "--idempotency-key", "k-1", "-o", "json").json()
        self.assertEqual((first["replayed"], again["replayed"]), (False, True))
        self.assertEqual((again["sequence"], again["version"]), (first["sequence"], first["version"]))
        self.expect(self.cli("flag", "create", "once", "--owner", "o"), CONFLICT, r"code:\s+ALREADY_EXISTS")

    def test_bad_input(self):
        self.expect(self.cli("flag", "create", "a#b", "--owner", "o"), USAGE, "flagKey")
        self.expect(self.cli("flag", "create", "x", "--owner", "o", "--rollout", "100.0001"), USAGE, "rolloutPercentage")
        self.expect(self.cli("flag", "create", "x", "--owner", "o", "-e", "nowhere"), NOT_FOUND)
        self.expect(self.cli("flag", "update", "missing", "--enabled", "true"), NOT_FOUND)
        self.expect(self.cli("flag", "update", "missing"), NOT_FOUND)
        self.expect(self.cli("flag", "create"), USAGE, "FLAG")
        self.ok("flag", "create", "unchanged", "--owner", "o")
        self.expect(self.cli("flag", "update", "unchanged"), USAGE, "Nothing to change")

    def test_delete_needs_a_yes(self):
        self.ok("flag", "create", "kept", "--owner", "o")
        self.expect(self.cli("flag", "delete", "kept"), USAGE, "add --yes")
        self.ok("flag", "get", "kept")


class OverrideCommands(Commands):
    def test_one(self):
        self.ok("flag", "create", "one", "--owner", "o", "--enabled", "true")
        done = self.ok("override", "set", "one", "--tenant", "acme", "--enabled", "false")
        self.assertRegex(done.out, r"^Set the override of flag one for tenant acme in development: off \(version 1, seq")
        self.ok("override", "set", "one", "--tenant", "beta", "--variation", "on")
        self.assertEqual([(o["tenantId"], o["variation"]) for o in self.entity("override", "list", "one")["items"]],
                         [("acme", "off"), ("beta", "on")])
        self.assertEqual([o["flagKey"] for o in self.entity("override", "list", "--tenant", "acme")["items"]], ["one"])
        self.assertRegex(self.ok("override", "list", "one").out, r"^FLAG +TENANT +VARIATION")
        self.assertEqual(self.entity("evaluate", "one", "--tenant", "acme", "--key", "u")["value"], False)
        self.ok("override", "unset", "one", "--tenant", "acme")
        self.assertEqual(self.entity("evaluate", "one", "--tenant", "acme", "--key", "u")["value"], True)
        self.expect(self.cli("override", "unset", "one", "--tenant", "acme"), NOT_FOUND)

    def test_usage(self):
        self.ok("flag", "create", "usage", "--owner", "o")
        self.expect(self.cli("override", "set", "usage", "--tenant", "a"), USAGE, "either --enabled")
        self.expect(self.cli("override", "set", "usage", "--tenant", "a", "--enabled", "true", "--variation", "on"), USAGE)
        self.expect(self.cli("override", "set", "usage", "--enabled", "true"), USAGE, "--tenant or --file")
        self.expect(self.cli("override", "set", "usage", "--tenant", "a", "--variation", "none"), USAGE, "variation")
        self.expect(self.cli("override", "list"), USAGE)
        self.expect(self.cli("override", "set", "missing", "--tenant", "a", "--enabled", "true"), NOT_FOUND)

    def test_bulk(self):
        self.ok("flag", "create", "bulk", "--owner", "o", "--enabled", "true")
        lines = ["tenantId,enabled"] + [f"t{number:04},{'true' if number % 2 else 'false'}" for number in range(2500)]
        done = self.ok("override", "set", "bulk", "--file", "-", stdin="\n".join(lines))
        self.assertRegex(done.out, r"^Set 2500 overrides of flag bulk in development \(sequence \d+\)\n$")
        self.assertEqual(done.err, "")  # no progress in a pipe
        items = self.ok("override", "list", "bulk", "--all", "-o", "json").json()["items"]
        self.assertEqual(len(items), 2500)
        self.assertEqual({item["tenantId"]: item["variation"] for item in items}["t0007"], "on")
        document = json.dumps({"overrides": [{"tenantId": "t0007", "variation": "off"}]})
        self.assertEqual(self.ok("override", "set", "bulk", "--file", "-", "-o", "json", stdin=document).json()["applied"], 1)
        self.assertEqual(self.entity("evaluate", "bulk", "--tenant", "t0007", "--key", "u")["value"], False)
        self.expect(self.cli("override", "set", "bulk", "--file", "-", stdin="tenantId,enabled\nx,maybe\n"), USAGE, "Line 2")
        self.expect(self.cli("override", "set", "bulk", "--tenant", "x", "--file", "-", stdin=document), USAGE)


class KillCommands(Commands):
    def test_each_scope(self):
        self.ok("flag", "create", "killed", "--owner", "決済", "--enabled", "true")
        for scope, text in ((["--flag", "killed"], "flag:killed"), (["--tenant", "acme"], "tenant:acme"),
                            (["--owner", "決済"], "owner:決済"), (["--global"], "global")):
            with self.subTest(scope=text):
                done = self.ok("kill", "engage", *scope, "--reason", "事故", "--yes")
                self.assertRegex(done.out, rf"^Engaged the kill switch {text} in development since 20\S+ \(version 1, seq")
                status = self.entity("kill", "status")["items"]
                self.assertEqual([(item["scope"], item["reason"]) for item in status], [(text, "事故")])
                answer = self.entity("evaluate", "killed", "--key", "u", "--tenant", "acme")
                self.assertEqual((answer["value"], answer["reason"], answer["metadata"]["killSwitch"]),
                                 (False, "DISABLED", text))
                # Twice is fine at three in the morning.
                self.ok("kill", "engage", *scope, "--reason", "again", "--yes")
                self.ok("kill", "release", *scope, "--reason", "fixed", "--yes")
                self.assertEqual(self.entity("evaluate", "killed", "--key", "u", "--tenant", "acme")["value"], True)
        self.assertEqual(self.ok("kill", "status").out, "No kill switch is engaged in development.\n")
        self.expect(self.cli("kill", "release", "--flag", "killed", "--yes"), NOT_FOUND, "guidon kill status")

    def test_needs_one_scope_a_reason_and_a_yes(self):
        self.expect(self.cli("kill", "engage", "--reason", "x", "--yes"), USAGE, "exactly one of")
        self.expect(self.cli("kill", "engage", "--global", "--flag", "x", "--reason", "x", "--yes"), USAGE, "one scope")
        self.expect(self.cli("kill", "engage", "--global", "--yes"), USAGE, "--reason")
        self.expect(self.cli("kill", "engage", "--global", "--reason", "x"), USAGE, "add --yes")
        self.expect(self.cli("kill", "release", "--global"), USAGE, "add --yes")
        self.assertEqual(self.entity("kill", "status")["items"], [])
        self.expect(self.cli("kill", "engage", "--flag", "missing", "--reason", "x", "--yes"), NOT_FOUND)


class EvaluateCommands(Commands):
    def test_value_type_and_missing(self):
        self.ok("flag", "create", "number", "--owner", "o", "--type", "number", "--variation", "a=2.5", "--variation",
                "b=1", "--default-variation", "a", "--off-variation", "b", "--enabled", "true")
        self.assertRegex(self.ok("evaluate", "number").out, r"^flag +number\nvalue +2.5\nvariation +a\nreason +STATIC\n")
        self.ok("evaluate", "number", "--type", "number")
        self.expect(self.cli("evaluate", "number", "--type", "string"), FAILURE, "TYPE_MISMATCH")
        self.expect(self.cli("evaluate", "missing"), NOT_FOUND, "FLAG_NOT_FOUND")
        self.ok("flag", "update", "number", "--state", "DISABLED")
        self.assertRegex(self.ok("evaluate", "number").out, r"value +none: the default in your code applies")

    def test_context(self):
        rule = {"id": "r", "when": {"all": [{"attribute": "app.version", "operator": "semverGte", "values": ["2.0.0"]},
                                            {"attribute": "age", "operator": "gt", "values": [18]}]}, "variation": "on"}
        self.ok("flag", "create", "context", "--owner", "o", "--rule", json.dumps(rule))
        attributes = ["--attr", "app.version=2.1.0", "--attr", "age=20"]
        self.assertEqual(self.entity("evaluate", "context", "--key", "u", *attributes)["value"], True)
        self.assertEqual(self.entity("evaluate", "context", "--key", "u", "--attr", "age=20")["value"], False)
        done = self.ok("evaluate", "context", "--context", "-", "-o", "json",
                       stdin='{"app": {"version": "3.0.0"}, "age": 19}')
        self.assertEqual(done.json()["value"], True)
        self.expect(self.cli("evaluate", "context", "--attr", "novalue"), USAGE, "NAME=VALUE")

    def test_trace(self):
        self.ok("flag", "create", "traced", "--owner", "o", "--enabled", "true", "--rollout", "50", "--rule",
                json.dumps({"id": "pro", "when": {"any": [{"attribute": "plan", "operator": "in", "values": ["pro"]}]},
                            "variation": "on"}))
        text = self.ok("evaluate", "traced", "--key", "u-1", "--attr", "plan=free", "--trace").out
        self.assertRegex(text, r"^traced = (true|false) +\(variation (on|off), SPLIT, snapshot \d+\)\n")
        self.assertRegex(text, r"rule pro")
        self.assertRegex(text, r"plan in .*pro.* +\(is free\)")
        self.assertRegex(text, r"hash \d+, bucket \d+, unit 'u-1'")
        same = self.ok("flag", "explain", "traced", "--key", "u-1", "--attr", "plan=free").out
        self.assertEqual(same, text)
        trace = self.ok("flag", "explain", "traced", "--key", "u-1", "-o", "json").json()["trace"]
        self.assertEqual(trace["steps"][0]["step"], "lookup")
        self.expect(self.cli("evaluate", "traced", "--trace"), FAILURE, "TARGETING_KEY_MISSING")


    def test_lint(self):
        late = {"id": "late", "when": {"all": [{"attribute": "plan", "operator": "in", "values": ["pro"]}]},
                "variation": "off"}
        everyone = {"id": "all", "everyone": True, "variation": "on"}
        made = self.ok("flag", "create", "shadowed", "--owner", "o", "--rule", json.dumps(everyone), "--rule",
                       json.dumps(late))
        self.assertRegex(made.err, r"^warning: Nobody reaches this rule.*\(unreachableRule at targetingRules\[1\]\)\n$")
        self.ok("flag", "create", "fine", "--owner", "o")
        text = self.ok("flag", "lint", "shadowed").out
        self.assertRegex(text, r"warning +shadowed +targetingRules\[1\] +late +unreachableRule +Nobody reaches")
        self.assertTrue(text.endswith("0 errors and 1 warning in 1 flag.\n"), text)
        self.assertEqual(self.ok("flag", "lint", "fine").out, "0 errors and 0 warnings in 1 flag.\n")
        self.expect(self.cli("flag", "lint", "shadowed", "--strict"), FAILURE, "0 errors and 1 warning in 1 flag")
        every = self.ok("flag", "lint", "--all", "-o", "json").json()
        self.assertIn(("shadowed", "unreachableRule"),
                      [(finding["flagKey"], finding["code"]) for finding in every["findings"]])
        self.assertGreaterEqual(every["flags"], 2)
        self.expect(self.cli("flag", "lint", "nobody"), NOT_FOUND)
        self.expect(self.cli("flag", "lint"), USAGE, "one of FLAG")
        self.expect(self.cli("flag", "lint", "fine", "--all"), USAGE)

    def test_lint_names_what_flagds_format_cannot_say(self):
        inside = {"id": "inside", "variation": "on",
                  "when": {"all": [{"attribute": "ip", "operator": "inCidr", "values": ["10.0.0.0/8"]}]}}
        self.ok("flag", "create", "network", "--owner", "o", "--rule", json.dumps(inside))
        self.ok("flag", "create", "plain", "--owner", "o")
        self.assertEqual(self.ok("flag", "lint", "network", "-o", "json").json()["findings"], [])
        found = self.ok("flag", "lint", "network", "--flagd", "-o", "json").json()
        self.assertEqual([(one["flagKey"], one["code"], one["severity"]) for one in found["findings"]],
                         [("network", "flagdLeftOut", "warning")])
        self.assertEqual((found["flags"], found["warnings"]), (1, 1))
        self.assertEqual(self.ok("flag", "lint", "plain", "--flagd", "-o", "json").json()["findings"], [])
        every = self.ok("flag", "lint", "--all", "--flagd", "-o", "json").json()
        self.assertIn(("network", "flagdLeftOut"), [(one["flagKey"], one["code"]) for one in every["findings"]])
        self.expect(self.cli("flag", "lint", "--file", "-", "--flagd", stdin="{}"), USAGE, "--flagd")

    def test_lint_of_a_file_needs_no_server(self):
        flag = {"flagKey": "f", "owner": "o", "prerequisites": [{"flagKey": "gone", "variations": ["on"]}]}
        alone = self.ok("flag", "lint", "--file", "-", "--url", "http://127.0.0.1:1", stdin=json.dumps(flag))
        self.assertEqual(alone.out, "0 errors and 0 warnings in 1 flag.\n")
        whole = self.cli("flag", "lint", "--file", "-", "--url", "http://127.0.0.1:1", "-o", "json",
                         stdin=json.dumps({"flags": [flag], "segments": []}))
        self.assertEqual(whole.code, FAILURE)
        self.assertEqual(whole.json()["findings"][0]["code"], "unknownPrerequisite")
        self.assertEqual(whole.json()["errors"], 1)


class OtherCommands(Commands):
    def test_tenants(self):
        self.ok("tenant", "create", "acme", "--name", "たぬき書房", "--plan", "pro")
        self.ok("tenant", "create", "beta", "--name", "Beta")
        lines = self.ok("tenant", "list").out.splitlines()
        # Columns line up by display width: five wide characters take ten columns.
        plan = lines[0].index("PLAN")
        acme = next(line for line in lines if line.startswith("acme"))
        self.assertEqual(acme.index("pro"), plan - 5)
        self.assertRegex(self.ok("tenant", "get", "acme").out, r"name +たぬき書房\n")
        self.assertEqual(self.ok("tenant", "update", "acme", "--plan", "x", "-o", "json").json()["version"], 2)
        self.expect(self.cli("tenant", "create", "acme"), CONFLICT)
        self.expect(self.cli("tenant", "delete", "acme"), USAGE)
        self.ok("tenant", "delete", "acme", "--yes")
        self.expect(self.cli("tenant", "get", "acme"), NOT_FOUND)

    def test_segments(self):
        self.ok("segment", "create", "s", "--include", "u1,u2", "--include", "u3", "--exclude", "u2", "--description", "d")
        segment = self.entity("segment", "get", "s")
        self.assertEqual((segment["included"], segment["excluded"]), (["u1", "u2", "u3"], ["u2"]))
        when = {"any": [{"attribute": "plan", "operator": "in", "values": ["pro"]}]}
        self.ok("segment", "update", "s", "--when", json.dumps(when), "--unset", "excluded")
        segment = self.entity("segment", "get", "s")
        self.assertEqual((segment["when"], segment.get("excluded", [])), (when, []))
        self.assertRegex(self.ok("segment", "list").out, r"s +3 +0 +yes +2 ")
        self.ok("flag", "create", "uses", "--owner", "o", "--rule",
                json.dumps({"id": "r", "when": {"all": [{"operator": "inSegment", "values": ["s"]}]}, "variation": "on"}))
        self.expect(self.cli("segment", "delete", "s", "--yes"), CONFLICT, "uses")
        self.ok("flag", "delete", "uses", "--yes")
        self.ok("segment", "delete", "s", "--yes")
        self.expect(self.cli("segment", "create", "t", "--when", "{"), USAGE, "--when is not JSON")

    def test_keys(self):
        made = self.ok("key", "create", "--kind", "server", "-e", "development", "--name", "svc", "-o", "json").json()
        self.assertTrue(made["token"].startswith("gdn_server_"))
        key = made["key"]["keyId"]
        table = self.ok("key", "create", "--kind", "client", "-e", "development", "--expires", "90d").out
        self.assertRegex(table, r"The key is shown this once:\n\n  gdn_client_\S+\n")
        self.assertRegex(self.ok("key", "list").out, rf"{key} +server +active +development +all")
        self.assertNotIn(made["token"], self.ok("key", "list", "-o", "json").out)
        self.ok("key", "get", key)

        self.ok("flag", "create", "for-key", "--owner", "o", "--enabled", "true")
        evaluate = ["evaluate", "for-key", "--key", "u", "-o", "json"]
        self.assertEqual(self.cli(*evaluate, GUIDON_API_KEY=made["token"]).json()["value"], True)
        self.expect(self.cli("flag", "list", GUIDON_API_KEY=made["token"]), NOT_ALLOWED, "use a key whose kind")
        self.expect(self.cli("flag", "list", GUIDON_API_KEY="gdn_admin_00000000_wrong"), NOT_ALLOWED, "GUIDON_API_KEY")
        file = self.folder() / "key"
        file.write_text(made["token"] + "\n")
        self.expect(self.cli(*evaluate, "--api-key-file", str(file)), OK)
        self.expect(self.cli(*evaluate, "--api-key-file", "/nonexistent"), USAGE)

        new = self.ok("key", "rotate", key, "--overlap", "1h", "-o", "json").json()
        self.assertEqual(self.entity("key", "get", key)["replacedBy"], new["key"]["keyId"])
        self.expect(self.cli("key", "revoke", key), USAGE)
        self.ok("key", "revoke", key, "--yes")
        self.expect(self.cli(*evaluate, GUIDON_API_KEY=made["token"]), NOT_ALLOWED)
        self.expect(self.cli(*evaluate, GUIDON_API_KEY=new["token"]), OK)
        self.expect(self.cli("key", "get", "00000000"), NOT_FOUND)

    def test_audit(self):
        self.ok("flag", "create", "audited", "--owner", "o", "--description", 'with "quotes", and commas')
        self.ok("flag", "update", "audited", "--enabled", "true")
        entries = self.entity("audit", "list", "--environment", "development", "--resource", "audited")["items"]
        self.assertEqual([(entry["action"], entry["actor"]["id"]) for entry in entries],
                         [("flag.patch", "local"), ("flag.create", "local")])
        self.assertEqual(entries[0]["after"]["defaultEnabled"], True)
        # `guidon audit` alone is `guidon audit list`.
        filters = ["--environment", "development", "--resource", "audited"]
        self.assertEqual(self.ok("audit", *filters).out, self.ok("audit", "list", *filters).out)
        self.assertEqual(self.ok("audit", *filters, "--from", "2001-01-01", "--to", "2001-01-02").out,
                         "No audit entries.\n")
        lines = self.ok("audit", "export", *filters).out.splitlines()
        self.assertEqual([json.loads(line)["action"] for line in lines], ["flag.patch", "flag.create"])
        file = self.folder() / "audit.csv"
        self.ok("audit", "export", *filters, "--format", "csv", "--file", str(file))
        rows = list(csv.DictReader(io.StringIO(file.read_text())))
        self.assertEqual(len(rows), 2)
        self.assertEqual(rows[0]["action"], "flag.patch")

    def test_health_refresh_version(self):
        health = self.ok("health", "-o", "json").json()
        self.assertEqual((health["ready"], health["store"]["ok"]), (True, True))
        self.assertRegex(self.ok("health").out, r"ready +yes\n(.*\n)+ENVIRONMENT +FLAGS +SEQUENCE")
        self.assertEqual(self.ok("refresh").out, "Loaded. Nothing had been edited behind the server's back.\n")
        self.assertRegex(self.ok("version").out, r"^guidon \d+\.\d+\.\d+ ")
        self.assertIn("version", yaml.safe_load(self.ok("version", "-o", "yaml").out))


class Failures(support.TestCase):
    def test_nobody_answers(self):
        url = f"http://127.0.0.1:{support.free_port()}"
        for command in (["flag", "list"], ["health"], ["kill", "status"], ["evaluate", "x"]):
            result = support.run(*command, GUIDON_URL=url)
            self.expect(result, UNAVAILABLE, rf"No answer from {url}.*next: +check that the server runs")
        result = support.run("flag", "list", "--output", "json", GUIDON_URL=url)
        self.expect(result, UNAVAILABLE)
        self.assertEqual(result.out, "")
        self.assertEqual(json.loads(result.err)["error"]["exitCode"], UNAVAILABLE)

    def test_json_errors(self):
        with support.Server("--store", "memory") as server:
            result = self.expect(server.run("flag", "get", "none", "-o", "json"), NOT_FOUND)
            error = json.loads(result.err)["error"]
            self.assertEqual((error["code"], error["exitCode"]), ("NOT_FOUND", NOT_FOUND))
            self.assertTrue(error["requestId"])

    def test_command_line(self):
        self.expect(support.run("flga"), USAGE, r"does not know 'flga'.*did you mean 'flag'")
        self.expect(support.run("flag", "lst"), USAGE, r"`guidon flag` does not know 'lst'.*did you mean 'list'")
        self.expect(support.run("flag", "list", "--outptu", "json"), USAGE, r"did you mean '--output'")
        self.expect(support.run("flag"), USAGE, "`guidon flag` needs a command")
        self.expect(support.run("flag", "list", "-o", "xml"), USAGE, "xml")
        self.expect(support.run("flag", "list", "--url", "ftp://x"), USAGE, "not the URL of a server")
        self.expect(support.run("flag", "list", "--url", "http://user:pass@x"), USAGE)
        self.expect(support.run("flag", "list", "--timeout", "soon"), USAGE, "--timeout")
        self.expect(support.run("flag", "list", GUIDON_API_KYE="x"), USAGE, "did you mean GUIDON_API_KEY")

    def test_help_everywhere(self):
        self.assertRegex(self.expect(support.run(), OK).out, "Commands:")
        document = self.expect(support.run("docs", "cli"), OK).out
        commands = [line[3:].split()[1:] for line in document.splitlines() if line.startswith("## guidon ")]
        self.assertGreater(len(commands), 35)
        for command in commands:
            text = self.expect(support.run(*command, "--help"), OK).out
            self.assertIn("Usage: guidon " + " ".join(command), text)
            self.assertIn("Examples:\n  ", text)
            self.assertLessEqual(max(len(line) for line in text.splitlines() if "guidon" not in line), 110)


del Commands  # only a base

if __name__ == "__main__":
    unittest.main()
