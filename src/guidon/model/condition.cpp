// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/condition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include <arpa/inet.h>

#include "guidon/base/time.hpp"
#include "guidon/model/checks.hpp"
#include "guidon/model/field_path.hpp"
#include "guidon/model/ids.hpp"
#include "guidon/model/limits.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Status;

constexpr std::array<std::string_view, kOperatorCount> kOperatorNames = {
    "in",       "notIn",     "contains", "startsWith", "endsWith", "matches", "lt",
    "lte",      "gt",        "gte",      "eq",         "before",   "after",   "semverEq",
    "semverLt", "semverLte", "semverGt", "semverGte",  "inCidr",   "exists",  "inSegment"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsNumeric(std::string_view part) { return !part.empty() && std::ranges::all_of(part, IsDigit); }
bool IsPlainNumber(std::string_view part) { return IsNumeric(part) && (part.size() == 1 || part.front() != '0'); }

bool IsVersionIdentifier(std::string_view part) {
  return !part.empty() && std::ranges::all_of(part, [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

bool IsPrereleaseIdentifier(std::string_view part) {
  return IsNumeric(part) ? IsPlainNumber(part) : IsVersionIdentifier(part);
}

// At most `parts_max` parts between dots, each one `good`.
bool EveryPart(std::string_view text, std::size_t parts_max, bool (*good)(std::string_view)) {
  for (std::size_t parts = 1; parts <= parts_max; ++parts) {
    const std::size_t dot = text.find('.');
    if (!good(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
  return false;
}

// Cuts `separator` and what follows it off the end of `text`; true where all of that is good or there is none.
bool TakeSuffix(std::string_view& text, char separator, bool (*good)(std::string_view)) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return true;
  const std::string_view suffix = text.substr(at + 1);
  text = text.substr(0, at);
  return EveryPart(suffix, suffix.size() + 1, good);
}

// Semantic Versioning 2.0.0, also short and v-prefixed (v1, 1.2): what those mean is the compiler's to say.
bool IsVersion(std::string_view text) {
  constexpr std::size_t kNumbersMax = 3;
  if (text.starts_with('v')) text.remove_prefix(1);
  return TakeSuffix(text, '+', IsVersionIdentifier) && TakeSuffix(text, '-', IsPrereleaseIdentifier) &&
         EveryPart(text, kNumbersMax, IsPlainNumber);
}

// ADDRESS/BITS, or an address alone for a network of one.
bool IsNetwork(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  if (address.contains('\0')) return false;
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  unsigned bits_max = 0;
  if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) bits_max = 32;
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) bits_max = 128;
  if (bits_max == 0) return false;
  if (slash == std::string_view::npos) return true;
  const std::string_view prefix = text.substr(slash + 1);
  constexpr std::size_t kPrefixDigitsMax = 3;
  if (!IsPlainNumber(prefix) || prefix.size() > kPrefixDigitsMax) return false;
  unsigned bits = 0;
  std::from_chars(prefix.data(), prefix.data() + prefix.size(), bits);
  return bits <= bits_max;
}

Status CheckText(const Value& value) {
  const std::string* text = value.AsString();
  if (text == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "must be a string, not a " + std::string(value.TypeName()));
  if (text->size() > kConditionValueBytesMax)
    return Fail(ErrorCode::kTooLarge, "is " + std::to_string(text->size()) + " bytes long; at most " +
                                          std::to_string(kConditionValueBytesMax) + " are allowed");
  return CheckStorable(value, 0, "");
}

Status CheckNumber(const Value& value) {
  if (!value.IsNumber())
    return Fail(ErrorCode::kInvalidArgument, "must be a number, not a " + std::string(value.TypeName()));
  return CheckStorable(value, 0, "");
}

Status CheckScalar(const Value& value) {
  if (value.AsBool() != nullptr) return {};
  if (value.IsNumber()) return CheckNumber(value);
  if (value.AsString() != nullptr) return CheckText(value);
  return Fail(ErrorCode::kInvalidArgument,
              "must be a string, a number or a boolean, not a " + std::string(value.TypeName()));
}

Status CheckTime(const Value& value) {
  GUIDON_TRY(CheckText(value));
  GUIDON_ASSIGN([[maybe_unused]] const auto time, base::ParseTimestamp(*value.AsString()));
  return {};
}

Status CheckVersion(const Value& value) {
  GUIDON_TRY(CheckText(value));
  if (IsVersion(*value.AsString())) return {};
  return Fail(ErrorCode::kInvalidArgument, "must be a version such as 1.2.3, 1.2 or 2.0.0-rc.1");
}

Status CheckNetwork(const Value& value) {
  GUIDON_TRY(CheckText(value));
  if (IsNetwork(*value.AsString())) return {};
  return Fail(ErrorCode::kInvalidArgument, "must be an IPv4 or IPv6 network such as 10.0.0.0/8 or 2001:db8::/32");
}

Status CheckSegmentKey(const Value& value) {
  GUIDON_TRY(CheckText(value));
  return SegmentKeyRule::Check(*value.AsString(), "");
}

Status CheckBoolean(const Value& value) {
  if (value.AsBool() != nullptr) return {};
  return Fail(ErrorCode::kInvalidArgument, "must be a boolean, not a " + std::string(value.TypeName()));
}

Status CheckOperand(Operator op, const Value& value) {
  switch (op) {
    case Operator::kIn:
    case Operator::kNotIn: return CheckScalar(value);
    case Operator::kContains:
    case Operator::kStartsWith:
    case Operator::kEndsWith:
    case Operator::kMatches: return CheckText(value);
    case Operator::kLt:
    case Operator::kLte:
    case Operator::kGt:
    case Operator::kGte:
    case Operator::kEq: return CheckNumber(value);
    case Operator::kBefore:
    case Operator::kAfter: return CheckTime(value);
    case Operator::kSemverEq:
    case Operator::kSemverLt:
    case Operator::kSemverLte:
    case Operator::kSemverGt:
    case Operator::kSemverGte: return CheckVersion(value);
    case Operator::kInCidr: return CheckNetwork(value);
    case Operator::kExists: return CheckBoolean(value);
    case Operator::kInSegment: return CheckSegmentKey(value);
  }
  return Fail(ErrorCode::kInvalidArgument, "belongs to an operator that is not known");
}

Status CheckAttribute(const Condition& condition) {
  if (condition.op != Operator::kInSegment) return checks::AttributePath(condition.attribute, "attribute");
  if (condition.attribute.empty()) return {};
  return Fail(ErrorCode::kInvalidArgument, "must be left out with inSegment, which looks at the targeting key",
              "attribute");
}

Status CheckCondition(const Condition& condition) {
  if (static_cast<std::size_t>(condition.op) >= kOperatorCount)
    return Fail(ErrorCode::kInvalidArgument, "is not known", "operator");
  GUIDON_TRY(CheckAttribute(condition));
  if (condition.values.size() > kConditionValuesMax)
    return Fail(ErrorCode::kTooLarge,
                "holds " + std::to_string(condition.values.size()) + " values; at most " +
                    std::to_string(kConditionValuesMax) + " are allowed",
                "values");
  if (condition.op == Operator::kExists && condition.values.size() > 1)
    return Fail(ErrorCode::kInvalidArgument, "must be empty or one boolean with exists", "values");
  for (std::size_t i = 0; i < condition.values.size(); ++i)
    GUIDON_TRY(At("values", i, CheckOperand(condition.op, condition.values[i])));
  return {};
}

// Walks one rule's tree; `node_count_` includes groups, because evaluation visits them too.
class TreeCheck {
 public:
  Status CheckGroup(const ConditionGroup& group, std::size_t depth) {
    const std::string_view name = NameOf(group.kind);
    if (depth > kConditionDepthMax)
      return Fail(ErrorCode::kTooLarge,
                  "groups are nested more than " + std::to_string(kConditionDepthMax) + " levels deep",
                  std::string(name));
    if (group.kind == GroupKind::kAll && group.children.empty())
      return Fail(ErrorCode::kInvalidArgument,
                  "must not be empty: it would match everybody; a rule for everybody says \"everyone\": true",
                  std::string(name));
    for (std::size_t i = 0; i < group.children.size(); ++i)
      GUIDON_TRY(At(name, i, CheckNode(group.children[i], depth)));
    return {};
  }

 private:
  Status CheckNode(const ConditionNode& node, std::size_t depth) {
    if (++node_count_ > kConditionsPerRuleMax)
      return Fail(ErrorCode::kTooLarge, "is one condition or group too many; at most " +
                                            std::to_string(kConditionsPerRuleMax) + " are allowed together");
    if (const auto* group = std::get_if<ConditionGroup>(&node)) return CheckGroup(*group, depth + 1);
    return CheckCondition(std::get<Condition>(node));
  }

  std::size_t node_count_ = 0;
};

}  // namespace

std::string_view NameOf(Operator op) {
  const auto index = static_cast<std::size_t>(op);
  return index < kOperatorCount ? kOperatorNames[index] : std::string_view("unknown");
}

std::optional<Operator> OperatorFromName(std::string_view name) {
  const auto at = std::ranges::find(kOperatorNames, name);
  if (at == kOperatorNames.end()) return std::nullopt;
  return static_cast<Operator>(at - kOperatorNames.begin());
}

std::string_view NameOf(GroupKind kind) {
  switch (kind) {
    case GroupKind::kAll: return "all";
    case GroupKind::kAny: return "any";
    case GroupKind::kNone: return "none";
  }
  return "unknown";
}

bool operator==(const ConditionGroup& a, const ConditionGroup& b) {
  return a.kind == b.kind && a.children == b.children;
}

Status CheckConditions(const ConditionGroup& group, std::string_view field) {
  return At(field, TreeCheck().CheckGroup(group, 1));
}

}  // namespace guidon::model
