// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "guidon/eval/compiled_condition.hpp"
#include "guidon/eval/test_generators.hpp"

namespace guidon::eval {
namespace {

using model::Operator;
using testing::All;
using testing::Any;
using testing::AnyContext;
using testing::AnyFlagKey;
using testing::Ask;
using testing::Fields;
using testing::kNow;
using testing::MakeContext;
using testing::MakeFlag;
using testing::MakeSegment;
using testing::Percent;
using testing::ServeWhen;
using testing::SnapshotOf;
using testing::Where;

RC_GTEST_PROP(Evaluate, GivesTheSameAnswerTwiceAndWithATrace, ()) {
  const Definitions definitions = testing::AnyDefinitions();
  const auto snapshot = Snapshot::Build(definitions);
  const auto twin = Snapshot::Build(definitions);
  const model::Context context = AnyContext();
  const std::string flag_key = AnyFlagKey();
  const std::string answer = Ask(*snapshot, flag_key, context);
  Trace trace;
  RC_ASSERT(testing::Brief(Evaluate(*snapshot, flag_key, context, kNow, &trace)) == answer);
  RC_ASSERT(Ask(*snapshot, flag_key, context) == answer);
  RC_ASSERT(Ask(*twin, flag_key, context) == answer);
  RC_ASSERT(!trace.steps.empty());
  const std::string& outcome = trace.steps.back().outcome;
  RC_ASSERT(outcome == "decided" || outcome == "matched" || outcome == "missing");
  RC_ASSERT((outcome == "missing") == (answer.ends_with("FLAG_NOT_FOUND") || answer.ends_with("KEY_MISSING")));
}

RC_GTEST_PROP(Evaluate, AnAttributeThatNoRuleNamesChangesNothing, (const std::string& value)) {
  const auto snapshot = Snapshot::Build(testing::AnyDefinitions());
  const model::Context context = AnyContext();
  model::Context::Fields more;
  if (context.targeting_key() != nullptr) more.targeting_key = *context.targeting_key();
  if (context.tenant_id() != nullptr) more.tenant_id = *context.tenant_id();
  more.attributes = context.attributes();
  more.attributes.Set("unrelated", static_cast<std::int64_t>(value.size()));
  const std::string flag_key = AnyFlagKey();
  RC_ASSERT(Ask(*snapshot, flag_key, context) == Ask(*snapshot, flag_key, testing::Must(model::Context::Create(more))));
}

// Flags evaluated together share what they learn of the context: attributes, segments.
RC_GTEST_PROP(Evaluate, TogetherAnswersAsOneByOne, ()) {
  const auto snapshot = Snapshot::Build(testing::AnyDefinitions());
  const model::Context context = AnyContext();
  std::vector<const CompiledFlag*> flags;
  for (const CompiledFlag* flag : snapshot->flags()) flags.push_back(flag);
  std::vector<Evaluation> answers;
  EvaluateAll(*snapshot, flags, context, kNow, answers);
  RC_ASSERT(answers.size() == flags.size());
  for (std::size_t i = 0; i < flags.size(); ++i) {
    const Evaluation alone = Evaluate(*snapshot, *flags[i], context, kNow);
    RC_ASSERT(testing::Brief(answers[i]) == testing::Brief(alone));
    RC_ASSERT(answers[i].rule_id == alone.rule_id);
  }
}

// The rules are made of the same few conditions, which an evaluation decides only once: each must answer as it does
// alone. More distinct ones than have a number are among them.
RC_GTEST_PROP(Evaluate, ConditionsThatRulesShareAnswerAsTheyDoAlone, ()) {
  std::vector<model::ConditionNode> pool;
  for (int i = 0; i < 80; ++i) pool.emplace_back(Where("seats", Operator::kGt, {i % 12 + i / 40}));
  for (int i = 0; i < 5; ++i) pool.emplace_back(testing::AnyCondition(false));
  const auto draw_group = [&] {
    std::vector<model::ConditionNode> children;
    for (int count = testing::Pick(4) + 1; count > 0; --count)
      children.push_back(pool[static_cast<std::size_t>(testing::Pick(static_cast<int>(pool.size())))]);
    return testing::Chance(3)   ? All({testing::None(std::move(children)), pool.back()})
           : testing::Chance(2) ? Any(std::move(children))
                                : All(std::move(children));
  };
  model::FlagFields fields = Fields("together");
  fields.default_enabled = false;
  std::vector<model::Flag> flags;
  for (int i = 0; i < 40; ++i) {
    fields.targeting_rules.push_back(ServeWhen("r" + std::to_string(i), draw_group(), i % 2 == 0 ? "on" : "off"));
    model::FlagFields alone = Fields("alone-" + std::to_string(i));
    alone.default_enabled = false;
    alone.targeting_rules = {fields.targeting_rules.back()};
    flags.push_back(MakeFlag(std::move(alone)));
  }
  flags.push_back(MakeFlag(std::move(fields)));
  const auto snapshot = SnapshotOf(std::move(flags));
  for (int i = 0; i < 20; ++i) {
    const model::Context context = AnyContext();
    std::string expected = "off DEFAULT";
    for (int rule = 0; rule < 40 && expected == "off DEFAULT"; ++rule)
      expected = Ask(*snapshot, "alone-" + std::to_string(rule), context);
    RC_ASSERT(Ask(*snapshot, "together", context) == expected);
  }
}

model::Flag Rollout(double percent, const std::string& salt) {
  model::FlagFields fields = Fields("rollout");
  fields.rollout_salt = salt;
  fields.rollout_percentage = Percent(percent);
  return MakeFlag(std::move(fields));
}

RC_GTEST_PROP(Rollout, RaisingThePercentageKeepsEverybody, ()) {
  const std::string salt = "salt-" + std::to_string(testing::Pick(1000));
  const int low = testing::Pick(100'001);
  const int high = low + testing::Pick(100'001 - low);
  const auto before = SnapshotOf({Rollout(low / 1000.0, salt)});
  const auto after = SnapshotOf({Rollout(high / 1000.0, salt)});
  for (int i = 0; i < 200; ++i) {
    const model::Context context = MakeContext("user-" + std::to_string(i));
    if (Ask(*before, "rollout", context) == "on SPLIT") RC_ASSERT(Ask(*after, "rollout", context) == "on SPLIT");
  }
}

// `when` must match nobody at all.
void CheckMatchesNobody(const model::ConditionGroup& when, std::vector<model::Segment> segments = {}) {
  model::FlagFields fields = Fields("flag");
  fields.default_enabled = false;
  fields.targeting_rules = {ServeWhen("rule", when, "on")};
  Definitions definitions = testing::WithFlags({MakeFlag(std::move(fields))});
  definitions.segments = std::move(segments);
  const auto snapshot = Snapshot::Build(std::move(definitions));
  for (int i = 0; i < 5; ++i) RC_ASSERT(Ask(*snapshot, "flag", AnyContext()) == "off DEFAULT");
}

RC_GTEST_PROP(Conditions, AnEmptyListOfValuesMatchesNobody, ()) {
  auto op = static_cast<Operator>(testing::Pick(static_cast<int>(model::kOperatorCount)));
  if (op == Operator::kExists) op = Operator::kIn;
  const std::vector<std::string> attributes = {"targetingKey", "tenantId", "plan", "seats"};
  const std::string attribute =
      op == Operator::kInSegment ? "" : attributes[static_cast<std::size_t>(testing::Pick(4))];
  CheckMatchesNobody(All({Where(attribute, op, {})}));
}

RC_GTEST_PROP(Conditions, NoEmptyGroupMatchesAnybody, ()) {
  CheckMatchesNobody(testing::Chance(2) ? Any({}) : testing::None({}));
  CheckMatchesNobody(All({Any({})}));
}

RC_GTEST_PROP(Conditions, AnEmptyOrUnknownSegmentMatchesNobody, ()) {
  CheckMatchesNobody(All({Where("", Operator::kInSegment, {"empty"})}), {MakeSegment("empty", {})});
  CheckMatchesNobody(All({Where("", Operator::kInSegment, {"unknown"})}));
  CheckMatchesNobody(testing::None({Where("", Operator::kInSegment, {"unknown"})}));
}

// An operator of a newer version: no flag can be made with it, nothing compiles with it however deep it lies, and the
// item that holds it answers without a value.
RC_GTEST_PROP(Conditions, AnUnknownOperatorNeverMatches, ()) {
  const auto unknown = static_cast<Operator>(static_cast<int>(model::kOperatorCount) + testing::Pick(200));
  model::ConditionGroup group = testing::AnyGroup(false);
  const auto at = group.children.begin() + testing::Pick(static_cast<int>(group.children.size()) + 1);
  group.children.insert(at, Where("plan", unknown, {"pro"}));
  for (int depth = testing::Pick(4); depth > 0; --depth) group = testing::Chance(2) ? Any({group}) : All({group});
  AttributeSlots slots;
  const auto compiled = CompileConditions(group, slots);
  RC_ASSERT(!compiled);
  RC_ASSERT(compiled.error().code == base::ErrorCode::kUnsupported);
  RC_ASSERT(compiled.error().field.ends_with(".operator"));
  model::FlagFields fields = Fields("flag");
  fields.targeting_rules = {ServeWhen("rule", group, "on")};
  RC_ASSERT(!model::Flag::Create(fields));

  Definitions definitions = testing::AnyDefinitions();
  definitions.kill_switches.clear();
  definitions.broken_flags = {{.flag_key = "newer", .error = compiled.error()}};
  const auto snapshot = Snapshot::Build(std::move(definitions));
  RC_ASSERT(Ask(*snapshot, "newer", AnyContext()) == "- ERROR PARSE_ERROR");
}

// Fixed units, so the counts are facts, not chances: with a fair hash the share of 10,000 units is within five standard
// deviations of the weight.
TEST(Rollout, SpreadsUnitsByWeight) {
  constexpr int kUnits = 10'000;
  for (const std::string salt : {"checkout", "search", "x"}) {
    for (const double percent : {0.5, 10.0, 50.0, 90.0}) {
      const auto snapshot = SnapshotOf({Rollout(percent, salt)});
      int on = 0;
      for (int i = 0; i < kUnits; ++i)
        on += Ask(*snapshot, "rollout", MakeContext("user-" + std::to_string(i))) == "on SPLIT" ? 1 : 0;
      const double share = percent / 100;
      EXPECT_NEAR(on, kUnits * share, 5 * std::sqrt(kUnits * share * (1 - share))) << salt << " " << percent;
    }
  }
}

// Two flags do not put the same users into their first half.
TEST(Rollout, IsIndependentBetweenFlags) {
  constexpr int kUnits = 10'000;
  const auto first = SnapshotOf({Rollout(50, "first")});
  const auto second = SnapshotOf({Rollout(50, "second")});
  int both = 0;
  for (int i = 0; i < kUnits; ++i) {
    const model::Context context = MakeContext("user-" + std::to_string(i));
    both += Ask(*first, "rollout", context) == "on SPLIT" && Ask(*second, "rollout", context) == "on SPLIT" ? 1 : 0;
  }
  EXPECT_NEAR(both, kUnits * 0.25, 5 * std::sqrt(kUnits * 0.25 * 0.75));
}

}  // namespace
}  // namespace guidon::eval
