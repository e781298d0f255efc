// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "guidon/eval/compiled_condition.hpp"
#include "guidon/eval/compiled_segment.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/model/context.hpp"

namespace guidon::eval {

// Kleene's three values. Unknown: a segment that is not there, so that nobody can say who is in it. A rule matches only
// with kTrue, so "not in the unknown segment" matches nobody either ("No surprise audience", spec 1).
enum class Truth : std::uint8_t { kFalse, kUnknown, kTrue };

// Decides a condition tree for one context.
class ConditionMatcher {
 public:
  // Both must outlive the matcher.
  ConditionMatcher(const model::Context& context, const SegmentMap& segments)
      : context_(context), segments_(segments) {}

  // With `trace`, every condition is decided and recorded, also those that could no longer change the result.
  Truth Match(const CompiledNode& node, std::vector<TraceCondition>* trace = nullptr, std::size_t depth = 0) const;

 private:
  Truth MatchGroup(const CompiledNode& group, std::vector<TraceCondition>* trace, std::size_t depth) const;
  Truth MatchSegments(const CompiledCondition& condition, std::vector<TraceCondition>* trace, std::size_t depth) const;
  Truth MatchSegment(const CompiledSegment& segment, std::vector<TraceCondition>* trace, std::size_t depth) const;

  const model::Context& context_;
  const SegmentMap& segments_;
};

// Whether one attribute's value passes; list values pass where any element does (spec 3, "Conditions").
bool MatchesAttribute(const CompiledCondition& condition, const AttributeValue& attribute);

}  // namespace guidon::eval
