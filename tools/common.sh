# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the other tools: where the checkout is, how they talk, and compiler-cache settings that survive a move of it.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd -- "$root" || exit 1

export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$root}"
export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-pch_defines,time_macros}"
export NINJA_STATUS="${NINJA_STATUS:-[%f/%t %es] }"

# nginx and other daemons live in sbin, which an ordinary user's PATH leaves out.
export PATH="$PATH:/usr/sbin:/sbin"

say() { printf '==> %s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Number of jobs for compilers and tests. GUIDON_JOBS overrides it where memory is short.
jobs_max() { printf '%s' "${GUIDON_JOBS:-$(nproc 2>/dev/null || echo 2)}"; }

# Every file of the project that matches one of the patterns: committed, or new and not ignored.
project_files() { python3 -B tests/checks/project.py "$@"; }

# configure PRESET, quietly when it is unchanged; shows everything when it fails.
configure() {
  local preset=$1 log="build/configure-$1.log"
  mkdir -p build
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log" >&2
    die "configuring the preset '$preset' failed"
  fi
}
