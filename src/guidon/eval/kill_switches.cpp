// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/kill_switches.hpp"

#include <algorithm>
#include <utility>

namespace guidon::eval {

PersistentMap<KillSwitches::Switch>* KillSwitches::MapOf(model::KillScope::Kind kind) {
  switch (kind) {
    case model::KillScope::Kind::kOwner: return &owners_;
    case model::KillScope::Kind::kTenant: return &tenants_;
    case model::KillScope::Kind::kFlag: return &flags_;
    case model::KillScope::Kind::kGlobal: break;
  }
  return nullptr;
}

void KillSwitches::Engage(model::KillSwitch kill_switch) {
  const model::KillScope scope = kill_switch->scope;
  std::string text = scope.Text();
  auto engaged = std::make_shared<const EngagedSwitch>(std::move(kill_switch), std::move(text));
  if (PersistentMap<Switch>* map = MapOf(scope.kind())) {
    map->Set(scope.id(), std::move(engaged));
  } else {
    global_ = std::move(engaged);
  }
}

void KillSwitches::Release(const model::KillScope& scope) {
  if (PersistentMap<Switch>* map = MapOf(scope.kind())) {
    map->Erase(scope.id());
  } else {
    global_.reset();
  }
}

const EngagedSwitch* KillSwitches::Find(const Id& owner, const std::optional<Id>& tenant, const Id& flag) const {
  const auto find = [](const PersistentMap<Switch>& map, const Id& id) {
    const Switch* there = map.Find(id.text, id.hash);
    return there == nullptr ? nullptr : there->get();
  };
  if (global_ != nullptr) return global_.get();
  if (const EngagedSwitch* engaged = find(owners_, owner)) return engaged;
  if (tenant) {
    if (const EngagedSwitch* engaged = find(tenants_, *tenant)) return engaged;
  }
  return find(flags_, flag);
}

std::vector<model::KillSwitch> KillSwitches::All() const {
  std::vector<const EngagedSwitch*> engaged;
  if (global_ != nullptr) engaged.push_back(global_.get());
  for (const auto* map : {&owners_, &tenants_, &flags_})
    map->ForEach([&](const std::string&, const Switch& one) { engaged.push_back(one.get()); });
  std::ranges::sort(engaged, {}, &EngagedSwitch::scope);
  std::vector<model::KillSwitch> all;
  all.reserve(engaged.size());
  for (const EngagedSwitch* one : engaged) all.push_back(one->definition);
  return all;
}

}  // namespace guidon::eval
