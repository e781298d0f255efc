// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/eval/compiled_condition.hpp"
#include "guidon/eval/condition_matcher.hpp"
#include "guidon/eval/test_support.hpp"

// What each operator does with each type is in conformance/eval; here is what that data cannot say.
namespace guidon::eval {
namespace {

using model::ConditionGroup;
using model::Operator;
using model::Value;
using testing::All;
using testing::Any;
using testing::MakeContext;
using testing::MakeSegment;
using testing::None;
using testing::Where;

SegmentMap Segments(const std::vector<model::Segment>& segments) {
  SegmentMap map;
  AttributeSlots slots;
  for (const model::Segment& segment : segments) map.Set(segment->segment_key, *CompileSegment(segment, slots));
  return map;
}

Truth Match(const ConditionGroup& group, const model::Context& context, const SegmentMap& segments = {}) {
  AttributeSlots slots;
  auto compiled = CompileConditions(group, slots);
  if (!compiled) {
    ADD_FAILURE() << compiled.error().field << " " << compiled.error().message;
    return Truth::kUnknown;
  }
  ResolvedAttributes attributes(context);
  SegmentMemo segments_seen;
  ConditionMemo memo;
  return ConditionMatcher<false>(attributes, segments, segments_seen, memo, nullptr).Match(*compiled);
}

std::string ErrorField(const ConditionGroup& group) {
  AttributeSlots slots;
  const auto compiled = CompileConditions(group, slots);
  return compiled ? "compiled" : compiled.error().field;
}

TEST(Conditions, SayWhereTheyCannotBeCompiled) {
  const model::Condition good = Where("a", Operator::kIn, {"x"});
  EXPECT_EQ(ErrorField(All({good, Where("a", Operator::kMatches, {"ok", "("})})), "all[1].values[1]");
  EXPECT_EQ(ErrorField(Any({All({Where("a", Operator::kAfter, {"yesterday"})})})), "any[0].all[0].values[0]");
  EXPECT_EQ(ErrorField(None({Where("a", Operator::kInCidr, {"10.0.0.0/33"})})), "none[0].values[0]");
  EXPECT_EQ(ErrorField(All({Where("a", Operator::kSemverEq, {"1.02"})})), "all[0].values[0]");
  EXPECT_EQ(ErrorField(All({Where("a", Operator::kLt, {"1"})})), "all[0].values[0]");
  EXPECT_EQ(ErrorField(All({Where("a", Operator::kIn, {Value()})})), "all[0].values[0]");
  EXPECT_EQ(ErrorField(All({Where("a", Operator::kExists, {"x"})})), "all[0].values");
  EXPECT_EQ(ErrorField(All({Where("a..b", Operator::kExists, {})})), "all[0].attribute");
}

TEST(Conditions, RefuseARegularExpressionThatIsTooLargeToRun) {
  EXPECT_EQ(ErrorField(All({Where("a", Operator::kMatches, {"((a{100}){100}){100}"})})), "all[0].values[0]");
}

TEST(Conditions, NoEmptyGroupMatchesAnybody) {
  EXPECT_EQ(Match(All({}), MakeContext("u")), Truth::kFalse);
  EXPECT_EQ(Match(Any({}), MakeContext("u")), Truth::kFalse);
  EXPECT_EQ(Match(None({}), MakeContext("u")), Truth::kFalse);
}

TEST(Conditions, ASegmentThatIsNotThereLeavesTheAnswerOpen) {
  const model::Condition in_ghost = Where("", Operator::kInSegment, {"ghost"});
  const model::Condition yes = Where("targetingKey", Operator::kIn, {"u"});
  const model::Condition no = Where("targetingKey", Operator::kIn, {"v"});
  const model::Context context = MakeContext("u");
  EXPECT_EQ(Match(All({in_ghost}), context), Truth::kUnknown);
  EXPECT_EQ(Match(None({in_ghost}), context), Truth::kUnknown);
  EXPECT_EQ(Match(All({yes, in_ghost}), context), Truth::kUnknown);
  EXPECT_EQ(Match(Any({no, in_ghost}), context), Truth::kUnknown);
  // Where the rest decides, the order does not matter.
  EXPECT_EQ(Match(Any({in_ghost, yes}), context), Truth::kTrue);
  EXPECT_EQ(Match(Any({yes, in_ghost}), context), Truth::kTrue);
  EXPECT_EQ(Match(All({in_ghost, no}), context), Truth::kFalse);
  EXPECT_EQ(Match(None({in_ghost, yes}), context), Truth::kFalse);
}

TEST(Conditions, OneOfSeveralSegmentsIsEnough) {
  const SegmentMap segments = Segments({MakeSegment("staff", {"u"}), MakeSegment("beta", {"v"})});
  const auto in = [&](std::vector<Value> keys, const std::string& unit) {
    return Match(All({Where("", Operator::kInSegment, std::move(keys))}), MakeContext(unit), segments);
  };
  EXPECT_EQ(in({"staff", "beta"}, "v"), Truth::kTrue);
  EXPECT_EQ(in({"ghost", "beta"}, "v"), Truth::kTrue);
  EXPECT_EQ(in({"staff", "beta"}, "w"), Truth::kFalse);
  EXPECT_EQ(in({"ghost", "beta"}, "w"), Truth::kUnknown);
  EXPECT_EQ(in({}, "v"), Truth::kFalse);
}

TEST(Conditions, LongValueListsAreSearchedByHash) {
  std::vector<Value> values;
  for (int i = 0; i < 1000; ++i) values.emplace_back("plan-" + std::to_string(i));
  const ConditionGroup in = All({Where("plan", Operator::kIn, values)});
  EXPECT_EQ(Match(in, MakeContext("u", {}, {{"plan", "plan-999"}})), Truth::kTrue);
  EXPECT_EQ(Match(in, MakeContext("u", {}, {{"plan", "plan-1000"}})), Truth::kFalse);
}

}  // namespace
}  // namespace guidon::eval
