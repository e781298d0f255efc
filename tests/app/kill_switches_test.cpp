// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "support.hpp"

namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class KillSwitches : public ::testing::Test {
 protected:
  KillSwitches() { world.CreateFlag("f"); }

  World world;
  KillSwitchService& switches = world.app->kill_switches();
  const model::Environment development = Env("development");

  Changed<model::KillSwitch> Engage(std::string_view scope) {
    return Must(switches.Engage(world.Admin(), development, Scope(scope), "it is on fire"));
  }
};

TEST_F(KillSwitches, EveryScopeTurnsTheFlagOffAtOnce) {
  for (const std::string_view scope : {"global", "flag:f", "tenant:acme", "owner:team-a"}) {
    SCOPED_TRACE(scope);
    ASSERT_EQ(world.Evaluate("f", "acme"), "on");
    const auto engaged = Engage(scope);
    EXPECT_EQ(engaged.entity->reason, "it is on fire");
    EXPECT_EQ(engaged.entity->engaged_by, "admin");
    EXPECT_EQ(engaged.entity->engaged_at, world.clock.Now());
    EXPECT_EQ(world.Snapshot()->sequence(), engaged.sequence);
    EXPECT_EQ(world.Evaluate("f", "acme"), "off");
    EXPECT_EQ(world.Evaluate("f", "other"), scope == "tenant:acme" ? "on" : "off");
    Must(switches.Release(world.Admin(), development, Scope(scope), "put out"));
    EXPECT_EQ(world.Evaluate("f", "acme"), "on");
  }
}

TEST_F(KillSwitches, AnotherEnvironmentGoesOn) {
  world.CreateFlag(World::Boolean("f", "production"));
  Engage("global");
  EXPECT_EQ(world.Evaluate("f", {}, "production"), "on");
}

TEST_F(KillSwitches, EngagingTwiceIsFineAndChangesNothing) {
  const auto first = Engage("global");
  world.clock.Advance(std::chrono::minutes{1});
  const auto second = Must(switches.Engage(world.Admin(), development, Scope("global"), "again"));
  EXPECT_EQ(second.entity, first.entity);
  EXPECT_EQ(second.sequence, first.sequence);
  EXPECT_THAT(world.Changes(), SizeIs(2));
  EXPECT_THAT(Must(switches.List(world.Admin(), development)), SizeIs(1));
}

TEST_F(KillSwitches, TwoWhoEngageAtTheSameTimeBothSucceed) {
  const auto other = world.NewNode(world.memory);
  bool once = true;
  world.table.OnTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    if (std::exchange(once, false))
      Must(other->kill_switches().Engage(world.Admin(), development, Scope("global"), "the other was faster"));
    return std::nullopt;
  });
  EXPECT_EQ(Engage("global").entity->reason, "the other was faster");
  EXPECT_EQ(world.Evaluate("f"), "off");
}

TEST_F(KillSwitches, AReasonIsNeeded) {
  EXPECT_EQ(MustFail(switches.Engage(world.Admin(), development, Scope("global"), "")).field, "reason");
  EXPECT_EQ(MustFail(switches.Engage(world.Admin(), development, Scope("global"), std::string(1025, 'x'))).field,
            "reason");
  EXPECT_EQ(MustFail(switches.Release(world.Admin(), development, Scope("global"), std::string(1025, 'x'))).field,
            "reason");
  EXPECT_EQ(MustFail(switches.Release(world.Admin(), development, Scope("global"), "\xff")).field, "reason");
  EXPECT_THAT(Must(switches.List(world.Admin(), development)), IsEmpty());
}

TEST_F(KillSwitches, TheFlagMustExistWhileTenantsAndOwnersNeedNot) {
  EXPECT_EQ(MustFail(switches.Engage(world.Admin(), development, Scope("flag:no"), "x")).code, ErrorCode::kNotFound);
  EXPECT_EQ(MustFail(switches.Engage(world.Admin(), Env("nowhere"), Scope("global"), "x")).field, "environment");
  Engage("tenant:nobody");
  Engage("owner:nobody at all");
  EXPECT_THAT(Must(switches.List(world.Admin(), development)), SizeIs(2));
}

TEST_F(KillSwitches, ReleasingWhatIsNotEngagedIsNotFound) {
  EXPECT_EQ(MustFail(switches.Release(world.Admin(), development, Scope("global"), "")).code, ErrorCode::kNotFound);
}

TEST_F(KillSwitches, TheSwitchOfADeletedFlagStaysAndCanBeReleased) {
  Engage("flag:f");
  Must(world.app->flags().Delete(world.Admin(), development, Flag("f"), {}));
  world.clock.Advance(std::chrono::milliseconds{1});
  world.CreateFlag("f");
  EXPECT_EQ(world.Evaluate("f"), "off") << "it fails safe";
  Must(world.app->flags().Delete(world.Admin(), development, Flag("f"), {}));
  Must(switches.Release(world.Admin(), development, Scope("flag:f"), ""));
}

TEST_F(KillSwitches, AnUnreadableFlagCanBeKilled) {
  Must(world.memory.PutItem({.item = {{"PK", "FLAG#development#bad"}, {"SK", "METADATA"}, {"defaultEnabled", "yes"}}}));
  Engage("flag:bad");
}

TEST_F(KillSwitches, SurviveARestartAndAreAudited) {
  Engage("flag:f");
  world.Restart();
  EXPECT_EQ(world.Evaluate("f"), "off");
  world.clock.Advance(std::chrono::milliseconds{1});
  Must(world.app->kill_switches().Release(world.Admin(), development, Scope("flag:f"), "put out"));
  const auto audit = world.Audit("kill:flag:f");
  ASSERT_THAT(audit, SizeIs(2));
  EXPECT_EQ(audit[0].action, "kill.engage");
  EXPECT_EQ(audit[0].before, "");
  EXPECT_THAT(audit[0].after, HasSubstr("it is on fire"));
  EXPECT_EQ(audit[1].action, "kill.release");
  EXPECT_THAT(audit[1].before, HasSubstr("it is on fire"));
  EXPECT_THAT(audit[1].after, HasSubstr("put out"));
  EXPECT_EQ(world.Changes().back().kind, store::ChangeKind::kRemove);
}

TEST_F(KillSwitches, AreEngagedEvenIfTheRestCannotBeBroughtUpToDate) {
  const auto other = world.NewNode(world.memory);
  Must(other->flags().Create(world.Admin(), World::Boolean("g")));
  // The other node's change is known to the head only; reading what it was fails.
  int reads = 0;
  world.table.OnTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    world.table.OnRead([&]() -> base::Status {
      if (++reads == 2) return base::Fail(ErrorCode::kUnavailable, "The store is slow.");
      return {};
    });
    return std::nullopt;
  });
  const auto engaged = Engage("global");
  EXPECT_EQ(engaged.sequence, 3U);
  EXPECT_EQ(world.Evaluate("f"), "off");
  EXPECT_LT(world.Snapshot()->sequence(), 3U) << "it does not claim to hold what it has not seen";
  world.table.OnRead({});
  world.table.OnTransact({});
  store::Repository repository(world.memory);
  Must(world.app->snapshots().CatchUp(repository, development, world.clock));
  EXPECT_EQ(world.Snapshot()->sequence(), 3U);
  EXPECT_EQ(world.Evaluate("g"), "off");
}

}  // namespace
}  // namespace guidon::app::testing
