# SPDX-License-Identifier: Apache-2.0
"""The client library: from start to answers with a snapshot of 10,000 flags, and an evaluation beside the engine's own."""

import os
import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from common import ROOT, print_table, progress, progress_end, write_results

PROGRAM = Path(os.environ.get("GUIDON_CLIENT_BENCH", ROOT / "build/ci/bin/client_bench"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
FLAGS = 10_000
TIMES = 2_000_000
COUNTED = 10_000
CASES = {"flag-0": "static", "flag-1": "rollout", "flag-2": "rule of two conditions"}
# The engine is given the time of day, which the client asks for, too.
MODES = {"engine": "eval::Evaluate", "client_without_usage": "client without usage", "client": "client"}


def run(*arguments):
    return subprocess.run([str(PROGRAM), *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def starts(folder):
    snapshot = Path(folder) / "snapshot"
    run("write", snapshot, FLAGS)
    rows = []
    for round_number in range(ROUNDS):
        progress(f"start, round {round_number + 1} of {ROUNDS}")
        rows.append([float(text) for text in run("start", snapshot, FLAGS).split()])
    progress_end()
    started, answered, compiled = (sorted(column) for column in zip(*rows))
    return {"snapshot_bytes": snapshot.stat().st_size, "started_ms": statistics.median(started),
            "first_answers_ms": statistics.median(answered), "first_answers_ms_max": answered[-1],
            "all_compiled_ms": statistics.median(compiled)}


def nanoseconds(mode, flag):
    return statistics.median(float(run("time", mode, flag, TIMES)) for _ in range(3))


def instructions(mode, flag):
    """Of one evaluation: the difference between two numbers of evaluations."""
    def count(times):
        output = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(PROGRAM),
                                 "count", mode, flag, str(times)], check=True, capture_output=True, text=True).stderr
        return int(re.search(r"Collected : (\d+)", output).group(1))
    return (count(2 * COUNTED) - count(COUNTED)) / COUNTED


def main():
    folder = tempfile.mkdtemp(prefix="guidon-bench-client-")
    try:
        start = starts(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_table(f"Start from a snapshot of {FLAGS:,} flags ({start['snapshot_bytes'] / 1e6:.1f} MB), milliseconds",
                ["until", "median"],
                [["Client::Start has returned", start["started_ms"]],
                 ["three flags have answered", start["first_answers_ms"]],
                 ["  the slowest of the rounds", start["first_answers_ms_max"]],
                 ["everything is compiled, in the background", start["all_compiled_ms"]]])
    evaluations = {}
    for flag, name in CASES.items():
        for mode in MODES:
            progress(f"{name}, {mode}")
            evaluations.setdefault(name, {})[mode] = {"ns": nanoseconds(mode, flag),
                                                      "instructions": instructions(mode, flag)}
    progress_end()
    for what, title in (("ns", "One evaluation, nanoseconds"), ("instructions", "One evaluation, instructions (callgrind)")):
        print_table(title, ["case", *MODES.values()],
                    [[name, *(of[mode][what] for mode in MODES)] for name, of in evaluations.items()])
    write_results("client", {"start": start, "evaluations": evaluations})


main()
