// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/eval/compile_check.hpp"
#include "guidon/eval/flagd_semver.hpp"
#include "guidon/eval/flagd_value.hpp"
#include "guidon/eval/test_support.hpp"

// Parts of flagd's expressions that have an outside of their own. What expressions mean is data: conformance/eval, and
// the twin in tests/e2e/flagd.
namespace guidon::eval {
namespace {

using model::List;
using model::Value;
using testing::Ask;
using testing::Fields;
using testing::MakeContext;
using testing::MakeFlag;
using testing::SnapshotOf;

Value Call(std::string_view name, Value data) {
  model::Object object;
  object.Set(name, std::move(data));
  return object;
}
Value Var(std::string path) { return Call("var", Value(std::move(path))); }

model::Flag WithTargeting(Value targeting, std::map<std::string, Value> evaluators = {}) {
  model::FlagFields fields = Fields("flag");
  fields.targeting = std::move(targeting);
  fields.targeting_evaluators = std::move(evaluators);
  return MakeFlag(std::move(fields));
}

std::string Text(double number) {
  std::string text;
  flagd::AppendNumber(text, number);
  return text;
}

TEST(FlagdNumbers, AreWrittenAsTheLanguageDoes) {
  EXPECT_EQ(Text(0), "0");
  EXPECT_EQ(Text(-0.0), "0");
  EXPECT_EQ(Text(0.1), "0.1");
  EXPECT_EQ(Text(-2.5), "-2.5");
  EXPECT_EQ(Text(123456789), "123456789");
  EXPECT_EQ(Text(1e20), "100000000000000000000");
  EXPECT_EQ(Text(1e21), "1e+21");
  EXPECT_EQ(Text(1.5e-6), "0.0000015");
  EXPECT_EQ(Text(1.5e-7), "1.5e-7");
}

TEST(FlagdNumbers, AreReadAsTheLanguageDoes) {
  EXPECT_EQ(flagd::ToNumber(""), 0);
  EXPECT_EQ(flagd::ToNumber(" 7\n"), 7);
  EXPECT_EQ(flagd::ToNumber("0x1F"), 31);
  EXPECT_EQ(flagd::ToNumber("-1.5e3"), -1500);
  EXPECT_EQ(flagd::ToNumber(".5"), 0.5);
  for (const char* text : {"abc", "1 2", "1e", "--1", "0x", "inf", "nan", "1_000", "."})
    EXPECT_NE(flagd::ToNumber(text), flagd::ToNumber(text)) << text;
}

TEST(FlagdTexts, AreCountedAndComparedInUtf16Units) {
  EXPECT_EQ(flagd::Utf16Length("aü日😀"), 5U);
  EXPECT_EQ(flagd::Utf16Substring("aü日😀b", 1, 2), "ü日");
  const auto order = [](std::string_view a, std::string_view b) {
    return flagd::Compare(flagd::JsValue::Of(a), flagd::JsValue::Of(b));
  };
  EXPECT_EQ(order("a", "ab"), -1);
  EXPECT_EQ(order("b", "ab"), 1);
  EXPECT_EQ(order("\xEF\xBD\xA1", "😀"), 1) << "U+FF61 is after a surrogate, though its code is smaller";
}

TEST(FlagdVersions, ShortOnesAreOnesWithoutAnythingElse) {
  const auto order = [](std::string_view a, std::string_view b) {
    const auto result = flagd::CompareVersions(a, b);
    return result ? std::to_string(result->order) : "none";
  };
  EXPECT_EQ(order("v1", "1.0.0"), "0");
  EXPECT_EQ(order("V1.2", "1.2.0"), "0");
  EXPECT_EQ(order("1.2.3-rc.2", "1.2.3-rc.10"), "-1");
  for (const char* text : {"1.2.3.4", "2-rc.1", "01.2", "", "x", "9007199254740992.0.0"})
    EXPECT_EQ(order(text, "1.0.0"), "none") << text;
}

TEST(FlagdTargeting, UnknownOperatorsAndMissingEvaluatorsAreNamed) {
  const auto refused = [](const model::Flag& flag) {
    const auto status = CheckCompiles(flag);
    return status ? std::string() : status.error().field;
  };
  EXPECT_EQ(refused(WithTargeting(Call("if", List{Call("bogus", 1), "on"}))), "targeting.if[0].bogus");
  EXPECT_EQ(refused(WithTargeting(Call("if", List{Call("$ref", "nobody"), "on"}))), "targeting.if[0].$ref");
  EXPECT_EQ(refused(WithTargeting(Call("$ref", "a"), {{"a", Call("!", Call("$ref", "a"))}})), "targeting.!.$ref");
  EXPECT_EQ(refused(WithTargeting(Call("$ref", "a"), {{"a", Var("x")}})), "");
}

TEST(FlagdTargeting, EvaluatorsThatDoubleStayBounded) {
  std::map<std::string, Value> evaluators = {{"e0", Var("x")}};
  for (int i = 1; i < 25; ++i) {
    const Value before = Call("$ref", "e" + std::to_string(i - 1));
    evaluators["e" + std::to_string(i)] = Call("or", List{before, before});
  }
  const auto status = CheckCompiles(WithTargeting(Call("$ref", "e24"), std::move(evaluators)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::ErrorCode::kTooLarge);
}

TEST(FlagdTargeting, WorkIsBounded) {
  // Four loops in each other over 60 items would be 13 million steps.
  Value nested = Var("");
  for (int i = 0; i < 4; ++i) nested = Call("map", List{Call("var", List{"$none", List(60, Value(1))}), nested});
  const auto snapshot = SnapshotOf({WithTargeting(Call("some", List{nested, Var("")}))});
  EXPECT_EQ(Ask(*snapshot, "flag"), "- ERROR GENERAL");
  // A text that doubles would be 2^30 bytes.
  const Value doubled = Call("cat", List{Var("accumulator"), Var("accumulator")});
  const auto grown = SnapshotOf({WithTargeting(Call("reduce", List{Var("list"), doubled, "x"}))});
  EXPECT_EQ(Ask(*grown, "flag", MakeContext("k", {}, {{"list", List(30, Value(1))}})), "- ERROR GENERAL");
}

TEST(FlagdTargeting, TheTraceShowsEveryOperatorAndItsResult) {
  const auto snapshot =
      SnapshotOf({WithTargeting(Call("if", List{Call("==", List{Var("plan"), "pro"}),
                                                Call("fractional", List{List{"on", 1}, List{"off", 0}}), Value()}))});
  Trace trace;
  const Evaluation answer =
      Evaluate(*snapshot, "flag", MakeContext("user-1", {}, {{"plan", "pro"}}), testing::kNow, &trace);
  EXPECT_EQ(testing::Brief(answer), "on TARGETING_MATCH");
  const TraceStep& step = trace.steps.back();
  EXPECT_EQ(step.step, "targeting");
  EXPECT_EQ(step.outcome, "matched");
  EXPECT_EQ(step.unit, "flaguser-1");
  ASSERT_TRUE(step.hash);
  std::string text;
  for (const TraceCondition& one : step.conditions)
    text += std::string(one.depth, ' ') + one.operator_name + " " + one.attribute + "=" + one.seen + "\n";
  EXPECT_EQ(text, "if =on\n == =true\n  var plan=pro\n fractional =on\n");
}

TEST(FlagdTargeting, CodeDefaultsServeNoValue) {
  model::FlagFields fields = Fields("flag");
  fields.type = model::FlagType::kString;
  fields.variations = {{"a", Value("A")}};
  fields.code_default = true;
  const auto snapshot = SnapshotOf({MakeFlag(fields)});
  EXPECT_EQ(Ask(*snapshot, "flag"), "- DEFAULT");
  fields.rollout_percentage = testing::Percent(50);
  const auto refused = model::Flag::Create(fields);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "rolloutPercentage");
}

}  // namespace
}  // namespace guidon::eval
