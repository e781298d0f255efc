// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/condition.hpp"

#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/model/limits.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;
using std::string_view_literals::operator""sv;

base::Status Check(Condition condition) {
  return CheckConditions({.kind = GroupKind::kAny, .children = {std::move(condition)}}, "when");
}

base::Status CheckValue(Operator op, Value value) {
  return Check({.attribute = op == Operator::kInSegment ? "" : "a", .op = op, .values = {std::move(value)}});
}

TEST(Operators, NamesReadBack) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kOperatorCount; ++i) {
    const auto op = static_cast<Operator>(i);
    EXPECT_EQ(OperatorFromName(NameOf(op)), op);
    names.insert(NameOf(op));
  }
  EXPECT_EQ(names.size(), kOperatorCount);
  EXPECT_EQ(NameOf(Operator::kIn), "in");
  EXPECT_EQ(NameOf(Operator::kSemverGte), "semverGte");
  EXPECT_EQ(NameOf(Operator::kInSegment), "inSegment");
  EXPECT_FALSE(OperatorFromName("equals"));
  EXPECT_FALSE(OperatorFromName(""));
}

struct OperandCase {
  std::vector<Operator> ops;
  std::vector<Value> good;
  std::vector<Value> bad;
};

TEST(Conditions, CheckOperandsOfEachOperator) {
  const std::vector<OperandCase> cases = {
      {.ops = {Operator::kIn, Operator::kNotIn},
       .good = {"x", "", 1, 1.5, true},
       .bad = {Value(), List{}, Object{}, std::nan(""), "\xFF"}},
      {.ops = {Operator::kContains, Operator::kStartsWith, Operator::kEndsWith, Operator::kMatches},
       .good = {"x", "日本", "^a+$"},
       .bad = {Value(), 1, 1.5, true, List{}, Object{}, "\xFF"}},
      {.ops = {Operator::kLt, Operator::kLte, Operator::kGt, Operator::kGte, Operator::kEq},
       .good = {1, -1.5, 0},
       .bad = {Value(), "1", true, List{}, std::nan(""), INFINITY, 1e200}},
      {.ops = {Operator::kBefore, Operator::kAfter},
       .good = {"2026-11-22T04:23:00Z", "2024-02-29T23:59:59.999+09:00"},
       .bad = {Value(), 1, "2026-11-22", "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
               "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", ""}},
      {.ops = {Operator::kSemverEq, Operator::kSemverLt, Operator::kSemverLte, Operator::kSemverGt,
               Operator::kSemverGte},
       .good = {"1", "1.2", "1.2.3", "v1.2.3", "v2", "1.0.0-rc.1", "1.0.0+build-5", "0.0.0-0.a.01a+001",
                "10.20.30-a+b"},
       .bad = {Value(), 1,         1.2,        "",           "v",      "a",         "1.",
               "1..2",  "1.2.3.4", "1.2.3-",   "1.2.3 ",     ".1",     "-1",        "1.2.3-é",
               "01.2",  "1.02",    "1.2.3-01", "1.2.3-a..b", "1.2.3+", "1.2.3+a+b", "vv1"}},
      {.ops = {Operator::kInCidr},
       .good = {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1", "192.0.2.1/32", "2001:db8::/32", "::/0", "::1/128", "::1"},
       .bad = {Value(), 1, "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "256.0.0.0/8", "::/129", "10.0.0.0/-1",
               "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/0000", "10.0.0.0/8 ", "10.0.0.0/8/8", "example.com",
               std::string("10.0.0.0\0/8"sv)}},
      {.ops = {Operator::kExists}, .good = {true, false}, .bad = {Value(), 1, "true", List{}}},
      {.ops = {Operator::kInSegment}, .good = {"beta", "a.b-c"}, .bad = {Value(), 1, "", "a#b", std::string(129, 'x')}},
  };
  for (const auto& [ops, good, bad] : cases) {
    for (const Operator op : ops) {
      for (std::size_t i = 0; i < good.size(); ++i) EXPECT_TRUE(CheckValue(op, good[i])) << NameOf(op) << " good " << i;
      for (std::size_t i = 0; i < bad.size(); ++i) {
        const auto status = CheckValue(op, bad[i]);
        ASSERT_FALSE(status) << NameOf(op) << " bad " << i;
        EXPECT_EQ(status.error().field, "when.any[0].values[0]");
        EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
      }
    }
  }
}

TEST(Conditions, EmptyValuesAreValidAndMatchNobody) {
  for (std::size_t i = 0; i < kOperatorCount; ++i) {
    const auto op = static_cast<Operator>(i);
    EXPECT_TRUE(Check({.attribute = op == Operator::kInSegment ? "" : "a", .op = op})) << NameOf(op);
  }
}

struct BadCondition {
  Condition condition;
  std::string field;
  ErrorCode code = ErrorCode::kInvalidArgument;
};

TEST(Conditions, RefuseWrongParts) {
  const std::vector<BadCondition> cases = {
      {.condition = {.attribute = "", .op = Operator::kIn}, .field = "when.any[0].attribute"},
      {.condition = {.attribute = "a..b", .op = Operator::kIn}, .field = "when.any[0].attribute"},
      {.condition = {.attribute = "a\n", .op = Operator::kIn}, .field = "when.any[0].attribute"},
      {.condition = {.attribute = std::string(129, 'x'), .op = Operator::kIn},
       .field = "when.any[0].attribute",
       .code = ErrorCode::kTooLarge},
      {.condition = {.attribute = "a", .op = Operator::kInSegment, .values = {"s"}}, .field = "when.any[0].attribute"},
      {.condition = {.attribute = "a", .op = Operator::kExists, .values = {true, false}},
       .field = "when.any[0].values"},
      {.condition = {.attribute = "a", .op = static_cast<Operator>(99)}, .field = "when.any[0].operator"},
      {.condition = {.attribute = "a", .op = Operator::kIn, .values = List(1001, Value(1))},
       .field = "when.any[0].values",
       .code = ErrorCode::kTooLarge},
      {.condition = {.attribute = "a", .op = Operator::kMatches, .values = {"ok", std::string(1025, 'x')}},
       .field = "when.any[0].values[1]",
       .code = ErrorCode::kTooLarge},
  };
  for (const auto& [condition, field, code] : cases) {
    const auto status = Check(condition);
    ASSERT_FALSE(status) << field;
    EXPECT_EQ(status.error().field, field);
    EXPECT_EQ(status.error().code, code);
  }
}

ConditionGroup Group(GroupKind kind, std::vector<ConditionNode> children) {
  return {.kind = kind, .children = std::move(children)};
}

const Condition kGood{.attribute = "a", .op = Operator::kIn, .values = {"x"}};

TEST(ConditionGroups, OnlyAllMayNotBeEmpty) {
  EXPECT_TRUE(CheckConditions(Group(GroupKind::kAny, {}), "when"));
  EXPECT_TRUE(CheckConditions(Group(GroupKind::kNone, {}), "when"));
  EXPECT_EQ(CheckConditions(Group(GroupKind::kAll, {}), "when").error().field, "when.all");
  const auto nested = CheckConditions(Group(GroupKind::kNone, {kGood, Group(GroupKind::kAll, {})}), "when");
  EXPECT_EQ(nested.error().field, "when.none[1].all");
}

TEST(ConditionGroups, NameThePathOfANestedCondition) {
  Condition bad = kGood;
  bad.values.emplace_back(List{});
  const auto status = CheckConditions(Group(GroupKind::kAll, {kGood, Group(GroupKind::kAny, {bad})}), "r[2].when");
  EXPECT_EQ(status.error().field, "r[2].when.all[1].any[0].values[1]");
}

TEST(ConditionGroups, DepthIsLimited) {
  ConditionGroup group = Group(GroupKind::kAny, {kGood});
  for (std::size_t depth = 1; depth < kConditionDepthMax; ++depth) group = Group(GroupKind::kAny, {group});
  EXPECT_TRUE(CheckConditions(group, "when"));
  group = Group(GroupKind::kAny, {group});
  const auto status = CheckConditions(group, "when");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kTooLarge);
}

TEST(ConditionGroups, NumberOfNodesIsLimitedOverTheWholeTree) {
  const ConditionGroup half = Group(GroupKind::kAny, std::vector<ConditionNode>(99, kGood));
  EXPECT_TRUE(CheckConditions(Group(GroupKind::kAll, {half, half}), "when"));  // 2 groups and 198 conditions
  const auto status = CheckConditions(Group(GroupKind::kAll, {half, half, kGood}), "when");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(status.error().field, "when.all[2]");
}

TEST(ConditionGroups, CompareByValue) {
  EXPECT_EQ(Group(GroupKind::kAll, {kGood}), Group(GroupKind::kAll, {kGood}));
  EXPECT_NE(Group(GroupKind::kAll, {kGood}), Group(GroupKind::kAny, {kGood}));
  EXPECT_NE(Group(GroupKind::kAll, {kGood}), Group(GroupKind::kAll, {kGood, kGood}));
}

}  // namespace
}  // namespace guidon::model
