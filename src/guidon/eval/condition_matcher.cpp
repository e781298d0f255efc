// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/condition_matcher.hpp"

#include <algorithm>
#include <string>

#include "guidon/eval/value_text.hpp"

namespace guidon::eval {
namespace {

using model::GroupKind;
using model::Operator;

Truth FromBool(bool value) { return value ? Truth::kTrue : Truth::kFalse; }
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

}  // namespace

Truth ConditionMatcher::Match(const CompiledNode& node, std::vector<TraceCondition>* trace, std::size_t depth) const {
  if (node.condition == nullptr) return MatchGroup(node, trace, depth);
  const CompiledCondition& condition = *node.condition;
  if (condition.op == Operator::kInSegment) return MatchSegments(condition, trace, depth);
  const AttributeValue attribute = condition.attribute.Resolve(context_);
  const bool matches = MatchesAttribute(condition, attribute);
  if (trace != nullptr) {
    trace->push_back({.attribute = condition.attribute_text,
                      .operator_name = std::string(NameOf(condition.op)),
                      .values = condition.values_text,
                      .seen = TextOfAttribute(attribute),
                      .missing = attribute.IsMissing(),
                      .result = matches,
                      .depth = depth});
  }
  return FromBool(matches);
}

Truth ConditionMatcher::MatchGroup(const CompiledNode& group, std::vector<TraceCondition>* trace,
                                   std::size_t depth) const {
  const std::size_t head = trace != nullptr ? trace->size() : 0;
  if (trace != nullptr) trace->push_back({.operator_name = std::string(NameOf(group.kind)), .depth = depth});
  const bool is_all = group.kind == GroupKind::kAll;
  const Truth decisive = is_all ? Truth::kFalse : Truth::kTrue;
  Truth result = Not(decisive);
  for (const CompiledNode& child : group.children) {
    const Truth truth = Match(child, trace, depth + 1);
    result = is_all ? std::min(result, truth) : std::max(result, truth);
    if (result == decisive && trace == nullptr) break;
  }
  if (group.kind == GroupKind::kNone) result = Not(result);
  // No group without members matches anybody, whatever logic says of empty conjunctions and negations.
  if (group.children.empty()) result = Truth::kFalse;
  if (trace != nullptr) (*trace)[head].result = result == Truth::kTrue;
  return result;
}

Truth ConditionMatcher::MatchSegments(const CompiledCondition& condition, std::vector<TraceCondition>* trace,
                                      std::size_t depth) const {
  const std::size_t head = trace != nullptr ? trace->size() : 0;
  if (trace != nullptr) {
    trace->push_back({.operator_name = std::string(NameOf(condition.op)),
                      .values = condition.values_text,
                      .missing = context_.targeting_key() == nullptr,
                      .depth = depth});
  }
  Truth result = Truth::kFalse;
  std::string seen;
  for (const std::string& key : *std::get_if<std::vector<std::string>>(&condition.operand)) {
    const auto* segment = segments_.Find(key);
    const Truth truth = segment == nullptr ? Truth::kUnknown : MatchSegment(**segment, trace, depth + 1);
    result = std::max(result, truth);
    if (trace != nullptr) DescribeSegment(seen, key, segment == nullptr ? nullptr : segment->get(), truth);
    if (result == Truth::kTrue && trace == nullptr) break;
  }
  if (trace != nullptr) {
    (*trace)[head].seen = CutText(std::move(seen));
    (*trace)[head].result = result == Truth::kTrue;
  }
  return result;
}

Truth ConditionMatcher::MatchSegment(const CompiledSegment& segment, std::vector<TraceCondition>* trace,
                                     std::size_t depth) const {
  if (const std::string* key = context_.targeting_key()) {
    if (segment.excluded.Contains(*key)) return Truth::kFalse;
    if (segment.included.Contains(*key)) return Truth::kTrue;
  }
  return segment.when ? Match(*segment.when, trace, depth) : Truth::kFalse;
}

}  // namespace guidon::eval
