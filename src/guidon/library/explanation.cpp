// SPDX-License-Identifier: Apache-2.0
#include "guidon/library/explanation.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "guidon/json/json.hpp"
#include "guidon/model/evaluation.hpp"
#include "guidon/model/value.hpp"

namespace guidon::library {
namespace {

model::Value ConditionToJson(const eval::TraceCondition& condition) {
  model::Object out;
  out.Set("attribute", condition.attribute);
  out.Set("operator", condition.operator_name);
  out.Set("values", condition.values);
  out.Set("seen", condition.seen);
  out.Set("missing", condition.missing);
  out.Set("result", condition.result);
  out.Set("depth", static_cast<std::int64_t>(condition.depth));
  return out;
}

model::Value StepToJson(const eval::TraceStep& step) {
  model::Object out;
  out.Set("step", step.step);
  out.Set("subject", step.subject);
  out.Set("outcome", step.outcome);
  out.Set("detail", step.detail);
  model::List conditions;
  for (const eval::TraceCondition& condition : step.conditions) conditions.push_back(ConditionToJson(condition));
  out.Set("conditions", std::move(conditions));
  if (step.hash) out.Set("hash", static_cast<std::int64_t>(*step.hash));
  if (step.bucket) out.Set("bucket", static_cast<std::int64_t>(*step.bucket));
  if (step.hash) out.Set("unit", step.unit);
  return out;
}

// What the engine says wins over a definition that uses the same words.
constexpr std::array<std::string_view, 4> kOurs = {"killSwitch", "ruleId", "expired", "stale"};

}  // namespace

bool HasMetadata(const eval::Evaluation& evaluation) {
  return evaluation.expired || evaluation.stale || !evaluation.kill_switch.empty() || !evaluation.rule_id.empty() ||
         (evaluation.flag != nullptr && eval::MetadataOf(*evaluation.flag) != nullptr);
}

void AppendMetadata(std::string& out, const eval::Evaluation& evaluation) {
  bool first = true;
  const auto name = [&](std::string_view text) {
    if (!std::exchange(first, false)) out += ',';
    json::AppendQuoted(out, text);
    out += ':';
  };
  if (!evaluation.kill_switch.empty()) {
    name("killSwitch");
    json::AppendQuoted(out, evaluation.kill_switch);
  }
  if (!evaluation.rule_id.empty()) {
    name("ruleId");
    json::AppendQuoted(out, evaluation.rule_id);
  }
  if (evaluation.expired) {
    name("expired");
    out += "true";
  }
  if (evaluation.stale) {
    name("stale");
    out += "true";
  }
  const eval::FlagMetadata* own = evaluation.flag == nullptr ? nullptr : eval::MetadataOf(*evaluation.flag);
  if (own == nullptr) return;
  for (const auto& [member, value] : *own) {
    if (std::ranges::find(kOurs, member) != kOurs.end()) continue;
    name(member);
    json::Append(out, value);
  }
}

void AppendExplanation(std::string& out, std::string_view flag_key, const eval::Evaluation& evaluation,
                       const eval::Trace& trace) {
  out += "{\"flagKey\":";
  json::AppendQuoted(out, flag_key);
  if (evaluation.variation != nullptr) {
    out += ",\"value\":";
    json::Append(out, evaluation.variation->value);
    out += ",\"variation\":";
    json::AppendQuoted(out, evaluation.variation->name);
  }
  out += ",\"reason\":\"";
  out += model::NameOf(evaluation.reason);
  out += '"';
  if (evaluation.error != model::EvaluationError::kNone) {
    out += ",\"errorCode\":\"";
    out += model::NameOf(evaluation.error);
    out += '"';
  }
  out += ",\"metadata\":{";
  AppendMetadata(out, evaluation);
  out += "},\"trace\":{\"sequence\":";
  out += std::to_string(trace.sequence);
  out += ",\"steps\":[";
  bool first = true;
  for (const eval::TraceStep& step : trace.steps) {
    if (!std::exchange(first, false)) out += ',';
    json::Append(out, StepToJson(step));
  }
  out += "]}}";
}

}  // namespace guidon::library
