# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: the real server on a loopback port, wrk, tables and build/bench/NAME.json."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("GUIDON_BINARY", ROOT / "build/ci/bin/guidon"))
RESULTS = ROOT / "build/bench"
READY_SECONDS_MAX = 120
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client:
    """A kept-alive connection to the API."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call(self, method, path, body=None, headers=None):
        data = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text) if text else None


class Guidon:
    """The real binary in the local profile; `data` is kept when given, else temporary."""

    def __init__(self, data=None, demo=False, arguments=(), store=("--store", "rocksdb"), variables=None):
        self.temporary = data is None
        self.data = Path(tempfile.mkdtemp(prefix="guidon-bench-")) if data is None else Path(data)
        self.port = free_port()
        started = time.monotonic()
        self.process = subprocess.Popen(
            [str(BINARY), "serve", "--profile", "local", *store, "--data", str(self.data),
             "--listen", f"127.0.0.1:{self.port}", *([] if demo else ["--no-demo"]), *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(variables or {})})
        self.ready_ms = self._until_ready(started)

    def _until_ready(self, started):
        while time.monotonic() - started < READY_SECONDS_MAX:
            if self.process.poll() is not None:
                raise RuntimeError(f"guidon ended with {self.process.returncode} at start")
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return (time.monotonic() - started) * 1000
            except OSError:
                pass
            time.sleep(0.001)
        raise RuntimeError("guidon was not ready in time")

    def client(self):
        return Client(self.port)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def rss_mb(self):
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * PAGE_BYTES / 1e6

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.temporary:
            shutil.rmtree(self.data, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


WRK_REPORT = """
done = function(summary, latency, requests)
  io.write(string.format("REPORT %d %d %d %f %f %f\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
"""


def run_wrk(url, script, connections, seconds):
    """Requests, seconds, errors, and latency in ms (p50, p99, max) of one wrk run with one thread."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(script + WRK_REPORT)
        lua.flush()
        output = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", lua.name, url],
            check=True, capture_output=True, text=True).stdout
    match = re.search(r"REPORT (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+)", output)
    if not match:
        raise RuntimeError(f"wrk said:\n{output}")
    requests, micros, errors, p50, p99, worst = (float(text) for text in match.groups())
    if requests == 0 or errors > 0:
        raise RuntimeError(f"{int(errors)} of {int(requests)} requests failed:\n{output}")
    return {"rps": requests / (micros / 1e6), "requests": requests, "p50_ms": p50 / 1e3, "p99_ms": p99 / 1e3,
            "max_ms": worst / 1e3}


def post_script(body, headers=()):
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}", 'wrk.headers["Content-Type"] = "application/json"']
    lines += [f'wrk.headers["{name}"] = {json.dumps(value)}' for name, value in headers]
    return "\n".join(lines) + "\n"


def median_of(runs):
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def print_table(title, head, rows):
    text = [[cell if isinstance(cell, str) else f"{cell:,.3f}" if abs(cell) < 10 else f"{cell:,.0f}" for cell in row]
            for row in rows]
    widths = [max(len(row[i]) for row in [head, *text]) for i in range(len(head))]
    print(f"\n{title}")
    for row in [head, *text]:
        print("  " + "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))))
    sys.stdout.flush()


def write_results(name, results):
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten: {path.relative_to(ROOT)}")


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def progress_end():
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
