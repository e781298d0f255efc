# SPDX-License-Identifier: Apache-2.0
"""The engine alone: nanoseconds (Google Benchmark), instructions (callgrind), and the engines of others in the same run."""

import json
import os
import re
import shutil
import statistics
import subprocess

from common import ROOT, RESULTS, print_table, progress, progress_end, write_results

BINARIES = ROOT / "build/ci/bin"
CASES = ROOT / "bench/eval_cases.json"
COUNTED = ("static", "override", "rollout", "rule_rollout", "ten_rules", "flagd_rule")
COMPARED = ("static", "override", "rule_rollout", "ten_rules")
EVALUATIONS = 1000
MIN_TIME = os.environ.get("BENCH_SECONDS", "0.5")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))


def run_benchmarks():
    subprocess.run([str(BINARIES / "eval_bench"), f"--benchmark_min_time={MIN_TIME}",
                    f"--benchmark_out={RESULTS / 'eval.json'}", "--benchmark_out_format=json"], check=True, cwd=ROOT)


def instructions(case):
    """Of one evaluation, which repeats exactly: the difference between two numbers of evaluations."""
    def count(times):
        output = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                                 str(BINARIES / "eval_count"), case, str(times)],
                                check=True, capture_output=True, text=True, cwd=ROOT).stderr
        return int(re.search(r"Collected : (\d+)", output).group(1))
    return (count(2 * EVALUATIONS) - count(EVALUATIONS)) / EVALUATIONS


def install_peers():
    folder = ROOT / "build/bench/peers"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "peers.mjs"):
        shutil.copy(ROOT / "bench/peers" / name, folder / name)
    subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--silent"], check=True, cwd=folder)
    return folder


def run_peers(folder):
    output = subprocess.run(["node", "peers.mjs", str(CASES)], check=True, capture_output=True, text=True, cwd=folder)
    return json.loads(output.stdout)


def run_compared():
    output = subprocess.run([str(BINARIES / "eval_bench"), f"--benchmark_min_time={MIN_TIME}", "--benchmark_format=json",
                             "--benchmark_filter=^(" + "|".join(COMPARED) + ")$"],
                            check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return {entry["name"]: entry["cpu_time"] for entry in json.loads(output)["benchmarks"]}


def compare(folder):
    """Nanoseconds by engine and case, medians of rounds. A machine that changes its speed while it measures does not
    decide: each round has all engines, once."""
    rounds = []
    for at in range(ROUNDS):
        progress(f"all engines, round {at + 1} of {ROUNDS}")
        rounds.append({"guidon": run_compared(), **run_peers(folder)})
    return {engine: {case: statistics.median(one[engine][case] for one in rounds) for case in COMPARED}
            for engine in rounds[0]}


def main():
    RESULTS.mkdir(parents=True, exist_ok=True)
    run_benchmarks()
    counts = {}
    for case in COUNTED:
        progress(f"counting instructions: {case}")
        counts[case] = instructions(case)
    progress("installing the engines of others")
    engines = compare(install_peers())
    progress_end()
    guidon = engines.pop("guidon")
    print_table("Instructions of one evaluation (callgrind)", ["case", "instructions"],
                [[case, float(count)] for case, count in counts.items()])
    print_table(f"Nanoseconds of one evaluation, same flags and context, in process, medians of {ROUNDS} rounds",
                ["engine", *COMPARED],
                [["guidon", *(guidon[case] for case in COMPARED)],
                 *[[name, *(times[case] for case in COMPARED)] for name, times in engines.items()]])
    print_table("How many times as long as Guidon", ["engine", *COMPARED],
                [[name, *(times[case] / guidon[case] for case in COMPARED)] for name, times in engines.items()])
    write_results("eval_peers", {"unit": "ns", "rounds": ROUNDS, "guidon": guidon, "peers": engines,
                                 "instructions": counts})


if __name__ == "__main__":
    main()
