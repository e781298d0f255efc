#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what every file owes the house.

  - source files begin with the SPDX line of the licence;
  - no file holds a path of somebody's machine or the name of a package registry's host;
  - every module and program folder has a README.md of at most 40 lines;
  - whoever installs packages names groups that tools/install-deps knows.
"""

import re

import project

SPDX = "SPDX-License-Identifier: Apache-2.0"
# The line may follow a shebang and one directive.
SPDX_LINES = 3
SOURCE_SUFFIXES = {".cpp", ".hpp", ".c", ".h", ".py", ".sh", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".css", ".cmake", ".proto"}
SOURCE_NAMES = {"CMakeLists.txt", "Makefile", "Containerfile"}
README_LINES_MAX = 40

FORBIDDEN = {
    re.compile(r"(?<![\w.@$})-])/(?:work|home|root|Users)/\w"): "a path that exists on one machine only",
    re.compile(r"registry\.(?:npmjs\.org|yarnpkg\.com)|(?:pypi|rubygems)\.org|files\.pythonhosted\.org|"
               r"(?:deb|security|snapshot)\.debian\.org|proxy\.golang\.org|(?:index|static)\.crates\.io|"
               r"registry-1\.docker\.io|(?<![\w.])(?:ghcr|quay|docker)\.io/"): "the host of a package registry",
}

# A call in a script or a Makefile, and the lines of the tool that take a group's name.
INSTALLS = re.compile(r"^[\s@]*(?:RUN )?tools/install-deps((?: [a-z-]+)+)\s*$")
INSTALL_GROUPS = re.compile(r"^\s+([a-z |]+)\) groups\+=", re.MULTILINE)


def groups_of_packages(root):
    tool = root / "tools" / "install-deps"
    return set(re.findall(r"[a-z]+", " ".join(INSTALL_GROUPS.findall(tool.read_text())))) if tool.is_file() else set()


def is_source(path, text):
    return path.suffix in SOURCE_SUFFIXES or path.name in SOURCE_NAMES or text.startswith("#!")


def check(root):
    groups = groups_of_packages(root)
    for path in project.files(root):
        text = project.text(root / path)
        # A fuzzing corpus is input, not text of ours.
        if text is None or path.parts[:2] == ("fuzz", "corpus"):
            continue
        lines = text.splitlines()
        if is_source(path, text) and not any(SPDX in line for line in lines[:SPDX_LINES]):
            yield f"{path}: no line '{SPDX}' at the top"
        for number, line in enumerate(lines, 1):
            asked = INSTALLS.match(line) if is_source(path, text) else None
            for group in asked[1].split() if asked else ():
                if group not in groups:
                    yield f"{path}:{number}: '{group}': no group of packages that tools/install-deps knows"
            for pattern, reason in FORBIDDEN.items():
                found = pattern.search(line)
                if found:
                    yield f"{path}:{number}: '{found[0]}': {reason}"

    for parent in ("src/guidon", "apps"):
        if not (root / parent).is_dir():
            continue
        for folder in sorted(entry for entry in (root / parent).iterdir() if entry.is_dir()):
            readme = folder / "README.md"
            name = readme.relative_to(root)
            if not readme.is_file():
                yield f"{name}: missing"
            elif len(readme.read_text().splitlines()) > README_LINES_MAX:
                yield f"{name}: more than {README_LINES_MAX} lines"


if __name__ == "__main__":
    project.run(__doc__, check)
