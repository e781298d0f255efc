// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>

#include "guidon/eval/condition_matcher.hpp"
#include "guidon/eval/semver.hpp"

namespace guidon::eval {
namespace {

using model::Operator;
using model::Value;

template <class Operand, class Passes>
bool AnyOf(const CompiledCondition& condition, Passes passes) {
  return std::ranges::any_of(*std::get_if<std::vector<Operand>>(&condition.operands->operand), passes);
}

// `notIn` says something only about values that could have been in the set: where no operand is of the value's type,
// the type is wrong and the condition false.
bool MatchesMembership(Operator op, bool is_comparable, bool is_member) {
  return is_comparable && is_member == (op == Operator::kIn);
}

bool MatchesTime(const CompiledCondition& condition, std::string_view text) {
  // What does not even look like a time is told apart without making an error's message.
  if (text.size() < 20 || text[4] != '-' || text[10] != 'T') return false;
  const auto time = base::ParseTimestamp(text);
  if (!time) return false;
  return AnyOf<base::Timestamp>(condition, [&](base::Timestamp operand) {
    return condition.op == Operator::kBefore ? *time < operand : *time > operand;
  });
}

bool MatchesVersion(const CompiledCondition& condition, std::string_view text) {
  const auto version = ParseSemVer(text);
  if (!version) return false;
  return AnyOf<std::string>(condition, [&](const std::string& operand) {
    const auto order = Compare(*version, *ParseSemVer(operand));
    switch (condition.op) {
      case Operator::kSemverEq: return order == 0;
      case Operator::kSemverLt: return order < 0;
      case Operator::kSemverLte: return order <= 0;
      case Operator::kSemverGt: return order > 0;
      case Operator::kSemverGte: return order >= 0;
      default: return false;
    }
  });
}

bool MatchesNetwork(const CompiledCondition& condition, std::string_view text) {
  const auto address = ParseIpAddress(text);
  return address && AnyOf<Network>(condition, [&](const Network& network) { return network.Contains(*address); });
}

bool MatchesText(const CompiledCondition& condition, std::string_view text) {
  switch (condition.op) {
    case Operator::kIn:
    case Operator::kNotIn: {
      const StringSet& strings = std::get_if<ValueSet>(&condition.operands->operand)->strings;
      return MatchesMembership(condition.op, !strings.empty(), strings.Contains(text));
    }
    case Operator::kContains:
      return AnyOf<std::string>(condition, [&](const std::string& part) { return text.find(part) != text.npos; });
    case Operator::kStartsWith:
      return AnyOf<std::string>(condition, [&](const std::string& part) { return text.starts_with(part); });
    case Operator::kEndsWith:
      return AnyOf<std::string>(condition, [&](const std::string& part) { return text.ends_with(part); });
    case Operator::kMatches: return AnyOf<Regex>(condition, [&](const Regex& regex) { return regex.Matches(text); });
    case Operator::kBefore:
    case Operator::kAfter: return MatchesTime(condition, text);
    case Operator::kSemverEq:
    case Operator::kSemverLt:
    case Operator::kSemverLte:
    case Operator::kSemverGt:
    case Operator::kSemverGte: return MatchesVersion(condition, text);
    case Operator::kInCidr: return MatchesNetwork(condition, text);
    default: return false;
  }
}

bool MatchesOrder(Operator op, std::partial_ordering order) {
  switch (op) {
    case Operator::kLt: return order < 0;
    case Operator::kLte: return order <= 0;
    case Operator::kGt: return order > 0;
    case Operator::kGte: return order >= 0;
    case Operator::kEq: return order == 0;
    default: return false;
  }
}

bool MatchesNumber(const CompiledCondition& condition, const Number& number) {
  if (const ValueSet* set = std::get_if<ValueSet>(&condition.operands->operand))
    return MatchesMembership(condition.op, !set->numbers.empty(), set->numbers.Contains(number));
  const auto* operands = std::get_if<std::vector<Number>>(&condition.operands->operand);
  return operands != nullptr && std::ranges::any_of(*operands, [&](const Number& operand) {
           return MatchesOrder(condition.op, Compare(number, operand));
         });
}

bool MatchesBoolean(const CompiledCondition& condition, bool flag) {
  const ValueSet* set = std::get_if<ValueSet>(&condition.operands->operand);
  if (set == nullptr) return false;
  return MatchesMembership(condition.op, set->has_true || set->has_false, flag ? set->has_true : set->has_false);
}

// Lists in lists and objects are of the wrong type for every operator.
bool MatchesScalar(const CompiledCondition& condition, const Value& value) {
  if (const std::string* text = value.AsString()) return MatchesText(condition, *text);
  if (const auto number = NumberOf(value)) return MatchesNumber(condition, *number);
  if (const bool* flag = value.AsBool()) return MatchesBoolean(condition, *flag);
  return false;
}

}  // namespace

bool MatchesAttribute(const CompiledCondition& condition, const AttributeValue& attribute) {
  if (condition.op == Operator::kExists)
    return *std::get_if<bool>(&condition.operands->operand) != attribute.IsMissing();
  if (attribute.text != nullptr) return MatchesText(condition, *attribute.text);
  if (attribute.value == nullptr) return false;
  const model::List* list = attribute.value->AsList();
  if (list == nullptr) return MatchesScalar(condition, *attribute.value);
  return std::ranges::any_of(*list, [&](const Value& element) { return MatchesScalar(condition, element); });
}

}  // namespace guidon::eval
