// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/time.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/evaluation.hpp"

namespace guidon::eval {

// The answer for one flag and one context. Pointers and views point into the snapshot.
struct Evaluation {
  const CompiledFlag* flag = nullptr;            // nullptr with FLAG_NOT_FOUND
  const CompiledVariation* variation = nullptr;  // nullptr: no value, the caller's code default applies
  model::Reason reason = model::Reason::kError;
  model::EvaluationError error = model::EvaluationError::kNone;
  bool expired = false;               // metadata `expired: true`
  bool stale = false;                 // the last good definition answered
  std::string_view kill_switch = {};  // metadata: scope of the switch that decided, "global", "flag:KEY" …
  std::string_view rule_id = {};      // metadata: rule that decided
};

// One step of an explained evaluation, in the order in which it was decided (spec 3, "Explain").
struct TraceCondition {
  std::string attribute = {};
  std::string operator_name = {};
  std::string values = {};  // as JSON-like text, cut at 200 bytes
  std::string seen = {};    // the attribute's value as text; empty where it was missing
  bool missing = false;
  bool result = false;
  // Group heads have operator_name "all", "any" or "none", the outermost depth 0; what is in them is one deeper. What a
  // segment looked at follows its inSegment, one deeper again.
  std::size_t depth = 0;
};
struct TraceStep {
  // "lookup", "killSwitch", "definition" (one that is broken), "state", "expiry", "prerequisite", "override", "rule",
  // "targeting" (a flagd expression), "default"
  std::string step;
  std::string subject;  // rule id, prerequisite's flag key, switch scope …
  // The last step: "decided", "matched" (a rule, an expression), "failed" (an expression), "missing" (the flag, or the
  // unit of a split). Before it: "passed",
  // "notMatched", "notActive" (a rule outside its period), "unknown" (a rule that cannot be decided).
  std::string outcome;
  std::string detail;  // a sentence for a person
  std::vector<TraceCondition> conditions = {};
  std::optional<std::uint32_t> hash = std::nullopt;    // with a split
  std::optional<std::uint64_t> bucket = std::nullopt;  // with a split: 0 to total weight - 1
  std::string unit = {};                               // with a split: what was hashed, without the salt
};
struct Trace {
  std::uint64_t sequence = 0;
  std::vector<TraceStep> steps;
};

// Spec 3, whole order. Pure: same snapshot, context and time, same answer. No allocation for flags without rules, lock
// or I/O. With `trace`, the same code also records what it decided. Thread-safe.
Evaluation Evaluate(const Snapshot& snapshot, std::string_view flag_key, const model::Context& context,
                    base::Timestamp now, Trace* trace = nullptr);
Evaluation Evaluate(const Snapshot& snapshot, const CompiledFlag& flag, const model::Context& context,
                    base::Timestamp now, Trace* trace = nullptr);

// The same for several flags of the snapshot and one context: answers[i] is for flags[i]. What one flag looks up in the
// context serves the others.
void EvaluateAll(const Snapshot& snapshot, std::span<const CompiledFlag* const> flags, const model::Context& context,
                 base::Timestamp now, std::vector<Evaluation>& answers);

}  // namespace guidon::eval
