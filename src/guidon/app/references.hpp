// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/eval/snapshot.hpp"
#include "guidon/model/flag.hpp"

namespace guidon::app {

// What the flags of one environment refer to and whose they are, beside the snapshot of the same moment: so that
// nothing is deleted that is in use, and nothing is saved that refers to nothing. Not thread-safe; SnapshotRegistry
// guards it.
class References {
 public:
  void Load(const eval::Definitions& definitions);
  void Apply(const eval::ChangeSet& changes);

  bool HasSegment(std::string_view segment_key) const { return segments_.contains(segment_key); }
  // Whose the flag is; absent for shared and unknown flags.
  std::optional<std::string> TenantOf(std::string_view flag_key) const;
  // Flags that have it as a prerequisite.
  std::vector<std::string> DependentsOf(std::string_view flag_key) const;
  // Flags whose rules name it.
  std::vector<std::string> UsersOfSegment(std::string_view segment_key) const;

 private:
  struct Entry {
    std::optional<std::string> tenant_id;
    std::vector<std::string> prerequisites;
    std::vector<std::string> segments;
  };
  void Set(const model::Flag& flag);
  void Set(const eval::BrokenFlag& flag);

  std::map<std::string, Entry, std::less<>> flags_;  // only those that have something to say
  std::set<std::string, std::less<>> segments_;
};

}  // namespace guidon::app
