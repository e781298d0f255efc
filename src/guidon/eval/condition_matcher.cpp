// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/condition_matcher.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "guidon/eval/value_text.hpp"

namespace guidon::eval {
namespace {

using model::GroupKind;
using model::Operator;

Truth Not(Truth value) {
  return value == Truth::kTrue ? Truth::kFalse : value == Truth::kFalse ? Truth::kTrue : Truth::kUnknown;
}

// What one segment said, for people: "beta version 3: true".
void DescribeSegment(std::string& text, const std::string& key, const CompiledSegment* segment, Truth result) {
  if (!text.empty()) text += ", ";
  text += key;
  if (segment != nullptr) text += " version " + std::to_string(segment->version);
  text += result == Truth::kTrue ? ": true" : result == Truth::kFalse ? ": false" : ": not known";
}

bool MatchesOrder(Operator op, std::int64_t seen, std::int64_t operand) {
  switch (op) {
    case Operator::kLt: return seen < operand;
    case Operator::kLte: return seen <= operand;
    case Operator::kGt: return seen > operand;
    case Operator::kGte: return seen >= operand;
    default: return seen == operand;
  }
}

[[gnu::always_inline]] inline bool Matches(const CompiledCondition& condition, const AttributeValue& seen) {
  using Shortcut = CompiledCondition::Shortcut;
  switch (condition.shortcut) {
    case Shortcut::kStrings:
      if (seen.text == nullptr) break;
      return condition.strings->Contains(*seen.text, seen.head) == (condition.op == Operator::kIn);
    case Shortcut::kInteger:
      if (seen.value == nullptr || seen.value->AsInteger() == nullptr) break;
      return MatchesOrder(condition.op, *seen.value->AsInteger(), condition.integer);
    case Shortcut::kPrefix:
      if (seen.text == nullptr) break;
      return seen.text->starts_with(*condition.affix);
    case Shortcut::kSuffix:
      if (seen.text == nullptr) break;
      return seen.text->ends_with(*condition.affix);
    case Shortcut::kNone: break;
  }
  return MatchesAttribute(condition, seen);
}

}  // namespace

template <bool kTraced>
inline bool ConditionMatcher<kTraced>::MatchCondition(const CompiledCondition& condition, std::size_t depth) const {
  const bool repeated = !kTraced && condition.repeated != CompiledCondition::kNotRepeated;
  const std::uint64_t bit = repeated ? std::uint64_t{1} << condition.repeated : 0;
  if ((memo_.known & bit) != 0) return (memo_.truths & bit) != 0;
  const AttributeValue& seen = attributes_.Of(condition.operands->attribute, condition.slot);
  const bool matches = Matches(condition, seen);
  memo_.known |= bit;
  if (matches) memo_.truths |= bit;
  if constexpr (kTraced) {
    trace_->push_back({.attribute = condition.operands->attribute_text,
                       .operator_name = std::string(NameOf(condition.op)),
                       .values = condition.operands->values_text,
                       .seen = TextOfAttribute(seen),
                       .missing = seen.IsMissing(),
                       .result = matches,
                       .depth = depth});
  }
  return matches;
}

template <bool kTraced>
Truth ConditionMatcher<kTraced>::MatchGroup(const CompiledNode& group, std::size_t depth) const {
  std::size_t head = 0;
  if constexpr (kTraced) {
    head = trace_->size();
    trace_->push_back({.operator_name = std::string(NameOf(group.kind)), .depth = depth});
  }
  // No group without members matches anybody, whatever logic says of empty conjunctions and negations.
  const bool is_all = group.kind == GroupKind::kAll;
  const Truth decisive = is_all ? Truth::kFalse : Truth::kTrue;
  Truth result = group.children.empty() && group.kind != GroupKind::kAny ? decisive : Not(decisive);
  for (std::size_t i = 0; i < group.children.size(); ++i) {
    // People read a trace in the order in which they wrote the conditions.
    const std::size_t place = kTraced && !group.written.empty() ? group.written[i] : i;
    const CompiledNode& child = group.children[place];
    if (child.condition.op != Operator::kInSegment && !child.IsGroup()) [[likely]] {
      if (MatchCondition(child.condition, depth + 1) == is_all) continue;
      result = decisive;
      if (!kTraced) break;
      continue;
    }
    const Truth truth = child.IsGroup() ? MatchGroup(child, depth + 1) : MatchSegments(child.condition, depth + 1);
    if (truth == decisive) {
      result = truth;
      if (!kTraced) break;
    } else if (truth == Truth::kUnknown && result != decisive) {
      result = truth;
    }
  }
  if (group.kind == GroupKind::kNone) result = Not(result);
  if constexpr (kTraced) (*trace_)[head].result = result == Truth::kTrue;
  return result;
}

template <bool kTraced>
Truth ConditionMatcher<kTraced>::MatchSegments(const CompiledCondition& condition, std::size_t depth) const {
  std::size_t head = 0;
  if constexpr (kTraced) {
    head = trace_->size();
    trace_->push_back({.operator_name = std::string(NameOf(condition.op)),
                       .values = condition.operands->values_text,
                       .missing = context().targeting_key() == nullptr,
                       .depth = depth});
  }
  Truth result = Truth::kFalse;
  std::string seen;
  for (const auto& [key, hash] : *std::get_if<std::vector<SegmentName>>(&condition.operands->operand)) {
    const auto* segment = segments_.Find(key, hash);
    const Truth truth = segment == nullptr ? Truth::kUnknown : MatchSegment(**segment, depth + 1);
    result = std::max(result, truth);
    if constexpr (kTraced) DescribeSegment(seen, key, segment == nullptr ? nullptr : segment->get(), truth);
    if (!kTraced && result == Truth::kTrue) break;
  }
  if constexpr (kTraced) {
    (*trace_)[head].seen = CutText(std::move(seen));
    (*trace_)[head].result = result == Truth::kTrue;
  }
  return result;
}

template <bool kTraced>
Truth ConditionMatcher<kTraced>::MatchSegment(const CompiledSegment& segment, std::size_t depth) const {
  if constexpr (!kTraced) {
    const std::uint8_t known = segments_seen_.Find(segment);
    if (known != SegmentMemo::kNotKnown) return static_cast<Truth>(known);
  }
  const Truth truth = AskSegment(segment, depth);
  segments_seen_.Keep(segment, truth);
  return truth;
}

template <bool kTraced>
Truth ConditionMatcher<kTraced>::AskSegment(const CompiledSegment& segment, std::size_t depth) const {
  if (const std::string* key = context().targeting_key()) {
    if (segment.excluded.Contains(*key)) return Truth::kFalse;
    if (segment.included.Contains(*key)) return Truth::kTrue;
  }
  return segment.when ? Match(*segment.when, depth) : Truth::kFalse;
}

template class ConditionMatcher<false>;
template class ConditionMatcher<true>;

}  // namespace guidon::eval
