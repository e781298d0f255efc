// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "guidon/eval/compiled_flag.hpp"
#include "guidon/eval/compiled_segment.hpp"
#include "guidon/eval/kill_switches.hpp"
#include "guidon/eval/override_table.hpp"
#include "guidon/eval/persistent_map.hpp"
#include "guidon/eval/snapshot.hpp"

namespace guidon::eval {

// Every part is cheap to copy, so the next snapshot starts as a copy of this one.
struct Snapshot::Impl {
  std::string environment;
  std::uint64_t sequence = 0;
  // Shared by all snapshots in which the flag is the same.
  PersistentMap<std::shared_ptr<const CompiledFlag>> flags;
  std::vector<const CompiledFlag*> sorted_flags;  // owned by `flags`
  // Override items of flags that are not there (yet).
  PersistentMap<OverrideTable> orphans;
  SegmentMap segments;
  // Of all definitions in this snapshot and those that it came from.
  AttributeSlots attribute_slots;
  KillSwitches kill_switches;
  std::vector<CompileProblem> problems;  // by key
};

}  // namespace guidon::eval
