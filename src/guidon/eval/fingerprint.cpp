// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/fingerprint.hpp"

#include <cstddef>
#include <variant>

namespace guidon::eval {
namespace {

using model::Condition;
using model::ConditionGroup;
using model::Value;

std::uint64_t Scatter(std::uint64_t word) {
  // Finaliser of SplitMix64 (Steele, Lea, Flood 2014).
  word = (word ^ word >> 30U) * 0xbf58476d1ce4e5b9ULL;
  word = (word ^ word >> 27U) * 0x94d049bb133111ebULL;
  return word ^ word >> 31U;
}

void AddValue(Fingerprint& out, const Value& value) {
  out.Add(value.variant().index());
  if (const bool* flag = value.AsBool()) out.Add(*flag);
  if (const std::int64_t* integer = value.AsInteger()) out.Add(*integer);
  if (const double* number = value.AsDouble()) out.Add(*number);
  if (const std::string* text = value.AsString()) out.Add(*text);
  if (const model::List* list = value.AsList()) {
    out.Add(list->size());
    for (const Value& item : *list) AddValue(out, item);
  }
  if (const model::Object* object = value.AsObject()) {
    out.Add(object->size());
    for (const auto& [name, member] : *object) AddValue(out.Add(name), member);
  }
}

void AddGroup(Fingerprint& out, const ConditionGroup& group) {
  out.Add(static_cast<std::size_t>(group.kind)).Add(group.children.size());
  for (const model::ConditionNode& node : group.children) {
    out.Add(node.index());
    if (const auto* child = std::get_if<ConditionGroup>(&node)) {
      AddGroup(out, *child);
      continue;
    }
    const Condition& condition = std::get<Condition>(node);
    out.Add(condition.attribute).Add(NameOf(condition.op)).Add(condition.values.size());
    for (const Value& value : condition.values) AddValue(out, value);
  }
}

void AddRule(Fingerprint& out, const model::Rule& rule) {
  out.Add(rule.id).Add(rule.everyone).Add(rule.starts_at).Add(rule.ends_at).Add(rule.when.has_value());
  if (rule.when) AddGroup(out, *rule.when);
  out.Add(rule.serve.index());
  if (const auto* name = std::get_if<std::string>(&rule.serve)) out.Add(*name);
  if (const auto* split = std::get_if<model::Split>(&rule.serve)) {
    out.Add(split->size());
    for (const auto& share : *split) out.Add(share.variation).Add(share.weight);
  }
}

}  // namespace

Fingerprint& Fingerprint::AddWord(std::uint64_t word) {
  state_ = Scatter((state_ ^ word) + 0x9e3779b97f4a7c15ULL);
  return *this;
}

Fingerprint& Fingerprint::Add(std::string_view text) {
  AddWord(text.size());
  while (!text.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = text.size() < 8 ? text.size() : 8;
    // Byte by byte in a fixed order: the same number on every machine.
    for (std::size_t i = 0; i < count; ++i) word |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
    AddWord(word);
    text.remove_prefix(count);
  }
  return *this;
}

std::uint64_t Fingerprint::Finish() const { return Scatter(state_); }

std::uint64_t FingerprintOfDefinition(const model::FlagFields& flag) {
  Fingerprint out;
  out.Add(flag.flag_key).Add(flag.version).Add(flag.owner).Add(flag.tenant_id);
  out.Add(NameOf(flag.type)).Add(NameOf(flag.state)).Add(flag.client_visible).Add(flag.default_enabled);
  out.Add(flag.variations.size());
  for (const auto& [name, value] : flag.variations) AddValue(out.Add(name), value);
  out.Add(flag.default_variation).Add(flag.off_variation).Add(flag.kill_variation);
  out.Add(flag.rollout_percentage.has_value());
  if (flag.rollout_percentage) out.Add(flag.rollout_percentage->thousandths());
  out.Add(flag.rollout_salt).Add(flag.bucket_by).Add(flag.expires_at);
  out.Add(flag.targeting_rules.size());
  for (const model::Rule& rule : flag.targeting_rules) AddRule(out, rule);
  out.Add(flag.prerequisites.size());
  for (const model::Prerequisite& prerequisite : flag.prerequisites) {
    out.Add(prerequisite.flag_key).Add(prerequisite.variations.size());
    for (const std::string& variation : prerequisite.variations) out.Add(variation);
  }
  out.Add(flag.tenant_overrides.size());
  for (const auto& [tenant_id, enabled] : flag.tenant_overrides) out.Add(tenant_id).Add(enabled);
  // What came later is added only where it is there, under its name: other flags keep their fingerprints.
  if (flag.code_default) out.Add(std::string_view("codeDefault"));
  if (flag.targeting) AddValue(out.Add(std::string_view("targeting")), *flag.targeting);
  for (const auto& [name, evaluator] : flag.targeting_evaluators)
    AddValue(out.Add(std::string_view("evaluator")).Add(name), evaluator);
  for (const auto& [name, value] : flag.metadata) AddValue(out.Add(std::string_view("metadata")).Add(name), value);
  return out.Finish();
}

}  // namespace guidon::eval
