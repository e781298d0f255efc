# SPDX-License-Identifier: Apache-2.0
"""Management writes over HTTP on the embedded store, synced, beside the device's own fdatasync in the same folder.

Then one flag with 1,000,000 overrides: loaded in bulk, listed by pages, evaluated; and one segment of 1,000,000 keys:
uploaded in portions and whole, changed by ten keys, evaluated, listed, restarted.
"""

import concurrent.futures
import json
import os
import statistics
import time

from common import Guidon, print_table, progress, progress_end, run_wrk, write_results

SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
OVERRIDES = int(os.environ.get("BENCH_OVERRIDES", "1000000"))
OVERRIDES_PER_REQUEST = 10_000
KEYS = int(os.environ.get("BENCH_KEYS", "1000000"))
KEYS_PER_REQUEST = 10_000
FLAGS = 200
SYNC_WRITES = 300
RECORD_BYTES = 2048
FLAGS_PATH = "/api/v1/environments/development/flags"
SEGMENTS_PATH = "/api/v1/environments/development/segments"

PATCH_SCRIPT = """
local counter = 0
wrk.method = "PATCH"
wrk.headers["Content-Type"] = "application/merge-patch+json"
wrk.headers["If-Match"] = "*"
request = function()
  counter = counter + 1
  local path = string.format("%s/write-%%03d", "%s", counter %% %d)
  return wrk.format("PATCH", path, nil, string.format('{"description":"change %%d"}', counter))
end
"""


# Between two syncs of one writer lie the answer, the next request and its preparation. A device and a processor that
# are left alone for that long answer more slowly than in a loop without pauses.
PACE_SECONDS = 0.0004


def fdatasync_ms(folder, pace_seconds=0.0):
    """Median latency of appending a record and syncing it, as a write-ahead log does."""
    path = folder / "fdatasync-probe"
    record = b"x" * RECORD_BYTES
    samples = []
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _ in range(SYNC_WRITES):
            started = time.perf_counter()
            os.write(file, record)
            os.fdatasync(file)
            samples.append((time.perf_counter() - started) * 1000)
            if pace_seconds:
                time.sleep(pace_seconds)
    finally:
        os.close(file)
        path.unlink()
    return statistics.median(samples)


def writes(guidon):
    client = guidon.client()
    for i in range(FLAGS):
        client.call("POST", FLAGS_PATH,
                    {"flagKey": f"write-{i:03}", "owner": "bench", "description": "x", "defaultEnabled": True})
    script = PATCH_SCRIPT % ("%s", FLAGS_PATH, FLAGS)
    syncs, paced, one, many = [], [], [], []
    for round_number in range(ROUNDS):
        progress(f"writes, round {round_number + 1} of {ROUNDS}")
        syncs.append(fdatasync_ms(guidon.data))
        paced.append(fdatasync_ms(guidon.data, PACE_SECONDS))
        one.append(run_wrk(f"http://127.0.0.1:{guidon.port}/", script, 1, SECONDS))
        many.append(run_wrk(f"http://127.0.0.1:{guidon.port}/", script, 32, SECONDS))
    progress_end()
    median = lambda runs, name: statistics.median(run[name] for run in runs)
    result = {
        "fdatasync_ms": statistics.median(syncs),
        "fdatasync_paced_ms": statistics.median(paced),
        "one_writer": {"writes_per_s": median(one, "rps"), "p50_ms": median(one, "p50_ms"), "p99_ms": median(one, "p99_ms")},
        "writers_32": {"writes_per_s": median(many, "rps"), "p50_ms": median(many, "p50_ms"),
                       "p99_ms": median(many, "p99_ms")},
    }
    result["one_writer_to_fdatasync"] = result["one_writer"]["p50_ms"] / result["fdatasync_ms"]
    result["one_writer_to_paced_fdatasync"] = result["one_writer"]["p50_ms"] / result["fdatasync_paced_ms"]
    result["scaling_32"] = result["writers_32"]["writes_per_s"] / result["one_writer"]["writes_per_s"]
    return result


def overrides(guidon):
    client = guidon.client()
    client.call("POST", FLAGS_PATH,
                {"flagKey": "million", "owner": "bench", "description": "x", "defaultEnabled": False})
    path = f"{FLAGS_PATH}/million/overrides"
    started = time.monotonic()

    def load(first):
        last = min(first + OVERRIDES_PER_REQUEST, OVERRIDES)
        entries = [{"tenantId": f"tenant-{i:07}", "enabled": i % 2 == 0} for i in range(first, last)]
        return guidon.client().call("PUT", path, {"overrides": entries})["applied"]

    applied = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for count in pool.map(load, range(0, OVERRIDES, OVERRIDES_PER_REQUEST)):
            applied += count
            progress(f"overrides: {applied:,} of {OVERRIDES:,}")
    load_seconds = time.monotonic() - started

    started = time.monotonic()
    listed, cursor = 0, ""
    while True:
        page = client.call("GET", f"{path}?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
        listed += len(page["items"])
        progress(f"listed: {listed:,} of {OVERRIDES:,}")
        cursor = page.get("nextCursor", "")
        if not cursor:
            break
    list_seconds = time.monotonic() - started
    progress_end()
    if applied != OVERRIDES or listed != OVERRIDES:
        raise RuntimeError(f"{applied} overrides written, {listed} listed, expected {OVERRIDES}")

    for i in (0, 1, OVERRIDES // 2, OVERRIDES - 1):
        answer = client.call("POST", "/ofrep/v1/evaluate/flags/million",
                             {"context": {"targetingKey": "u", "tenantId": f"tenant-{i:07}"}})
        if answer["value"] != (i % 2 == 0) or answer["reason"] != "TARGETING_MATCH":
            raise RuntimeError(f"tenant {i} got {json.dumps(answer)}")
    script = """
local counter = 0
request = function()
  counter = (counter + 7919) %% %d
  return wrk.format("POST", "/ofrep/v1/evaluate/flags/million", {["Content-Type"] = "application/json"},
    string.format('{"context":{"targetingKey":"u","tenantId":"tenant-%%07d"}}', counter))
end
""" % OVERRIDES
    evaluated = run_wrk(f"http://127.0.0.1:{guidon.port}/", script, 16, SECONDS)
    return {"overrides": OVERRIDES, "load_seconds": load_seconds, "load_per_s": OVERRIDES / load_seconds,
            "list_seconds": list_seconds, "evaluations_per_s": evaluated["rps"], "rss_mb": guidon.rss_mb()}


def segment_key(number):
    return f"user-{number:07}"


def timed(call):
    started = time.monotonic()
    result = call()
    return result, time.monotonic() - started


def segment(guidon):
    client = guidon.client()
    client.call("POST", SEGMENTS_PATH, {"segmentKey": "portions"})
    client.call("POST", SEGMENTS_PATH, {"segmentKey": "million"})
    client.call("POST", FLAGS_PATH, {"flagKey": "in-million", "owner": "bench", "description": "x", "defaultEnabled": False,
                                     "targetingRules": [{"id": "r", "variation": "on", "when": {"all": [
                                         {"operator": "inSegment", "values": ["million"]}]}}]})

    def portions():
        for first in range(0, KEYS, KEYS_PER_REQUEST):
            keys = [segment_key(i) for i in range(first, min(first + KEYS_PER_REQUEST, KEYS))]
            client.call("POST", f"{SEGMENTS_PATH}/portions/keys", {"add": {"included": keys}})
            progress(f"keys in portions: {first + len(keys):,} of {KEYS:,}")

    _, portion_seconds = timed(portions)
    every = [segment_key(i) for i in range(KEYS)]
    progress("keys in one request")
    whole, whole_seconds = timed(lambda: client.call("PUT", f"{SEGMENTS_PATH}/million/keys", {"included": every},
                                                     {"If-Match": "*"}))
    ten = [segment_key(i * (KEYS // 10) + 7) for i in range(10)]
    changes = []
    for verb in ("remove", "add") * ROUNDS:
        outcome, seconds = timed(lambda: client.call("POST", f"{SEGMENTS_PATH}/million/keys", {verb: {"included": ten}}))
        changes.append(seconds * 1000)
        if outcome["added" if verb == "add" else "removed"]["included"] != 10:
            raise RuntimeError(f"{verb} of ten keys did {json.dumps(outcome)}")

    def pages():
        listed, cursor = 0, ""
        while True:
            page = client.call("GET", f"{SEGMENTS_PATH}/million/keys?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
            listed += len(page["items"])
            progress(f"keys listed: {listed:,} of {KEYS:,}")
            cursor = page.get("nextCursor", "")
            if not cursor:
                return listed

    listed, list_seconds = timed(pages)
    progress_end()
    if whole["includedCount"] != KEYS or listed != KEYS:
        raise RuntimeError(f"{whole['includedCount']} keys written, {listed} listed, expected {KEYS}")
    check_members(client)
    script = """
local counter = 0
request = function()
  counter = (counter + 7919) %% %d
  return wrk.format("POST", "/ofrep/v1/evaluate/flags/in-million", {["Content-Type"] = "application/json"},
    string.format('{"context":{"targetingKey":"user-%%07d"}}', counter))
end
""" % (2 * KEYS)
    evaluated = run_wrk(f"http://127.0.0.1:{guidon.port}/", script, 16, SECONDS)
    return {"keys": KEYS, "portions_seconds": portion_seconds, "whole_seconds": whole_seconds,
            "ten_keys_ms": statistics.median(changes), "list_seconds": list_seconds,
            "evaluations_per_s": evaluated["rps"], "rss_mb": guidon.rss_mb()}


def check_members(client):
    for number, expected in ((0, True), (KEYS // 2, True), (KEYS - 1, True), (KEYS, False)):
        answer = client.call("POST", "/ofrep/v1/evaluate/flags/in-million", {"context": {"targetingKey": segment_key(number)}})
        if answer["value"] != expected:
            raise RuntimeError(f"key {number} got {json.dumps(answer)}")


def main():
    with Guidon() as guidon:
        results = {"writes": writes(guidon)}
    with Guidon() as guidon:
        results["million_overrides"] = overrides(guidon)
        guidon.process.terminate()
        guidon.process.wait()
        with Guidon(data=guidon.data) as again:
            results["million_overrides"]["restart_ms"] = again.ready_ms
    with Guidon() as guidon:
        results["million_keys"] = segment(guidon)
        guidon.process.terminate()
        guidon.process.wait()
        with Guidon(data=guidon.data) as again:
            results["million_keys"]["restart_ms"] = again.ready_ms
            check_members(again.client())
            results["million_keys"]["restart_rss_mb"] = again.rss_mb()
    of_writes = results["writes"]
    print_table(f"Management writes over HTTP, synced, median of {ROUNDS} runs of {SECONDS} s",
                ["writers", "writes/s", "p50 ms", "p99 ms"],
                [["1", *of_writes["one_writer"].values()], ["32", *of_writes["writers_32"].values()]])
    print(f"  the device's fdatasync: {of_writes['fdatasync_ms']:.3f} ms in a loop, {of_writes['fdatasync_paced_ms']:.3f} ms "
          f"at a writer's pace; one writer takes {of_writes['one_writer_to_fdatasync']:.2f} and "
          f"{of_writes['one_writer_to_paced_fdatasync']:.2f} times that")
    print(f"  32 writers do {of_writes['scaling_32']:.1f} times as much as one")
    million = results["million_overrides"]
    print_table("One flag with 1,000,000 overrides", ["what", "figure"],
                [["loaded a second", million["load_per_s"]], ["list all by pages, s", million["list_seconds"]],
                 ["evaluations a second", million["evaluations_per_s"]], ["restart until ready, ms", million["restart_ms"]],
                 ["resident memory, MB", million["rss_mb"]]])
    keys = results["million_keys"]
    print_table(f"One segment of {KEYS:,} keys (and a second one, built in portions)", ["what", "figure"],
                [["uploaded in portions of 10,000, s", keys["portions_seconds"]],
                 ["uploaded in one request, s", keys["whole_seconds"]],
                 ["ten keys added or removed, ms", keys["ten_keys_ms"]],
                 ["list all by pages, s", keys["list_seconds"]],
                 ["evaluations a second", keys["evaluations_per_s"]],
                 ["restart until ready, ms", keys["restart_ms"]],
                 ["resident memory, MB", keys["rss_mb"]], ["resident memory after the restart, MB", keys["restart_rss_mb"]]])
    write_results("store", results)


if __name__ == "__main__":
    main()
