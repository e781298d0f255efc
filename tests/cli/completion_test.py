# SPDX-License-Identifier: Apache-2.0
"""The completion scripts: valid shell, and right answers."""

import shutil
import subprocess
import unittest

import support
from support import OK, USAGE


class Completion(support.TestCase):
    def script(self, shell):
        return self.expect(support.run("completion", shell), OK).out

    def complete(self, *words):
        """What bash offers for the last word."""
        program = self.script("bash") + """
compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_guidon
printf '%s\\n' "${COMPREPLY[@]}"
"""
        done = subprocess.run(["bash", "-c", program, "bash", "guidon", *words], capture_output=True, text=True,
                              env=support.environment(), check=True, timeout=30)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_is_valid(self):
        done = subprocess.run(["bash", "-n"], input=self.script("bash"), capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_bash_registers_itself(self):
        done = subprocess.run(["bash", "-c", self.script("bash") + "complete -p guidon"], capture_output=True, text=True,
                              check=True)
        self.assertEqual(done.stdout, "complete -F _guidon guidon\n")

    def test_commands(self):
        top = self.complete("")
        for name in ("serve", "flag", "override", "kill", "evaluate", "tenant", "key", "segment", "audit", "health"):
            self.assertIn(name, top)
        self.assertNotIn("docs", top)
        self.assertEqual(self.complete("fl"), ["flag"])
        self.assertEqual(self.complete("flag", "cr"), ["create"])
        self.assertEqual(self.complete("kill", "e"), ["engage"])
        # A positional argument in between does not lose the command.
        self.assertEqual(self.complete("flag", "get", "my-flag", "--outp"), ["--output"])

    def test_options_and_values(self):
        self.assertIn("--environment", self.complete("flag", "list", "--"))
        self.assertEqual(self.complete("flag", "list", "--output", ""), ["table", "json", "yaml"])
        self.assertEqual(self.complete("flag", "list", "-o", "j"), ["json"])
        self.assertEqual(self.complete("flag", "list", "--output", "=", "y"), ["yaml"])
        self.assertEqual(self.complete("flag", "list", "--output", "="), ["table", "json", "yaml"])
        self.assertEqual(self.complete("serve", "--profile", ""), ["local", "dev", "prod"])
        self.assertEqual(self.complete("override", "set", "x", "--enabled", ""), ["true", "false"])
        self.assertEqual(self.complete("flag", "list", "--owner", ""), [])

    def test_every_command_is_in_it(self):
        script = self.script("bash")
        document = self.expect(support.run("docs", "cli"), OK).out
        for line in document.splitlines():
            if line.startswith("## guidon "):
                self.assertIn(f"'{line[3:]}'", script)

    def test_zsh(self):
        script = self.script("zsh")
        self.assertTrue(script.startswith("#compdef guidon\n"))
        if shutil.which("zsh") is None:
            self.skipTest("zsh is not installed")
        done = subprocess.run(["zsh", "-n"], input=script, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_unknown_shell(self):
        self.expect(support.run("completion", "fish"), USAGE, "fish")


if __name__ == "__main__":
    unittest.main()
