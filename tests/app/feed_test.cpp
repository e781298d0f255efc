// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "support.hpp"

// What those who listen are told of each publication: everything that concerns them, nothing that is others' business.
namespace guidon::app::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Feed : public ::testing::Test {
 protected:
  ChangeFeed& feed() { return *world.app->snapshots().FeedOf("development"); }
  // What has come since the last call.
  std::vector<std::shared_ptr<const FeedEntry>> Next() {
    auto read = feed().After(seen);
    EXPECT_TRUE(read.complete);
    if (!read.entries.empty()) seen = read.entries.back()->number;
    return read.entries;
  }
  // "everyone", or the tenants, of the one entry that came.
  std::string NextAudience() {
    const auto entries = Next();
    if (entries.size() != 1) return std::to_string(entries.size()) + " entries";
    if (entries[0]->audience.everyone) return "everyone";
    std::string text;
    for (const auto& tenant : entries[0]->audience.tenants) text += tenant + " ";
    return text;
  }
  static model::FlagFields OfTenant(std::string_view key, std::string_view tenant) {
    auto fields = World::Boolean(key);
    fields.tenant_id = std::string(tenant);
    return fields;
  }

  World world;
  const model::Environment development = Env("development");
  std::uint64_t seen = 0;
};

TEST_F(Feed, AChangeOfASharedFlagConcernsEveryone) {
  world.CreateFlag("f");
  const auto entries = Next();
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_TRUE(entries[0]->audience.everyone);
  EXPECT_EQ(entries[0]->sequence, 1U);
  EXPECT_EQ(entries[0]->served, 1U);
  EXPECT_FALSE(entries[0]->urgent);
  ASSERT_THAT(entries[0]->changes, SizeIs(1));
  const store::ChangeRecord& record = entries[0]->changes[0].record;
  EXPECT_EQ(record, world.Changes().at(0));
  EXPECT_EQ(record.action, "flag.create");
}

TEST_F(Feed, ATenantsFlagConcernsItAlone) {
  world.CreateFlag(OfTenant("f", "acme"));
  EXPECT_EQ(NextAudience(), "acme ");
  Must(world.app->flags().Patch(world.Admin(), development, Flag("f"), Json(R"({"defaultEnabled":false})"), Any()));
  EXPECT_EQ(NextAudience(), "acme ");
  Must(world.app->kill_switches().Engage(world.Admin(), development, Scope("flag:f"), "x"));
  EXPECT_EQ(NextAudience(), "acme ");
  Must(world.app->flags().Delete(world.Admin(), development, Flag("f"), {}));
  EXPECT_EQ(NextAudience(), "acme ");
  // A switch of what is not there changes no answer.
  Must(world.app->kill_switches().Release(world.Admin(), development, Scope("flag:f"), ""));
  const auto entries = Next();
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_TRUE(entries[0]->audience.empty());
}

TEST_F(Feed, AFlagThatChangesHandsConcernsBothOwners) {
  world.CreateFlag(OfTenant("f", "acme"));
  Next();
  Must(world.app->flags().Patch(world.Admin(), development, Flag("f"), Json(R"({"tenantId":"globex"})"), Any()));
  EXPECT_EQ(NextAudience(), "acme globex ");
  Must(world.app->flags().Patch(world.Admin(), development, Flag("f"), Json(R"({"tenantId":null})"), Any()));
  EXPECT_EQ(NextAudience(), "everyone");
}

TEST_F(Feed, AnOverrideConcernsItsTenant) {
  world.CreateFlag("f");
  Next();
  Must(world.app->overrides().Set(world.Admin(), development, Flag("f"), Tenant("acme"), {.enabled = false}));
  EXPECT_EQ(NextAudience(), "acme ");
  Must(world.app->overrides().Unset(world.Admin(), development, Flag("f"), Tenant("acme")));
  EXPECT_EQ(NextAudience(), "acme ");
}

TEST_F(Feed, SegmentsAndWideSwitchesConcernEveryone) {
  Must(world.app->segments().Create(world.Admin(), {.segment_key = "s", .environment = "development"}));
  EXPECT_EQ(NextAudience(), "everyone");
  Must(world.app->kill_switches().Engage(world.Admin(), development, Scope("owner:team-a"), "x"));
  EXPECT_EQ(NextAudience(), "everyone");
  Must(world.app->kill_switches().Engage(world.Admin(), development, Scope("tenant:acme"), "x"));
  const auto entries = Next();
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_THAT(entries[0]->audience.tenants, ElementsAre("acme"));
  EXPECT_TRUE(entries[0]->urgent);
}

TEST_F(Feed, AnotherNodesChangesComeWithTheSameWords) {
  const auto other = world.NewNode(world.memory);
  Must(other->flags().Create(world.Admin(), OfTenant("f", "acme")));
  Must(other->kill_switches().Engage(world.Admin(), development, Scope("tenant:globex"), "x"));
  store::Repository repository(world.memory);
  Must(world.app->snapshots().CatchUp(repository, development, world.clock));
  const auto entries = Next();
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_THAT(entries[0]->audience.tenants, ElementsAre("acme", "globex"));
  EXPECT_TRUE(entries[0]->urgent);
  ASSERT_THAT(entries[0]->changes, SizeIs(2));
  EXPECT_THAT(entries[0]->changes[0].audience.tenants, ElementsAre("acme"));
  EXPECT_THAT(entries[0]->changes[1].audience.tenants, ElementsAre("globex"));
  EXPECT_EQ(entries[0]->served, 2U);
}

TEST_F(Feed, AReloadThatFindsNothingNewSaysNothing) {
  world.CreateFlag("f");
  Next();
  Must(world.app->Refresh());
  EXPECT_THAT(Next(), IsEmpty());
  auto item = *Must(world.memory.Get(store::FlagItemKey(development, Flag("f")), store::Consistency::kStrong)).item;
  item.Set("defaultEnabled", false);
  Must(world.memory.PutItem({.item = item}));
  Must(world.app->Refresh());
  const auto entries = Next();
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_TRUE(entries[0]->audience.everyone);
  EXPECT_THAT(entries[0]->changes, IsEmpty());
}

TEST_F(Feed, WhatIsAheadIsToldAndNotClaimed) {
  auto fields = World::Boolean("f");
  fields.version = 2;
  world.app->snapshots().ApplyAfter("development", 2, {.sequence = 3, .flags = {Must(model::Flag::Create(fields))}},
                                    world.clock.Now());
  const auto entries = Next();
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0]->sequence, 3U);
  EXPECT_EQ(entries[0]->served, 0U);
}

TEST_F(Feed, WhoComesLaterStartsFromWhatWasLoaded) {
  world.CreateFlag("f");
  world.CreateFlag("g");
  const auto other = world.NewNode(world.memory);
  ChangeFeed& fresh = *other->snapshots().FeedOf("development");
  EXPECT_EQ(fresh.position().served, 2U);
  EXPECT_EQ(fresh.NumberAt(2), 0U);
  EXPECT_FALSE(fresh.NumberAt(1));
}

}  // namespace
}  // namespace guidon::app::testing
