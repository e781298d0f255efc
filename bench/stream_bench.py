# SPDX-License-Identifier: Apache-2.0
"""Event streams: 10,000 clients on one node. How long a change takes to the last of them, and what they cost.

Times are from the moment a change is sent to the node, so they include its transaction on the disk. Two cases: all
clients of one tenant, whose event is written down once, and each of a tenant of its own.

And receipts: how long `guidon kill engage --wait` takes until 1,000 clients have evaluated again, on one node and on
three that follow one table (BENCH_ONLY=wait measures nothing else).
"""

import json
import os
import statistics
import subprocess
import time

from common import BINARY, Guidon, print_table, progress, progress_end, write_results

STREAMS = int(os.environ.get("BENCH_STREAMS", "10000"))
CHANGES = int(os.environ.get("BENCH_CHANGES", "20"))
WAITED_FOR = int(os.environ.get("BENCH_WAITED_FOR", "1000"))
IDLE_SECONDS = int(os.environ.get("BENCH_SECONDS", "5")) * 4  # one round of keep-alive comments
FLAGS_PATH = "/api/v1/environments/development/flags"


def uri_for(client, tenant):
    answer = client.call("POST", "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u", "tenantId": tenant}})
    return answer["eventStreams"][0]["endpoint"]["requestUri"]


def metric(client, name):
    client.connection.request("GET", "/metrics")
    text = client.connection.getresponse().read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name)


def measure(tenants):
    with Guidon(arguments=("--limits-streams", str(STREAMS + 100))) as guidon:
        client = guidon.client()
        client.call("POST", FLAGS_PATH, {"flagKey": "f", "owner": "bench", "defaultEnabled": True})
        uris = [uri_for(client, f"tenant-{i}") for i in range(tenants)]
        # What the first connections and changes leave behind is not the streams'.
        warm = subprocess.run([str(BINARY.parent / "stream_client"), str(guidon.port), "100", uris[0]], input="",
                              text=True, capture_output=True, check=True)
        assert warm.stdout == "open\n"
        time.sleep(1)
        rss_before = guidon.rss_mb()
        # More tenants than a command line takes share the paths of the first ones.
        streams = subprocess.Popen([str(BINARY.parent / "stream_client"), str(guidon.port), str(STREAMS), *uris],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        try:
            if streams.stdout.readline() != "open\n":
                raise RuntimeError("the streams did not open")
            time.sleep(1)
            rss_idle = guidon.rss_mb()
            before = guidon.cpu_seconds()
            time.sleep(IDLE_SECONDS)
            idle_cpu = (guidon.cpu_seconds() - before) / IDLE_SECONDS
            runs = []
            for i in range(CHANGES):
                progress(f"change {i + 1} of {CHANGES}, {tenants} tenants")
                time.sleep(0.3)
                streams.stdin.write("go\n")
                cpu = guidon.cpu_seconds()
                started = time.monotonic() * 1000
                client.call("PATCH", f"{FLAGS_PATH}/f", {"defaultEnabled": i % 2 == 0}, {"If-Match": "*"})
                served = time.monotonic() * 1000
                line = streams.stdout.readline().split()
                if not line:
                    raise RuntimeError("a stream ended")
                first, median, p99, last = (float(text) - started for text in line)
                runs.append({"acknowledged_ms": served - started, "first_ms": first, "p50_ms": median, "p99_ms": p99,
                             "last_ms": last, "cpu_ms": (guidon.cpu_seconds() - cpu) * 1000})
            progress_end()
            made = metric(client, "guidon_stream_events_serialised_total")
            sent = metric(client, "guidon_stream_events_total")
        finally:
            streams.kill()
            streams.wait()
    result = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return result | {"last_ms_worst": max(run["last_ms"] for run in runs), "streams": STREAMS,
                     "idle_bytes_a_stream": (rss_idle - rss_before) * 1e6 / STREAMS, "idle_cpu_percent": idle_cpu * 100,
                     "events_made_a_change": made / CHANGES, "events_sent_a_change": sent / CHANGES}


def measure_wait(nodes):
    """Engages and releases a kill switch with --wait, as an operator does; the clients are spread over the nodes."""
    clients = [node.client() for node in nodes]
    clients[0].call("POST", FLAGS_PATH, {"flagKey": "f", "owner": "bench", "defaultEnabled": True})
    time.sleep(2)  # every node has heard of it
    streams = []
    try:
        for i, (node, client) in enumerate(zip(nodes, clients)):
            answer = client.call("POST", "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u"}})
            count = WAITED_FOR // len(nodes) + (1 if i < WAITED_FOR % len(nodes) else 0)
            streams.append(subprocess.Popen(
                [str(BINARY.parent / "stream_client"), str(node.port), str(count), "--answer",
                 answer["eventStreams"][0]["endpoint"]["requestUri"]],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1))
            if streams[-1].stdout.readline() != "open\n":
                raise RuntimeError("the streams did not open")
        runs = []
        for i in range(CHANGES):
            progress(f"kill switch {i + 1} of {CHANGES}, {WAITED_FOR} clients on {len(nodes)} nodes")
            time.sleep(0.5)
            for each in streams:
                each.stdin.write("go\n")
            what = ["engage", "--reason", "bench"] if i % 2 == 0 else ["release"]
            started = time.monotonic()
            done = subprocess.run(
                [str(BINARY), "kill", *what, "--flag", "f", "--environment", "development", "--yes", "--wait", "10s",
                 "--output", "json"], capture_output=True, text=True, check=True,
                env={**os.environ, "GUIDON_URL": f"http://127.0.0.1:{nodes[i % len(nodes)].port}"})
            command = (time.monotonic() - started) * 1000
            converged = json.loads(done.stdout)["propagation"]["clients"]
            if converged["converged"] != WAITED_FOR:
                raise RuntimeError(f"{converged}")
            for each in streams:
                each.stdout.readline()
            runs.append({"p50_ms": converged["p50Ms"], "p99_ms": converged["p99Ms"], "last_ms": converged["lastMs"],
                         "command_ms": command})
        progress_end()
    finally:
        for each in streams:
            each.kill()
            each.wait()
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]} | {
        "clients": WAITED_FOR, "nodes": len(nodes), "last_ms_worst": max(run["last_ms"] for run in runs),
        "command_ms_worst": max(run["command_ms"] for run in runs)}


def measure_waits():
    limits = ("--limits-streams", str(WAITED_FOR + 100))
    with Guidon(arguments=limits) as guidon:
        results = {"embedded": measure_wait([guidon])}
    fake = subprocess.Popen([str(BINARY.parent / "fake_dynamo")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        store = ("--store", "dynamodb", "--dynamodb-endpoint", f"http://127.0.0.1:{int(fake.stdout.readline())}")
        aws = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ACCESS_KEY_ID": "a",
               "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true",
               "GUIDON_KEY_HASH_SECRET": "of-a-benchmark-and-nothing-else-at-all"}
        with (Guidon(arguments=limits, store=store, variables=aws) as one,
              Guidon(arguments=limits, store=store, variables=aws) as two,
              Guidon(arguments=limits, store=store, variables=aws) as three):
            results["dynamodb_three_nodes"] = measure_wait([one, two, three])
    finally:
        fake.kill()
        fake.wait()
    return results


def main():
    waited = measure_waits()
    print_table(f"kill --wait, {WAITED_FOR:,} clients that evaluate again, median of {CHANGES}; from the commit",
                ["", "p50 ms", "p99 ms", "last ms", "worst last ms", "the whole command ms", "worst command ms"],
                [[label, of["p50_ms"], of["p99_ms"], of["last_ms"], of["last_ms_worst"], of["command_ms"],
                  of["command_ms_worst"]]
                 for label, of in (("embedded store", waited["embedded"]),
                                   ("DynamoDB, 3 nodes", waited["dynamodb_three_nodes"]))])
    if os.environ.get("BENCH_ONLY") == "wait":
        write_results("stream_wait", waited)
        return
    results = {"one_tenant": measure(1), "500_tenants": measure(500)}
    print_table(f"{STREAMS:,} event streams on one node, median of {CHANGES} changes; from the request to change",
                ["streams of", "acknowledged ms", "first ms", "p50 ms", "p99 ms", "last ms", "worst last ms"],
                [[label, of["acknowledged_ms"], of["first_ms"], of["p50_ms"], of["p99_ms"], of["last_ms"],
                  of["last_ms_worst"]] for label, of in (("one tenant", results["one_tenant"]),
                                                          ("500 tenants", results["500_tenants"]))])
    print_table("What they cost",
                ["streams of", "bytes an idle stream", "CPU idle %", "CPU ms a change", "events written down a change"],
                [[label, of["idle_bytes_a_stream"], of["idle_cpu_percent"], of["cpu_ms"], of["events_made_a_change"]]
                 for label, of in (("one tenant", results["one_tenant"]), ("500 tenants", results["500_tenants"]))])
    write_results("stream", results | {"kill_wait": waited})


if __name__ == "__main__":
    main()
