// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/eval/test_support.hpp"

namespace guidon::eval {
namespace {

using model::Operator;
using testing::All;
using testing::Any;
using ::testing::ElementsAre;
using testing::Fields;
using testing::kNow;
using testing::MakeContext;
using testing::MakeFlag;
using testing::MakeKillSwitch;
using testing::MakeOverride;
using testing::MakeSegment;
using testing::None;
using testing::Percent;
using testing::ServeWhen;
using testing::SnapshotOf;
using testing::Where;
using testing::WithFlags;

Trace Explain(const Snapshot& snapshot, std::string_view flag_key, const model::Context& context = {}) {
  Trace trace;
  const Evaluation with = Evaluate(snapshot, flag_key, context, kNow, &trace);
  EXPECT_EQ(testing::Brief(with), testing::Ask(snapshot, flag_key, context)) << "a trace changes nothing";
  return trace;
}

std::vector<std::string> StepsOf(const Trace& trace) {
  std::vector<std::string> steps;
  for (const TraceStep& step : trace.steps) steps.push_back(step.step + "(" + step.subject + ") " + step.outcome);
  return steps;
}

std::vector<std::string> ConditionsOf(const TraceStep& step) {
  std::vector<std::string> lines;
  for (const TraceCondition& one : step.conditions) {
    std::string line(one.depth * 2, ' ');
    if (!one.attribute.empty()) line += one.attribute + " ";
    line += one.operator_name + one.values;
    if (!one.seen.empty()) line += " saw " + one.seen;
    if (one.missing) line += " missing";
    lines.push_back(line + (one.result ? ": true" : ": false"));
  }
  return lines;
}

TEST(Trace, GoesThroughTheStepsOfAStaticFlag) {
  Definitions definitions = WithFlags({MakeFlag(Fields("a"))});
  definitions.sequence = 42;
  const Trace trace = Explain(*Snapshot::Build(definitions), "a");
  EXPECT_EQ(trace.sequence, 42U);
  EXPECT_THAT(StepsOf(trace), ElementsAre("lookup(a) passed", "killSwitch() passed", "state(ENABLED) passed",
                                          "expiry() passed", "override() passed", "default() decided"));
  EXPECT_EQ(trace.steps.back().detail, "enabled by default: serves 'on': STATIC");
}

TEST(Trace, ShowsEveryConditionWithWhatItSaw) {
  model::FlagFields fields = Fields("a");
  fields.targeting_rules = {
      ServeWhen("first",
                All({Where("account.plan", Operator::kIn, {"pro", 7, true}),
                     Any({Where("seats", Operator::kGt, {10}), Where("mail", Operator::kExists, {})}),
                     None({Where("", Operator::kInSegment, {"beta", "ghost"})})}),
                "on"),
      ServeWhen("second", Any({Where("tags", Operator::kIn, {"x"})}), "off")};
  Definitions definitions = WithFlags({MakeFlag(fields)});
  definitions.segments = {MakeSegment("beta", {}, {}, All({Where("seats", Operator::kLt, {5})}))};
  model::Object account;
  account.Set("plan", "free");
  const Trace trace = Explain(
      *Snapshot::Build(definitions), "a",
      MakeContext("u", "acme",
                  {{"account", account}, {"seats", 12}, {"tags", model::List{model::Value("x"), model::Value(1.5)}}}));
  ASSERT_THAT(StepsOf(trace),
              ElementsAre("lookup(a) passed", "killSwitch() passed", "state(ENABLED) passed", "expiry() passed",
                          "override(acme) passed", "rule(first) notMatched", "rule(second) matched"));
  EXPECT_THAT(ConditionsOf(trace.steps[5]),
              ElementsAre("all: false",                                                                            //
                          "  account.plan in[\"pro\",7,true] saw free: false",                                     //
                          "  any: true",                                                                           //
                          "    seats gt[10] saw 12: true",                                                         //
                          "    mail exists[] missing: false",                                                      //
                          "  none: false",                                                                         //
                          "    inSegment[\"beta\",\"ghost\"] saw beta version 1: false, ghost: not known: false",  //
                          "      all: false",                                                                      //
                          "        seats lt[5] saw 12: false"));
  EXPECT_THAT(ConditionsOf(trace.steps[6]), ElementsAre("any: true", "  tags in[\"x\"] saw [\"x\",1.5]: true"));
}

TEST(Trace, ShowsHowASplitFell) {
  model::FlagFields fields = Fields("new-checkout");
  fields.rollout_percentage = Percent(50);
  const TraceStep last = Explain(*SnapshotOf({MakeFlag(fields)}), "new-checkout", MakeContext("user-1")).steps.back();
  EXPECT_EQ(last.step, "default");
  EXPECT_EQ(last.outcome, "decided");
  EXPECT_EQ(last.hash, 1954156369U);
  EXPECT_EQ(last.bucket, 45498U);
  EXPECT_EQ(last.unit, "user-1");
  EXPECT_EQ(last.detail, "serves 'on' by the share of 'targetingKey': SPLIT");
}

TEST(Trace, DoesNotTellAForeignFlagFromOneThatIsNotThere) {
  model::FlagFields foreign = Fields("foreign");
  foreign.tenant_id = "acme";
  model::FlagFields archived = foreign;
  archived.flag_key = "archived";
  archived.state = model::FlagState::kArchived;
  const auto snapshot = SnapshotOf({MakeFlag(foreign), MakeFlag(archived)});
  const std::string text = Explain(*snapshot, "ghost").steps.back().detail;
  for (const std::string flag_key : {"foreign", "archived"}) {
    const Trace trace = Explain(*snapshot, flag_key, MakeContext("u", "globex"));
    ASSERT_EQ(trace.steps.size(), 1U);
    EXPECT_EQ(trace.steps[0].detail, text);
  }
  EXPECT_EQ(Explain(*snapshot, "archived", MakeContext("u", "acme")).steps[0].detail,
            "the flag is archived: FLAG_NOT_FOUND");
}

TEST(Trace, CutsLongValuesBetweenCharacters) {
  model::FlagFields fields = Fields("a");
  std::string long_text;
  for (int i = 0; i < 200; ++i) long_text += "é";
  fields.targeting_rules = {ServeWhen("r", All({Where("x", Operator::kIn, {long_text})}), "on")};
  const Trace trace = Explain(*SnapshotOf({MakeFlag(fields)}), "a", MakeContext("u", {}, {{"x", long_text}}));
  const TraceCondition& condition = trace.steps.back().conditions.at(1);
  EXPECT_LE(condition.seen.size(), 200U);
  EXPECT_TRUE(condition.seen.ends_with("é…"));
  EXPECT_LE(condition.values.size(), 200U);
  EXPECT_TRUE(condition.values.ends_with("é…"));
  EXPECT_TRUE(condition.result);
}

struct LastStep {
  std::string flag_key;
  std::string answer;
  std::string step;
};

model::Flag With(const std::string& key, void (*change)(model::FlagFields&)) {
  model::FlagFields fields = Fields(key);
  change(fields);
  return MakeFlag(fields);
}

// For every way to decide: the last step is the one that decided, and says the same as the answer.
TEST(Trace, EndsWithWhatDecided) {
  Definitions definitions = WithFlags({
      With("static", [](auto&) {}),
      With("archived", [](auto& flag) { flag.state = model::FlagState::kArchived; }),
      With("killed", [](auto& flag) { flag.kill_variation = "on"; }),
      With("disabled", [](auto& flag) { flag.state = model::FlagState::kDisabled; }),
      With("expired", [](auto& flag) { flag.expires_at = kNow; }),
      With("unmet", [](auto& flag) { flag.prerequisites = {{.flag_key = "ghost", .variations = {"on"}}}; }),
      With("cyclic", [](auto& flag) { flag.prerequisites = {{.flag_key = "cyclic2", .variations = {"off"}}}; }),
      With("cyclic2", [](auto& flag) { flag.prerequisites = {{.flag_key = "cyclic", .variations = {"off"}}}; }),
      With("override", [](auto&) {}),
      With("rule",
           [](auto& flag) {
             flag.targeting_rules = {ServeWhen("r", All({Where("tenantId", Operator::kExists, {})}), "off")};
           }),
      With("rule-split",
           [](auto& flag) {
             flag.targeting_rules = {ServeWhen("r", All({Where("tenantId", Operator::kExists, {})}), "off")};
             flag.targeting_rules[0].serve =
                 model::Split{{.variation = "on", .weight = 1}, {.variation = "off", .weight = 1}};
           }),
      With("rollout", [](auto& flag) { flag.rollout_percentage = Percent(100); }),
      With("unitless",
           [](auto& flag) {
             flag.rollout_percentage = Percent(50);
             flag.bucket_by = "nothing";
           }),
  });
  definitions.broken_flags = {{.flag_key = "broken", .error = {.message = "unreadable"}}};
  definitions.overrides = {MakeOverride("override", "acme", "off")};
  definitions.kill_switches = {MakeKillSwitch("flag:killed")};
  const auto snapshot = Snapshot::Build(definitions);
  const std::vector<LastStep> expectations = {
      {"static", "on STATIC", "default() decided: enabled by default: serves 'on': STATIC"},
      {"ghost", "- ERROR FLAG_NOT_FOUND",
       "lookup(ghost) missing: no flag with this key is there for the context's tenant: FLAG_NOT_FOUND"},
      {"archived", "- ERROR FLAG_NOT_FOUND", "lookup(archived) missing: the flag is archived: FLAG_NOT_FOUND"},
      {"killed", "on DISABLED", "killSwitch(flag:killed) decided: the kill switch is engaged: serves 'on'"},
      {"disabled", "- DISABLED", "state(DISABLED) decided: the flag is disabled: no value"},
      {"expired", "off DISABLED", "expiry(2026-11-22T12:00:00.000Z) decided: the flag has expired: serves 'off'"},
      {"broken", "- ERROR PARSE_ERROR",
       "definition(broken) decided: the definition cannot be used: PARSE_ERROR; unreadable"},
      {"unmet", "off PREREQUISITE_FAILED",
       "prerequisite(ghost) decided: needs one of 'on'; the flag is not there: PREREQUISITE_FAILED"},
      {"cyclic", "off PREREQUISITE_FAILED",
       "prerequisite(cyclic2) decided: needs one of 'off'; the flag leads to a cycle or too many prerequisites: "
       "PREREQUISITE_FAILED"},
      {"override", "off TARGETING_MATCH", "override(acme) decided: the tenant's override serves 'off'"},
      {"rule", "off TARGETING_MATCH", "rule(r) matched: serves 'off': TARGETING_MATCH"},
      {"rule-split", "on SPLIT", "rule(r) matched: serves 'on' by the share of 'targetingKey': SPLIT"},
      {"rollout", "on SPLIT", "default() decided: serves 'on', which has the whole weight: SPLIT"},
      {"unitless", "- ERROR TARGETING_KEY_MISSING",
       "default() missing: the context has no text in 'nothing' to choose a share by: TARGETING_KEY_MISSING"}};
  for (const auto& [flag_key, answer, step] : expectations) {
    const model::Context context = MakeContext("user-1", "acme");
    const TraceStep last = Explain(*snapshot, flag_key, context).steps.back();
    EXPECT_EQ(testing::Ask(*snapshot, flag_key, context), answer) << flag_key;
    EXPECT_EQ(last.step + "(" + last.subject + ") " + last.outcome + ": " + last.detail, step);
  }
}

}  // namespace
}  // namespace guidon::eval
