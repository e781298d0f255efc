# SPDX-License-Identifier: Apache-2.0
"""Settings: precedence, origins, refusals by name, masking."""

import pathlib
import unittest

import support
import yaml
from support import OK, USAGE


class ConfigShow(support.TestCase):
    def show(self, *arguments, **variables):
        result = self.expect(support.run("config", "show", *arguments, "--output", "json", **variables), OK)
        return result.json()["settings"]

    def test_flag_over_environment_over_file_over_profile(self):
        file = self.folder() / "guidon.toml"
        file.write_text('profile = "prod"\nstore = "rocksdb"\nenvironments = ["a", "b"]\n\n[log]\nlevel = "warn"\n\n'
                        '[limits]\nbody_bytes = "2MiB"\nconnections = 50\n')
        settings = self.show("--config", str(file), "--log-level", "error", GUIDON_LISTEN="127.0.0.1:4000",
                             GUIDON_LIMITS_CONNECTIONS="60")
        self.assertEqual(settings["log.level"], {"value": "error", "origin": "flag", "source": "--log-level"})
        self.assertEqual(settings["listen"], {"value": "127.0.0.1:4000", "origin": "environment", "source": "GUIDON_LISTEN"})
        self.assertEqual(settings["limits.connections"]["value"], "60")
        self.assertEqual(settings["limits.body_bytes"], {"value": "2MiB", "origin": "file", "source": f"{file}:9"})
        self.assertEqual(settings["environments"], {"value": "a,b", "origin": "file", "source": f"{file}:3"})
        self.assertEqual(settings["cache.ttl"], {"value": "600s", "origin": "profile", "source": "prod"})
        self.assertEqual(settings["threads.worker"], {"value": "32", "origin": "default"})

    def test_file_by_variable(self):
        file = self.folder() / "guidon.toml"
        file.write_text("demo = false\n")
        self.assertEqual(self.show(GUIDON_CONFIG=str(file))["demo"]["source"], f"{file}:1")

    def test_switches(self):
        self.assertEqual(self.show("--no-demo")["demo"]["value"], "false")
        self.assertEqual(self.show("--demo", "--profile", "prod")["demo"]["value"], "true")
        self.expect(support.run("config", "show", "--demo", "--no-demo"), USAGE)

    def test_formats_agree(self):
        table = self.expect(support.run("config", "show"), OK).out
        self.assertRegex(table, r"^SETTING +VALUE +FROM\n")
        self.assertRegex(table, r"listen +127\.0\.0\.1:3001 +default\n")
        self.assertRegex(table, r"store +rocksdb +profile local\n")
        document = self.expect(support.run("config", "show", "-o", "yaml"), OK).out
        self.assertEqual(yaml.safe_load(document), self.expect(support.run("config", "show", "-o", "json"), OK).json())

    def test_secrets_are_masked(self):
        secret = "0123456789abcdef0123456789abcdef"
        result = self.expect(support.run("config", "show", "-o", "json", GUIDON_KEY_HASH_SECRET=secret), OK)
        self.assertEqual(result.json()["settings"]["key_hash_secret"]["value"], "********")
        self.assertNotIn(secret, result.out + result.err)
        self.expect(support.run("config", "show", "--key-hash-secret", secret), USAGE)
        refused = support.run("serve", "--store", "memory", GUIDON_KEY_HASH_SECRET="tooshort")
        self.expect(refused, USAGE, "at least 32 characters")
        self.assertNotIn("tooshort", refused.err)

    def test_unknown_names_are_refused(self):
        file = self.folder() / "guidon.toml"
        for text, pattern in (('lisen = "x"\n', r"Unknown setting 'lisen' in .*:1\n.*did you mean 'listen'"),
                              ('\n[log]\nlvel = "info"\n', r"Unknown setting 'log.lvel' in .*:3\n.*'log.level'"),
                              ("listen = 1.5\n", r"wrong type"),
                              ("listen = \n", r"guidon.toml:1 cannot be read")):
            with self.subTest(text=text):
                file.write_text(text)
                self.expect(support.run("config", "show", "--config", str(file)), USAGE, pattern)
                self.expect(support.run("serve", "--config", str(file)), USAGE, pattern)
        self.expect(support.run("config", "show", GUIDON_LISEN="x"), USAGE,
                    r"Unknown environment variable GUIDON_LISEN.*did you mean GUIDON_LISTEN")
        self.expect(support.run("config", "show", "--config", "/nonexistent.toml"), USAGE, "cannot be read")

    def test_bad_values_name_their_source(self):
        self.expect(support.run("config", "show", GUIDON_CACHE_TTL="soon"), USAGE,
                    r"Setting 'cache.ttl' is 'soon' \(environment GUIDON_CACHE_TTL\).*why: +must be a duration")
        self.expect(support.run("serve", "--listen", "nowhere"), USAGE, r"Setting 'listen' is 'nowhere' \(flag --listen\)")
        self.expect(support.run("serve", "--environments", "Prod"), USAGE, "environments")

    def test_the_example_file_is_valid(self):
        example = pathlib.Path(__file__).parents[2] / "deploy" / "guidon.toml"
        settings = self.show("--config", str(example))
        self.assertEqual((settings["store"]["value"], settings["limits.body_bytes"]["origin"]), ("rocksdb", "file"))

    def test_each_setting_has_a_row_in_the_page(self):
        page = self.expect(support.run("docs", "configuration"), OK).out
        for key in self.show():
            self.assertIn(f"| `{key}` |", page)


if __name__ == "__main__":
    unittest.main()
