// SPDX-License-Identifier: Apache-2.0
#include "eval_cases.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"

namespace guidon::bench {
namespace {

using model::Condition;
using model::Operator;
using model::Value;

constexpr int kTenRules = 10;
constexpr std::size_t kUsers = 4096;
constexpr std::size_t kUserStep = 7919;  // prime, so that the users lie far from each other

template <class T>
T Must(base::Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "eval_cases: %s %s\n", result.error().field.c_str(), result.error().message.c_str());
  std::exit(1);
}

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

const Value& Member(const Value& document, std::string_view name) {
  const Value* member = document.AsObject() == nullptr ? nullptr : document.AsObject()->Find(name);
  if (member != nullptr) return *member;
  std::fprintf(stderr, "eval_cases: %.*s is missing\n", static_cast<int>(name.size()), name.data());
  std::exit(1);
}

std::string SegmentKey(std::size_t i) { return "member-" + std::to_string(i); }

// Four conditions that hold for the context, and a fifth that does not.
model::Flag TenRules(const std::string& environment) {
  model::FlagFields fields;
  fields.flag_key = "ten_rules";
  fields.environment = environment;
  fields.owner = "team-growth";
  for (int i = 0; i < kTenRules; ++i) {
    model::ConditionGroup when;
    when.children = {
        Condition{.attribute = "country", .op = Operator::kIn, .values = {"DE", "FR", "JP"}},
        Condition{.attribute = "plan", .op = Operator::kIn, .values = {"pro", "enterprise"}},
        Condition{.attribute = "seats", .op = Operator::kGte, .values = {i}},
        Condition{.attribute = "age", .op = Operator::kLt, .values = {100 - i}},
        Condition{
            .attribute = "email", .op = Operator::kEndsWith, .values = {"@customer-" + std::to_string(i) + ".com"}}};
    model::Rule rule;
    rule.id = "rule-" + std::to_string(i);
    rule.when = std::move(when);
    rule.serve = "on";
    fields.targeting_rules.push_back(std::move(rule));
  }
  return Must(model::Flag::Create(std::move(fields)));
}

model::Segment Million() {
  model::SegmentFields fields;
  fields.environment = "production";
  fields.segment_key = "million";
  fields.included.reserve(kSegmentKeys);
  for (std::size_t i = 0; i < kSegmentKeys; ++i) fields.included.push_back(SegmentKey(i));
  return Must(model::Segment::Create(std::move(fields)));
}

model::Context ContextOf(const Value& document) {
  model::Context::Fields fields;
  for (const auto& [name, value] : *document.AsObject()) {
    if (name == "targetingKey") {
      fields.targeting_key = *value.AsString();
    } else if (name == "tenantId") {
      fields.tenant_id = *value.AsString();
    } else {
      fields.attributes.Set(name, value);
    }
  }
  return Must(model::Context::Create(std::move(fields)));
}

model::Context User(std::size_t i) {
  model::Context::Fields fields;
  const std::size_t key = i * kUserStep % kSegmentKeys;
  fields.targeting_key = i % 2 == 0 ? SegmentKey(key) : "stranger-" + std::to_string(key);
  return Must(model::Context::Create(std::move(fields)));
}

}  // namespace

EvalCases LoadEvalCases(const std::string& path, bool with_segment) {
  const Value document = Must(json::Parse(Read(path)));
  const std::string environment = *Member(document, "environment").AsString();
  eval::Definitions definitions;
  definitions.environment = environment;
  for (const Value& one : *Member(document, "flags").AsList()) {
    auto fields = Must(json::FlagFromJson(one, {.environment = environment}));
    definitions.flags.push_back(Must(model::Flag::Create(std::move(fields))));
  }
  definitions.flags.push_back(TenRules(environment));
  if (with_segment) definitions.segments.push_back(Million());
  for (const auto& [flag_key, tenants] : *Member(document, "overrides").AsObject()) {
    for (const Value& tenant : *tenants.AsList())
      definitions.overrides.push_back(Must(model::Override::Create(
          {.environment = environment, .flag_key = flag_key, .tenant_id = *tenant.AsString(), .variation = "off"})));
  }
  EvalCases cases{.snapshot = eval::Snapshot::Build(std::move(definitions)),
                  .now = Must(base::ParseTimestamp(*Member(document, "now").AsString())),
                  .context = ContextOf(Member(document, "context")),
                  .users = {}};
  for (std::size_t i = 0; i < kUsers; ++i) cases.users.push_back(User(i));
  return cases;
}

}  // namespace guidon::bench
