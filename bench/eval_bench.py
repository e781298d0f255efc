# SPDX-License-Identifier: Apache-2.0
"""The engine alone: nanoseconds (Google Benchmark), instructions (callgrind), and the engines of others in the same run."""

import json
import os
import re
import shutil
import subprocess

from common import ROOT, RESULTS, print_table, progress, progress_end, write_results

BINARIES = ROOT / "build/ci/bin"
CASES = ROOT / "bench/eval_cases.json"
COUNTED = ("static", "override", "rollout", "rule_rollout", "ten_rules", "flagd_rule")
COMPARED = ("static", "override", "rule_rollout", "ten_rules")
EVALUATIONS = 1000
MIN_TIME = os.environ.get("BENCH_SECONDS", "0.5")


def run_benchmarks():
    subprocess.run([str(BINARIES / "eval_bench"), f"--benchmark_min_time={MIN_TIME}",
                    f"--benchmark_out={RESULTS / 'eval.json'}", "--benchmark_out_format=json"], check=True, cwd=ROOT)
    results = json.loads((RESULTS / "eval.json").read_text())["benchmarks"]
    return {entry["name"]: entry["cpu_time"] for entry in results if entry.get("time_unit") == "ns"}


def instructions(case):
    """Of one evaluation, which repeats exactly: the difference between two numbers of evaluations."""
    def count(times):
        output = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                                 str(BINARIES / "eval_count"), case, str(times)],
                                check=True, capture_output=True, text=True, cwd=ROOT).stderr
        return int(re.search(r"Collected : (\d+)", output).group(1))
    return (count(2 * EVALUATIONS) - count(EVALUATIONS)) / EVALUATIONS


def run_peers():
    folder = ROOT / "build/bench/peers"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "peers.mjs"):
        shutil.copy(ROOT / "bench/peers" / name, folder / name)
    subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--silent"], check=True, cwd=folder)
    output = subprocess.run(["node", "peers.mjs", str(CASES)], check=True, capture_output=True, text=True, cwd=folder)
    return json.loads(output.stdout)


def main():
    RESULTS.mkdir(parents=True, exist_ok=True)
    ours = run_benchmarks()
    counts = {}
    for case in COUNTED:
        progress(f"counting instructions: {case}")
        counts[case] = instructions(case)
    progress("the engines of others")
    peers = run_peers()
    again = run_benchmarks_again()
    progress_end()
    guidon = {case: (ours[case] + again[case]) / 2 for case in COMPARED}
    print_table("Instructions of one evaluation (callgrind)", ["case", "instructions"],
                [[case, float(count)] for case, count in counts.items()])
    print_table("Nanoseconds of one evaluation, same flags and context, in process", ["engine", *COMPARED],
                [["guidon", *(guidon[case] for case in COMPARED)],
                 *[[name, *(times[case] for case in COMPARED)] for name, times in peers.items()]])
    print_table("How many times as long as Guidon", ["engine", *COMPARED],
                [[name, *(times[case] / guidon[case] for case in COMPARED)] for name, times in peers.items()])
    write_results("eval_peers", {"unit": "ns", "guidon": guidon, "peers": peers, "instructions": counts})


def run_benchmarks_again():
    """The compared cases once more after the peers, so that a machine that changes its speed does not decide."""
    output = subprocess.run([str(BINARIES / "eval_bench"), f"--benchmark_min_time={MIN_TIME}", "--benchmark_format=json",
                             "--benchmark_filter=^(" + "|".join(COMPARED) + ")$"],
                            check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return {entry["name"]: entry["cpu_time"] for entry in json.loads(output)["benchmarks"]}


if __name__ == "__main__":
    main()
