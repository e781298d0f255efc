// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <cstdlib>
#include <variant>
#include <vector>

#include "naive_values.hpp"

namespace guidon::twin {
namespace {

const std::string kImpossiblePattern = "(";

// The one thing in a valid definition that the engine can refuse: a pattern.
bool CanBeUsed(const model::ConditionGroup& group) {
  for (const model::ConditionNode& child : group.children) {
    if (const auto* inner = std::get_if<model::ConditionGroup>(&child)) {
      if (!CanBeUsed(*inner)) return false;
      continue;
    }
    const auto& condition = std::get<model::Condition>(child);
    if (condition.op != model::Operator::kMatches) continue;
    for (const model::Value& value : condition.values)
      if (!IsPattern(*value.AsString())) return false;
  }
  return true;
}

bool CanBeUsed(const model::Flag& flag) {
  for (const model::Rule& rule : flag->targeting_rules)
    if (rule.when && !CanBeUsed(*rule.when)) return false;
  return true;
}

model::Flag BrokenStandIn(const std::string& flag_key, const std::optional<std::string>& tenant_id,
                          const std::string& environment) {
  model::FlagFields fields;
  fields.flag_key = flag_key;
  fields.environment = environment;
  fields.owner = "nobody";
  fields.tenant_id = tenant_id;
  model::Rule rule;
  rule.id = "broken";
  rule.when =
      model::ConditionGroup{.children = {model::Condition{
                                .attribute = "x", .op = model::Operator::kMatches, .values = {kImpossiblePattern}}}};
  rule.serve = "on";
  fields.targeting_rules.push_back(std::move(rule));
  auto flag = model::Flag::Create(std::move(fields));
  if (!flag) std::abort();
  return *std::move(flag);
}

}  // namespace

World::World(const eval::Definitions& last_good, const eval::Definitions& present) {
  World before;
  before.Add(last_good);
  // Only what is broken now borrows from before.
  for (const model::Flag& flag : present.flags) flags[flag->flag_key].good = before.flags[flag->flag_key].good;
  for (const eval::BrokenFlag& flag : present.broken_flags)
    flags[flag.flag_key].good = before.flags[flag.flag_key].good;
  for (const model::Segment& segment : present.segments) {
    const auto there = before.segments.find(segment->segment_key);
    if (there != before.segments.end()) segments.insert_or_assign(there->first, there->second);
  }
  Add(present);
}

void World::Add(const eval::Definitions& definitions) { Apply(AsChanges(definitions)); }

void World::SetFlag(const model::Flag& flag) {
  FlagEntry& entry = flags[flag->flag_key];
  entry.is_broken = !CanBeUsed(flag);
  if (entry.is_broken) {
    entry.broken_tenant = flag->tenant_id;
  } else {
    entry.good = flag;
  }
}

void World::SetSegment(const model::Segment& segment) {
  if (!segment->when || CanBeUsed(*segment->when)) segments.insert_or_assign(segment->segment_key, segment);
}

void World::Apply(const eval::ChangeSet& changes) {
  for (const std::string& key : changes.removed_flags) {
    flags.erase(key);
    std::erase_if(overrides, [&](const auto& entry) { return entry.first.first == key; });
  }
  for (const auto& key : changes.removed_overrides) overrides.erase(key);
  for (const std::string& key : changes.removed_segments) segments.erase(key);
  for (const model::KillScope& scope : changes.released_kill_switches) kill_switches.erase(scope.Text());
  for (const model::Segment& segment : changes.segments) SetSegment(segment);
  for (const model::Flag& flag : changes.flags) SetFlag(flag);
  for (const eval::BrokenFlag& broken : changes.broken_flags) {
    FlagEntry& entry = flags[broken.flag_key];
    entry.is_broken = true;
    entry.broken_tenant = broken.tenant_id;
  }
  for (const model::Override& one : changes.overrides)
    overrides.insert_or_assign(std::pair(one->flag_key, one->tenant_id), one);
  for (const model::KillSwitch& one : changes.kill_switches) kill_switches.insert_or_assign(one->scope.Text(), one);
}

Rebuild RebuildOf(const World& world) {
  Rebuild rebuild;
  rebuild.present.environment = rebuild.last_good.environment = "production";
  for (const auto& [key, entry] : world.flags) {
    if (entry.is_broken)
      rebuild.present.flags.push_back(BrokenStandIn(key, entry.broken_tenant, rebuild.present.environment));
    if (entry.good) (entry.is_broken ? rebuild.last_good : rebuild.present).flags.push_back(*entry.good);
  }
  for (const auto& [key, one] : world.overrides) rebuild.present.overrides.push_back(one);
  for (const auto& [key, one] : world.segments) rebuild.present.segments.push_back(one);
  for (const auto& [key, one] : world.kill_switches) rebuild.present.kill_switches.push_back(one);
  return rebuild;
}

eval::ChangeSet AsChanges(const eval::Definitions& definitions) {
  return {.sequence = definitions.sequence,
          .flags = definitions.flags,
          .broken_flags = definitions.broken_flags,
          .overrides = definitions.overrides,
          .segments = definitions.segments,
          .kill_switches = definitions.kill_switches};
}

}  // namespace guidon::twin
