#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that the checks can fail: a small correct project passes, and each violation put into it is reported."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
RECORD = "# 0001: one\n\n## Context\n\n## Decision\n\n## Consequences\n\n## Alternatives\n"
README = "# One\n\nSee [two](docs/two.md).\n\n```sh\nmake run\n```\n"

PROJECT = {
    "src/guidon/layers.txt": "0 base\n2 eval\n2 json\n3 store\n5 store_memory\n5 api_http\n",
    "src/guidon/base/CMakeLists.txt": "# SPDX-License-Identifier: Apache-2.0\nguidon_module(NAME base\n  HEADERS a.hpp\n  SOURCES a.cpp)\n",
    "src/guidon/base/a.hpp": LICENCE + "#include <string>\n",
    "src/guidon/base/secret.hpp": LICENCE,
    "src/guidon/base/a.cpp": LICENCE + '#include "guidon/base/a.hpp"\n#include "guidon/base/secret.hpp"\n',
    "src/guidon/eval/e.cpp": LICENCE + '#include "guidon/base/a.hpp"\n',
    "src/guidon/json/j.cpp": LICENCE + '#include <simdjson.h>\n#include "guidon/base/a.hpp"\n',
    "src/guidon/store/s_test.cpp": LICENCE + '#include <gtest/gtest.h>\n#include "guidon/store_memory/m.hpp"\n',
    "src/guidon/store/CMakeLists.txt": "# SPDX-License-Identifier: Apache-2.0\nguidon_module(NAME store\n  HEADERS ${PORT_HEADERS})\n",
    "src/guidon/store/port.cmake": "# SPDX-License-Identifier: Apache-2.0\nset(PORT_HEADERS p.hpp)\n",
    "src/guidon/store/p.hpp": LICENCE,
    "src/guidon/store_memory/m.hpp": LICENCE + '#include "guidon/store/p.hpp"\n',
    "src/guidon/api_http/h.cpp": LICENCE + "#include <boost/asio.hpp>\n",
    "apps/guidon/main.cpp": LICENCE + '#include "guidon/base/a.hpp"\n',
    "tools/install-deps": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\ncase $1 in\n  build | test) groups+=($1) ;;\nesac\n",
    "Makefile": "# SPDX-License-Identifier: Apache-2.0\nrun:\n\t@tools/install-deps build test\n",
    "README.md": README,
    "README.ja.md": "# 一\n\n[二](docs/two.ja.md)を参照。\n\n```sh\nmake run\n```\n",
    "docs/two.md": "# Two\n",
    "docs/two.ja.md": "# 二\n",
    "docs/adr/README.md": "- [0001](0001-one.md)\n",
    "docs/adr/0001-one.md": RECORD,
} | {f"{folder}/README.md": "# Module\n" for folder in (
    "src/guidon/base", "src/guidon/eval", "src/guidon/json", "src/guidon/store", "src/guidon/store_memory",
    "src/guidon/api_http", "apps/guidon")}

# check, file, its content (None: not there), what the report must name
VIOLATIONS = [
    ("layers", "src/guidon/base/a.cpp", '#include "guidon/eval/e.hpp"\n', "lower ring only"),
    ("layers", "src/guidon/eval/e.cpp", '#include "guidon/json/j.hpp"\n', "lower ring only"),
    ("layers", "src/guidon/api_http/h.cpp", '#include "guidon/store_memory/m.hpp"\n', "lower ring only"),
    ("layers", "src/guidon/store/s_test.cpp", '#include "guidon/api_http/h.hpp"\n', "ring 3 test includes ring 5"),
    ("layers", "src/guidon/eval/e.cpp", '#include "guidon/base/secret.hpp"\n', "private to base"),
    ("layers", "apps/guidon/main.cpp", '#include "guidon/base/secret.hpp"\n', "private to base"),
    ("layers", "src/guidon/eval/e.cpp", "#include <simdjson.h>\n", "the core includes only"),
    ("layers", "src/guidon/eval/e.cpp", "#  include <unistd.h>\n", "the core includes only"),
    ("layers", "src/guidon/base/a.hpp", "#include <fmt/format.h>\n", "vendor header in a public header"),
    ("layers", "src/guidon/base/a.cpp", '#include "a.hpp"\n', "name it from the root"),
    ("layers", "src/guidon/stray/s.cpp", LICENCE, "not in src/guidon/layers.txt"),
    ("layers", "src/guidon/layers.txt", "0 base\n2 eval\n2 json\n3 store\n5 store_memory\n5 api_http\n5 gone\n", "gone has no folder"),
    ("house", "src/guidon/eval/e.cpp", "int x;\n", "SPDX"),
    ("house", "tools/tool", "#!/usr/bin/env bash\ntrue\n", "SPDX"),
    ("house", "docs/two.md", "See /ho" "me/ann/guidon.\n", "one machine only"),
    ("house", "docs/two.md", "https://registry." "npmjs.org/x\n", "package registry"),
    ("house", "src/guidon/eval/README.md", "line\n" * 41, "more than 40 lines"),
    ("house", "src/guidon/eval/README.md", None, "missing"),
    ("house", "Makefile", "# SPDX-License-Identifier: Apache-2.0\nrun:\n\t@tools/install-deps build more\n",
     "no group of packages"),
    ("docs", "README.ja.md", None, "README.ja.md: missing"),
    ("docs", "README.ja.md", "# 一\n\n## 余分\n\n[二](docs/two.md)\n\n```sh\nmake run\n```\n", "headings"),
    ("docs", "README.ja.md", "# 一\n\n[二](docs/two.md)\n\n```sh\nmake test\n```\n", "code block 1 differs"),
    ("docs", "README.ja.md", "# 一\n\n[二](docs/two.md)\n", "0 code blocks"),
    ("docs", "README.ja.md", "# 一\n\n```sh\nmake run\n```\n", "only one of the twins"),
    ("docs", "docs/three.ja.md", "# 三\n", "no page that it translates"),
    ("docs", "docs/two.md", "# Two\n\n[gone](gone.md)\n", "leads nowhere"),
    ("docs", "docs/adr/0003-three.md", RECORD, "expected number 0002"),
    ("docs", "docs/adr/README.md", "none\n", "not in docs/adr/README.md"),
    ("docs", "docs/adr/0001-one.md", "# 0001\n\n## Decision\n", "sections are"),
]


def run_check(name, tree):
    with tempfile.TemporaryDirectory() as folder:
        for path, content in tree.items():
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return subprocess.run([sys.executable, str(HERE / f"{name}.py"), "--root", folder],
                              capture_output=True, text=True, check=False)


class Checks(unittest.TestCase):
    def test_a_correct_project_passes(self):
        for name in ("layers", "house", "docs"):
            with self.subTest(name):
                done = run_check(name, PROJECT)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_each_violation_is_reported(self):
        for name, path, content, report in VIOLATIONS:
            with self.subTest(check=name, path=path, report=report):
                tree = {key: value for key, value in (PROJECT | {path: content}).items() if value is not None}
                done = run_check(name, tree)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(report, done.stderr)


if __name__ == "__main__":
    unittest.main()
