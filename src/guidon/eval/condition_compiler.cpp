// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "guidon/eval/compiled_condition.hpp"
#include "guidon/eval/semver.hpp"
#include "guidon/eval/value_text.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::eval {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::Condition;
using model::Operator;
using model::Value;

Result<std::string> TextOf(const Value& value) {
  if (const std::string* text = value.AsString()) return *text;
  return Fail(ErrorCode::kInvalidArgument, "must be a string");
}

Result<SegmentName> SegmentOf(const Value& value) {
  GUIDON_ASSIGN(std::string key, TextOf(value));
  const std::uint64_t hash = StringHash{}(key);
  return SegmentName{.key = std::move(key), .hash = hash};
}

Result<std::string> VersionOf(const Value& value) {
  GUIDON_ASSIGN(std::string text, TextOf(value));
  if (!ParseSemVer(text))
    return Fail(ErrorCode::kInvalidArgument, "must be a version such as 1.2.3, v1.2 or 2.0.0-rc.1");
  return text;
}

Result<Regex> RegexOf(const Value& value) {
  GUIDON_ASSIGN(const std::string pattern, TextOf(value));
  return Regex::Compile(pattern);
}

Result<Number> NumberOperandOf(const Value& value) {
  if (const auto number = NumberOf(value)) return *number;
  return Fail(ErrorCode::kInvalidArgument, "must be a number");
}

Result<base::Timestamp> TimeOf(const Value& value) {
  GUIDON_ASSIGN(const std::string text, TextOf(value));
  return base::ParseTimestamp(text);
}

Result<Network> NetworkOf(const Value& value) {
  GUIDON_ASSIGN(const std::string text, TextOf(value));
  if (const auto network = Network::Parse(text)) return *network;
  return Fail(ErrorCode::kInvalidArgument, "must be an IPv4 or IPv6 network such as 10.0.0.0/8 or 2001:db8::/32");
}

// All values through `parse`; an error carries `values[i]`.
template <class Operand>
base::Status ParseAll(const Condition& condition, Result<Operand> (*parse)(const Value&), ConditionOperands& compiled) {
  std::vector<Operand> operands;
  operands.reserve(condition.values.size());
  for (std::size_t i = 0; i < condition.values.size(); ++i) {
    auto operand = parse(condition.values[i]);
    if (!operand) return model::At("values", i, std::unexpected(std::move(operand).error()));
    operands.push_back(*std::move(operand));
  }
  compiled.operand = std::move(operands);
  return {};
}

base::Status ParseSet(const Condition& condition, ConditionOperands& compiled) {
  std::vector<std::string> strings;
  std::vector<Number> numbers;
  ValueSet set;
  for (std::size_t i = 0; i < condition.values.size(); ++i) {
    const Value& value = condition.values[i];
    if (const std::string* text = value.AsString()) {
      strings.push_back(*text);
    } else if (const auto number = NumberOf(value)) {
      numbers.push_back(*number);
    } else if (const bool* flag = value.AsBool()) {
      (*flag ? set.has_true : set.has_false) = true;
    } else {
      return model::At("values", i, Fail(ErrorCode::kInvalidArgument, "must be a string, a number or a boolean"));
    }
  }
  set.strings = StringSet(std::move(strings));
  set.numbers = NumberSet(std::move(numbers));
  compiled.operand = std::move(set);
  return {};
}

base::Status ParsePresence(const Condition& condition, ConditionOperands& compiled) {
  if (condition.values.empty()) {
    compiled.operand = true;
    return {};
  }
  const bool* presence = condition.values.front().AsBool();
  if (presence == nullptr || condition.values.size() > 1)
    return Fail(ErrorCode::kInvalidArgument, "must be empty or one boolean with exists", "values");
  compiled.operand = *presence;
  return {};
}

base::Status ParseOperands(const Condition& condition, ConditionOperands& compiled) {
  switch (condition.op) {
    case Operator::kIn:
    case Operator::kNotIn: return ParseSet(condition, compiled);
    case Operator::kContains:
    case Operator::kStartsWith:
    case Operator::kEndsWith: return ParseAll(condition, &TextOf, compiled);
    case Operator::kInSegment: return ParseAll(condition, &SegmentOf, compiled);
    case Operator::kMatches: return ParseAll(condition, &RegexOf, compiled);
    case Operator::kLt:
    case Operator::kLte:
    case Operator::kGt:
    case Operator::kGte:
    case Operator::kEq: return ParseAll(condition, &NumberOperandOf, compiled);
    case Operator::kBefore:
    case Operator::kAfter: return ParseAll(condition, &TimeOf, compiled);
    case Operator::kSemverEq:
    case Operator::kSemverLt:
    case Operator::kSemverLte:
    case Operator::kSemverGt:
    case Operator::kSemverGte: return ParseAll(condition, &VersionOf, compiled);
    case Operator::kInCidr: return ParseAll(condition, &NetworkOf, compiled);
    case Operator::kExists: return ParsePresence(condition, compiled);
  }
  return Fail(ErrorCode::kUnsupported, "is not known to this version", "operator");
}

// Roughly nanoseconds, for putting cheap conditions first.
unsigned CostOf(Operator op) {
  switch (op) {
    case Operator::kExists: return 1;
    case Operator::kIn:
    case Operator::kNotIn:
    case Operator::kLt:
    case Operator::kLte:
    case Operator::kGt:
    case Operator::kGte:
    case Operator::kEq: return 4;
    case Operator::kStartsWith:
    case Operator::kEndsWith: return 5;
    case Operator::kContains: return 8;
    case Operator::kBefore:
    case Operator::kAfter:
    case Operator::kSemverEq:
    case Operator::kSemverLt:
    case Operator::kSemverLte:
    case Operator::kSemverGt:
    case Operator::kSemverGte:
    case Operator::kInCidr: return 40;
    case Operator::kInSegment: return 60;
    case Operator::kMatches: return 300;
  }
  return 300;
}

unsigned CostOf(const CompiledNode& node) {
  if (!node.IsGroup()) return CostOf(node.condition.op);
  unsigned cost = 2;
  for (const CompiledNode& child : node.children) cost += CostOf(child);
  return cost;
}

void PutCheapFirst(CompiledNode& group) {
  std::vector<std::pair<unsigned, std::uint16_t>> order;
  order.reserve(group.children.size());
  for (const CompiledNode& child : group.children)
    order.emplace_back(CostOf(child), static_cast<std::uint16_t>(order.size()));
  if (std::ranges::is_sorted(order)) return;
  std::ranges::sort(order);
  std::vector<CompiledNode> sorted;
  sorted.reserve(order.size());
  group.written.resize(order.size());
  for (const auto& [cost, place] : order) {
    group.written[place] = static_cast<std::uint16_t>(sorted.size());
    sorted.push_back(std::move(group.children[place]));
  }
  group.children = std::move(sorted);
}

void ChooseShortcut(CompiledCondition& condition) {
  using Shortcut = CompiledCondition::Shortcut;
  if (const auto* set = std::get_if<ValueSet>(&condition.operands->operand)) {
    if (set->strings.empty()) return;
    condition.shortcut = Shortcut::kStrings;
    condition.strings = &set->strings;
  } else if (const auto* numbers = std::get_if<std::vector<Number>>(&condition.operands->operand)) {
    const std::int64_t* integer = numbers->size() == 1 ? std::get_if<std::int64_t>(&numbers->front()) : nullptr;
    if (integer == nullptr) return;
    condition.shortcut = Shortcut::kInteger;
    condition.integer = *integer;
  } else if (condition.op == Operator::kStartsWith || condition.op == Operator::kEndsWith) {
    const auto& texts = *std::get_if<std::vector<std::string>>(&condition.operands->operand);
    if (texts.size() != 1) return;
    condition.shortcut = condition.op == Operator::kStartsWith ? Shortcut::kPrefix : Shortcut::kSuffix;
    condition.affix = &texts.front();
  }
}

Result<CompiledNode> CompileCondition(const Condition& condition, AttributeSlots& slots,
                                      const RepeatedConditions& repeated) {
  auto operands = std::make_unique<ConditionOperands>();
  CompiledNode node;
  node.condition.op = condition.op;
  if (condition.op != Operator::kInSegment) {
    auto path = AttributePath::Parse(condition.attribute);
    if (!path) return std::unexpected(model::Below("attribute", std::move(path).error()));
    operands->attribute = *std::move(path);
    node.condition.slot = slots.NumberOf(condition.attribute);
    node.condition.repeated = repeated.NumberOf(condition);
  }
  GUIDON_TRY(ParseOperands(condition, *operands));
  operands->attribute_text = condition.attribute;
  operands->values_text = TextOfValues(condition.values);
  node.condition.operands = std::move(operands);
  ChooseShortcut(node.condition);
  return node;
}

Result<CompiledNode> CompileNode(const model::ConditionNode& node, AttributeSlots& slots,
                                 const RepeatedConditions& repeated) {
  if (const auto* group = std::get_if<model::ConditionGroup>(&node)) return CompileConditions(*group, slots, repeated);
  return CompileCondition(std::get<Condition>(node), slots, repeated);
}

}  // namespace

void RepeatedConditions::Add(const model::ConditionGroup& group) {
  for (const model::ConditionNode& node : group.children) {
    if (const auto* inner = std::get_if<model::ConditionGroup>(&node)) {
      Add(*inner);
      continue;
    }
    const auto& condition = std::get<Condition>(node);
    const auto found = std::ranges::find_if(seen_, [&](const Seen& one) { return *one.condition == condition; });
    if (found != seen_.end()) {
      if (found->number == CompiledCondition::kNotRepeated) found->number = count_++;
    } else if (seen_.size() < kMax) {
      seen_.push_back({.condition = &condition, .number = CompiledCondition::kNotRepeated});
    }
  }
}

std::uint8_t RepeatedConditions::NumberOf(const Condition& condition) const {
  if (count_ == 0) return CompiledCondition::kNotRepeated;
  const auto found = std::ranges::find_if(seen_, [&](const Seen& one) { return *one.condition == condition; });
  return found == seen_.end() ? CompiledCondition::kNotRepeated : found->number;
}

Result<CompiledNode> CompileConditions(const model::ConditionGroup& group, AttributeSlots& slots,
                                       const RepeatedConditions& repeated) {
  CompiledNode compiled;
  compiled.kind = group.kind;
  compiled.children.reserve(group.children.size());
  for (std::size_t i = 0; i < group.children.size(); ++i) {
    auto child = CompileNode(group.children[i], slots, repeated);
    if (!child) {
      const std::string at = std::string(NameOf(group.kind)) + "[" + std::to_string(i) + "]";
      return std::unexpected(model::Below(at, std::move(child).error()));
    }
    compiled.children.push_back(*std::move(child));
  }
  PutCheapFirst(compiled);
  return compiled;
}

}  // namespace guidon::eval
