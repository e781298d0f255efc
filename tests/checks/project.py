#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files of the project, and how a check reports. As a program: prints the files that match the given patterns."""

import argparse
import fnmatch
import os
import pathlib
import subprocess
import sys

# Never part of the project; matters only where there is no git to ask (an unpacked archive, a self test).
NOT_OURS = {".git", "build", "data", "node_modules", ".cache", "__pycache__"}


def files(root, *patterns):
    """Paths relative to `root`, sorted, of files that are committed or new and not ignored."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False)
    if listed.returncode == 0:
        names = {name for name in listed.stdout.decode().split("\0") if name}
    else:
        names = set(_walk(root))
    return sorted(pathlib.PurePosixPath(name) for name in names
                  if (root / name).is_file() and (not patterns or any(fnmatch.fnmatch(name, p) for p in patterns)))


def _walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        for name in names:
            yield (pathlib.Path(folder) / name).relative_to(root).as_posix()


def text(path):
    """The content of a text file, or None for a binary one."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None


def run(description, check):
    """Runs check(root), a generator of messages, and exits with 1 when it has any."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    messages = list(check(parser.parse_args().root.resolve()))
    for message in messages:
        print(message, file=sys.stderr)
    sys.exit(1 if messages else 0)


if __name__ == "__main__":
    for found in files(pathlib.Path.cwd(), *sys.argv[1:]):
        print(found)
