# SPDX-License-Identifier: Apache-2.0
"""flagd's sync streams: 1,000 of them on one node with 1,000 flags. What a change of one flag costs, counted (definitions
written down, messages) and measured (from the request to the last stream)."""

import os
import statistics
import subprocess
import time

from common import BINARY, Guidon, free_port, print_table, progress, progress_end, write_results

STREAMS = int(os.environ.get("BENCH_SYNC_STREAMS", "1000"))
FLAGS = int(os.environ.get("BENCH_SYNC_FLAGS", "1000"))
CHANGES = int(os.environ.get("BENCH_CHANGES", "10"))
ENVIRONMENT = "/api/v1/environments/development"


def metric(client, name):
    client.connection.request("GET", "/metrics")
    text = client.connection.getresponse().read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name)


def main():
    port = free_port()
    with Guidon(arguments=("--flagd-enabled", "--flagd-sync-port", str(port), "--flagd-port", "0")) as guidon:
        client = guidon.client()
        flags = [{"flagKey": f"flag-{i}", "owner": "bench", "defaultEnabled": True, "rolloutPercentage": 50}
                 for i in range(FLAGS)]
        client.call("POST", f"{ENVIRONMENT}/import?portions=true", {"flags": flags})
        before = guidon.rss_mb()
        streams = subprocess.Popen([str(BINARY.parent / "sync_client"), str(port), str(STREAMS)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, bufsize=1)
        try:
            opened = streams.stdout.readline().split()
            if not opened:
                raise RuntimeError("the streams did not open")
            time.sleep(1)
            idle = guidon.rss_mb()
            written, sent = (metric(client, f"guidon_flagd_sync_{name}_total") for name in ("serialisations", "messages"))
            runs = []
            for i in range(CHANGES):
                progress(f"change {i + 1} of {CHANGES}")
                time.sleep(0.5)
                streams.stdin.write("go\n")
                cpu = guidon.cpu_seconds()
                started = time.monotonic() * 1000
                client.call("PATCH", f"{ENVIRONMENT}/flags/flag-7", {"rolloutPercentage": 10 + i}, {"If-Match": "*"})
                line = streams.stdout.readline().split()
                if not line:
                    raise RuntimeError("a stream ended")
                first, median, p99, last = (float(text) - started for text in line)
                runs.append({"first_ms": first, "p50_ms": median, "p99_ms": p99, "last_ms": last,
                             "cpu_ms": (guidon.cpu_seconds() - cpu) * 1000})
            progress_end()
            written, sent = (metric(client, f"guidon_flagd_sync_{name}_total") - was
                             for name, was in (("serialisations", written), ("messages", sent)))
        finally:
            streams.kill()
            streams.wait()
    result = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    result |= {"streams": STREAMS, "flags": FLAGS, "definitions_bytes": int(opened[1]),
               "serialisations_a_change": written / CHANGES, "messages_a_change": sent / CHANGES,
               "idle_bytes_a_stream": (idle - before) * 1e6 / STREAMS}
    print_table(f"{STREAMS:,} sync streams, {FLAGS:,} flags ({result['definitions_bytes'] / 1e3:,.0f} kB), median of "
                f"{CHANGES} changes of one flag",
                ["", "written down", "messages", "first ms", "p50 ms", "p99 ms", "last ms", "CPU ms", "bytes a stream"],
                [["a change", result["serialisations_a_change"], result["messages_a_change"], result["first_ms"],
                  result["p50_ms"], result["p99_ms"], result["last_ms"], result["cpu_ms"], result["idle_bytes_a_stream"]]])
    if result["serialisations_a_change"] != 1:
        raise RuntimeError(f"a change cost {result['serialisations_a_change']} serialisations")
    write_results("sync", result)


if __name__ == "__main__":
    main()
