// SPDX-License-Identifier: Apache-2.0
#include <random>
#include <set>

#include <gmock/gmock.h>

#include "support.hpp"

// The published snapshot: as the changes made it, as the store has it, and as another node sees it.
namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::SizeIs;

std::set<std::string> SwitchesOf(const eval::Snapshot& snapshot) {
  std::set<std::string> scopes;
  for (const auto& each : snapshot.kill_switches()) scopes.insert(each->scope.Text() + " " + each->reason);
  return scopes;
}

// Everything that evaluation can see.
void ExpectSame(const eval::Snapshot& a, const eval::Snapshot& b) {
  EXPECT_EQ(a.sequence(), b.sequence());
  EXPECT_EQ(a.flag_count(), b.flag_count());
  EXPECT_EQ(SwitchesOf(a), SwitchesOf(b));
  for (const auto* flag : a.flags()) {
    const std::string key(eval::KeyOf(*flag));
    const auto* other = b.Find(key);
    ASSERT_NE(other, nullptr) << key;
    EXPECT_EQ(eval::FingerprintOf(*flag), eval::FingerprintOf(*other)) << key;
    EXPECT_EQ(a.override_count(key), b.override_count(key)) << key;
    for (const char* tenant : {"t0", "t1", "t2"})
      EXPECT_EQ(a.OverrideOf(key, tenant), b.OverrideOf(key, tenant)) << key;
  }
}

class Snapshots : public ::testing::Test {
 protected:
  // A random change of a small world, through whichever node; most of them succeed.
  void ChangeAtRandom(Application& node, std::uint_fast32_t choice, std::uint_fast32_t which) {
    world.clock.Advance(std::chrono::milliseconds{1});
    const std::string key = "f" + std::to_string(which % 3);
    const auto flag = Flag(key);
    const auto tenant = Tenant("t" + std::to_string(which % 3));
    const auto scope = Scope(which % 2 == 0 ? "global" : "flag:" + key);
    const auto segment = Segment("s" + std::to_string(which % 2));
    const RequestInfo request = world.Admin();
    switch (choice % 11) {
      case 0:
      case 1: (void)node.flags().Create(request, World::Boolean(key)); break;
      case 2: (void)node.flags().Delete(request, development, flag, {}); break;
      case 3:
        (void)node.flags().Patch(request, development, flag,
                                 Json(R"({"rolloutPercentage":)" + std::to_string(which % 100) + "}"), Any());
        break;
      case 4:
      case 5: (void)node.overrides().Set(request, development, flag, tenant, {.enabled = which % 2 == 0}); break;
      case 6: (void)node.overrides().Unset(request, development, flag, tenant); break;
      case 7: (void)node.kill_switches().Engage(request, development, scope, "because " + std::to_string(which)); break;
      case 8: (void)node.kill_switches().Release(request, development, scope, ""); break;
      case 9:
        (void)node.segments().Create(request, {.segment_key = segment.str(), .environment = "development"});
        break;
      default: (void)node.flags().Archive(request, development, flag, {}); break;
    }
  }

  World world;
  store::Repository repository{world.memory};
  const model::Environment development = Env("development");
};

TEST_F(Snapshots, WhatTheChangesMadeIsWhatAReloadFinds) {
  std::mt19937 random(7);
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 25; ++i) ChangeAtRandom(*world.app, random(), random());
    const auto fresh = world.NewNode(world.memory);
    ExpectSame(*world.Snapshot(), *fresh->snapshots().Find("development")->Get());
    Must(world.app->snapshots().Reload(repository, development, world.clock));
    ExpectSame(*world.Snapshot(), *fresh->snapshots().Find("development")->Get());
  }
}

TEST_F(Snapshots, CatchingUpIsAsGoodAsAReload) {
  const auto other = world.NewNode(world.memory);
  std::mt19937 random(11);
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 15; ++i) ChangeAtRandom(*other, random(), random());
    Must(world.app->snapshots().CatchUp(repository, development, world.clock));
    ExpectSame(*world.Snapshot(), *other->snapshots().Find("development")->Get());
  }
}

TEST_F(Snapshots, TwoNodesThatWriteInTurnAgree) {
  const auto other = world.NewNode(world.memory);
  std::mt19937 random(13);
  for (int i = 0; i < 150; ++i) ChangeAtRandom(i % 3 == 0 ? *other : *world.app, random(), random());
  Must(world.app->snapshots().CatchUp(repository, development, world.clock));
  Must(other->snapshots().CatchUp(repository, development, world.clock));
  ExpectSame(*world.Snapshot(), *other->snapshots().Find("development")->Get());
  ExpectSame(*world.Snapshot(), *world.NewNode(world.memory)->snapshots().Find("development")->Get());
}

TEST_F(Snapshots, CatchingUpWithALogThatHasForgottenLoadsEverything) {
  const auto other = world.NewNode(world.memory);
  Must(other->flags().Create(world.Admin(), World::Boolean("f")));
  Must(other->flags().Create(world.Admin(), World::Boolean("g")));
  for (const std::uint64_t sequence : {1U, 2U})
    Must(world.memory.DeleteItem({.key = store::ChangeItemKey("development", sequence)}));
  Must(world.app->snapshots().CatchUp(repository, development, world.clock));
  EXPECT_EQ(world.Snapshot()->sequence(), 2U);
  EXPECT_EQ(world.Evaluate("f"), "on");
  EXPECT_EQ(world.Evaluate("g"), "on");
}

TEST_F(Snapshots, AFlagMadeAgainHasNoOverridesOfTheFormerOneOnOtherNodes) {
  const auto other = world.NewNode(world.memory);
  world.CreateFlag("f");
  Must(world.app->overrides().Set(world.Admin(), development, Flag("f"), Tenant("t0"), {.enabled = false}));
  Must(other->snapshots().CatchUp(repository, development, world.clock));
  ASSERT_EQ(world.Evaluate("f", "t0", "development", other.get()), "off");
  Must(world.app->flags().Delete(world.Admin(), development, Flag("f"), {}));
  world.clock.Advance(std::chrono::milliseconds{1});
  world.CreateFlag("f");
  Must(world.app->overrides().Set(world.Admin(), development, Flag("f"), Tenant("t1"), {.enabled = false}));
  Must(other->snapshots().CatchUp(repository, development, world.clock));
  EXPECT_EQ(world.Evaluate("f", "t0", "development", other.get()), "on");
  EXPECT_EQ(world.Evaluate("f", "t1", "development", other.get()), "off");
}

TEST_F(Snapshots, AChangeDuringAReloadIsNotLost) {
  world.CreateFlag("f");
  int queries = 0;
  world.table.AfterRead([&](store::QueryPage&) {
    // The reload has read the head and something more; what happens now is not in all of what it has.
    if (++queries != 2) return;
    world.table.AfterRead({});
    Must(world.app->flags().Create(world.Admin(), World::Boolean("g")));
    Must(world.app->flags().Delete(world.Admin(), development, Flag("f"), {}));
    Must(world.app->kill_switches().Engage(world.Admin(), development, Scope("tenant:t0"), "x"));
  });
  store::Repository through(world.table);
  Must(world.app->snapshots().Reload(through, development, world.clock));
  ASSERT_GE(queries, 2);
  EXPECT_EQ(world.Evaluate("g"), "on");
  EXPECT_EQ(world.Evaluate("f"), "FLAG_NOT_FOUND");
  EXPECT_EQ(world.Evaluate("g", "t0"), "off");
  EXPECT_EQ(world.Snapshot()->sequence(), 4U);
}

TEST_F(Snapshots, WhatIsPublishedAheadIsNotHiddenByWhatComesBeforeIt) {
  const auto flag = [&](bool enabled, std::uint64_t version) {
    auto fields = World::Boolean("f");
    fields.default_enabled = enabled;
    fields.version = version;
    return Must(model::Flag::Create(fields));
  };
  auto& snapshots = world.app->snapshots();
  const auto now = world.clock.Now();
  // Sequence 3 comes while 1 and 2 are still unknown: it is shown, and not claimed.
  snapshots.ApplyAfter("development", 2, {.sequence = 3, .flags = {flag(false, 2)}}, now);
  EXPECT_EQ(world.Evaluate("f"), "off");
  EXPECT_EQ(world.Snapshot()->sequence(), 0U);
  snapshots.ApplyAfter("development", 0, {.sequence = 2, .flags = {flag(true, 1)}}, now);
  EXPECT_EQ(world.Evaluate("f"), "off") << "what is newer stays on top";
  EXPECT_EQ(world.Snapshot()->sequence(), 3U);
  snapshots.ApplyAfter("development", 1, {.sequence = 2, .flags = {flag(true, 1)}}, now);
  EXPECT_EQ(world.Evaluate("f"), "off") << "what is known already changes nothing";
}

TEST_F(Snapshots, AReloadThatFailsLeavesWhatWasThere) {
  world.CreateFlag("f");
  for (int good = 0;; ++good) {
    int reads = 0;
    world.table.OnRead([&]() -> base::Status {
      if (reads++ < good) return {};
      return base::Fail(ErrorCode::kUnavailable, "The store is away.");
    });
    store::Repository through(world.table);
    const base::Status status = world.app->snapshots().Reload(through, development, world.clock);
    EXPECT_EQ(world.Evaluate("f"), "on");
    if (status) break;
    EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
    ASSERT_LT(good, 50);
  }
  world.table.OnRead({});
  Must(world.app->flags().Create(world.Admin(), World::Boolean("g")));
  EXPECT_EQ(world.Evaluate("g"), "on");
}

TEST_F(Snapshots, AFlagThatBecomesUnreadableAnswersWithItsLastGoodDefinition) {
  world.CreateFlag("f");
  auto item = *Must(world.memory.Get(store::FlagItemKey(development, Flag("f")), store::Consistency::kStrong)).item;
  item.Set("defaultEnabled", "what?");
  Must(world.memory.PutItem({.item = item}));
  Must(world.app->Refresh());
  EXPECT_EQ(world.Evaluate("f"), "on");
  const auto health = world.app->health();
  ASSERT_THAT(health.environments[0].problems, SizeIs(1));
  EXPECT_TRUE(health.environments[0].problems[0].stale);
}

TEST_F(Snapshots, RefreshReportsEditsBehindOurBack) {
  world.CreateFlag("f");
  world.CreateFlag("g");
  EXPECT_EQ(Must(world.app->Refresh()), 0U);

  auto item = *Must(world.memory.Get(store::FlagItemKey(development, Flag("f")), store::Consistency::kStrong)).item;
  item.Set("defaultEnabled", false);
  Must(world.memory.PutItem({.item = item}));
  EXPECT_EQ(world.Evaluate("f"), "on");
  EXPECT_EQ(Must(world.app->Refresh()), 1U);
  EXPECT_EQ(world.Evaluate("f"), "off");
  EXPECT_EQ(Must(world.app->Refresh()), 0U);

  Must(world.memory.DeleteItem({.key = store::FlagItemKey(development, Flag("g"))}));
  EXPECT_EQ(Must(world.app->Refresh()), 1U);
  EXPECT_EQ(world.Evaluate("g"), "FLAG_NOT_FOUND");

  // What another node did through the change log is no edit behind our back.
  const auto other = world.NewNode(world.memory);
  Must(other->flags().Patch(world.Admin(), development, Flag("f"), Json(R"({"defaultEnabled":true})"), Any()));
  Must(other->overrides().Set(world.Admin(), development, Flag("f"), Tenant("t0"), {.enabled = false}));
  EXPECT_EQ(Must(world.app->Refresh()), 0U);
  EXPECT_EQ(world.Evaluate("f"), "on");
  EXPECT_EQ(world.Evaluate("f", "t0"), "off");
}

TEST_F(Snapshots, RefreshLearnsOfKeysOfOtherNodes) {
  const auto other = world.NewNode(world.memory);
  const auto issued = Must(other->keys().Create(world.Admin(), {.key_id = {}, .kind = model::KeyKind::kAdmin})).entity;
  auto& keys = world.app->keys();
  EXPECT_EQ(keys.Authenticate(*keys.ring().Get(), *issued.token).kind, PrincipalKind::kAnonymous);
  Must(world.app->Refresh());
  EXPECT_EQ(keys.Authenticate(*keys.ring().Get(), *issued.token).kind, PrincipalKind::kAdmin);
}

TEST_F(Snapshots, MorePagesThanOneAreLoaded) {
  for (int i = 0; i < 2300; ++i) {
    world.clock.Advance(std::chrono::milliseconds{1});
    auto fields = World::Boolean("flag-" + std::to_string(i));
    fields.created_at = fields.updated_at = world.clock.Now();
    Must(world.memory.PutItem(store::PutFlag(Must(model::Flag::Create(fields)), std::nullopt)));
  }
  const auto flag = world.GetFlag("flag-7");
  for (int i = 0; i < 1500; ++i) {
    const auto override = Must(model::Override::Create({.environment = "development",
                                                        .flag_key = "flag-7",
                                                        .tenant_id = "t" + std::to_string(i),
                                                        .variation = "off"}));
    Must(world.memory.PutItem(store::PutOverride(override, flag->created_at, std::nullopt)));
  }
  world.Restart();
  EXPECT_EQ(world.Snapshot()->flag_count(), 2300U);
  EXPECT_EQ(world.Snapshot()->override_count("flag-7"), 1500U);
  EXPECT_EQ(world.Evaluate("flag-7", "t1499"), "off");
}

TEST_F(Snapshots, SayWhenTheyWereLoadedOrChanged) {
  EXPECT_EQ(world.app->snapshots().LoadedAt("development"), world.clock.Now());
  world.clock.Advance(std::chrono::seconds{3});
  world.CreateFlag("f");
  EXPECT_EQ(world.app->snapshots().LoadedAt("development"), world.clock.Now());
  EXPECT_LT(world.app->snapshots().LoadedAt("production"), world.clock.Now());
  EXPECT_EQ(world.app->snapshots().Find("nowhere"), nullptr);
}

TEST(ApplicationOpen, RefusesOptionsThatCannotWork) {
  base::ManualClock clock{base::Timestamp{}};
  store_memory::MemoryTable table(clock);
  const auto field = [&](ApplicationOptions options) {
    return MustFail(Application::Open(table, clock, std::move(options))).field;
  };
  const std::string secret(kHashSecret);
  EXPECT_EQ(field({.environments = {}, .default_environment = "development", .key_hash_secret = secret}),
            "environments");
  EXPECT_EQ(field({.environments = {Env("development")}, .default_environment = "x", .key_hash_secret = secret}),
            "defaultEnvironment");
  EXPECT_EQ(field({.environments = {Env("development")}, .default_environment = "development", .key_hash_secret = "s"}),
            "keyHashSecret");
}

TEST(ApplicationOpen, CompilesWithTheGivenAnnotations) {
  base::ManualClock clock{base::Timestamp{}};
  store_memory::MemoryTable table(clock);
  const auto app =
      Must(Application::Open(table, clock,
                             {.environments = {Env("development")},
                              .default_environment = "development",
                              .key_hash_secret = std::string(kHashSecret),
                              .compile = {.annotate_variation = {}, .annotate_flag = [](std::string_view key) {
                                            return "<" + std::string(key) + ">";
                                          }}}));
  const RequestInfo request{.principal = {.kind = PrincipalKind::kLocal, .id = "local"}, .request_id = "r"};
  Must(app->flags().Create(request, World::Boolean("f")));
  EXPECT_EQ(eval::AnnotationOf(*app->snapshots().Find("development")->Get()->Find("f")), "<f>");
}

}  // namespace
}  // namespace guidon::app::testing
