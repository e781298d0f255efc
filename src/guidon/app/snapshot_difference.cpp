// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/snapshot_difference.hpp"

#include <set>

namespace guidon::app {

std::vector<std::string> DifferentFlags(const eval::Snapshot& before, const eval::Snapshot& after) {
  std::vector<std::string> different;
  const auto same = [&](const eval::CompiledFlag* flag) {
    const std::string_view key = eval::KeyOf(*flag);
    const eval::CompiledFlag* other = after.Find(key);
    return other == flag || (other != nullptr && eval::FingerprintOf(*other) == eval::FingerprintOf(*flag) &&
                             after.override_count(key) == before.override_count(key));
  };
  for (const auto* flag : before.flags()) {
    if (!same(flag)) different.emplace_back(eval::KeyOf(*flag));
  }
  for (const auto* flag : after.flags()) {
    if (before.Find(eval::KeyOf(*flag)) == nullptr) different.emplace_back(eval::KeyOf(*flag));
  }
  return different;
}

bool SameKillSwitches(const eval::Snapshot& before, const eval::Snapshot& after) {
  const auto scopes = [](const eval::Snapshot& snapshot) {
    std::set<std::string> found;
    for (const auto& kill_switch : snapshot.kill_switches()) found.insert(kill_switch->scope.Text());
    return found;
  };
  return scopes(before) == scopes(after);
}

}  // namespace guidon::app
