// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "guidon/eval/snapshot.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"

namespace guidon::twin {

// What the definitions of one environment come to, kept in the plainest way: the second opinion on snapshots.
struct World {
  struct FlagEntry {
    std::optional<model::Flag> good;  // the last definition that can be used
    bool is_broken = false;           // a later one cannot
    std::optional<std::string> broken_tenant = std::nullopt;
  };

  World() = default;
  // As Snapshot::Build(present, *Snapshot::Build(last_good)).
  World(const eval::Definitions& last_good, const eval::Definitions& present);

  // As Snapshot::Apply.
  void Apply(const eval::ChangeSet& changes);

  std::map<std::string, FlagEntry> flags;
  std::map<std::pair<std::string, std::string>, model::Override> overrides;  // by flag key and tenant
  std::map<std::string, model::Segment> segments;                            // the last that can be used
  std::map<std::string, model::KillSwitch> kill_switches;                    // by the scope's text

 private:
  void Add(const eval::Definitions& definitions);
  void SetFlag(const model::Flag& flag);
  void SetSegment(const model::Segment& segment);
};

// The definitions that make the same world again in one piece: what is there, and what was good before it broke.
// A broken flag comes as one whose rule has an impossible pattern.
struct Rebuild {
  eval::Definitions last_good;
  eval::Definitions present;
};
Rebuild RebuildOf(const World& world);

// All of `definitions` as one change.
eval::ChangeSet AsChanges(const eval::Definitions& definitions);

}  // namespace guidon::twin
