// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gmock/gmock.h>

#include "support.hpp"

namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class Flags : public ::testing::Test {
 protected:
  World world;
  FlagService& flags = world.app->flags();
  const model::Environment development = Env("development");

  std::vector<std::string> KeysOf(const FlagFilter& filter, const RequestInfo& request) {
    std::vector<std::string> keys;
    store::PageRequest page{.limit = 3, .cursor = {}};
    while (true) {
      auto found = Must(flags.List(request, development, filter, page));
      EXPECT_LE(found.items.size(), page.limit);
      for (const auto& flag : found.items) keys.push_back(flag->flag_key);
      if (!found.next_cursor) return keys;
      page.cursor = *found.next_cursor;
    }
  }
};

TEST_F(Flags, CreateSetsWhatTheServerSetsAndIsEvaluatedAtOnce) {
  model::FlagFields fields = World::Boolean("new-checkout");
  fields.version = 77;
  fields.updated_by = "somebody else";
  fields.created_at = base::Timestamp{};
  const auto created = Must(flags.Create(world.Admin(), fields));
  EXPECT_EQ(created.sequence, 1U);
  EXPECT_FALSE(created.replayed);
  EXPECT_EQ(created.entity->version, 1U);
  EXPECT_EQ(created.entity->updated_by, "admin");
  EXPECT_EQ(created.entity->created_at, world.clock.Now());
  EXPECT_EQ(created.entity->updated_at, world.clock.Now());
  EXPECT_EQ(world.Evaluate("new-checkout"), "on");
  EXPECT_EQ(world.GetFlag("new-checkout"), created.entity);
  EXPECT_EQ(world.Snapshot()->sequence(), 1U);
}

TEST_F(Flags, CreateOfAnExistingFlagChangesNothing) {
  const model::Flag first = world.CreateFlag("f");
  model::FlagFields second = World::Boolean("f");
  second.default_enabled = false;
  EXPECT_EQ(MustFail(flags.Create(world.Admin(), second)).code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(world.GetFlag("f"), first);
  EXPECT_EQ(world.Evaluate("f"), "on");
  EXPECT_THAT(world.Changes(), SizeIs(1));
}

TEST_F(Flags, AnUnknownEnvironmentIsNamed) {
  const base::Error error = MustFail(flags.Create(world.Admin(), World::Boolean("f", "nowhere")));
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.field, "environment");
  EXPECT_EQ(MustFail(flags.Get(world.Admin(), Env("nowhere"), Flag("f"))).field, "environment");
  EXPECT_EQ(MustFail(flags.List(world.Admin(), Env("nowhere"), {}, {})).field, "environment");
}

TEST_F(Flags, WhatIsInvalidIsRefusedBeforeAnythingIsWritten) {
  model::FlagFields fields = World::Boolean("f");
  fields.default_variation = "maybe";
  EXPECT_EQ(MustFail(flags.Create(world.Admin(), fields)).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(world.table.transactions(), 0);
}

TEST_F(Flags, GetOfAnUnknownFlagIsNotFound) {
  EXPECT_EQ(MustFail(flags.Get(world.Admin(), development, Flag("nothing"))).code, ErrorCode::kNotFound);
}

TEST_F(Flags, ReplaceCountsTheVersionAndKeepsTheCreation) {
  const model::Flag first = world.CreateFlag("f");
  world.clock.Advance(std::chrono::seconds{5});
  model::FlagFields fields = World::Boolean("f");
  fields.default_enabled = false;
  const auto replaced = Must(flags.Replace(world.Admin(), fields, Version(1)));
  EXPECT_EQ(replaced.entity->version, 2U);
  EXPECT_EQ(replaced.entity->created_at, first->created_at);
  EXPECT_EQ(replaced.entity->updated_at, world.clock.Now());
  EXPECT_EQ(replaced.sequence, 2U);
  EXPECT_EQ(world.Evaluate("f"), "off");
}

TEST_F(Flags, ReplaceNeedsToKnowWhatItReplaces) {
  world.CreateFlag("f");
  const base::Error missing = MustFail(flags.Replace(world.Admin(), World::Boolean("f"), {}));
  EXPECT_EQ(missing.code, ErrorCode::kPreconditionRequired);
  EXPECT_EQ(missing.field, "If-Match");

  const base::Error stale = MustFail(flags.Replace(world.Admin(), World::Boolean("f"), Version(9)));
  EXPECT_EQ(stale.code, ErrorCode::kConflict);
  EXPECT_EQ(stale.field, "If-Match");
  EXPECT_EQ(stale.current_version, 1U);
  EXPECT_EQ(world.GetFlag("f")->version, 1U);

  EXPECT_EQ(Must(flags.Replace(world.Admin(), World::Boolean("f"), Any())).entity->version, 2U);
  EXPECT_EQ(MustFail(flags.Replace(world.Admin(), World::Boolean("g"), Any())).code, ErrorCode::kNotFound);
}

TEST_F(Flags, TheConditionInTheStoreCatchesWhoComesBetweenReadingAndWriting) {
  world.CreateFlag("f");
  const auto other = world.NewNode(world.memory);
  bool once = true;
  world.table.OnTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    if (std::exchange(once, false)) Must(other->flags().Replace(world.Admin(), World::Boolean("f"), Version(1)));
    return std::nullopt;
  });
  const base::Error error = MustFail(flags.Replace(world.Admin(), World::Boolean("f"), Version(1)));
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_EQ(error.current_version, 2U);

  once = true;
  world.table.OnTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    if (std::exchange(once, false)) Must(other->flags().Delete(world.Admin(), Env("development"), Flag("f"), Any()));
    return std::nullopt;
  });
  EXPECT_EQ(MustFail(flags.Replace(world.Admin(), World::Boolean("f"), Version(2))).code, ErrorCode::kNotFound);
}

TEST_F(Flags, WhoTakesAnyVersionIsTriedAgainAfterALostRace) {
  world.CreateFlag("f");
  const auto other = world.NewNode(world.memory);
  int races = 3;
  world.table.OnTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    if (races-- > 0) Must(other->flags().Replace(world.Admin(), World::Boolean("f"), Any()));
    return std::nullopt;
  });
  EXPECT_EQ(
      Must(flags.Patch(world.Admin(), development, Flag("f"), Json(R"({"description":"d"})"), Any())).entity->version,
      5U);
}

TEST_F(Flags, PatchMergesAndRefusesWhatItMustNotChange) {
  model::FlagFields fields = World::Boolean("f");
  fields.tags = {"a", "b"};
  fields.description = "before";
  world.CreateFlag(fields);
  const auto patched = Must(flags.Patch(world.Admin(), development, Flag("f"),
                                        Json(R"({"description":null,"tags":["c"],"version":50})"), Version(1)));
  EXPECT_EQ(patched.entity->description, "");
  EXPECT_THAT(patched.entity->tags, ElementsAre("c"));
  EXPECT_EQ(patched.entity->owner, "team-a");
  EXPECT_EQ(patched.entity->version, 2U);

  const auto patch = [&](std::string_view text) {
    return MustFail(flags.Patch(world.Admin(), development, Flag("f"), Json(text), Any()));
  };
  EXPECT_EQ(patch("[]").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(patch(R"({"flagKey":"g"})").field, "flagKey");
  EXPECT_EQ(patch(R"({"environment":"production"})").field, "environment");
  EXPECT_EQ(patch(R"({"nonsense":1})").field, "nonsense");
  EXPECT_EQ(patch(R"({"rolloutPercentage":101})").field, "rolloutPercentage");
  EXPECT_EQ(MustFail(flags.Patch(world.Admin(), development, Flag("f"), Json("{}"), {})).code,
            ErrorCode::kPreconditionRequired);
  EXPECT_EQ(world.GetFlag("f")->version, 2U);
}

TEST_F(Flags, ArchiveTakesTheFlagAwayAndTwiceIsFine) {
  world.CreateFlag("f");
  const auto archived = Must(flags.Archive(world.Admin(), development, Flag("f"), {}));
  EXPECT_EQ(archived.entity->state, model::FlagState::kArchived);
  EXPECT_EQ(archived.entity->version, 2U);
  EXPECT_EQ(world.Evaluate("f"), "FLAG_NOT_FOUND");
  EXPECT_EQ(Must(flags.Archive(world.Admin(), development, Flag("f"), {})).entity->version, 2U);
  EXPECT_THAT(world.Changes(), SizeIs(2));
  EXPECT_EQ(MustFail(flags.Archive(world.Admin(), development, Flag("f"), Version(1))).current_version, 2U);
}

TEST_F(Flags, DeleteTakesTheOverridesWithItForGood) {
  world.CreateFlag("f");
  Must(world.app->overrides().Set(world.Admin(), development, Flag("f"), Tenant("acme"), {.enabled = false}));
  ASSERT_EQ(world.Evaluate("f", "acme"), "off");
  const auto removed = Must(flags.Delete(world.Admin(), development, Flag("f"), {}));
  EXPECT_EQ(removed.sequence, 3U);
  EXPECT_EQ(world.Evaluate("f", "acme"), "FLAG_NOT_FOUND");
  EXPECT_EQ(Must(world.memory.Get(store::OverrideItemKey(development, Flag("f"), Tenant("acme")),
                                  store::Consistency::kStrong))
                .item,
            std::nullopt);

  world.clock.Advance(std::chrono::milliseconds{1});
  world.CreateFlag("f");
  EXPECT_EQ(world.Evaluate("f", "acme"), "on");
  world.Restart();
  EXPECT_EQ(world.Evaluate("f", "acme"), "on");
}

TEST_F(Flags, OverridesThatCouldNotBeRemovedStayDead) {
  world.CreateFlag("f");
  Must(world.app->overrides().Set(world.Admin(), development, Flag("f"), Tenant("acme"), {.enabled = false}));
  int transactions = 0;
  world.table.OnTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    if (++transactions == 1) return std::nullopt;  // the deletion itself
    return base::Result<store::TransactionResult>(base::Fail(ErrorCode::kUnavailable, "the cleanup fails"));
  });
  Must(flags.Delete(world.Admin(), development, Flag("f"), {}));
  world.table.OnTransact({});
  EXPECT_EQ(transactions, 2);

  world.clock.Advance(std::chrono::milliseconds{1});
  world.CreateFlag("f");
  EXPECT_EQ(world.Evaluate("f", "acme"), "on");
  world.Restart();
  EXPECT_EQ(world.Evaluate("f", "acme"), "on");
  EXPECT_EQ(MustFail(world.app->overrides().Get(world.Admin(), development, Flag("f"), Tenant("acme"))).code,
            ErrorCode::kNotFound);
  Must(world.app->overrides().Set(world.Admin(), development, Flag("f"), Tenant("acme"), {.enabled = false}));
  EXPECT_EQ(world.Evaluate("f", "acme"), "off");
}

TEST_F(Flags, DeleteChecksTheVersionItIsGiven) {
  world.CreateFlag("f");
  EXPECT_EQ(MustFail(flags.Delete(world.Admin(), development, Flag("f"), Version(4))).current_version, 1U);
  Must(flags.Delete(world.Admin(), development, Flag("f"), Version(1)));
  EXPECT_EQ(MustFail(flags.Delete(world.Admin(), development, Flag("f"), {})).code, ErrorCode::kNotFound);
}

TEST_F(Flags, PrerequisitesMustExistWithTheirVariations) {
  model::FlagFields fields = World::Boolean("child");
  fields.prerequisites = {{.flag_key = "parent", .variations = {"on"}}};
  EXPECT_EQ(MustFail(flags.Create(world.Admin(), fields)).field, "prerequisites[0].flagKey");
  world.CreateFlag("parent");
  fields.prerequisites[0].variations = {"on", "sideways"};
  EXPECT_EQ(MustFail(flags.Create(world.Admin(), fields)).field, "prerequisites[0].variations[1]");
  fields.prerequisites[0].variations = {"on"};
  world.CreateFlag(fields);

  const base::Error error = MustFail(flags.Delete(world.Admin(), development, Flag("parent"), {}));
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, HasSubstr("child"));
  EXPECT_EQ(world.Evaluate("parent"), "on");
  Must(flags.Delete(world.Admin(), development, Flag("child"), {}));
  Must(flags.Delete(world.Admin(), development, Flag("parent"), {}));
}

TEST_F(Flags, PrerequisitesMustNotLeadBack) {
  world.CreateFlag("a");
  for (const auto& [flag, needs] : {std::pair{"b", "a"}, std::pair{"c", "b"}}) {
    model::FlagFields fields = World::Boolean(flag);
    fields.prerequisites = {{.flag_key = needs, .variations = {"on"}}};
    world.CreateFlag(fields);
  }
  const base::Error error =
      MustFail(flags.Patch(world.Admin(), development, Flag("a"),
                           Json(R"({"prerequisites":[{"flagKey":"c","variations":["on"]}]})"), Any()));
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.field, "prerequisites");
  EXPECT_THAT(error.message, HasSubstr("a → c → b → a"));
  EXPECT_EQ(world.GetFlag("a")->version, 1U);
}

TEST_F(Flags, SegmentsOfRulesMustExist) {
  model::FlagFields fields = World::Boolean("f");
  model::ConditionGroup when{.kind = model::GroupKind::kAll, .children = {}};
  when.children.emplace_back(
      model::Condition{.attribute = "", .op = model::Operator::kInSegment, .values = {model::Value("beta")}});
  fields.targeting_rules.push_back({.id = "everybody", .everyone = true, .serve = "on"});
  fields.targeting_rules.push_back({.id = "beta", .when = when, .serve = "on"});
  EXPECT_EQ(MustFail(flags.Create(world.Admin(), fields)).field, "targetingRules[1].when");
  Must(world.app->segments().Create(world.Admin(), {.segment_key = "beta", .environment = "development"}));
  world.CreateFlag(fields);
}

TEST_F(Flags, AnArchivedFlagMayReferToWhatIsGone) {
  world.CreateFlag("parent");
  model::FlagFields fields = World::Boolean("child");
  fields.prerequisites = {{.flag_key = "parent", .variations = {"on"}}};
  world.CreateFlag(fields);
  // Another program takes it away without asking.
  Must(world.memory.DeleteItem({.key = store::FlagItemKey(development, Flag("parent"))}));
  EXPECT_EQ(MustFail(flags.Patch(world.Admin(), development, Flag("child"), Json("{}"), Any())).field,
            "prerequisites[0].flagKey");
  Must(flags.Archive(world.Admin(), development, Flag("child"), Any()));
}

TEST_F(Flags, CopyMakesANewFlagWithoutOverrides) {
  model::FlagFields fields = World::Boolean("f");
  fields.tags = {"x"};
  fields.tenant_overrides = {{"acme", false}};
  world.CreateFlag(fields);
  Must(flags.Patch(world.Admin(), development, Flag("f"), Json(R"({"description":"second version"})"), Any()));
  const auto copied = Must(flags.Copy(world.Admin(), development, Flag("f"), Env("production"), Flag("g")));
  EXPECT_EQ(copied.entity->environment, "production");
  EXPECT_EQ(copied.entity->flag_key, "g");
  EXPECT_EQ(copied.entity->version, 1U);
  EXPECT_EQ(copied.entity->description, "second version");
  EXPECT_THAT(copied.entity->tags, ElementsAre("x"));
  EXPECT_THAT(copied.entity->tenant_overrides, IsEmpty());
  EXPECT_EQ(copied.sequence, 1U) << "the change log of the other environment";
  EXPECT_EQ(world.Evaluate("g", {}, "production"), "on");
  EXPECT_EQ(MustFail(flags.Copy(world.Admin(), development, Flag("f"), Env("production"), Flag("g"))).code,
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(MustFail(flags.Copy(world.Admin(), development, Flag("no"), Env("production"), Flag("h"))).code,
            ErrorCode::kNotFound);
}

TEST_F(Flags, CopyIntoAnotherEnvironmentNeedsACredentialForIt) {
  world.CreateFlag("f");
  RequestInfo request = world.Admin();
  request.principal.environment = "development";
  EXPECT_EQ(MustFail(flags.Copy(request, development, Flag("f"), Env("production"), Flag("f"))).code,
            ErrorCode::kPermissionDenied);
  Must(flags.Copy(request, development, Flag("f"), development, Flag("g")));
}

TEST_F(Flags, ListGivesTheNewestFirst) {
  for (const char* key : {"a", "b", "c", "d", "e"}) {
    world.CreateFlag(key);
    world.clock.Advance(std::chrono::milliseconds{1});
  }
  EXPECT_THAT(KeysOf({}, world.Admin()), ElementsAre("e", "d", "c", "b", "a"));
}

TEST_F(Flags, ListFiltersByEverything) {
  for (int i = 0; i < 12; ++i) {
    model::FlagFields fields = World::Boolean("flag-" + std::to_string(i));
    if (i % 2 == 0) fields.owner = "team-b";
    if (i % 3 == 0) fields.tags = {"third"};
    if (i % 4 == 0) fields.tenant_id = "acme";
    if (i == 5) fields.state = model::FlagState::kDisabled;
    if (i == 7) fields.description = "the Quick brown fox";
    world.CreateFlag(fields);
  }
  EXPECT_THAT(KeysOf({.owner = "team-b"}, world.Admin()), SizeIs(6));
  EXPECT_THAT(KeysOf({.tag = "third"}, world.Admin()), SizeIs(4));
  EXPECT_THAT(KeysOf({.tenant_id = "acme"}, world.Admin()), UnorderedElementsAre("flag-0", "flag-4", "flag-8"));
  EXPECT_THAT(KeysOf({.owner = "team-b", .tag = "third", .tenant_id = "acme"}, world.Admin()), ElementsAre("flag-0"));
  EXPECT_THAT(KeysOf({.state = model::FlagState::kDisabled}, world.Admin()), ElementsAre("flag-5"));
  EXPECT_THAT(KeysOf({.q = "qUICK"}, world.Admin()), ElementsAre("flag-7"));
  EXPECT_THAT(KeysOf({.q = "LAG-1"}, world.Admin()), UnorderedElementsAre("flag-1", "flag-10", "flag-11"));
  EXPECT_THAT(KeysOf({.q = "THIR"}, world.Admin()), SizeIs(4));
  EXPECT_THAT(KeysOf({.owner = "nobody"}, world.Admin()), IsEmpty());
}

TEST_F(Flags, ListLooksAtABoundedNumberOfFlagsAndGoesOnWithACursor) {
  for (int i = 0; i < 120; ++i) {
    model::FlagFields fields = World::Boolean("flag-" + std::to_string(i));
    if (i == 0) fields.tags = {"rare"};
    world.CreateFlag(fields);
    world.clock.Advance(std::chrono::milliseconds{1});
  }
  const FlagFilter filter{.tag = "rare"};
  const auto first = Must(flags.List(world.Admin(), development, filter, {.limit = 1, .cursor = {}}));
  EXPECT_THAT(first.items, IsEmpty());
  ASSERT_TRUE(first.next_cursor.has_value());
  EXPECT_THAT(KeysOf(filter, world.Admin()), ElementsAre("flag-0"));
}

TEST_F(Flags, ListRefusesWhatIsNoFilterOrPage) {
  const auto field = [&](const FlagFilter& filter, const store::PageRequest& page) {
    return MustFail(flags.List(world.Admin(), development, filter, page)).field;
  };
  EXPECT_EQ(field({.owner = "a#b"}, {}), "owner");
  EXPECT_EQ(field({.tenant_id = "a b"}, {}), "tenantId");
  EXPECT_EQ(field({.q = std::string(201, 'q')}, {}), "q");
  EXPECT_EQ(field({}, {.limit = 0, .cursor = {}}), "limit");
  EXPECT_EQ(field({}, {.limit = 1001, .cursor = {}}), "limit");
  EXPECT_EQ(field({}, {.limit = 10, .cursor = "nonsense"}), "cursor");
}

TEST_F(Flags, AFlagOfAnotherProgramIsChangedWithItsFirstVersion) {
  Must(world.memory.PutItem({.item = {{"PK", "FLAG#development#foreign"},
                                      {"SK", "METADATA"},
                                      {"flagKey", "foreign"},
                                      {"description", "put there by hand"},
                                      {"defaultEnabled", true},
                                      {"owner", "ops"},
                                      {"createdAt", "2026-01-01T00:00:00.000Z"}}}));
  EXPECT_EQ(world.GetFlag("foreign")->version, 0U);
  const auto patched =
      Must(flags.Patch(world.Admin(), development, Flag("foreign"), Json(R"({"defaultEnabled":false})"), Version(0)));
  EXPECT_EQ(patched.entity->version, 1U);
  EXPECT_EQ(world.Evaluate("foreign"), "off");
  EXPECT_EQ(MustFail(flags.Patch(world.Admin(), development, Flag("foreign"), Json("{}"), Version(0))).current_version,
            1U);
  world.Restart();
  EXPECT_EQ(world.Evaluate("foreign"), "off") << "our write has put it into the index";
}

TEST_F(Flags, AnUnreadableItemIsCorruptAndOthersGoOn) {
  world.CreateFlag("good");
  Must(world.memory.PutItem({.item = {{"PK", "FLAG#development#bad"},
                                      {"SK", "METADATA"},
                                      {"GSI1PK", "FLAGS#development"},
                                      {"GSI1SK", "METADATA#2026-01-01T00:00:00.000Z"},
                                      {"flagKey", "bad"},
                                      {"defaultEnabled", "perhaps"},
                                      {"owner", "ops"}}}));
  EXPECT_EQ(MustFail(flags.Get(world.Admin(), development, Flag("bad"))).code, ErrorCode::kCorrupt);
  EXPECT_EQ(MustFail(flags.Get(world.AdminOf("acme"), development, Flag("bad"))).code, ErrorCode::kNotFound);
  EXPECT_THAT(KeysOf({}, world.Admin()), ElementsAre("good"));
  world.Restart();
  EXPECT_EQ(world.Evaluate("good"), "on");
  EXPECT_EQ(world.Evaluate("bad"), "PARSE_ERROR");
  const Health health = world.app->health();
  ASSERT_THAT(health.environments[0].problems, SizeIs(1));
  EXPECT_EQ(health.environments[0].problems[0].flag_key, "bad");
}

}  // namespace
}  // namespace guidon::app::testing
