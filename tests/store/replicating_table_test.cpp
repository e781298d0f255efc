// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/replicating_table.hpp"

#include <gtest/gtest.h>

#include "guidon/app/application.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/store_memory/memory_table.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;

template <class T>
T Must(base::Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    std::abort();
  }
  return *std::move(result);
}

class ReplicatingTableTest : public testing::Test {
 protected:
  std::unique_ptr<app::Application> Open() {
    return Must(app::Application::Open(table_, clock_,
                                       {.environments = {Must(model::Environment::Parse("production"))},
                                        .default_environment = "production",
                                        .key_hash_secret = "a secret for tests that has at least 32 bytes"}));
  }
  static app::RequestInfo Admin() {
    return {.principal = {.kind = app::PrincipalKind::kAdmin, .id = "admin"}, .request_id = "r"};
  }
  static model::FlagFields Boolean(std::string_view key) {
    return {.flag_key = std::string(key), .environment = "production", .owner = "o", .default_enabled = true};
  }
  static model::FlagKey Flag(std::string_view key) { return Must(model::FlagKey::Parse(key)); }

  base::ManualClock clock_{Must(base::ParseTimestamp("2026-11-22T04:00:00Z"))};
  store_memory::MemoryTable store_{clock_};
  store_memory::MemoryTable copy_{clock_};
  ReplicatingTable table_{store_, copy_};
  const model::Environment production_ = Must(model::Environment::Parse("production"));
};

TEST_F(ReplicatingTableTest, ANodeStartsFromTheCopyWithAllThatEvaluationNeeds) {
  const auto tenant = Must(model::TenantId::Parse("acme"));
  const auto scope = Must(model::KillScope::Parse("owner:o"));
  std::uint64_t sequence = 0;
  {
    const auto node = Open();
    for (const char* key : {"a", "b", "gone"}) Must(node->flags().Create(Admin(), Boolean(key)));
    Must(node->overrides().Set(Admin(), production_, Flag("a"), tenant, {.enabled = false}));
    Must(node->segments().Create(Admin(), {.segment_key = "s", .environment = "production", .included = {"u"}}));
    Must(node->kill_switches().Engage(Admin(), production_, scope, "bad"));
    model::ApiKeyFields key;
    key.kind = model::KeyKind::kAdmin;
    Must(node->keys().Create(Admin(), key));
    Must(node->flags().Delete(Admin(), production_, Flag("gone"), {}));
    sequence = *node->snapshots().SequenceOf("production");
  }
  table_.ServeFromCopy(true);
  const auto node = Open();
  const auto snapshot = node->snapshots().Find("production")->Get();
  EXPECT_EQ(snapshot->sequence(), sequence);
  EXPECT_EQ(snapshot->flag_count(), 2U);
  EXPECT_EQ(snapshot->OverrideOf("a", "acme"), "off");
  EXPECT_EQ(snapshot->SegmentVersion("s"), 1U);
  ASSERT_EQ(snapshot->kill_switches().size(), 1U);
  EXPECT_EQ(snapshot->kill_switches().front()->scope.Text(), "owner:o");
  EXPECT_EQ(node->keys().ring().Get()->size(), 1U);
  const auto refused = node->flags().Create(Admin(), Boolean("c"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST_F(ReplicatingTableTest, WhatOthersChangedGoesIntoTheCopyWhenItIsRead) {
  const auto node = Open();
  Must(node->flags().Create(Admin(), Boolean("a")));
  {
    // Another node, past this table.
    auto other = Must(app::Application::Open(store_, clock_,
                                             {.environments = {production_},
                                              .default_environment = "production",
                                              .key_hash_secret = "a secret for tests that has at least 32 bytes"}));
    Must(other->flags().Create(Admin(), Boolean("b")));
    Must(other->flags().Delete(Admin(), production_, Flag("a"), {}));
  }
  ASSERT_TRUE(node->Follow());
  Repository copied(copy_);
  EXPECT_FALSE(*copied.GetFlag(production_, Flag("a")));
  EXPECT_TRUE(*copied.GetFlag(production_, Flag("b")));
  EXPECT_EQ(*copied.ChangeHead("production"), 3U);
}

TEST_F(ReplicatingTableTest, AFullLoadForgetsWhatIsNoLongerThere) {
  const auto node = Open();
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(std::chrono::seconds(1));
    Must(node->flags().Create(Admin(), Boolean("f" + std::to_string(i))));
  }
  Must(store_.DeleteItem({.key = FlagItemKey(production_, Flag("f2"))}));
  ASSERT_TRUE(node->Refresh());
  Repository copied(copy_);
  EXPECT_FALSE(*copied.GetFlag(production_, Flag("f2")));
  EXPECT_TRUE(*copied.GetFlag(production_, Flag("f1")));
  EXPECT_TRUE(*copied.GetFlag(production_, Flag("f3")));
}

TEST_F(ReplicatingTableTest, APageTellsOnlyOfItsOwnPart) {
  const auto node = Open();
  for (int i = 0; i < 6; ++i) {
    clock_.Advance(std::chrono::seconds(1));
    Must(node->flags().Create(Admin(), Boolean("f" + std::to_string(i))));
  }
  for (const bool forward : {true, false}) {
    ASSERT_TRUE(table_.RunQuery(
        {.index = Index::kGsi1Flags, .partition = FlagsIndexPartition(production_), .forward = forward, .limit = 2}));
  }
  Repository copied(copy_);
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(*copied.GetFlag(production_, Flag("f" + std::to_string(i)))) << i;
}

TEST_F(ReplicatingTableTest, AnOlderStateFromAnIndexDoesNotReplaceALaterOne) {
  const Item old{{"PK", "FLAG#production#f"}, {"SK", "METADATA"}, {"createdAt", "x"}, {"version", Number{"1"}}};
  Item fresh = old;
  fresh.Set("version", Number{"2"});
  Must(table_.PutItem({.item = fresh}));
  Must(store_.PutItem({.item = old}));
  Must(table_.Get({"FLAG#production#f", "METADATA"}, Consistency::kEventual));
  EXPECT_EQ(*Must(copy_.Get({"FLAG#production#f", "METADATA"}, Consistency::kStrong)).item, fresh);
  // A flag that was made again starts over.
  Item again = old;
  again.Set("createdAt", "y");
  Must(table_.PutItem({.item = again}));
  EXPECT_EQ(*Must(copy_.Get({"FLAG#production#f", "METADATA"}, Consistency::kStrong)).item, again);
}

TEST_F(ReplicatingTableTest, KeepsNeitherLogsNorAudit) {
  const auto node = Open();
  Must(node->flags().Create(Admin(), Boolean("a")));
  Must(table_.PutItem({.item = {{"PK", "FLAG#production#a"}, {"SK", "EVAL#2026-11-22T04:00:00.000Z#t"}}}));
  EXPECT_FALSE(Must(copy_.Get({"FLAG#production#a", "EVAL#2026-11-22T04:00:00.000Z#t"}, Consistency::kStrong)).item);
  Repository copied(copy_);
  EXPECT_TRUE(Must(copied.ListChangesAfter("production", 0, {})).items.empty());
  EXPECT_TRUE(Must(copied.ListAudit({.to = clock_.Now()}, {})).items.empty());
}

TEST_F(ReplicatingTableTest, SaysOfWhenTheCopyIs) {
  EXPECT_FALSE(*table_.MarkedAt());
  ASSERT_TRUE(table_.Mark(clock_.Now()));
  EXPECT_EQ(*table_.MarkedAt(), clock_.Now());
}

}  // namespace
}  // namespace guidon::store
