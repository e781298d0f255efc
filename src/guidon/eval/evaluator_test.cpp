// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/evaluator.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/eval/test_support.hpp"

// The order of spec 3 and what each step answers is in conformance/eval; here is what that data cannot say.
namespace guidon::eval {
namespace {

using testing::All;
using testing::Ask;
using testing::Fields;
using testing::kNow;
using testing::MakeContext;
using testing::MakeFlag;
using testing::MakeKillSwitch;
using testing::MakeOverride;
using testing::ServeWhen;
using testing::SnapshotOf;
using testing::Where;
using testing::WithFlags;

TEST(Evaluate, AnswersWithTheFlagAndItsVariation) {
  const auto snapshot = SnapshotOf({MakeFlag(Fields("a"))});
  const Evaluation answer = Evaluate(*snapshot, "a", {}, kNow);
  EXPECT_EQ(answer.flag, snapshot->Find("a"));
  ASSERT_NE(answer.variation, nullptr);
  EXPECT_EQ(answer.variation->value, model::Value(true));
  EXPECT_EQ(answer.reason, model::Reason::kStatic);
  EXPECT_FALSE(answer.expired);
  EXPECT_FALSE(answer.stale);
  EXPECT_EQ(answer.kill_switch, "");
  EXPECT_EQ(answer.rule_id, "");
}

TEST(Evaluate, AFlagThatIsNotFoundIsNotNamed) {
  model::FlagFields owned = Fields("owned");
  owned.tenant_id = "acme";
  model::FlagFields archived = Fields("archived");
  archived.state = model::FlagState::kArchived;
  const auto snapshot = SnapshotOf({MakeFlag(owned), MakeFlag(archived)});
  for (const std::string flag_key : {"owned", "archived", "ghost"}) {
    const Evaluation answer = Evaluate(*snapshot, flag_key, MakeContext("u", "globex"), kNow);
    EXPECT_EQ(answer.flag, nullptr) << flag_key;
    EXPECT_EQ(answer.variation, nullptr) << flag_key;
    EXPECT_EQ(answer.error, model::EvaluationError::kFlagNotFound) << flag_key;
  }
}

TEST(Evaluate, RulesAreActiveFromTheirStartUntilBeforeTheirEnd) {
  using std::chrono::milliseconds;
  model::FlagFields fields = Fields("a");
  fields.default_enabled = false;
  model::Rule rule;
  rule.id = "launch";
  rule.everyone = true;
  rule.serve = "on";
  rule.starts_at = kNow;
  rule.ends_at = kNow + milliseconds(10);
  fields.targeting_rules = {rule};
  const auto snapshot = SnapshotOf({MakeFlag(fields)});
  EXPECT_EQ(Ask(*snapshot, "a", {}, kNow - milliseconds(1)), "off DEFAULT");
  EXPECT_EQ(Ask(*snapshot, "a", {}, kNow), "on TARGETING_MATCH");
  EXPECT_EQ(Ask(*snapshot, "a", {}, kNow + milliseconds(9)), "on TARGETING_MATCH");
  EXPECT_EQ(Ask(*snapshot, "a", {}, kNow + milliseconds(10)), "off DEFAULT");
}

TEST(Evaluate, AFlagExpiresAtItsTime) {
  model::FlagFields fields = Fields("a");
  fields.expires_at = kNow;
  const auto snapshot = SnapshotOf({MakeFlag(fields)});
  EXPECT_EQ(Ask(*snapshot, "a", {}, kNow - std::chrono::milliseconds(1)), "on STATIC");
  EXPECT_EQ(Ask(*snapshot, "a", {}, kNow), "off DISABLED");
}

// Saving refuses cycles; a hand-edited table can hold one all the same.
TEST(Evaluate, APrerequisiteCycleFailsWhicheverFlagIsAsked) {
  const auto requiring = [](const std::string& key, const std::string& other, const std::string& variation) {
    model::FlagFields fields = Fields(key);
    fields.prerequisites = {{.flag_key = other, .variations = {variation}}};
    return MakeFlag(fields);
  };
  for (const std::string variation : {"on", "off"}) {
    const auto snapshot = SnapshotOf({requiring("a", "b", variation), requiring("b", "c", variation),
                                      requiring("c", "a", variation), requiring("outside", "a", variation)});
    for (const std::string key : {"a", "b", "c", "outside"})
      EXPECT_EQ(Ask(*snapshot, key), "off PREREQUISITE_FAILED") << key << " " << variation;
  }
}

std::vector<model::Flag> PrerequisiteChain(int length) {
  std::vector<model::Flag> flags;
  for (int i = 0; i < length; ++i) {
    model::FlagFields fields = Fields("f" + std::to_string(i));
    if (i + 1 < length) fields.prerequisites = {{.flag_key = "f" + std::to_string(i + 1), .variations = {"on"}}};
    flags.push_back(MakeFlag(fields));
  }
  return flags;
}

TEST(Evaluate, PrerequisitesAreFollowedToANamedDepth) {
  EXPECT_EQ(Ask(*SnapshotOf(PrerequisiteChain(33)), "f0"), "on DEFAULT");
  EXPECT_EQ(Ask(*SnapshotOf(PrerequisiteChain(34)), "f0"), "off PREREQUISITE_FAILED");
}

TEST(Evaluate, PrerequisitesThatFanOutStayBounded) {
  // 5^10 paths lead down; without a bound this test would not end.
  constexpr int kWidth = 5;
  constexpr int kLevels = 10;
  std::vector<model::Flag> flags;
  const auto key = [](int level, int i) { return "l" + std::to_string(level) + "-" + std::to_string(i); };
  for (int level = 0; level < kLevels; ++level) {
    for (int i = 0; i < kWidth; ++i) {
      model::FlagFields fields = Fields(key(level, i));
      for (int j = 0; level + 1 < kLevels && j < kWidth; ++j)
        fields.prerequisites.push_back({.flag_key = key(level + 1, j), .variations = {"on"}});
      flags.push_back(MakeFlag(fields));
    }
  }
  const auto snapshot = SnapshotOf(flags);
  EXPECT_EQ(Ask(*snapshot, key(0, 0)), "off PREREQUISITE_FAILED");
  EXPECT_EQ(Ask(*snapshot, key(kLevels - 3, 0)), "on DEFAULT");
}

TEST(Evaluate, AnOverrideWhoseVariationIsGoneDoesNotApply) {
  Definitions definitions = WithFlags({MakeFlag(Fields("a"))});
  definitions.overrides = {MakeOverride("a", "acme", "blue")};
  const auto snapshot = Snapshot::Build(definitions);
  EXPECT_EQ(Ask(*snapshot, "a", MakeContext("u", "acme")), "on DEFAULT");
}

TEST(Evaluate, ARuleWithABadPatternBreaksOnlyItsOwnFlag) {
  model::FlagFields fields = Fields("bad");
  fields.targeting_rules = {ServeWhen("r", All({Where("mail", model::Operator::kMatches, {"("})}), "on")};
  const auto snapshot = SnapshotOf({MakeFlag(fields), MakeFlag(Fields("good"))});
  EXPECT_EQ(Ask(*snapshot, "bad"), "- ERROR PARSE_ERROR");
  EXPECT_EQ(Ask(*snapshot, "good"), "on STATIC");
  EXPECT_NE(Evaluate(*snapshot, "bad", {}, kNow).flag, nullptr);
}

TEST(Evaluate, AKillSwitchHoldsForABrokenFlagToo) {
  Definitions definitions = WithFlags({});
  definitions.broken_flags = {{.flag_key = "bad", .error = {.message = "unreadable"}}};
  definitions.kill_switches = {MakeKillSwitch("flag:bad")};
  const auto snapshot = Snapshot::Build(definitions);
  const Evaluation answer = Evaluate(*snapshot, "bad", {}, kNow);
  EXPECT_EQ(testing::Brief(answer), "- DISABLED");
  EXPECT_EQ(answer.kill_switch, "flag:bad");
}

TEST(Evaluate, ABrokenFlagOfAnotherTenantIsNotFound) {
  Definitions definitions = WithFlags({});
  definitions.broken_flags = {{.flag_key = "bad", .error = {.message = "unreadable"}, .tenant_id = "acme"}};
  const auto snapshot = Snapshot::Build(definitions);
  EXPECT_EQ(Ask(*snapshot, "bad", MakeContext("u", "acme")), "- ERROR PARSE_ERROR");
  EXPECT_EQ(Ask(*snapshot, "bad", MakeContext("u", "globex")), "- ERROR FLAG_NOT_FOUND");
  EXPECT_EQ(Ask(*snapshot, "bad"), "- ERROR FLAG_NOT_FOUND");
}

}  // namespace
}  // namespace guidon::eval
