// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/snapshot.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/eval/test_support.hpp"

namespace guidon::eval {
namespace {

using testing::All;
using testing::Any;
using testing::Ask;
using ::testing::ElementsAre;
using testing::Fields;
using ::testing::IsEmpty;
using testing::MakeContext;
using testing::MakeFlag;
using testing::MakeKillSwitch;
using testing::MakeOverride;
using testing::MakeSegment;
using testing::Scope;
using testing::ServeWhen;
using testing::SnapshotOf;
using testing::Where;
using testing::WithFlags;

std::vector<std::string> KeysOf(const Snapshot& snapshot) {
  std::vector<std::string> keys;
  for (const CompiledFlag* flag : snapshot.flags()) keys.emplace_back(KeyOf(*flag));
  return keys;
}

model::Flag BadPattern(const std::string& key, const std::optional<std::string>& tenant_id = std::nullopt) {
  model::FlagFields fields = Fields(key);
  fields.tenant_id = tenant_id;
  fields.version = 2;
  fields.targeting_rules = {ServeWhen("r", All({Where("mail", model::Operator::kMatches, {"("})}), "on")};
  return MakeFlag(fields);
}

TEST(Snapshot, ListsItsFlagsByKey) {
  Definitions definitions = WithFlags({MakeFlag(Fields("b")), MakeFlag(Fields("a")), MakeFlag(Fields("a.b"))});
  definitions.sequence = 7;
  definitions.broken_flags = {{.flag_key = "aa", .error = {.message = "unreadable"}}};
  const auto snapshot = Snapshot::Build(definitions);
  EXPECT_THAT(KeysOf(*snapshot), ElementsAre("a", "a.b", "aa", "b"));
  EXPECT_EQ(snapshot->flag_count(), 4U);
  EXPECT_EQ(snapshot->sequence(), 7U);
  EXPECT_EQ(snapshot->environment(), testing::kEnvironment);
  EXPECT_EQ(snapshot->Find("a"), snapshot->flags()[0]);
  EXPECT_EQ(snapshot->Find("c"), nullptr);
}

TEST(Snapshot, TellsAboutItsFlags) {
  model::FlagFields fields = Fields("a");
  fields.type = model::FlagType::kString;
  fields.client_visible = true;
  fields.variations = {{"x", "1"}, {"y", "2"}};
  fields.default_variation = "x";
  fields.off_variation = "y";
  CompileOptions options;
  options.annotate_flag = [](std::string_view key) { return "<" + std::string(key) + ">"; };
  options.annotate_variation = [](std::string_view name, const model::Value& value) {
    return std::string(name) + "=" + *value.AsString();
  };
  const auto snapshot = Snapshot::Build(WithFlags({MakeFlag(fields)}), options);
  const CompiledFlag& flag = *snapshot->Find("a");
  EXPECT_EQ(KeyOf(flag), "a");
  EXPECT_EQ(TypeOf(flag), model::FlagType::kString);
  EXPECT_TRUE(IsClientVisible(flag));
  EXPECT_EQ(AnnotationOf(flag), "<a>");
  EXPECT_EQ(Evaluate(*snapshot, "a", {}, testing::kNow).variation->annotation, "x=1");
}

TEST(Apply, ChangesWhatItIsToldAndLeavesTheOldSnapshotAlone) {
  const auto first = SnapshotOf({MakeFlag(Fields("a")), MakeFlag(Fields("c")), MakeFlag(Fields("d"))});
  model::FlagFields changed = Fields("c");
  changed.default_enabled = false;
  ChangeSet changes;
  changes.sequence = 8;
  changes.flags = {MakeFlag(changed), MakeFlag(Fields("b")), MakeFlag(Fields("e"))};
  changes.removed_flags = {"a", "not-there"};
  const auto second = first->Apply(changes);
  EXPECT_THAT(KeysOf(*second), ElementsAre("b", "c", "d", "e"));
  EXPECT_EQ(second->sequence(), 8U);
  EXPECT_EQ(Ask(*second, "c"), "off STATIC");
  EXPECT_EQ(Ask(*second, "a"), "- ERROR FLAG_NOT_FOUND");
  EXPECT_EQ(second->Find("d"), first->Find("d")) << "what did not change is shared";
  EXPECT_THAT(KeysOf(*first), ElementsAre("a", "c", "d"));
  EXPECT_EQ(Ask(*first, "c"), "on STATIC");
}

TEST(Apply, RemovesBeforeItAdds) {
  Definitions definitions = WithFlags({MakeFlag(Fields("a"))});
  definitions.overrides = {MakeOverride("a", "acme", "off"), MakeOverride("a", "globex", "off")};
  definitions.kill_switches = {MakeKillSwitch("global")};
  const auto first = Snapshot::Build(definitions);
  ChangeSet changes;
  changes.removed_flags = {"a"};
  changes.flags = {MakeFlag(Fields("a"))};
  changes.overrides = {MakeOverride("a", "acme", "off")};
  changes.released_kill_switches = {Scope("global")};
  changes.kill_switches = {MakeKillSwitch("tenant:initech")};
  const auto second = first->Apply(changes);
  EXPECT_EQ(second->override_count("a"), 1U) << "a removed flag takes its overrides with it";
  EXPECT_EQ(Ask(*second, "a", MakeContext("u", "acme")), "off TARGETING_MATCH");
  EXPECT_EQ(Ask(*second, "a", MakeContext("u", "globex")), "on DEFAULT");
  EXPECT_EQ(Ask(*second, "a", MakeContext("u", "initech")), "off DISABLED");
}

TEST(Overrides, TheItemWinsOverTheFlagsOwnMap) {
  model::FlagFields fields = Fields("a");
  fields.tenant_overrides = {{"acme", true}, {"globex", false}};
  Definitions definitions = WithFlags({MakeFlag(fields)});
  definitions.overrides = {MakeOverride("a", "acme", "off"), MakeOverride("a", "initech", "off")};
  const auto snapshot = Snapshot::Build(definitions);
  EXPECT_EQ(snapshot->OverrideOf("a", "acme"), "off");
  EXPECT_EQ(snapshot->OverrideOf("a", "globex"), "off");
  EXPECT_EQ(snapshot->OverrideOf("a", "hooli"), "");
  EXPECT_EQ(snapshot->override_count("a"), 3U);
  ChangeSet changes;
  changes.removed_overrides = {{"a", "acme"}, {"a", "nobody"}};
  const auto next = snapshot->Apply(changes);
  EXPECT_EQ(next->OverrideOf("a", "acme"), "on") << "the map shows again";
  EXPECT_EQ(next->override_count("a"), 3U);
}

TEST(Overrides, WaitForTheirFlag) {
  Definitions definitions = WithFlags({});
  definitions.overrides = {MakeOverride("late", "acme", "off")};
  const auto first = Snapshot::Build(definitions);
  EXPECT_THAT(KeysOf(*first), IsEmpty());
  EXPECT_EQ(first->override_count("late"), 1U);
  EXPECT_EQ(first->OverrideOf("late", "acme"), "off");
  ChangeSet changes;
  changes.flags = {MakeFlag(Fields("late"))};
  EXPECT_EQ(Ask(*first->Apply(changes), "late", MakeContext("u", "acme")), "off TARGETING_MATCH");
}

TEST(Overrides, SurviveAChangeOfTheFlag) {
  Definitions definitions = WithFlags({MakeFlag(Fields("a"))});
  definitions.overrides = {MakeOverride("a", "acme", "off")};
  ChangeSet changes;
  changes.flags = {MakeFlag(Fields("a"))};
  const auto snapshot = Snapshot::Build(definitions)->Apply(changes);
  EXPECT_EQ(Ask(*snapshot, "a", MakeContext("u", "acme")), "off TARGETING_MATCH");
}

TEST(LastGood, AnswersForADefinitionThatDoesNotCompile) {
  const auto first = SnapshotOf({MakeFlag(Fields("a"))});
  ChangeSet changes;
  changes.flags = {BadPattern("a")};
  const auto second = first->Apply(changes);
  EXPECT_EQ(Ask(*second, "a"), "on STALE");
  EXPECT_TRUE(Evaluate(*second, "a", {}, testing::kNow).stale);
  ASSERT_EQ(second->problems().size(), 1U);
  EXPECT_EQ(second->problems()[0].flag_key, "a");
  EXPECT_EQ(second->problems()[0].error.field, "targetingRules[0].when.all[0].values[0]");
  EXPECT_TRUE(second->problems()[0].stale);

  const auto rebuilt = Snapshot::Build(WithFlags({BadPattern("a")}), *second);
  EXPECT_EQ(Ask(*rebuilt, "a"), "on STALE") << "also when the last good one was stale already";
  EXPECT_EQ(Ask(*Snapshot::Build(WithFlags({BadPattern("a")})), "a"), "- ERROR PARSE_ERROR");

  ChangeSet repair;
  repair.flags = {MakeFlag(Fields("a"))};
  const auto third = second->Apply(repair);
  EXPECT_EQ(Ask(*third, "a"), "on STATIC");
  EXPECT_THAT(third->problems(), IsEmpty());
}

TEST(LastGood, AnswersForAnUnreadableFlagWithItsOverrides) {
  Definitions definitions = WithFlags({MakeFlag(Fields("a"))});
  definitions.overrides = {MakeOverride("a", "acme", "off")};
  const auto first = Snapshot::Build(definitions);
  ChangeSet changes;
  changes.broken_flags = {{.flag_key = "a", .error = {.message = "unreadable"}},
                          {.flag_key = "b", .error = {.message = "unreadable"}}};
  const auto second = first->Apply(changes);
  EXPECT_EQ(Ask(*second, "a", MakeContext("u", "acme")), "off STALE");
  EXPECT_EQ(Ask(*second, "b"), "- ERROR PARSE_ERROR");
  ASSERT_EQ(second->problems().size(), 2U);
  EXPECT_TRUE(second->problems()[0].stale);
  EXPECT_FALSE(second->problems()[1].stale);
  ChangeSet other;
  other.overrides = {MakeOverride("b", "acme", "off")};
  EXPECT_EQ(second->Apply(other)->problems().size(), 2U) << "an override repairs no definition";
  ChangeSet removal;
  removal.removed_flags = {"a", "b"};
  EXPECT_THAT(second->Apply(removal)->problems(), IsEmpty());
}

TEST(LastGood, IsNotOneThatWasRemoved) {
  const auto first = SnapshotOf({MakeFlag(Fields("a"))});
  ChangeSet changes;
  changes.removed_flags = {"a"};
  changes.flags = {BadPattern("a")};
  EXPECT_EQ(Ask(*first->Apply(changes), "a"), "- ERROR PARSE_ERROR");
}

TEST(LastGood, DoesNotOpenAFlagThatNowBelongsToATenant) {
  const auto first = SnapshotOf({MakeFlag(Fields("a"))});
  ChangeSet changes;
  changes.flags = {BadPattern("a", "acme")};
  const auto second = first->Apply(changes);
  EXPECT_EQ(Ask(*second, "a", MakeContext("u", "globex")), "- ERROR FLAG_NOT_FOUND");
  EXPECT_EQ(Ask(*second, "a", MakeContext("u", "acme")), "on STALE");
}

TEST(LastGood, KillAndExpiryOfAStaleFlagKeepTheirReason) {
  model::FlagFields fields = Fields("a");
  fields.expires_at = testing::kNow + std::chrono::hours(1);
  ChangeSet changes;
  changes.flags = {BadPattern("a")};
  const auto stale = SnapshotOf({MakeFlag(fields)})->Apply(changes);
  EXPECT_EQ(Ask(*stale, "a", {}, testing::kNow + std::chrono::hours(1)), "off DISABLED");
  ChangeSet kill;
  kill.kill_switches = {MakeKillSwitch("flag:a")};
  EXPECT_EQ(Ask(*stale->Apply(kill), "a"), "off DISABLED");
}

TEST(LastGood, ASegmentThatDoesNotCompileKeepsItsLastGoodDefinition) {
  model::FlagFields fields = Fields("a");
  fields.default_enabled = false;
  fields.targeting_rules = {ServeWhen("r", All({Where("", model::Operator::kInSegment, {"beta"})}), "on")};
  const auto bad = MakeSegment("beta", {}, {}, Any({Where("mail", model::Operator::kMatches, {"("})}));
  Definitions definitions = WithFlags({MakeFlag(fields)});
  definitions.segments = {MakeSegment("beta", {"u"})};
  const auto first = Snapshot::Build(definitions);
  ChangeSet changes;
  changes.segments = {bad};
  const auto second = first->Apply(changes);
  EXPECT_EQ(Ask(*second, "a", MakeContext("u")), "on TARGETING_MATCH");
  ASSERT_EQ(second->problems().size(), 1U);
  EXPECT_EQ(second->problems()[0].flag_key, "segment:beta");
  EXPECT_EQ(second->problems()[0].error.field, "when.any[0].values[0]");
  EXPECT_TRUE(second->problems()[0].stale);
  definitions.segments = {bad};
  EXPECT_EQ(Ask(*Snapshot::Build(definitions, *first), "a", MakeContext("u")), "on TARGETING_MATCH");
  const auto without = Snapshot::Build(definitions);
  EXPECT_EQ(Ask(*without, "a", MakeContext("u")), "off DEFAULT");
  EXPECT_FALSE(without->problems()[0].stale);
  ChangeSet removal;
  removal.removed_segments = {"beta"};
  const auto third = second->Apply(removal);
  EXPECT_THAT(third->problems(), IsEmpty());
  EXPECT_EQ(Ask(*third, "a", MakeContext("u")), "off DEFAULT");
}

Definitions WithSegment(const model::Segment& segment) {
  model::FlagFields fields = Fields("a");
  fields.default_enabled = false;
  fields.targeting_rules = {ServeWhen("r", All({Where("", model::Operator::kInSegment, {"beta"})}), "on")};
  model::FlagFields out = Fields("b");
  out.default_enabled = false;
  out.targeting_rules = {ServeWhen("r", testing::None({Where("", model::Operator::kInSegment, {"beta"})}), "on")};
  Definitions definitions = WithFlags({MakeFlag(fields), MakeFlag(out)});
  definitions.segments = {segment};
  return definitions;
}

model::Segment WithVersion(const model::Segment& segment, std::uint64_t version) {
  model::SegmentFields fields = *segment;
  fields.version = version;
  return *model::Segment::Create(std::move(fields));
}

TEST(SegmentEdits, ChangeWhatTheyNameAndShareTheRest) {
  const auto first = Snapshot::Build(WithSegment(MakeSegment("beta", {"u", "v"}, {"x"})));
  EXPECT_EQ(first->SegmentVersion("beta"), 1U);
  EXPECT_EQ(first->SegmentVersion("other"), std::nullopt);
  ChangeSet changes;
  changes.segment_edits.push_back({.segment = WithVersion(MakeSegment("beta", {}), 2),
                                   .from_version = 1,
                                   .included_added = {"w", "x"},
                                   .included_removed = {"v"}});
  const auto second = first->Apply(changes);
  EXPECT_EQ(second->SegmentVersion("beta"), 2U);
  EXPECT_EQ(Ask(*second, "a", MakeContext("u")), "on TARGETING_MATCH");
  EXPECT_EQ(Ask(*second, "a", MakeContext("w")), "on TARGETING_MATCH");
  EXPECT_EQ(Ask(*second, "a", MakeContext("v")), "off DEFAULT");
  EXPECT_EQ(Ask(*second, "a", MakeContext("x")), "off DEFAULT");  // still excluded
  EXPECT_EQ(Ask(*first, "a", MakeContext("v")), "on TARGETING_MATCH");
  EXPECT_THAT(second->problems(), IsEmpty());
  // What is there already is left alone, whoever brings it.
  EXPECT_EQ(second->Apply(changes)->SegmentVersion("beta"), 2U);
}

TEST(SegmentEdits, OfAnotherVersionKeepTheLastGoodOneAndAreReported) {
  const auto first = Snapshot::Build(WithSegment(MakeSegment("beta", {"u"})));
  ChangeSet changes;
  changes.segment_edits.push_back(
      {.segment = WithVersion(MakeSegment("beta", {}), 4), .from_version = 3, .included_added = {"w"}});
  const auto second = first->Apply(changes);
  EXPECT_EQ(Ask(*second, "a", MakeContext("u")), "on TARGETING_MATCH");
  EXPECT_EQ(Ask(*second, "a", MakeContext("w")), "off DEFAULT");
  ASSERT_EQ(second->problems().size(), 1U);
  EXPECT_TRUE(second->problems()[0].stale);
}

TEST(BrokenSegments, MatchNobodyWithoutALastGoodDefinition) {
  Definitions definitions = WithSegment(MakeSegment("beta", {"u"}));
  const auto good = Snapshot::Build(definitions);
  EXPECT_EQ(Ask(*good, "b", MakeContext("v")), "on TARGETING_MATCH");
  definitions.segments.clear();
  definitions.broken_segments = {{.segment_key = "beta", .error = {.code = base::ErrorCode::kCorrupt, .message = "m"}}};
  const auto stale = Snapshot::Build(definitions, *good);
  EXPECT_EQ(Ask(*stale, "a", MakeContext("u")), "on TARGETING_MATCH");
  ASSERT_EQ(stale->problems().size(), 1U);
  EXPECT_TRUE(stale->problems()[0].stale);
  const auto without = Snapshot::Build(definitions);
  for (const char* unit : {"u", "v"}) {
    EXPECT_EQ(Ask(*without, "a", MakeContext(unit)), "off DEFAULT") << unit;
    EXPECT_EQ(Ask(*without, "b", MakeContext(unit)), "off DEFAULT") << unit;  // nor does its absence
  }
  EXPECT_FALSE(without->problems()[0].stale);
}

// An empty list would be a smaller audience, or, of excluded keys, a larger one.
TEST(BrokenSegments, SoIsOneThatComesWithoutItsKeys) {
  const auto apart = *model::Segment::Create({.segment_key = "beta",
                                              .environment = "test",
                                              .kept_apart = model::SegmentKeyCounts{.included = 5, .excluded = 1}});
  const auto snapshot = Snapshot::Build(WithSegment(apart));
  ASSERT_EQ(snapshot->problems().size(), 1U);
  EXPECT_EQ(snapshot->problems()[0].error.code, base::ErrorCode::kInternal);
  EXPECT_EQ(Ask(*snapshot, "b", MakeContext("u")), "off DEFAULT");
}

TEST(KillSwitches, AreListedByScope) {
  Definitions definitions = WithFlags({});
  definitions.kill_switches = {MakeKillSwitch("tenant:acme"), MakeKillSwitch("flag:z"), MakeKillSwitch("global"),
                               MakeKillSwitch("owner:team"), MakeKillSwitch("flag:a")};
  const auto snapshot = Snapshot::Build(definitions);
  std::vector<std::string> scopes;
  for (const model::KillSwitch& one : snapshot->kill_switches()) scopes.push_back(one->scope.Text());
  EXPECT_THAT(scopes, ElementsAre("flag:a", "flag:z", "global", "owner:team", "tenant:acme"));
  ChangeSet changes;
  for (const std::string& scope : scopes) changes.released_kill_switches.push_back(Scope(scope));
  EXPECT_THAT(snapshot->Apply(changes)->kill_switches(), IsEmpty());
}

// Every single change that can change an answer makes another fingerprint.
TEST(Fingerprint, DiffersBetweenAnyTwoDefinitions) {
  using Change = void (*)(model::FlagFields&);
  const std::vector<Change> changes = {
      [](auto&) {},
      [](auto& flag) { flag.version = 2; },
      [](auto& flag) { flag.owner = "team-b"; },
      [](auto& flag) { flag.tenant_id = "acme"; },
      [](auto& flag) {
        flag.type = model::FlagType::kString;
        flag.variations = {{"on", "1"}, {"off", "0"}};
        flag.default_variation = "on";
        flag.off_variation = "off";
      },
      [](auto& flag) {
        flag.type = model::FlagType::kString;
        flag.variations = {{"on", "1"}, {"off", "00"}};
        flag.default_variation = "on";
        flag.off_variation = "off";
      },
      [](auto& flag) { flag.state = model::FlagState::kDisabled; },
      [](auto& flag) { flag.client_visible = true; },
      [](auto& flag) { flag.default_enabled = false; },
      [](auto& flag) { flag.default_variation = "off"; },
      [](auto& flag) { flag.off_variation = "on"; },
      [](auto& flag) { flag.kill_variation = "on"; },
      [](auto& flag) { flag.kill_variation = "off"; },
      [](auto& flag) { flag.rollout_percentage = testing::Percent(1); },
      [](auto& flag) { flag.rollout_percentage = testing::Percent(2); },
      [](auto& flag) { flag.rollout_salt = "x"; },
      [](auto& flag) { flag.bucket_by = "x"; },
      [](auto& flag) { flag.expires_at = testing::kNow; },
      [](auto& flag) { flag.tenant_overrides = {{"acme", true}}; },
      [](auto& flag) { flag.tenant_overrides = {{"acme", false}}; },
      [](auto& flag) { flag.prerequisites = {{.flag_key = "b", .variations = {"on"}}}; },
      [](auto& flag) { flag.prerequisites = {{.flag_key = "b", .variations = {"off"}}}; },
      [](auto& flag) { flag.targeting_rules = {ServeWhen("r", All({Where("x", model::Operator::kIn, {"1"})}), "on")}; },
      [](auto& flag) { flag.targeting_rules = {ServeWhen("r", All({Where("x", model::Operator::kIn, {1})}), "on")}; },
      [](auto& flag) {
        flag.targeting_rules = {ServeWhen("r", All({Where("x", model::Operator::kNotIn, {1})}), "on")};
      },
      [](auto& flag) { flag.targeting_rules = {ServeWhen("r", Any({Where("x", model::Operator::kIn, {1})}), "on")}; },
      [](auto& flag) { flag.targeting_rules = {ServeWhen("r", All({Where("y", model::Operator::kIn, {1})}), "on")}; },
      [](auto& flag) { flag.targeting_rules = {ServeWhen("r", All({Where("x", model::Operator::kIn, {1})}), "off")}; },
      [](auto& flag) { flag.targeting_rules = {ServeWhen("s", All({Where("x", model::Operator::kIn, {1})}), "on")}; },
      [](auto& flag) {
        flag.targeting_rules = {ServeWhen("r", All({Where("x", model::Operator::kIn, {1})}), "on")};
        flag.targeting_rules[0].starts_at = testing::kNow;
      },
      [](auto& flag) {
        flag.targeting_rules = {ServeWhen("r", All({Where("x", model::Operator::kIn, {1})}), "on")};
        flag.targeting_rules[0].ends_at = testing::kNow;
      },
  };
  std::set<std::uint64_t> fingerprints;
  for (const Change change : changes) {
    model::FlagFields fields = Fields("a");
    change(fields);
    const auto flag = MakeFlag(fields);
    const std::uint64_t fingerprint = FingerprintOf(*SnapshotOf({flag})->Find("a"));
    EXPECT_EQ(fingerprint, FingerprintOf(*SnapshotOf({flag})->Find("a")));
    EXPECT_TRUE(fingerprints.insert(fingerprint).second) << fingerprints.size();
  }
}

TEST(Fingerprint, CoversOverridesWhateverTheirOrder) {
  const auto with = [](std::vector<model::Override> overrides) {
    Definitions definitions = WithFlags({MakeFlag(Fields("a"))});
    definitions.overrides = std::move(overrides);
    return FingerprintOf(*Snapshot::Build(definitions)->Find("a"));
  };
  const auto acme = MakeOverride("a", "acme", "on");
  const auto globex = MakeOverride("a", "globex", "off");
  EXPECT_EQ(with({acme, globex}), with({globex, acme}));
  EXPECT_EQ(with({acme}), with({MakeOverride("a", "acme", "off"), acme})) << "replaced, not added";
  EXPECT_NE(with({acme}), with({}));
  EXPECT_NE(with({acme}), with({MakeOverride("a", "acme", "off")}));
}

// Entity tags outlive the process, so these numbers never change without a reason.
TEST(Fingerprint, IsTheSameAfterARestart) {
  EXPECT_EQ(FingerprintOf(*SnapshotOf({MakeFlag(Fields("a"))})->Find("a")), 13314008038376620241U);
}

TEST(FindPrerequisiteCycle, NamesTheFlagsAlongTheCycle) {
  const auto requiring = [](const std::string& key, const std::vector<std::string>& others) {
    model::FlagFields fields = Fields(key);
    for (const std::string& other : others) fields.prerequisites.push_back({.flag_key = other, .variations = {"on"}});
    return MakeFlag(fields);
  };
  const auto snapshot =
      SnapshotOf({requiring("a", {}), requiring("b", {"c", "a"}), requiring("c", {"a", "d"}), requiring("d", {})});
  EXPECT_THAT(FindPrerequisiteCycle(*snapshot, requiring("a", {"d"})), IsEmpty());
  EXPECT_THAT(FindPrerequisiteCycle(*snapshot, requiring("new", {"b", "c", "not-there"})), IsEmpty());
  EXPECT_THAT(FindPrerequisiteCycle(*snapshot, requiring("a", {"d", "b"})), ElementsAre("a", "b", "c"));
  EXPECT_THAT(FindPrerequisiteCycle(*snapshot, requiring("c", {"d", "b"})), ElementsAre("c", "b"));
}

}  // namespace
}  // namespace guidon::eval
