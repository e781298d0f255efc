// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/eval/persistent_map.hpp"
#include "guidon/model/entities.hpp"

namespace guidon::eval {

struct EngagedSwitch {
  model::KillSwitch definition;
  std::string scope;  // "global", "flag:KEY" …
};

// The kill switches that are engaged in one environment. A copy shares them.
class KillSwitches {
 public:
  void Engage(model::KillSwitch kill_switch);
  void Release(const model::KillScope& scope);

  // Something to look for, with its hash.
  struct Id {
    std::string_view text;
    std::uint64_t hash = 0;
  };
  // The first that holds, in the order of spec 3, step 2: global, owner, tenant (may be absent), flag. nullptr where
  // none does.
  const EngagedSwitch* Find(const Id& owner, const std::optional<Id>& tenant, const Id& flag) const;
  bool empty() const { return global_ == nullptr && owners_.empty() && tenants_.empty() && flags_.empty(); }
  // Answers depend on the context's tenant.
  bool HasTenants() const { return !tenants_.empty(); }
  // In the order of their scopes' text.
  std::vector<model::KillSwitch> All() const;

 private:
  // Shared by all snapshots in which the switch is engaged.
  using Switch = std::shared_ptr<const EngagedSwitch>;
  PersistentMap<Switch>* MapOf(model::KillScope::Kind kind);

  Switch global_;
  PersistentMap<Switch> owners_;
  PersistentMap<Switch> tenants_;
  PersistentMap<Switch> flags_;
};

}  // namespace guidon::eval
