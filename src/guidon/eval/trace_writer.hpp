// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/eval/compiled_flag.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/flagd_evaluator.hpp"
#include "guidon/eval/kill_switches.hpp"

namespace guidon::eval {

// Why a rule was not even asked.
enum class RulePeriod : std::uint8_t { kNow, kNotYet, kOver };

// What a split came to.
struct SplitResult {
  const CompiledVariation* variation = nullptr;  // nullptr: no unit to hash
  const std::string* unit = nullptr;             // nullptr with a variation: one variation has all the weight
  std::uint32_t hash = 0;
  std::uint64_t bucket = 0;
};

// Puts the evaluator's decisions into words. Only called where a trace is wanted: it allocates.
//
// Outcomes: "passed" (the next step decides), "notMatched", "notActive" (rule outside its period), "unknown" (rule
// whose conditions cannot be decided); and of the last step "matched" (this rule decides), "decided", "missing" (the
// flag, or the unit of a split).
namespace trace {

void Missing(Trace& trace, std::string_view flag_key, bool archived);
void Found(Trace& trace, const CompiledFlag& flag);
void KillSwitch(Trace& trace, const EngagedSwitch* engaged, const CompiledVariation* variation);
void Broken(Trace& trace, const FlagBody& body);
void State(Trace& trace, const FlagBody& body);
void Expiry(Trace& trace, const FlagBody& body, bool expired);
void Prerequisite(Trace& trace, const CompiledPrerequisite& prerequisite, const Evaluation* answer, bool passed,
                  bool too_deep);
void TenantOverride(Trace& trace, const std::string* tenant_id, const CompiledFlag::OverrideAnswer& answer);
void RuleSkipped(Trace& trace, const CompiledRule& rule, RulePeriod period);
void RuleNotMatched(Trace& trace, const CompiledRule& rule, std::vector<TraceCondition> conditions, bool unknown);
// `split` is null where the rule serves one variation.
void RuleMatched(Trace& trace, const FlagBody& body, const CompiledRule& rule, std::vector<TraceCondition> conditions,
                 const SplitResult* split);
// `result` is empty where the expression failed; `name` is the result as text.
void Targeting(Trace& trace, const flagd::Run& run, const std::optional<flagd::JsValue>& result,
               const std::string& name, const CompiledVariation* variation, std::vector<TraceCondition> conditions);
void Default(Trace& trace, const FlagBody& body, const SplitResult* split, bool context_free);

}  // namespace trace
}  // namespace guidon::eval
