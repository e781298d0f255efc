// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/base/time.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"

// Short ways to make valid domain values; what is invalid stops the test program.
namespace guidon::eval::testing {

inline const std::string kEnvironment = "production";
inline const base::Timestamp kNow = *base::ParseTimestamp("2026-11-22T12:00:00Z");

template <class T>
T Must(base::Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().field << ": " << result.error().message;
    std::abort();
  }
  return *std::move(result);
}

// A boolean flag, enabled by default.
inline model::FlagFields Fields(std::string flag_key) {
  model::FlagFields fields;
  fields.flag_key = std::move(flag_key);
  fields.environment = kEnvironment;
  fields.owner = "team-a";
  fields.default_enabled = true;
  return fields;
}
inline model::Flag MakeFlag(model::FlagFields fields) { return Must(model::Flag::Create(std::move(fields))); }
inline model::Percentage Percent(double percent) { return Must(model::Percentage::Create(percent)); }

inline model::Override MakeOverride(std::string flag_key, std::string tenant_id, std::string variation) {
  model::OverrideFields fields;
  fields.environment = kEnvironment;
  fields.flag_key = std::move(flag_key);
  fields.tenant_id = std::move(tenant_id);
  fields.variation = std::move(variation);
  return Must(model::Override::Create(std::move(fields)));
}

inline model::Segment MakeSegment(std::string key, std::vector<std::string> included,
                                  std::vector<std::string> excluded = {},
                                  std::optional<model::ConditionGroup> when = std::nullopt) {
  model::SegmentFields fields;
  fields.segment_key = std::move(key);
  fields.environment = kEnvironment;
  fields.included = std::move(included);
  fields.excluded = std::move(excluded);
  fields.when = std::move(when);
  return Must(model::Segment::Create(std::move(fields)));
}

inline model::KillScope Scope(std::string_view text) { return Must(model::KillScope::Parse(text)); }
inline model::KillSwitch MakeKillSwitch(std::string_view scope) {
  return Must(model::KillSwitch::Create({.environment = kEnvironment, .scope = Scope(scope), .reason = "test"}));
}

inline model::Condition Where(std::string attribute, model::Operator op, std::vector<model::Value> values) {
  return {.attribute = std::move(attribute), .op = op, .values = std::move(values)};
}
inline model::ConditionGroup All(std::vector<model::ConditionNode> children) {
  return {.kind = model::GroupKind::kAll, .children = std::move(children)};
}
inline model::ConditionGroup Any(std::vector<model::ConditionNode> children) {
  return {.kind = model::GroupKind::kAny, .children = std::move(children)};
}
inline model::ConditionGroup None(std::vector<model::ConditionNode> children) {
  return {.kind = model::GroupKind::kNone, .children = std::move(children)};
}
inline model::Rule ServeWhen(std::string id, model::ConditionGroup when, std::string variation) {
  model::Rule rule;
  rule.id = std::move(id);
  rule.when = std::move(when);
  rule.serve = std::move(variation);
  return rule;
}

inline model::Context MakeContext(std::optional<std::string> targeting_key = std::nullopt,
                                  std::optional<std::string> tenant_id = std::nullopt,
                                  std::vector<std::pair<std::string, model::Value>> attributes = {}) {
  model::Context::Fields fields;
  fields.targeting_key = std::move(targeting_key);
  fields.tenant_id = std::move(tenant_id);
  for (auto& [name, value] : attributes) fields.attributes.Set(name, std::move(value));
  return Must(model::Context::Create(std::move(fields)));
}

inline Definitions WithFlags(std::vector<model::Flag> flags) {
  Definitions definitions;
  definitions.environment = kEnvironment;
  definitions.flags = std::move(flags);
  return definitions;
}
inline std::shared_ptr<const Snapshot> SnapshotOf(std::vector<model::Flag> flags) {
  return Snapshot::Build(WithFlags(std::move(flags)));
}

// "on TARGETING_MATCH", "- ERROR FLAG_NOT_FOUND": variation (or '-'), reason and error in one comparable text.
inline std::string Brief(const Evaluation& answer) {
  std::string text = answer.variation == nullptr ? "-" : answer.variation->name;
  text += " " + std::string(NameOf(answer.reason));
  if (answer.error != model::EvaluationError::kNone) text += " " + std::string(NameOf(answer.error));
  return text;
}
inline std::string Ask(const Snapshot& snapshot, std::string_view flag_key, const model::Context& context = {},
                       base::Timestamp now = kNow) {
  return Brief(Evaluate(snapshot, flag_key, context, now));
}

}  // namespace guidon::eval::testing
