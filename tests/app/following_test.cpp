// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "guidon/store/codec.hpp"
#include "guidon/store/metered_table.hpp"
#include "support.hpp"

// Nodes on one table: each sees what the others change by following the change logs.
namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using store::TableOperation;

class Following : public ::testing::Test {
 protected:
  std::uint64_t ReadsOf(TableOperation operation) const { return metered.FiguresOf(operation).calls; }
  double ReadUnits() const {
    double units = 0;
    for (std::size_t i = 0; i < store::kTableOperationCount; ++i)
      units += metered.FiguresOf(static_cast<TableOperation>(i)).read_units;
    return units;
  }
  // As somebody else's program, past the change log.
  void WriteBehind(const model::Flag& flag) { Must(world.memory.PutItem({.item = store::EncodeFlag(flag)})); }
  void ForgetHead(std::string_view scope) { Must(world.memory.DeleteItem({.key = store::ChangeHeadKey(scope)})); }
  std::string Evaluate(std::string_view flag, std::string_view tenant = {}) {
    return world.Evaluate(flag, tenant, "development", other.get());
  }
  std::uint64_t Sequence() const { return *other->snapshots().SequenceOf("development"); }

  static model::ApiKeyFields AdminKey() {
    model::ApiKeyFields fields;
    fields.kind = model::KeyKind::kAdmin;
    return fields;
  }

  World world;
  store::MeteredTable metered{world.table};
  std::unique_ptr<Application> other = world.NewNode(metered);
  const model::Environment development = Env("development");
};

TEST_F(Following, AnIdleLookCostsHalfAReadUnitForAllEnvironments) {
  world.CreateFlag("f");
  Must(world.app->flags().Create(world.Admin(), World::Boolean("g", "production")));
  Must(world.app->keys().Create(world.Admin(), AdminKey()));
  Must(other->Follow());
  const double before = ReadUnits();
  const std::uint64_t queries = ReadsOf(TableOperation::kQuery);
  for (int i = 0; i < 10; ++i) Must(other->Follow());
  EXPECT_EQ(ReadUnits() - before, 5.0);
  EXPECT_EQ(ReadsOf(TableOperation::kQuery) - queries, 10U);
}

TEST_F(Following, EverythingThatAnotherNodeChangesArrivesWithTheNextLook) {
  world.CreateFlag("f");
  Must(other->Follow());
  EXPECT_EQ(Evaluate("f"), "on");
  Must(world.app->overrides().Set(world.Admin(), development, Flag("f"), Tenant("acme"), {.enabled = false}));
  Must(other->Follow());
  EXPECT_EQ(Evaluate("f", "acme"), "off");
  EXPECT_EQ(Evaluate("f", "globex"), "on");
  Must(world.app->kill_switches().Engage(world.Admin(), development, Scope("flag:f"), "bad"));
  Must(other->Follow());
  EXPECT_EQ(Evaluate("f"), "off");
  Must(world.app->kill_switches().Release(world.Admin(), development, Scope("flag:f"), "good"));
  Must(world.app->flags().Delete(world.Admin(), development, Flag("f"), {}));
  Must(other->Follow());
  EXPECT_EQ(Evaluate("f"), "FLAG_NOT_FOUND");
  EXPECT_EQ(Sequence(), world.Snapshot()->sequence());
}

TEST_F(Following, ReadsOnlyWhatChanged) {
  for (int i = 0; i < 50; ++i) world.CreateFlag("flag-" + std::to_string(i));
  Must(other->Follow());
  const std::uint64_t batches = ReadsOf(TableOperation::kBatchGet);
  const std::uint64_t queries = ReadsOf(TableOperation::kQuery);
  Must(world.app->flags().Archive(world.Admin(), development, Flag("flag-7"), {}));
  Must(other->Follow());
  EXPECT_EQ(Evaluate("flag-7"), "FLAG_NOT_FOUND");
  EXPECT_EQ(ReadsOf(TableOperation::kBatchGet) - batches, 1U);  // the flag
  EXPECT_EQ(ReadsOf(TableOperation::kQuery) - queries, 2U);     // all heads, and the log after what is known
}

TEST_F(Following, KeysOfOtherNodesWorkAndEndWithTheNextLook) {
  const auto made = Must(world.app->keys().Create(world.Admin(), AdminKey())).entity;
  const auto who = [&](const std::string& token) {
    return other->keys().Authenticate(*other->keys().ring().Get(), token).kind;
  };
  EXPECT_EQ(who(*made.token), PrincipalKind::kAnonymous);
  Must(other->Follow());
  EXPECT_EQ(who(*made.token), PrincipalKind::kAdmin);
  // The log's entry of a rotation names the old key only.
  const auto id = Must(model::KeyId::Parse(made.key->key_id));
  const auto fresh = Must(world.app->keys().Rotate(world.Admin(), id, {.overlap = seconds{60}})).entity;
  Must(other->Follow());
  EXPECT_EQ(who(*fresh.token), PrincipalKind::kAdmin);
  Must(world.app->keys().Revoke(world.Admin(), id));
  Must(other->Follow());
  EXPECT_EQ(who(*made.token), PrincipalKind::kAnonymous);
  EXPECT_EQ(who(*fresh.token), PrincipalKind::kAdmin);
}

TEST_F(Following, AGapInTheLogIsHealedByLoadingEverything) {
  world.CreateFlag("a");
  Must(other->Follow());
  for (const char* key : {"b", "c", "d"}) world.CreateFlag(key);
  Must(world.memory.DeleteItem({.key = store::ChangeItemKey("development", 3)}));
  Must(other->Follow());
  EXPECT_EQ(Sequence(), 4U);
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_EQ(Evaluate(key), "on") << key;
}

TEST_F(Following, AnIndexThatLagsHidesNothingFromAFullLoad) {
  world.CreateFlag("old");
  world.clock.Advance(std::chrono::hours{1});
  world.CreateFlag("new");
  Must(world.app->keys().Create(world.Admin(), AdminKey()));
  world.table.AfterRead([](store::QueryPage& page) {
    std::erase_if(page.items, [](const store::Item& item) {
      return (item.Find("flagKey") != nullptr && *item.Find("flagKey") == "new") || item.Find("keyId") != nullptr;
    });
  });
  const auto late = world.NewNode(world.table);
  EXPECT_EQ(world.Evaluate("old", {}, "development", late.get()), "on");
  EXPECT_EQ(world.Evaluate("new", {}, "development", late.get()), "on");
  EXPECT_EQ(late->keys().ring().Get()->size(), 1U);
}

TEST_F(Following, ALogThatWentBackIsATableThatWasRestored) {
  world.CreateFlag("kept");
  world.CreateFlag("lost");
  Must(other->Follow());
  EXPECT_EQ(Sequence(), 2U);
  // The table as it was after the first change.
  Must(world.memory.DeleteItem({.key = store::FlagItemKey(development, Flag("lost"))}));
  Must(world.memory.DeleteItem({.key = store::ChangeItemKey("development", 2)}));
  Must(world.memory.PutItem({.item = store::EncodeChangeHead("development", {.sequence = 1})}));
  Must(other->Follow());
  EXPECT_EQ(Evaluate("lost"), "on") << "a lagging index looks the same at first";
  world.clock.Advance(seconds{6});
  Must(other->Follow());
  EXPECT_EQ(Evaluate("lost"), "FLAG_NOT_FOUND");
  EXPECT_EQ(Evaluate("kept"), "on");
  EXPECT_EQ(Sequence(), 1U);
}

TEST_F(Following, AnEmptiedTableIsNotBelievedUntilTheOperatorSaysSo) {
  world.CreateFlag("f");
  Must(other->Follow());
  Must(world.memory.DeleteItem({.key = store::FlagItemKey(development, Flag("f"))}));
  ForgetHead("development");
  world.clock.Advance(seconds{1});
  (void)other->Follow();
  world.clock.Advance(seconds{6});
  EXPECT_EQ(MustFail(other->Follow()).code, ErrorCode::kUnavailable);
  const auto refused = MustFail(other->Refresh(RefreshBy::kItself));
  EXPECT_THAT(refused.message, ::testing::HasSubstr("guidon refresh"));
  EXPECT_EQ(Evaluate("f"), "on");
  Must(other->Refresh(RefreshBy::kOperator));
  EXPECT_EQ(Evaluate("f"), "FLAG_NOT_FOUND");
}

TEST_F(Following, EditsBehindOurBackAreFoundAndCounted) {
  const auto flag = world.CreateFlag("f");
  Must(other->Follow());
  model::FlagFields edited = *flag;
  edited.default_enabled = false;
  WriteBehind(Must(model::Flag::Create(edited)));
  Must(other->Follow());
  EXPECT_EQ(Evaluate("f"), "on");
  EXPECT_EQ(other->out_of_band().flags, 0U);
  EXPECT_EQ(Must(other->Refresh(RefreshBy::kItself)), 1U);
  EXPECT_EQ(Evaluate("f"), "off");
  EXPECT_EQ(other->out_of_band().flags, 1U);
  EXPECT_EQ(Must(other->Refresh(RefreshBy::kItself)), 0U);
}

TEST_F(Following, ANodeOutOfTouchEvaluatesAndSaysHowOldItsSnapshotIs) {
  world.CreateFlag("f");
  Must(other->Follow());
  other->contact().Follow(milliseconds{3000});
  const auto at = world.clock.Now();
  EXPECT_FALSE(other->health().snapshot_age);
  world.table.OnRead([]() -> base::Status { return base::Fail(ErrorCode::kUnavailable, "no answer"); });
  world.clock.Advance(milliseconds{3000});
  EXPECT_FALSE(other->Follow());
  EXPECT_FALSE(other->contact().AgeOf(world.clock.Now()));
  world.clock.Advance(milliseconds{1});
  EXPECT_FALSE(other->Follow());
  Health health = other->health();
  EXPECT_EQ(health.snapshot_age, milliseconds{3001});
  EXPECT_EQ(health.store_error, "no answer");
  EXPECT_TRUE(health.ready);
  EXPECT_EQ(health.environments.front().confirmed_at, at);
  EXPECT_EQ(Evaluate("f"), "on");
  EXPECT_EQ(MustFail(other->flags().Archive(world.Admin(), development, Flag("f"), {})).code, ErrorCode::kUnavailable);

  world.table.OnRead({});
  Must(other->Follow());
  health = other->health();
  EXPECT_FALSE(health.snapshot_age);
  EXPECT_EQ(health.store_error, "");
  EXPECT_EQ(health.environments.front().confirmed_at, world.clock.Now());
  Must(other->flags().Archive(world.Admin(), development, Flag("f"), {}));
}

TEST_F(Following, AHeadThatTheIndexLacksHoldsUpNoOtherEnvironment) {
  world.CreateFlag("f");
  Must(world.app->flags().Create(world.Admin(), World::Boolean("g", "production")));
  world.table.AfterRead([](store::QueryPage& page) {
    std::erase_if(page.items, [](const store::Item& item) { return *item.Find("PK") == "CHANGES#development"; });
  });
  world.table.OnRead({});
  // The head of `development` is missing from the index, the one of `production` is not.
  Must(other->Follow());
  EXPECT_EQ(world.Evaluate("g", {}, "production", other.get()), "on");
}

TEST(StoreContact, WithoutFollowingNothingIsEverOld) {
  StoreContact contact;
  contact.Heard(base::Timestamp{});
  EXPECT_FALSE(contact.AgeOf(base::Timestamp{std::chrono::hours{24}}));
  contact.Follow(milliseconds{10});
  EXPECT_EQ(contact.AgeOf(base::Timestamp{milliseconds{11}}), milliseconds{11});
}

}  // namespace
}  // namespace guidon::app::testing
