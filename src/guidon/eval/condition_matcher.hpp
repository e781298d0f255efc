// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
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

// What segments said of one context: several flags of one request ask the same ones. Not thread-safe.
class SegmentMemo {
 public:
  // kNotKnown where the segment was not asked, or another one has taken its place since.
  static constexpr std::uint8_t kNotKnown = 0xFF;
  std::uint8_t Find(const CompiledSegment& segment) const {
    const std::size_t at = PlaceOf(segment);
    const bool is_known = (known_ >> at & 1U) != 0 && places_[at].segment == &segment;
    return is_known ? static_cast<std::uint8_t>(places_[at].truth) : kNotKnown;
  }
  void Keep(const CompiledSegment& segment, Truth truth) {
    const std::size_t at = PlaceOf(segment);
    places_[at] = {&segment, truth};
    known_ |= 1U << at;
  }

 private:
  static constexpr std::size_t kPlaces = 16;
  struct Place {
    const CompiledSegment* segment;
    Truth truth;
  };
  static std::size_t PlaceOf(const CompiledSegment& segment) {
    // Objects of that size are some hundred bytes apart.
    return (reinterpret_cast<std::uintptr_t>(&segment) >> 8U ^ reinterpret_cast<std::uintptr_t>(&segment) >> 12U) %
           kPlaces;
  }

  std::uint32_t known_ = 0;
  std::array<Place, kPlaces> places_;  // left as it is: the bits of known_ say which ones hold something
};

// Decides a condition tree for one context. Compiled twice from the same lines: with a trace, every condition is
// decided and recorded, also those that can no longer change the result.
template <bool kTraced>
class ConditionMatcher {
 public:
  // All must outlive the matcher; `trace` is null where nothing is traced. `memo`: of the same flag and context;
  // `segments_seen`: of the same context and snapshot.
  ConditionMatcher(ResolvedAttributes& attributes, const SegmentMap& segments, SegmentMemo& segments_seen,
                   ConditionMemo& memo, std::vector<TraceCondition>* trace)
      : attributes_(attributes), segments_(segments), segments_seen_(segments_seen), memo_(memo), trace_(trace) {}

  // `group` is what CompileConditions made.
  Truth Match(const CompiledNode& group, std::size_t depth = 0) const { return MatchGroup(group, depth); }

 private:
  Truth MatchGroup(const CompiledNode& group, std::size_t depth) const;
  // Inline, because a rule is a loop over conditions of a few instructions each. Not for segments.
  [[gnu::always_inline]] inline bool MatchCondition(const CompiledCondition& condition, std::size_t depth) const;
  Truth MatchSegments(const CompiledCondition& condition, std::size_t depth) const;
  Truth MatchSegment(const CompiledSegment& segment, std::size_t depth) const;
  Truth AskSegment(const CompiledSegment& segment, std::size_t depth) const;
  const model::Context& context() const { return attributes_.context(); }

  ResolvedAttributes& attributes_;
  const SegmentMap& segments_;
  SegmentMemo& segments_seen_;
  ConditionMemo& memo_;
  std::vector<TraceCondition>* trace_;
};

extern template class ConditionMatcher<false>;
extern template class ConditionMatcher<true>;

// Whether one attribute's value passes; list values pass where any element does (spec 3, "Conditions").
bool MatchesAttribute(const CompiledCondition& condition, const AttributeValue& attribute);

}  // namespace guidon::eval
