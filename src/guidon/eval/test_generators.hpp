// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "guidon/eval/test_support.hpp"

// Definitions and contexts over few names, so that what is drawn at random meets: rules find their attributes,
// overrides their tenants, prerequisites their flags. Call these inside a property.
namespace guidon::eval::testing {

inline int Pick(int count) { return *rc::gen::inRange(0, count); }
inline bool Chance(int in) { return Pick(in) == 0; }
inline std::string AnyFlagKey() { return "f" + std::to_string(Pick(5)); }
inline std::string AnyTenant() { return "t" + std::to_string(Pick(3)); }
inline std::string AnyUnit() { return "u" + std::to_string(Pick(50)); }
inline std::string AnyVariation() { return Chance(2) ? "on" : "off"; }
inline std::string AnySegmentKey() { return "s" + std::to_string(Pick(3)); }

inline model::Condition AnyCondition(bool with_segments) {
  switch (Pick(with_segments ? 6 : 5)) {
    case 0: return Where("targetingKey", model::Operator::kIn, {AnyUnit(), AnyUnit()});
    case 1: return Where("plan", model::Operator::kNotIn, {"pro"});
    case 2: return Where("seats", model::Operator::kGt, {Pick(10)});
    case 3: return Where("tenantId", model::Operator::kStartsWith, {"t1"});
    case 4: return Where("plan", model::Operator::kIn, {});
    default: return Where("", model::Operator::kInSegment, {AnySegmentKey()});
  }
}

inline model::ConditionGroup AnyGroup(bool with_segments) {
  std::vector<model::ConditionNode> children;
  for (int count = Pick(3) + 1; count > 0; --count) children.emplace_back(AnyCondition(with_segments));
  switch (Pick(3)) {
    case 0: return All(std::move(children));
    case 1: return Any(std::move(children));
    default: return None(std::move(children));
  }
}

inline model::Rule AnyRule(int number) {
  model::Rule rule = ServeWhen("r" + std::to_string(number), AnyGroup(true), AnyVariation());
  if (Chance(3)) rule.serve = model::Split{{.variation = "on", .weight = Pick(5)}, {.variation = "off", .weight = 1}};
  if (Chance(5)) rule.ends_at = kNow + std::chrono::hours(Pick(3) - 1);
  return rule;
}

inline model::Flag AnyFlag() {
  model::FlagFields fields = Fields(AnyFlagKey());
  fields.version = static_cast<std::uint64_t>(Pick(1000)) + 1;
  fields.owner = Chance(2) ? "team-a" : "team-b";
  fields.default_enabled = !Chance(4);
  if (Chance(6)) fields.state = Chance(2) ? model::FlagState::kDisabled : model::FlagState::kArchived;
  if (Chance(5)) fields.tenant_id = AnyTenant();
  if (Chance(3)) fields.rollout_percentage = Percent(Pick(101));
  if (Chance(6)) fields.bucket_by = Chance(2) ? "tenantId" : "plan";
  if (Chance(5)) fields.expires_at = kNow + std::chrono::hours(Pick(3) - 1);
  if (Chance(4)) fields.tenant_overrides = {{AnyTenant(), Chance(2)}};
  if (Chance(4)) {
    std::string other = AnyFlagKey();
    if (other != fields.flag_key)
      fields.prerequisites = {{.flag_key = std::move(other), .variations = {AnyVariation()}}};
  }
  for (int count = Pick(3); count > 0; --count) fields.targeting_rules.push_back(AnyRule(count));
  return MakeFlag(std::move(fields));
}

inline model::Override AnyOverride() {
  return MakeOverride(AnyFlagKey(), AnyTenant(), Chance(8) ? "gone" : AnyVariation());
}

inline model::Segment AnySegment() {
  std::optional<model::ConditionGroup> when;
  if (Chance(2)) when = AnyGroup(false);
  return MakeSegment(AnySegmentKey(), {AnyUnit()}, {AnyUnit()}, std::move(when));
}

inline std::string AnyScope() {
  switch (Pick(8)) {
    case 0: return "global";
    case 1:
    case 2: return "tenant:" + AnyTenant();
    case 3: return Chance(2) ? "owner:team-a" : "owner:team-b";
    default: return "flag:" + AnyFlagKey();
  }
}

inline model::Context AnyContext() {
  std::vector<std::pair<std::string, model::Value>> attributes;
  if (!Chance(3)) attributes.emplace_back("plan", Chance(2) ? "pro" : "free");
  if (!Chance(3)) attributes.emplace_back("seats", Pick(12));
  std::optional<std::string> unit;
  std::optional<std::string> tenant;
  if (!Chance(6)) unit = AnyUnit();
  if (!Chance(4)) tenant = AnyTenant();
  return MakeContext(std::move(unit), std::move(tenant), std::move(attributes));
}

template <class Draw>
auto AFew(int count_max, Draw draw) {
  std::vector<decltype(draw())> items;
  for (int count = Pick(count_max + 1); count > 0; --count) items.push_back(draw());
  return items;
}

inline Definitions AnyDefinitions() {
  Definitions definitions = WithFlags(AFew(8, AnyFlag));
  definitions.overrides = AFew(5, AnyOverride);
  definitions.segments = AFew(3, AnySegment);
  if (Chance(3)) definitions.kill_switches.push_back(MakeKillSwitch(AnyScope()));
  return definitions;
}

}  // namespace guidon::eval::testing
