# SPDX-License-Identifier: Apache-2.0
"""What Guidon costs on DynamoDB, from counted capacity units and the prices of prices.json.

The real binary counts units by DynamoDB's rules on every store. Loads, writes and evaluations are counted on the embedded
one; how a node follows a shared table is counted on the fake DynamoDB of our own. Prints a table, and with --write puts
the figures into docs/operations/cost.md and its twin; --check fails where they say something else.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from common import BINARY, ROOT, Client, Guidon, free_port, print_table, write_results

FAKE = Path(os.environ.get("GUIDON_TEST_FAKE_DYNAMO", BINARY.parent / "fake_dynamo"))
PRICES = json.loads((Path(__file__).parent / "prices.json").read_text())
PAGES = {"en": ROOT / "docs/operations/cost.md", "ja": ROOT / "docs/operations/cost.ja.md"}
FLAG_COUNTS = (100, 1_000, 10_000)
EVALUATIONS = 20_000
LOOKS = 6
LOOKS_PER_HOUR_MAX = 3600 * 2  # every 500 ms at most; the interval is up to a fifth longer, at random
RESYNCS_PER_HOUR = 6           # --cache-ttl 600s, the default of the profile prod
HOURS_PER_MONTH = 730
NO_AWS = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ACCESS_KEY_ID": "a",
          "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true", "PATH": os.environ["PATH"]}
# Nothing of its own in between: no full resync, and no counts of usage, which the page speaks of apart.
QUIET = ("--cache-ttl", "1h", "--usage-interval", "0")
FLAGS = "/api/v1/environments/production/flags"


def flag_item(i):
    """A flag as Guidon writes it: a rollout, an owner, two tags, a sentence of description."""
    key, at = f"checkout-step-{i:05}", "2026-01-01T00:00:00.000Z"
    text = {"PK": f"FLAG#production#{key}", "SK": "METADATA", "GSI1PK": "FLAGS#production", "GSI1SK": f"METADATA#{at}",
            "GSI2PK": "OWNER#production#payments", "GSI2SK": f"FLAG#{key}", "flagKey": key, "environment": "production",
            "description": "Turns the new step of the checkout on, country by country.", "owner": "payments",
            "type": "boolean", "state": "ENABLED", "createdAt": at, "updatedAt": at, "updatedBy": "local"}
    item = {name: {"S": value} for name, value in text.items()}
    item |= {"defaultEnabled": {"BOOL": True}, "clientVisible": {"BOOL": False}, "rolloutPercentage": {"N": "25"},
             "version": {"N": "1"}, "schema": {"N": "1"}, "tags": {"L": [{"S": "checkout"}, {"S": "2026"}]}}
    return json.dumps({"Item": item})


def command(*arguments, stdin="", **variables):
    done = subprocess.run([str(BINARY), *arguments], input=stdin, text=True, capture_output=True, check=False,
                          env=NO_AWS | variables, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"guidon {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def units(port):
    """Read and write units since start."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    total = {"read": 0.0, "write": 0.0}
    for kind, value in re.findall(r'guidon_store_capacity_units_total\{[^}]*kind="(read|write)"[^}]*\} ([\d.e+]+)', text):
        total[kind] += float(value)
    return total


class Counted:
    """Units of what is done inside."""

    def __init__(self, port):
        self.port = port

    def __enter__(self):
        self.before = units(self.port)
        return self

    def __exit__(self, *_):
        after = units(self.port)
        self.read = after["read"] - self.before["read"]
        self.write = after["write"] - self.before["write"]


def count_load(flags):
    """Units of a full load of so many flags by a running node."""
    with tempfile.TemporaryDirectory(prefix="guidon-cost-") as data:
        lines = "\n".join(flag_item(i) for i in range(flags))
        command("store", "import", "-", "--data", data, stdin=lines)
        with Guidon(data=data, arguments=QUIET) as guidon:
            listed = guidon.client().call("GET", FLAGS + "?limit=1")
            assert listed["items"], "the flags are not there"
            with Counted(guidon.port) as load:
                command("refresh", GUIDON_URL=f"http://127.0.0.1:{guidon.port}")
    assert load.write == 0
    return load.read


def count_changes():
    rows = {}
    with Guidon(arguments=QUIET) as guidon:
        client = guidon.client()

        def change(name, method, path, body=None, **headers):
            with Counted(guidon.port) as counted:
                client.call(method, path, body, headers)
            rows[name] = (counted.read, counted.write)

        client.call("POST", "/api/v1/tenants", {"tenantId": "acme", "name": "Acme"})
        change("create", "POST", FLAGS, {
            "flagKey": "checkout", "owner": "payments", "description": "Turns the new step of the checkout on.",
            "defaultEnabled": True, "rolloutPercentage": 25})
        merge = {"Content-Type": "application/merge-patch+json", "If-Match": "*"}
        change("update", "PATCH", FLAGS + "/checkout", {"rolloutPercentage": 50}, **merge)
        change("override", "PUT", FLAGS + "/checkout/overrides/acme", {"enabled": False})
        change("kill", "PUT", "/api/v1/environments/production/kill-switches/flag:checkout", {"reason": "cost"})
        evaluator = Client(guidon.port)
        with Counted(guidon.port) as counted:
            for i in range(EVALUATIONS):
                evaluator.call("POST", "/ofrep/v1/evaluate/flags/checkout", {"context": {"targetingKey": f"u{i}"}},
                               {"Guidon-Environment": "production"})
        rows["evaluations"] = (counted.read / EVALUATIONS * 1e6, counted.write / EVALUATIONS * 1e6)
    return rows


def count_look():
    """Units of one look of an idle node at the change logs."""
    fake = subprocess.Popen([str(FAKE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    endpoint = f"http://127.0.0.1:{int(fake.stdout.readline())}"
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="guidon-cost-") as data:
        node = subprocess.Popen([str(BINARY), "serve", "--data", data, "--store", "dynamodb", "--dynamodb-endpoint", endpoint,
                                 "--listen", f"127.0.0.1:{port}", *QUIET, "--no-demo"], env=NO_AWS,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    Client(port).call("POST", FLAGS, {"flagKey": "a", "owner": "o", "description": "", "defaultEnabled": True})
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)
            time.sleep(1)  # what follows the change
            steps = []
            seen = units(port)["read"]
            while len(steps) < LOOKS and time.monotonic() < deadline:
                now = units(port)["read"]
                if now != seen:
                    steps.append(now - seen)
                    seen = now
                time.sleep(0.02)
        finally:
            node.terminate()
            node.wait()
            fake.kill()
            fake.wait()
    assert len(steps) == LOOKS, steps
    return min(steps)


def measure():
    changes = count_changes()
    return {"look": count_look(), "loads": {str(flags): count_load(flags) for flags in FLAG_COUNTS}, "changes": changes}


def dollars(region, read, write):
    price = PRICES["regions"][region]
    return read / 1e6 * price["readMillion"] + write / 1e6 * price["writeMillion"]


WORDS = {
    "en": {"what": "what", "read": "read units", "write": "write units", "look": "one look of an idle node at the change logs",
           "idle": "an idle node an hour, looks only (at most)", "load": "a snapshot load of {:,} flags",
           "hour": "an idle node an hour with {:,} flags, full resyncs included", "month": "the same, a month of {} hours",
           "create": "creating a flag", "update": "changing a flag", "override": "setting a tenant override",
           "kill": "engaging a kill switch", "evaluations": "a million evaluations",
           "prices": "Prices as of {}, on demand, per million units: {}."},
    "ja": {"what": "内容", "read": "読み取りユニット", "write": "書き込みユニット", "look": "待機中のノードが変更ログを 1 回見る",
           "idle": "待機中のノード 1 時間、変更ログの確認のみ (最大)", "load": "{:,} フラグのスナップショットの読み込み",
           "hour": "{:,} フラグで待機中のノード 1 時間、完全な再同期を含む", "month": "同じく 1 か月 ({} 時間)",
           "create": "フラグの作成", "update": "フラグの変更", "override": "テナントの上書きの設定",
           "kill": "キルスイッチの作動", "evaluations": "100 万回の評価",
           "prices": "{} 時点のオンデマンド料金 (100 万ユニットあたり): {}。"},
}


def rows_of(figures, words):
    looks = figures["look"] * LOOKS_PER_HOUR_MAX
    rows = [(words[name], *figures["changes"][name]) for name in ("evaluations", "create", "update", "override", "kill")]
    rows += [(words["look"], figures["look"], 0), (words["idle"], looks, 0)]
    rows += [(words["load"].format(int(flags)), read, 0) for flags, read in figures["loads"].items()]
    for flags, read in figures["loads"].items():
        hour = looks + RESYNCS_PER_HOUR * read
        rows.append((words["hour"].format(int(flags)), hour, 0))
    rows.append((words["month"].format(HOURS_PER_MONTH), hour * HOURS_PER_MONTH, 0))
    return rows


def amount(value):
    return f"{value:,.1f}".removesuffix(".0")


def page_table(figures, language):
    words = WORDS[language]
    regions = list(PRICES["regions"])
    lines = [f"| {words['what']} | {words['read']} | {words['write']} | " + " | ".join(f"{region}, USD" for region in regions) + " |",
             "|---|--:|--:|" + "--:|" * len(regions)]
    for name, read, write in rows_of(figures, words):
        costs = " | ".join(f"{dollars(region, read, write):,.2f}" if read + write > 1e5
                           else f"{dollars(region, read, write):.7f}" for region in regions)
        lines.append(f"| {name} | {amount(read)} | {amount(write)} | {costs} |")
    prices = "; ".join(f"{region} {price['readMillion']} / {price['writeMillion']}" for region, price in PRICES["regions"].items())
    return "\n".join(lines) + "\n\n" + words["prices"].format(PRICES["asOf"], prices) + "\n"


def with_table(text, table):
    begin, end = "<!-- cost: begin -->\n", "<!-- cost: end -->"
    head, rest = text.split(begin)
    return head + begin + "\n" + table + "\n" + end + rest.split(end)[1]


def main():
    figures = measure()
    if "--check" not in sys.argv:
        print_table("Cost on DynamoDB", ["what", "read units", "write units", *PRICES["regions"]],
                    [[name, read, write, *(f"{dollars(region, read, write):.7f}" for region in PRICES["regions"])]
                     for name, read, write in rows_of(figures, WORDS["en"])])
        write_results("cost", figures | {"prices": PRICES})
    wrong = []
    for language, page in PAGES.items():
        text = page.read_text()
        wanted = with_table(text, page_table(figures, language))
        if "--write" in sys.argv:
            page.write_text(wanted)
        elif wanted != text:
            wrong.append(page.name)
    if wrong and "--check" in sys.argv:
        sys.exit(f"{', '.join(wrong)} does not say what was counted: python3 bench/cost_bench.py --write, and look at the "
                 f"difference\n{page_table(figures, 'en')}")


if __name__ == "__main__":
    main()
