// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "guidon/eval/attribute_slots.hpp"
#include "guidon/eval/compiled_condition.hpp"
#include "guidon/eval/compiled_segment.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/model/context.hpp"

namespace guidon::eval {

// Kleene's three values. Unknown: a segment that is not there, so that nobody can say who is in it. A rule matches only
// with kTrue, so "not in the unknown segment" matches nobody either ("No surprise audience", spec 1).
enum class Truth : std::uint8_t { kFalse, kUnknown, kTrue };

// Decides a condition tree for one context. Compiled twice from the same lines: with a trace, every condition is
// decided and recorded, also those that can no longer change the result.
template <bool kTraced>
class ConditionMatcher {
 public:
  // All must outlive the matcher; `trace` is null where nothing is traced. `memo`: of the same flag and context.
  ConditionMatcher(ResolvedAttributes& attributes, const SegmentMap& segments, ConditionMemo& memo,
                   std::vector<TraceCondition>* trace)
      : attributes_(attributes), segments_(segments), memo_(memo), trace_(trace) {}

  // `group` is what CompileConditions made.
  Truth Match(const CompiledNode& group, std::size_t depth = 0) const { return MatchGroup(group, depth); }

 private:
  Truth MatchGroup(const CompiledNode& group, std::size_t depth) const;
  // Inline, because a rule is a loop over conditions of a few instructions each. Not for segments.
  [[gnu::always_inline]] inline bool MatchCondition(const CompiledCondition& condition, std::size_t depth) const;
  Truth MatchSegments(const CompiledCondition& condition, std::size_t depth) const;
  Truth MatchSegment(const CompiledSegment& segment, std::size_t depth) const;
  const model::Context& context() const { return attributes_.context(); }

  ResolvedAttributes& attributes_;
  const SegmentMap& segments_;
  ConditionMemo& memo_;
  std::vector<TraceCondition>* trace_;
};

extern template class ConditionMatcher<false>;
extern template class ConditionMatcher<true>;

// Whether one attribute's value passes; list values pass where any element does (spec 3, "Conditions").
bool MatchesAttribute(const CompiledCondition& condition, const AttributeValue& attribute);

}  // namespace guidon::eval
