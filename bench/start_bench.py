# SPDX-License-Identifier: Apache-2.0
"""From starting the process to ready, and resident memory: with the demo data and with 10,000 flags in the store."""

import concurrent.futures
import os
import shutil
import statistics
import tempfile
import time

from common import Guidon, print_table, progress, progress_end, write_results

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
FLAGS = 10_000
SETTLE_SECONDS = 0.5
FLAGS_PATH = "/api/v1/environments/development/flags"


def flag(i):
    """A typical mix: a third static, a third with a rollout, a third with a rule."""
    body = {"flagKey": f"start-{i:05}", "owner": f"team-{i % 20}", "description": f"flag number {i} of the start benchmark",
            "defaultEnabled": True, "tags": ["bench", f"group-{i % 10}"]}
    if i % 3 == 1:
        body["rolloutPercentage"] = 20
    if i % 3 == 2:
        body["targetingRules"] = [{
            "id": "pro", "variation": "on",
            "when": {"all": [{"attribute": "plan", "operator": "in", "values": ["pro", "enterprise"]},
                             {"attribute": "country", "operator": "in", "values": ["jp", "de"]}]}}]
    return body


def fill(guidon):
    def create(numbers):
        client = guidon.client()
        for i in numbers:
            client.call("POST", FLAGS_PATH, flag(i))
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(create, [range(first, FLAGS, 16) for first in range(16)]))


def measure(data, demo, rounds):
    ready, memory = [], []
    for round_number in range(rounds):
        progress(f"start, round {round_number + 1} of {rounds}")
        guidon = Guidon(data=data, demo=demo)
        time.sleep(SETTLE_SECONDS)
        ready.append(guidon.ready_ms)
        memory.append(guidon.rss_mb())
        guidon.stop()
    progress_end()
    return {"ready_ms": statistics.median(ready), "ready_ms_max": max(ready), "rss_mb": statistics.median(memory)}


def main():
    results = {}
    folder = tempfile.mkdtemp(prefix="guidon-bench-start-")
    try:
        results["demo_first_start"] = measure(os.path.join(folder, "demo"), True, 1)
        results["demo"] = measure(os.path.join(folder, "demo"), True, ROUNDS)
        data = os.path.join(folder, "flags")
        progress(f"writing {FLAGS:,} flags")
        guidon = Guidon(data=data)
        fill(guidon)
        guidon.stop()
        results["flags_10000"] = measure(data, False, ROUNDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_table(f"Start until ready, median of {ROUNDS} starts", ["store", "ready ms", "worst ms", "resident MB"],
                [[label, *results[name].values()] for label, name in
                 (("empty, demo data written", "demo_first_start"), ("demo data", "demo"),
                  ("10,000 flags", "flags_10000"))])
    write_results("start", results)


if __name__ == "__main__":
    main()
