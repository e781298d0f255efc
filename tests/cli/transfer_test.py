# SPDX-License-Identifier: Apache-2.0
"""`guidon flag export` and `import`: both formats, files and pipes, dry runs, and what is refused."""

import json
import unittest

import support
from support import FAILURE, NOT_FOUND, OK, UNAVAILABLE, USAGE

FLAGD = {
    "flags": {
        "banner": {"state": "ENABLED", "variants": {"red": "r", "blue": "b"}, "defaultVariant": "red",
                   "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "blue", None]}},
        "limit": {"state": "DISABLED", "variants": {"low": 1, "high": 10}, "defaultVariant": "low"},
    },
}


class Transfer(support.TestCase):
    def setUp(self):
        self.server = support.Server("--store", "memory")
        self.addCleanup(self.server.stop)

    def cli(self, *arguments, **more):
        return self.server.run(*arguments, **more)

    def ok(self, *arguments, **more):
        return self.expect(self.cli(*arguments, **more), OK)

    def flags(self, environment="development"):
        items = self.ok("flag", "list", "-e", environment, "-o", "json", "--all").json()["items"]
        return {flag["flagKey"]: flag for flag in items}

    def make_two(self):
        self.ok("flag", "create", "on-off", "--owner", "web", "--rollout", "20", "--enabled", "true", "--tag", "x")
        self.ok("flag", "create", "other", "--owner", "core", "--description", "テスト")

    def test_guidons_own_format_goes_round_through_a_file(self):
        self.make_two()
        file = self.folder() / "flags.json"
        out = self.ok("flag", "export", "--file", str(file))
        self.assertEqual(out.out, "")
        document = json.loads(file.read_text())
        self.assertEqual(sorted(flag["flagKey"] for flag in document["flags"]), ["on-off", "other"])

        dry = self.ok("flag", "import", "--file", str(file), "-e", "staging", "--dry-run")
        self.assertRegex(dry.out, r"on-off +created +1\n")
        self.assertTrue(dry.out.endswith("Nothing was written (dry run).\n"))
        self.assertEqual(self.flags("staging"), {})

        done = self.ok("flag", "import", "--file", str(file), "-e", "staging", "-o", "json").json()
        self.assertEqual((done["dryRun"], done["transactions"], [flag["action"] for flag in done["flags"]]),
                         (False, 1, ["created", "created"]))
        there = self.flags("staging")
        self.assertEqual((there["on-off"]["rolloutPercentage"], there["on-off"]["tags"], there["on-off"]["environment"]),
                         (20, ["x"], "staging"))
        self.assertEqual(there["other"]["description"], "テスト")

        again = self.ok("flag", "import", "--file", str(file), "-e", "staging", "-o", "json").json()
        self.assertEqual((again["transactions"], [flag["action"] for flag in again["flags"]]),
                         (0, ["unchanged", "unchanged"]))

    def test_standard_output_and_input(self):
        self.make_two()
        document = self.ok("flag", "export").out
        self.assertEqual(self.ok("flag", "export", "--file", "-").out, document)
        changed = document.replace("テスト", "other words")
        done = self.ok("flag", "import", "--file", "-", stdin=changed)
        self.assertRegex(done.out, r"on-off +unchanged +1\n")
        self.assertRegex(done.out, r"other +updated +2\n")
        self.assertNotIn("dry run", done.out)
        self.assertEqual(self.flags()["other"]["description"], "other words")

    def test_flagds_format(self):
        done = self.ok("flag", "import", "--format", "flagd", "--owner", "web", "--file", "-", stdin=json.dumps(FLAGD))
        self.assertRegex(done.out, r"banner +created +1\n")
        flags = self.flags()
        self.assertEqual((flags["banner"]["owner"], flags["banner"]["targeting"]),
                         ("web", FLAGD["flags"]["banner"]["targeting"]))
        self.assertEqual(flags["limit"]["state"], "DISABLED")
        answer = self.ok("evaluate", "banner", "--key", "u", "--attr", "plan=pro", "-o", "json").json()
        self.assertEqual(answer["value"], "b")

        exported = self.ok("flag", "export", "--format", "flagd").out
        flags = json.loads(exported)["flags"]
        self.assertEqual(flags["banner"]["targeting"], FLAGD["flags"]["banner"]["targeting"])
        self.assertEqual(flags["limit"]["state"], "DISABLED")
        again = self.ok("flag", "import", "--format", "flagd", "--file", "-", "-o", "json", stdin=exported).json()
        self.assertEqual({flag["action"] for flag in again["flags"]}, {"unchanged"})

    def test_notes_go_to_standard_error(self):
        self.ok("flag", "create", "expires", "--owner", "o", "--expires", "2030-01-01T00:00:00Z")
        rule = {"id": "r", "when": {"all": [{"attribute": "name", "operator": "matches", "values": ["^a"]}]},
                 "variation": "on"}
        self.ok("flag", "create", "pattern", "--owner", "o", "--rule", json.dumps(rule))
        exported = self.ok("flag", "export", "--format", "flagd")
        self.assertIn("pattern: ", exported.err)
        json.loads(exported.out)

    def test_what_is_refused_names_itself_and_changes_nothing(self):
        def refused(document, code, pattern, *more):
            self.expect(self.cli("flag", "import", "--file", "-", *more, stdin=document), code, pattern)

        refused("{", USAGE, "Standard input is not a JSON document")
        refused("[]", USAGE, "JSON object")
        refused(json.dumps({"flags": {}}), USAGE, "must be a list of flags")
        refused(json.dumps({"flags": [], "segments": []}), USAGE, "segments")
        refused(json.dumps({"flags": [{"flagKey": "ok", "owner": "o"}, {"flagKey": "bad", "owner": "o", "x": 1}]}),
                USAGE, r"flags\[1\]\.x")
        refused(json.dumps({"flags": [{"flagKey": "p", "owner": "o",
                                       "prerequisites": [{"flagKey": "gone", "variations": ["on"]}]}]}),
                USAGE, "gone")
        refused(json.dumps({"flags": {"f": {"state": "ON", "variants": {"a": 1}}}}), USAGE,
                "must be ENABLED or DISABLED", "--format", "flagd")
        self.expect(self.cli("flag", "import", "--file", str(self.folder() / "none.json")), USAGE, "cannot be read")
        self.expect(self.cli("flag", "import"), USAGE, "--file")
        self.expect(self.cli("flag", "import", "--file", "-", "--format", "yaml", stdin="{}"), USAGE, "guidon|flagd")
        self.expect(self.cli("flag", "export", "--format", "xml"), USAGE, "guidon|flagd")
        self.expect(self.cli("flag", "export", "-e", "nowhere"), NOT_FOUND, "nowhere")
        self.expect(self.cli("flag", "export", "--file", str(self.folder() / "no" / "where.json")), FAILURE,
                    "could not be written")
        self.expect(support.run("flag", "export", "--url", f"http://127.0.0.1:{support.free_port()}"), UNAVAILABLE)
        self.assertEqual(self.flags(), {})

    def test_a_name_that_no_flag_can_have(self):
        for arguments, document in (
                (("--format", "flagd"), {"flags": {"my flag": {"state": "ENABLED", "variants": {"on": True},
                                                                "defaultVariant": "on"}}}),
                ((), {"flags": [{"flagKey": "my flag", "owner": "o"}]})):
            self.expect(self.cli("flag", "import", "--file", "-", *arguments, stdin=json.dumps(document)), USAGE,
                        r'The flag "my flag" cannot be imported under this name.*1 to 128.*Rename it in the document')
        self.assertEqual(self.flags(), {})

    def test_more_than_one_unit_needs_the_word_for_it(self):
        document = json.dumps({"flags": [{"flagKey": f"f-{i:02}", "owner": "o"} for i in range(50)]})
        self.expect(self.cli("flag", "import", "--file", "-", stdin=document), USAGE, "50 flags would change")
        self.assertEqual(self.flags(), {})
        done = self.ok("flag", "import", "--file", "-", "--portions", "-o", "json", stdin=document).json()
        self.assertEqual((len(done["flags"]), done["transactions"]), (50, 2))
        self.assertEqual(len(self.flags()), 50)

    def test_an_idempotency_key_imports_once(self):
        document = json.dumps({"flags": [{"flagKey": "once", "owner": "o"}]})
        self.ok("flag", "import", "--file", "-", "--idempotency-key", "k", stdin=document)
        self.ok("flag", "delete", "once", "--yes")
        self.ok("flag", "import", "--file", "-", "--idempotency-key", "k", stdin=document)
        self.assertEqual(self.flags(), {})
        other = json.dumps({"flags": [{"flagKey": "twice", "owner": "o"}]})
        self.expect(self.cli("flag", "import", "--file", "-", "--idempotency-key", "k", stdin=other), USAGE,
                    "another request")


if __name__ == "__main__":
    unittest.main()
