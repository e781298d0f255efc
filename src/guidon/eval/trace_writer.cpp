// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/trace_writer.hpp"

#include <utility>

#include "guidon/eval/value_text.hpp"

namespace guidon::eval::trace {
namespace {

TraceStep& Add(Trace& trace, std::string_view step, std::string_view subject, std::string_view outcome,
               std::string detail) {
  trace.steps.push_back({.step = std::string(step),
                         .subject = std::string(subject),
                         .outcome = std::string(outcome),
                         .detail = std::move(detail)});
  return trace.steps.back();
}

std::string Serves(const CompiledVariation* variation) {
  return variation == nullptr ? "serves no value" : "serves '" + variation->name + "'";
}

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + Quoted(name);
  return text;
}

std::string SplitDetail(const FlagBody& body, const SplitResult& split) {
  if (split.variation == nullptr)
    return "the context has no text in '" + std::string(BucketByOf(body)) +
           "' to choose a share by: TARGETING_KEY_MISSING";
  if (split.unit == nullptr) return Serves(split.variation) + ", which has the whole weight: SPLIT";
  return Serves(split.variation) + " by the share of '" + std::string(BucketByOf(body)) + "': SPLIT";
}

void AddSplit(TraceStep& step, const SplitResult& split) {
  if (split.unit == nullptr) return;
  step.hash = split.hash;
  step.bucket = split.bucket;
  step.unit = *split.unit;
}

}  // namespace

void Missing(Trace& trace, std::string_view flag_key, bool archived) {
  Add(trace, "lookup", flag_key, "missing",
      archived ? "the flag is archived: FLAG_NOT_FOUND"
               : "no flag with this key is there for the context's tenant: FLAG_NOT_FOUND");
}

void Found(Trace& trace, const CompiledFlag& flag) {
  Add(trace, "lookup", flag.body().key, "passed",
      flag.stale() ? "the newest definition cannot be used; the last good one answers" : "the flag is there");
}

void KillSwitch(Trace& trace, const EngagedSwitch* engaged, const CompiledVariation* variation) {
  if (engaged == nullptr) {
    Add(trace, "killSwitch", "", "passed", "no kill switch holds for the flag, its owner or the tenant");
  } else {
    Add(trace, "killSwitch", engaged->scope, "decided", "the kill switch is engaged: " + Serves(variation));
  }
}

void Broken(Trace& trace, const FlagBody& body) {
  Add(trace, "definition", body.key, "decided",
      "the definition cannot be used: PARSE_ERROR; " +
          (body.broken->field.empty() ? std::string() : body.broken->field + " ") + body.broken->message);
}

void State(Trace& trace, const FlagBody& body) {
  const bool disabled = body.state == model::FlagState::kDisabled;
  Add(trace, "state", NameOf(body.state), disabled ? "decided" : "passed",
      disabled ? "the flag is disabled: no value" : "the flag is enabled");
}

void Expiry(Trace& trace, const FlagBody& body, bool expired) {
  const std::string time = body.expires_at ? base::FormatTimestamp(*body.expires_at) : "";
  if (expired) {
    Add(trace, "expiry", time, "decided", "the flag has expired: " + Serves(body.off_variation));
  } else {
    Add(trace, "expiry", time, "passed", time.empty() ? "the flag does not expire" : "the flag has not expired");
  }
}

void Prerequisite(Trace& trace, const CompiledPrerequisite& prerequisite, const Evaluation* answer, bool passed,
                  bool too_deep) {
  std::string detail = "needs one of " + Listed(prerequisite.variations) + "; the flag ";
  if (too_deep) {
    detail += "leads to a cycle or too many prerequisites";
  } else if (answer == nullptr) {
    detail += "is not there";
  } else {
    detail += Serves(answer->variation) + " (" + std::string(NameOf(answer->reason)) + ")";
  }
  Add(trace, "prerequisite", prerequisite.flag_key, passed ? "passed" : "decided",
      passed ? detail : detail + ": PREREQUISITE_FAILED");
}

void TenantOverride(Trace& trace, const std::string* tenant_id, const CompiledFlag::OverrideAnswer& answer) {
  const std::string_view tenant = tenant_id == nullptr ? std::string_view() : std::string_view(*tenant_id);
  if (answer.variation != nullptr) {
    Add(trace, "override", tenant, "decided", "the tenant's override " + Serves(answer.variation));
  } else if (answer.found) {
    Add(trace, "override", tenant, "passed", "the tenant's override names a variation that the flag does not have");
  } else {
    Add(trace, "override", tenant, "passed",
        tenant_id == nullptr ? "the context names no tenant" : "the tenant has no override");
  }
}

void RuleSkipped(Trace& trace, const CompiledRule& rule, RulePeriod period) {
  Add(trace, "rule", rule.id, "notActive",
      period == RulePeriod::kNotYet ? "starts at " + base::FormatTimestamp(*rule.starts_at)
                                    : "ended at " + base::FormatTimestamp(*rule.ends_at));
}

void RuleNotMatched(Trace& trace, const CompiledRule& rule, std::vector<TraceCondition> conditions, bool unknown) {
  TraceStep& step = Add(trace, "rule", rule.id, unknown ? "unknown" : "notMatched",
                        unknown ? "cannot be decided, because a segment is not there, and so does not match"
                                : "the conditions do not hold");
  step.conditions = std::move(conditions);
}

void RuleMatched(Trace& trace, const FlagBody& body, const CompiledRule& rule, std::vector<TraceCondition> conditions,
                 const SplitResult* split) {
  const bool missing = split != nullptr && split->variation == nullptr;
  TraceStep& step = Add(trace, "rule", rule.id, missing ? "missing" : "matched",
                        split == nullptr ? Serves(rule.variation) + ": TARGETING_MATCH" : SplitDetail(body, *split));
  step.conditions = std::move(conditions);
  if (split != nullptr) AddSplit(step, *split);
}

void Targeting(Trace& trace, const flagd::Run& run, const std::optional<flagd::JsValue>& result,
               const std::string& name, const CompiledVariation* variation, std::vector<TraceCondition> conditions) {
  std::string outcome = "matched";
  std::string detail = Serves(variation) + ": TARGETING_MATCH";
  if (!result) {
    outcome = "failed";
    detail = std::string("the expression failed, because ") + run.failure() + ": GENERAL";
  } else if (result->IsNullish()) {
    outcome = "notMatched";
    detail = "the expression answers null";
  } else if (variation == nullptr) {
    outcome = "failed";
    detail = "the expression answers " + Quoted(CutText(name)) + ", which is no variation: GENERAL";
  }
  TraceStep& step = Add(trace, "targeting", "", outcome, std::move(detail));
  step.conditions = std::move(conditions);
  if (!run.fractional()) return;
  step.hash = run.fractional()->hash;
  step.bucket = run.fractional()->bucket;
  step.unit = run.fractional()->unit;
}

void Default(Trace& trace, const FlagBody& body, const SplitResult* split, bool context_free) {
  if (split != nullptr) {
    TraceStep& step =
        Add(trace, "default", "", split->variation == nullptr ? "missing" : "decided", SplitDetail(body, *split));
    AddSplit(step, *split);
    return;
  }
  Add(trace, "default", "", "decided",
      (body.default_enabled ? "enabled by default: " + Serves(body.default_variation)
                            : "not enabled by default: " + Serves(body.off_variation)) +
          (context_free ? ": STATIC" : ": DEFAULT"));
}

}  // namespace guidon::eval::trace
