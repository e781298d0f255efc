# SPDX-License-Identifier: Apache-2.0
"""OFREP over keep-alive HTTP: one flag against nginx answering a fixed body of the same size, and bulk of 350 flags.

Guidon and nginx take turns within one run, so that a noisy machine is noisy to both; medians are shown.
"""

import http.client
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from common import BINARY, Guidon, free_port, median_of, post_script, print_table, progress, progress_end, run_wrk, write_results

CONNECTIONS = 64
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
BULK_FLAGS = 350
FLAGS_PATH = "/api/v1/environments/development/flags"
CONTEXT = {"context": {"targetingKey": "user-42", "tenantId": "acme", "plan": "pro"}}


class Nginx:
    """One worker that answers every request with `body`, keep-alive, no log."""

    def __init__(self, body):
        self.folder = tempfile.TemporaryDirectory(prefix="guidon-bench-nginx-")
        self.port = free_port()
        self.pid_file = Path(self.folder.name) / "nginx.pid"
        escaped = body.replace("\\", "\\\\").replace("'", "\\'")
        config = Path(self.folder.name) / "nginx.conf"
        config.write_text(f"""
worker_processes 1;
pid {self.pid_file};
error_log {self.folder.name}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {self.folder.name}/body;
  server {{
    listen 127.0.0.1:{self.port};
    location / {{ default_type application/json; return 200 '{escaped}'; }}
  }}
}}
""")
        subprocess.run(["nginx", "-p", self.folder.name, "-c", str(config)], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["kill", self.pid_file.read_text().strip()], check=True)
        time.sleep(0.2)
        self.folder.cleanup()


def fetch(port, path, body, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    return answer, answer.read().decode()


def create_bulk_flags(client):
    """A third static, a third with overrides, a third with rollouts."""
    for i in range(BULK_FLAGS):
        flag = {"flagKey": f"bulk-{i:03}", "owner": "bench", "description": "bulk", "defaultEnabled": True}
        if i % 3 == 2:
            flag["rolloutPercentage"] = 20
        client.call("POST", FLAGS_PATH, flag)
        if i % 3 == 1:
            overrides = [{"tenantId": f"tenant-{t}", "enabled": False} for t in range(20)]
            overrides.append({"tenantId": "acme", "enabled": True})
            client.call("PUT", f"{FLAGS_PATH}/bulk-{i:03}/overrides", {"overrides": overrides})


def single(guidon):
    path = "/ofrep/v1/evaluate/flags/single"
    guidon.client().call("POST", FLAGS_PATH,
                         {"flagKey": "single", "owner": "bench", "description": "one", "defaultEnabled": True})
    _, body = fetch(guidon.port, path, CONTEXT)
    script = post_script(json.dumps(CONTEXT))
    runs = {"guidon": [], "nginx": []}
    with Nginx(body) as nginx:
        _, nginx_body = fetch(nginx.port, path, CONTEXT)
        if nginx_body != body:
            raise RuntimeError("nginx does not answer the same body")
        ports = {"guidon": guidon.port, "nginx": nginx.port}
        for round_number in range(ROUNDS):
            for name, port in ports.items():
                progress(f"single, round {round_number + 1} of {ROUNDS}: {name}")
                runs[name].append(run_wrk(f"http://127.0.0.1:{port}{path}", script, CONNECTIONS, SECONDS))
    progress_end()
    return {name: median_of(of_one) for name, of_one in runs.items()} | {"body_bytes": len(body)}


def bulk(guidon):
    path = "/ofrep/v1/evaluate/flags"
    answer, body = fetch(guidon.port, path, CONTEXT)
    flags = len(json.loads(body)["flags"])
    if flags < BULK_FLAGS:
        raise RuntimeError(f"only {flags} flags in the bulk answer")
    etag = answer.getheader("ETag")
    cases = {"bulk": post_script(json.dumps(CONTEXT)),
             "bulk_not_modified": post_script(json.dumps(CONTEXT), [("If-None-Match", etag)])}
    results = {"flags": flags, "body_bytes": len(body)}
    for name, script in cases.items():
        runs = []
        for round_number in range(ROUNDS):
            progress(f"{name}, round {round_number + 1} of {ROUNDS}")
            before = guidon.cpu_seconds()
            run = run_wrk(f"http://127.0.0.1:{guidon.port}{path}", script, 16, SECONDS)
            run["cpu_us_a_request"] = (guidon.cpu_seconds() - before) / run["requests"] * 1e6
            run["rps_a_core"] = 1e6 / run["cpu_us_a_request"]
            runs.append(run)
        results[name] = median_of(runs)
    progress_end()
    return results


def parts_of_bulk():
    """Microseconds of evaluating 350 flags and of the entity tag over the answers, in process."""
    output = subprocess.run([str(BINARY.parent / "bulk_bench"), "--benchmark_format=json", "--benchmark_repetitions=5",
                             "--benchmark_report_aggregates_only=true"], check=True, capture_output=True, text=True).stdout
    medians = {entry["run_name"]: entry["cpu_time"] for entry in json.loads(output)["benchmarks"]
               if entry["aggregate_name"] == "median"}
    return {"evaluate_us": medians["evaluate_350"], "etag_us": medians["etag_350"]}


def main():
    with Guidon() as guidon:
        results = single(guidon)
    with Guidon() as guidon:
        create_bulk_flags(guidon.client())
        results["bulk_350"] = bulk(guidon)
    results["bulk_350"]["in_process"] = parts_of_bulk()
    results["rps_ratio"] = results["guidon"]["rps"] / results["nginx"]["rps"]
    results["p99_ratio"] = results["guidon"]["p99_ms"] / results["nginx"]["p99_ms"]

    print_table(f"One flag over OFREP, {CONNECTIONS} connections, median of {ROUNDS} runs of {SECONDS} s",
                ["server", "req/s", "p50 ms", "p99 ms"],
                [[name, results[name]["rps"], results[name]["p50_ms"], results[name]["p99_ms"]]
                 for name in ("guidon", "nginx")] +
                [["guidon / nginx", results["rps_ratio"], results["guidon"]["p50_ms"] / results["nginx"]["p50_ms"],
                  results["p99_ratio"]]])
    of_bulk = results["bulk_350"]
    print_table(f"Bulk of {of_bulk['flags']} flags, {of_bulk['body_bytes']:,} bytes",
                ["answer", "req/s", "server CPU µs/request", "req/s a core"],
                [[label, of_bulk[name]["rps"], of_bulk[name]["cpu_us_a_request"], of_bulk[name]["rps_a_core"]]
                 for label, name in (("200, whole body", "bulk"), ("304, ETag matches", "bulk_not_modified"))])
    parts = of_bulk["in_process"]
    print(f"  in process: evaluating them {parts['evaluate_us']:.2f} µs, the ETag {parts['etag_us']:.2f} µs")
    write_results("http", results)


if __name__ == "__main__":
    main()
