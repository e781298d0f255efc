// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"

namespace guidon::model {

// Spec 3, "Conditions".
enum class Operator : std::uint8_t {
  kIn,
  kNotIn,
  kContains,
  kStartsWith,
  kEndsWith,
  kMatches,
  kLt,
  kLte,
  kGt,
  kGte,
  kEq,
  kBefore,
  kAfter,
  kSemverEq,
  kSemverLt,
  kSemverLte,
  kSemverGt,
  kSemverGte,
  kInCidr,
  kExists,
  kInSegment
};
inline constexpr std::size_t kOperatorCount = 21;
std::string_view NameOf(Operator op);  // "in", "notIn", "semverGte" … as in JSON
std::optional<Operator> OperatorFromName(std::string_view name);

// `attribute` of the context compared with `values` (alternatives). `attribute` is "targetingKey", "tenantId" or an
// attribute's name, nested with dots ("a.b"). With kExists `values` is empty or one boolean; with kInSegment
// `attribute` is empty and `values` are segment keys.
struct Condition {
  std::string attribute;
  Operator op = Operator::kIn;
  std::vector<Value> values = {};
  friend bool operator==(const Condition&, const Condition&) = default;
};

struct ConditionGroup;
// A condition or a group below a group.
using ConditionNode = std::variant<Condition, ConditionGroup>;

enum class GroupKind : std::uint8_t { kAll, kAny, kNone };
std::string_view NameOf(GroupKind kind);  // "all", "any", "none"

struct ConditionGroup {
  GroupKind kind = GroupKind::kAll;
  std::vector<ConditionNode> children;
  friend bool operator==(const ConditionGroup& a, const ConditionGroup& b);
};

// Checks operators against their values (types, regular expressions' length, times, versions' and networks' syntax is
// the compiler's), the limits of depth and number, and that no `all` group is empty (spec 3).
// Error: kInvalidArgument with the JSON path below `field`.
base::Status CheckConditions(const ConditionGroup& group, std::string_view field);

}  // namespace guidon::model
