# SPDX-License-Identifier: Apache-2.0
"""The admin UI in chromium: first visit, a list of 10,000 flags, and how soon another browser sees a toggle."""

import json
import os
import subprocess

from common import BINARY, ROOT, print_table, write_results

ROUNDS = os.environ.get("BENCH_ROUNDS", "5")
PACKAGES = ROOT / "build/ci/e2e"
SHOWN = (("initial_load_kib", "first visit: KiB over the wire", 300), ("first_paint_ms", "first visit: first paint, ms", 1000),
         ("flags_shown_ms", "first visit: flags can be used, ms", 1500),
         ("scroll_frame_median_ms", "10,000 flags, scrolling: median frame, ms", None),
         ("scroll_frame_p95_ms", "10,000 flags, scrolling: 95 % of frames within, ms", None),
         ("scroll_frame_longest_ms", "10,000 flags, scrolling: longest frame, ms", 50),
         ("key_to_frame_longest_ms", "10,000 flags, search: slowest letter until drawn, ms", None),
         ("toggle_seen_ms", "toggle until another browser shows it, ms", 300))


def main():
    subprocess.run(["cmake", f"-DSOURCE={ROOT / 'tests/e2e'}", f"-DTARGET={PACKAGES}", "-P",
                    str(ROOT / "tests/e2e/install_packages.cmake")], check=True, stdout=subprocess.DEVNULL)
    output = subprocess.run(["node", str(PACKAGES / "ui/figures.mjs"), ROUNDS], check=True, stdout=subprocess.PIPE,
                            text=True, cwd=ROOT, env={**os.environ, "GUIDON_BINARY": str(BINARY)}).stdout
    figures = json.loads(output)
    print_table(f"Admin UI in chromium, medians of {figures['rounds']} rounds", ["what", "measured", "at most"],
                [[text, float(figures[name]), "" if limit is None else str(limit)] for name, text, limit in SHOWN])
    write_results("ui", figures)


if __name__ == "__main__":
    main()
