// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/static_check.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/eval/test_support.hpp"

// That nothing false is claimed is tested with random definitions in tests/twin.
namespace guidon::eval {
namespace {

using model::ConditionGroup;
using model::FlagFields;
using model::Operator;
using std::chrono::hours;
using testing::All;
using testing::Any;
using ::testing::ElementsAre;
using testing::Fields;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::MakeFlag;
using testing::MakeOverride;
using testing::MakeSegment;
using testing::None;
using testing::Percent;
using testing::ServeWhen;
using testing::Where;

// "code at field", errors with an exclamation mark.
std::vector<std::string> Brief(const std::vector<Finding>& findings) {
  std::vector<std::string> brief;
  for (const Finding& one : findings) {
    EXPECT_NE(std::ranges::find(FindingCodes(), one.code), FindingCodes().end()) << one.code;
    brief.push_back(std::string(one.code) + (one.severity == Severity::kError ? "!" : "") + " at " + one.field);
  }
  return brief;
}
std::vector<std::string> Check(FlagFields fields) {
  return Brief(CheckFlag(MakeFlag(std::move(fields)), {.now = kNow}));
}
std::vector<std::string> CheckIn(FlagFields fields, Definitions definitions,
                                 const std::optional<std::string>& tenant_id = std::nullopt) {
  const auto snapshot = Snapshot::Build(std::move(definitions));
  const model::Flag flag = MakeFlag(std::move(fields));
  return Brief(CheckFlag(flag, SurroundingsIn(*snapshot, flag, kNow, tenant_id)));
}

FlagFields WithRules(std::vector<ConditionGroup> groups) {
  FlagFields fields = Fields("flag");
  for (ConditionGroup& group : groups)
    fields.targeting_rules.push_back(
        ServeWhen("r" + std::to_string(fields.targeting_rules.size()), std::move(group), "on"));
  return fields;
}
model::Rule Everyone(std::string id) {
  model::Rule rule;
  rule.id = std::move(id);
  rule.everyone = true;
  rule.serve = "off";
  return rule;
}

const model::Condition kPro = Where("plan", Operator::kIn, {"pro"});
const model::Condition kAnyPlan = Where("plan", Operator::kExists, {});

TEST(CheckFlag, HasNothingToSayAboutAGoodFlag) {
  FlagFields fields = WithRules(
      {All({kPro}), Any({Where("seats", Operator::kGt, {5}), Where("seats", Operator::kLt, {2})}),
       All({Where("version", Operator::kSemverGte, {"1.2"}), Where("version", Operator::kSemverLt, {"2.0"})})});
  fields.rollout_percentage = Percent(20);
  EXPECT_THAT(Check(std::move(fields)), IsEmpty());
}

TEST(CheckFlag, SeesRulesBehindARuleForEveryone) {
  FlagFields fields = WithRules({All({kPro}), All({kAnyPlan})});
  fields.targeting_rules.insert(fields.targeting_rules.begin() + 1, Everyone("all"));
  const auto findings = CheckFlag(MakeFlag(fields), {.now = kNow});
  ASSERT_THAT(Brief(findings), ElementsAre("unreachableRule at targetingRules[2]"));
  EXPECT_EQ(findings[0].rule_id, "r1");
  EXPECT_THAT(findings[0].message, HasSubstr("'all' is for everyone"));
}

void ExpectShadowed(const ConditionGroup& wide, const ConditionGroup& narrow, bool shadowed = true) {
  const auto findings = Check(WithRules({wide, narrow}));
  EXPECT_EQ(std::ranges::find(findings, "unreachableRule at targetingRules[1]") != findings.end(), shadowed)
      << ::testing::PrintToString(findings);
}
// One condition each.
void ExpectShadowed(Operator wide, std::vector<model::Value> wide_values, Operator narrow,
                    std::vector<model::Value> narrow_values, bool shadowed = true) {
  SCOPED_TRACE(std::string(NameOf(wide)) + " before " + std::string(NameOf(narrow)));
  ExpectShadowed(All({Where("x", wide, std::move(wide_values))}), All({Where("x", narrow, std::move(narrow_values))}),
                 shadowed);
}

TEST(CheckFlag, SeesRulesShadowedByWiderOnes) {
  using Op = Operator;
  ExpectShadowed(Op::kIn, {"a", "b", "c"}, Op::kIn, {"b", "a"});
  ExpectShadowed(Op::kIn, {"a", "b"}, Op::kIn, {"a", "c"}, false);
  ExpectShadowed(Op::kIn, {1}, Op::kEq, {1.0});
  ExpectShadowed(Op::kLt, {10}, Op::kLt, {5});
  ExpectShadowed(Op::kLt, {5}, Op::kLte, {5}, false);
  ExpectShadowed(Op::kLte, {5}, Op::kLt, {5});
  ExpectShadowed(Op::kGte, {5, 20}, Op::kIn, {7, 9});
  ExpectShadowed(Op::kGt, {5}, Op::kIn, {7, "text"}, false);
  ExpectShadowed(Op::kNotIn, {9}, Op::kLt, {5});
  ExpectShadowed(Op::kNotIn, {3}, Op::kLt, {5}, false);
  ExpectShadowed(Op::kNotIn, {"a"}, Op::kNotIn, {"a", "b"});
  ExpectShadowed(Op::kNotIn, {"a", "b"}, Op::kNotIn, {"a"}, false);
  ExpectShadowed(Op::kStartsWith, {"eu-"}, Op::kStartsWith, {"eu-west"});
  ExpectShadowed(Op::kContains, {"west"}, Op::kEndsWith, {"-west-1"});
  ExpectShadowed(Op::kStartsWith, {"eu-west"}, Op::kStartsWith, {"eu-"}, false);
  ExpectShadowed(Op::kMatches, {"^eu"}, Op::kIn, {"eu-1", "eu-2"});
  ExpectShadowed(Op::kMatches, {"^eu"}, Op::kStartsWith, {"eu"}, false);
  ExpectShadowed(Op::kBefore, {"2027-01-01T00:00:00Z"}, Op::kBefore, {"2026-12-31T23:00:00-02:00"}, false);
  ExpectShadowed(Op::kBefore, {"2027-01-01T01:00:00Z"}, Op::kBefore, {"2026-12-31T23:00:00-02:00"});
  ExpectShadowed(Op::kSemverGte, {"1.2"}, Op::kSemverGt, {"1.2.0"});
  ExpectShadowed(Op::kSemverGt, {"1.2"}, Op::kSemverGte, {"1.2.0"}, false);
  ExpectShadowed(Op::kInCidr, {"10.0.0.0/8"}, Op::kInCidr, {"10.2.0.0/16", "10.1.2.3"});
  ExpectShadowed(Op::kInCidr, {"10.2.0.0/16"}, Op::kInCidr, {"10.0.0.0/8"}, false);
  ExpectShadowed(Op::kExists, {}, Op::kContains, {"x"});
  ExpectShadowed(Op::kContains, {"x"}, Op::kExists, {}, false);
}

TEST(CheckFlag, SeesShadowsOfTrees) {
  const auto staff = Where("mail", Operator::kEndsWith, {"@example.com"});
  ExpectShadowed(All({kPro}), All({kPro, staff}));
  ExpectShadowed(All({kPro, staff}), All({kPro}), false);
  ExpectShadowed(Any({kPro, staff}), All({staff}));
  ExpectShadowed(Any({kPro, staff}), Any({All({staff}), kPro}));
  ExpectShadowed(None({kPro}), None({kPro, staff}));
  ExpectShadowed(None({kPro, staff}), None({kPro}), false);
  ExpectShadowed(Any({kAnyPlan, Where("plan", Operator::kExists, {false})}), All({staff}));
  // A segment that were not there would be unknown, which is neither in nor out.
  const auto in_beta = Where("", Operator::kInSegment, {"beta"});
  ExpectShadowed(All({in_beta}), All({in_beta, kPro}));
  ExpectShadowed(Any({in_beta, None({in_beta})}), All({kPro}), false);
}

TEST(CheckFlag, LooksAtPeriods) {
  FlagFields fields = WithRules({All({kAnyPlan}), All({kPro})});
  fields.targeting_rules[0].ends_at = kNow + hours(1);
  EXPECT_THAT(Check(fields), IsEmpty());
  fields.targeting_rules[1].ends_at = kNow + hours(1);
  EXPECT_THAT(Check(fields), ElementsAre("unreachableRule at targetingRules[1]"));
  fields.targeting_rules[0].starts_at = kNow - hours(1);
  EXPECT_THAT(Check(fields), ElementsAre("unreachableRule at targetingRules[1]"));
  fields.targeting_rules[0].starts_at = kNow + std::chrono::milliseconds(1);
  EXPECT_THAT(Check(fields), IsEmpty());
  fields.targeting_rules[0].starts_at.reset();
  fields.targeting_rules[0].ends_at = kNow;
  EXPECT_THAT(Check(fields), ElementsAre("ruleOver at targetingRules[0].endsAt"));
}

TEST(CheckFlag, SeesWhatCanNeverBeTrue) {
  EXPECT_THAT(
      Check(WithRules({All({Where("plan", Operator::kIn, {})})})),
      ElementsAre("emptyValues at targetingRules[0].when.all[0].values", "impossibleRule at targetingRules[0].when"));
  EXPECT_THAT(Check(WithRules({Any({})})),
              ElementsAre("emptyGroup at targetingRules[0].when", "impossibleRule at targetingRules[0].when"));
  EXPECT_THAT(Check(WithRules({Any({kPro, All({Where("plan", Operator::kExists, {false}), kPro})})})),
              ElementsAre("contradiction at targetingRules[0].when.any[1]"));
  EXPECT_THAT(Check(WithRules({All({kPro, None({kAnyPlan})})})),
              ElementsAre("contradiction at targetingRules[0].when", "impossibleRule at targetingRules[0].when"));
  for (const auto& impossible :
       {Where("tenantId", Operator::kLt, {5}), Where("targetingKey", Operator::kIn, {5, true}),
        Where("x", Operator::kBefore, {"1970-01-01T00:00:00Z"}),
        Where("x", Operator::kAfter, {"9999-12-31T23:59:59.999Z"}), Where("x", Operator::kSemverLt, {"0.0.0-0"})})
    EXPECT_THAT(
        Check(WithRules({All({impossible})})),
        ElementsAre("impossibleCondition at targetingRules[0].when.all[0]", "impossibleRule at targetingRules[0].when"))
        << NameOf(impossible.op);
  EXPECT_THAT(Check(WithRules(
                  {All({Where("targetingKey", Operator::kIn, {"a"}), Where("targetingKey", Operator::kIn, {"b"})})})),
              ElementsAre("contradiction at targetingRules[0].when", "impossibleRule at targetingRules[0].when"));
}

// A list meets two conditions with two elements.
TEST(CheckFlag, SaysWhatOnlyListsCanMeet) {
  using Op = Operator;
  const auto expect_only_lists = [](const model::Condition& a, const model::Condition& b, bool only_lists = true) {
    const auto findings = Check(WithRules({All({a, b})}));
    EXPECT_EQ(findings,
              only_lists ? std::vector<std::string>{"onlyLists at targetingRules[0].when"} : std::vector<std::string>{})
        << NameOf(a.op) << " and " << NameOf(b.op);
  };
  expect_only_lists(Where("x", Op::kLt, {5}), Where("x", Op::kGt, {9}));
  expect_only_lists(Where("x", Op::kLt, {5}), Where("x", Op::kGte, {5}));
  expect_only_lists(Where("x", Op::kLte, {5}), Where("x", Op::kGte, {5}), false);
  expect_only_lists(Where("x", Op::kLt, {5, 10}), Where("x", Op::kGt, {9}), false);
  expect_only_lists(Where("x", Op::kIn, {"a"}), Where("x", Op::kIn, {"b", "c"}));
  expect_only_lists(Where("x", Op::kIn, {"a"}), Where("x", Op::kNotIn, {"a", "b"}));
  expect_only_lists(Where("x", Op::kEq, {4}), Where("x", Op::kGt, {4}));
  expect_only_lists(Where("x", Op::kLt, {5}), Where("x", Op::kContains, {"a"}));
  expect_only_lists(Where("x", Op::kStartsWith, {"eu"}), Where("x", Op::kStartsWith, {"us"}));
  expect_only_lists(Where("x", Op::kStartsWith, {"eu"}), Where("x", Op::kEndsWith, {"us"}), false);
  expect_only_lists(Where("x", Op::kSemverLt, {"1.0"}), Where("x", Op::kSemverGte, {"1.0.0"}));
  expect_only_lists(Where("x", Op::kInCidr, {"10.0.0.0/8"}), Where("x", Op::kInCidr, {"11.0.0.0/8", "::/0"}));
  expect_only_lists(Where("x", Op::kBefore, {"2026-01-01T00:00:00Z"}),
                    Where("x", Op::kAfter, {"2026-01-01T00:00:00Z"}));
  expect_only_lists(Where("x", Op::kLt, {5}), Where("y", Op::kGt, {9}), false);
  const auto findings = CheckFlag(
      MakeFlag(WithRules({All({Where("seats", Op::kLt, {5}), Where("seats", Op::kGt, {9})})})), {.now = kNow});
  EXPECT_THAT(findings.at(0).message, HasSubstr("where 'seats' is a list"));
}

TEST(CheckFlag, SeesWhatIsAlwaysTrue) {
  EXPECT_THAT(Check(WithRules({Any({kAnyPlan, None({kAnyPlan})})})),
              ElementsAre("alwaysTrueRule at targetingRules[0].when"));
  EXPECT_THAT(
      Check(WithRules({None({Where("plan", Operator::kIn, {})})})),
      ElementsAre("emptyValues at targetingRules[0].when.none[0].values", "alwaysTrueRule at targetingRules[0].when"));
}

TEST(CheckFlag, SeesNamesOfNothing) {
  FlagFields fields = WithRules({All({Where("", Operator::kInSegment, {"beta", "gone", "empty"})})});
  fields.prerequisites = {{.flag_key = "other", .variations = {"on", "blue"}},
                          {.flag_key = "nobody", .variations = {"on"}},
                          {.flag_key = "old", .variations = {"on"}},
                          {.flag_key = "theirs", .variations = {"on"}}};
  FlagFields old = Fields("old");
  old.state = model::FlagState::kArchived;
  FlagFields theirs = Fields("theirs");
  theirs.tenant_id = "acme";
  Definitions definitions = testing::WithFlags({MakeFlag(Fields("other")), MakeFlag(old), MakeFlag(theirs)});
  definitions.segments = {MakeSegment("beta", {"u1"}), MakeSegment("empty", {})};
  EXPECT_THAT(CheckIn(fields, definitions),
              ElementsAre("unknownPrerequisiteVariation! at prerequisites[0].variations[1]",
                          "unknownPrerequisite! at prerequisites[1].flagKey",
                          "prerequisiteNotServed at prerequisites[2].flagKey",
                          "unknownSegment! at targetingRules[0].when.all[0].values[1]",
                          "emptySegment at targetingRules[0].when.all[0].values[2]"));
  // Another tenant learns nothing of what is not its own.
  fields.prerequisites = {{.flag_key = "theirs", .variations = {"blue"}}};
  fields.targeting_rules.clear();
  EXPECT_THAT(CheckIn(fields, definitions, "globex"), ElementsAre("unknownPrerequisite! at prerequisites[0].flagKey"));
  EXPECT_THAT(CheckIn(fields, definitions, "acme"),
              ElementsAre("unknownPrerequisiteVariation! at prerequisites[0].variations[0]"));
  // Nor who is in a segment.
  EXPECT_THAT(CheckIn(WithRules({All({Where("", Operator::kInSegment, {"empty"})})}), definitions, "acme"), IsEmpty());
  // Without surroundings nothing is said about them.
  EXPECT_THAT(Check(fields), IsEmpty());
}

TEST(CheckFlag, SeesACycle) {
  FlagFields fields = Fields("flag");
  fields.prerequisites = {{.flag_key = "other", .variations = {"on"}}};
  FlagFields other = Fields("other");
  other.prerequisites = {{.flag_key = "flag", .variations = {"on"}}};
  EXPECT_THAT(CheckIn(fields, testing::WithFlags({MakeFlag(other)})),
              ElementsAre("prerequisiteCycle! at prerequisites"));
}

TEST(CheckFlag, SeesOverridesToNothing) {
  Definitions definitions = testing::WithFlags({MakeFlag(Fields("flag"))});
  definitions.overrides = {MakeOverride("flag", "t1", "on"), MakeOverride("flag", "t2", "gone")};
  EXPECT_THAT(CheckIn(Fields("flag"), definitions), ElementsAre("overrideWithoutVariation at variations"));
  EXPECT_THAT(CheckIn(Fields("flag"), definitions, "t1"), IsEmpty());
  EXPECT_THAT(CheckIn(Fields("flag"), definitions, "t2"), ElementsAre("overrideWithoutVariation at variations"));
  // A name that no override has any more.
  const auto snapshot = Snapshot::Build(definitions)->Apply({.overrides = {MakeOverride("flag", "t2", "on")}});
  const model::Flag flag = MakeFlag(Fields("flag"));
  EXPECT_THAT(CheckFlag(flag, SurroundingsIn(*snapshot, flag, kNow)), IsEmpty());
}

TEST(CheckFlag, LooksAtVariations) {
  FlagFields fields = Fields("flag");
  fields.type = model::FlagType::kString;
  fields.variations = {{"a", "1"}, {"b", "1"}, {"c", "2"}, {"d", "3"}};
  fields.default_variation = "a";
  fields.off_variation = "b";
  fields.kill_variation = "a";
  model::Rule rule = Everyone("r");
  rule.serve = model::Split{{.variation = "a", .weight = 1}, {.variation = "d", .weight = 0}};
  fields.targeting_rules = {rule};
  EXPECT_THAT(Check(fields),
              ElementsAre("offServesDefault at offVariation", "killServesDefault at killVariation",
                          "shareOfNothing at targetingRules[0].split[1]", "splitOfOne at targetingRules[0].split",
                          "unservedVariation at variations.c", "unservedVariation at variations.d"));
}

// An expression decides for itself what is served and split, and what is left out is the caller's default.
TEST(CheckFlag, ClaimsNothingAboutExpressions) {
  FlagFields fields = Fields("flag");
  fields.type = model::FlagType::kString;
  fields.variations = {{"a", "1"}, {"b", "2"}, {"c", "3"}};
  fields.code_default = true;
  fields.rollout_salt = "salt";
  EXPECT_THAT(Check(fields), ElementsAre("saltWithoutSplit at rolloutSalt", "unservedVariation at variations.a",
                                         "unservedVariation at variations.b", "unservedVariation at variations.c"));
  model::Object expression;
  expression.Set("var", "plan");
  fields.targeting = expression;
  EXPECT_THAT(Check(fields), IsEmpty());
}

TEST(CheckFlag, LooksAtRolloutAndBucketing) {
  FlagFields fields = Fields("flag");
  fields.rollout_percentage = Percent(0);
  EXPECT_THAT(Check(fields), ElementsAre("rolloutOfNothing at rolloutPercentage"));
  fields.rollout_percentage = Percent(100);
  fields.default_enabled = false;
  EXPECT_THAT(Check(fields),
              ElementsAre("rolloutWithoutEffect at rolloutPercentage", "rolloutOfEverything at rolloutPercentage"));
  fields = Fields("flag");
  fields.bucket_by = "company";
  fields.rollout_salt = "salt";
  EXPECT_THAT(Check(fields), ElementsAre("bucketByWithoutSplit at bucketBy", "saltWithoutSplit at rolloutSalt"));
  fields.rollout_percentage = Percent(10);
  EXPECT_THAT(Check(fields), ElementsAre("bucketByAttribute at bucketBy"));
  fields.bucket_by = "tenantId";
  EXPECT_THAT(Check(fields), IsEmpty());
  fields.expires_at = kNow;
  EXPECT_THAT(Check(fields), ElementsAre("expired at expiresAt"));
  fields.expires_at = kNow + hours(1);
  EXPECT_THAT(Check(fields), IsEmpty());
}

TEST(CheckFlag, SeesDuplicatesAndWhatDoesNotCompile) {
  EXPECT_THAT(Check(WithRules({All({Where("x", Operator::kIn, {"a", 1, "b", 1.0, "a"})})})),
              ElementsAre("duplicateValue at targetingRules[0].when.all[0].values[3]"));
  EXPECT_THAT(Check(WithRules({All({Where("x", Operator::kMatches, {"("})})})),
              ElementsAre("doesNotCompile! at targetingRules[0].when.all[0].values[0]"));
}

// Two hundred rules of a thousand values each would be 20,000 pairs of a million comparisons: it gives up in time, and
// says nothing that it has not proved.
TEST(CheckFlag, IsBoundedInWork) {
  std::vector<ConditionGroup> groups;
  for (int rule = 0; rule < 200; ++rule) {
    std::vector<model::Value> values;
    for (int i = 0; i < 1000; ++i) values.emplace_back("value-" + std::to_string(i + rule));
    groups.push_back(All({Where("x", Operator::kStartsWith, std::move(values))}));
  }
  const auto findings = Check(WithRules(std::move(groups)));
  EXPECT_LT(findings.size(), 200U);
}

}  // namespace
}  // namespace guidon::eval
