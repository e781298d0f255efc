// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "repository_fixture.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LogRepositoryTest : public RepositoryTest {
 protected:
  static ChangeRecord Change(std::uint64_t sequence, std::string scope = "production") {
    return {.scope = std::move(scope),
            .sequence = sequence,
            .at = kNow,
            .action = "flag.create",
            .entity = "flag",
            .resource = "f" + std::to_string(sequence),
            .version = 1,
            .request_id = "r"};
  }
  void SaveChanges(std::uint64_t count) {
    for (std::uint64_t i = 1; i <= count; ++i) EXPECT_TRUE(Write(PutChange(Change(i))));
    Save(EncodeChangeHead("production", {.sequence = count}));
  }
  void SaveEvaluation(const std::string& flag, std::string_view at, const std::string& tenant,
                      const std::string& env = "production") {
    const Key key = EvaluationLogItemKey(Env(env), FlagKeyOf(flag), At(at), TenantOf(tenant));
    Save(Item{{"PK", key.pk},
              {"SK", key.sk},
              {"GSI1PK", "EVALS#" + env + "#" + std::string(at.substr(0, 10))},
              {"GSI1SK", "FLAG#" + flag + "#" + base::FormatTimestamp(At(at))},
              {"variation", "on"}});
  }
  static std::vector<std::string> Tenants(const std::vector<EvaluationLogRecord>& records) {
    std::vector<std::string> tenants;
    for (const auto& record : records) tenants.push_back(record.tenant_id);
    return tenants;
  }
};

TEST_F(LogRepositoryTest, HeadIsZeroBeforeTheFirstChange) {
  EXPECT_EQ(*repository_.ChangeHead("production"), 0U);
  EXPECT_TRUE(Write(PutChangeHead("production", {.sequence = 1}, {})));
  EXPECT_TRUE(Write(PutChangeHead("production", {.sequence = 5}, {.sequence = 1})));
  EXPECT_EQ(*repository_.ChangeHead("production"), 5U);
  EXPECT_EQ(*repository_.ChangeHead(kSystemScope), 0U);
}

TEST_F(LogRepositoryTest, AllHeadsComeWithOneQueryOfHalfAUnit) {
  EXPECT_TRUE(repository_.ChangeHeads()->empty());
  EXPECT_TRUE(Write(PutChangeHead("production", {.sequence = 7}, {})));
  EXPECT_TRUE(Write(PutChangeHead("staging", {.sequence = 1}, {})));
  EXPECT_TRUE(Write(PutChangeHead(kSystemScope, {.sequence = 3}, {})));
  // Foreign items in the same partition of the index are no heads.
  Save({{"PK", "OTHER#1"}, {"SK", "x"}, {"GSI1PK", "CHANGES"}, {"GSI1SK", "production"}, {"sequence", Number{"99"}}});
  const auto heads = repository_.ChangeHeads();
  EXPECT_EQ(heads->size(), 3U);
  EXPECT_EQ(heads->at("production"), 7U);
  EXPECT_EQ(heads->at("staging"), 1U);
  EXPECT_EQ(heads->at(std::string(kSystemScope)), 3U);
}

TEST_F(LogRepositoryTest, HeadMovesOnlyFromWhatWasRead) {
  EXPECT_TRUE(Write(PutChangeHead("production", {.sequence = 1}, {})));
  EXPECT_FALSE(Write(PutChangeHead("production", {.sequence = 1}, {})));
  EXPECT_TRUE(Write(PutChangeHead("production", {.sequence = 2}, {.sequence = 1})));
  EXPECT_FALSE(Write(PutChangeHead("production", {.sequence = 2}, {.sequence = 1})));
  EXPECT_EQ(*repository_.ChangeHead("production"), 2U);
}

TEST_F(LogRepositoryTest, HeadMovesOnlyFromTheHistoryThatWasRead) {
  const LogHead first{.sequence = 1, .audit_hash = "a1", .audit_at = kNow};
  const LogHead second{.sequence = 2, .audit_hash = "a2", .audit_at = kNow};
  EXPECT_TRUE(Write(PutChangeHead("production", first, {})));
  EXPECT_EQ(*repository_.ReadLogHead("production"), first);
  // As many changes, but others: a table that was restored meanwhile.
  EXPECT_FALSE(Write(PutChangeHead("production", second, {.sequence = 1, .audit_hash = "b1", .audit_at = kNow})));
  EXPECT_TRUE(Write(PutChangeHead("production", second, first)));
  // A head without a chain is gone on from, and a chain begins.
  EXPECT_TRUE(Write(PutChangeHead("staging", {.sequence = 3}, {})));
  EXPECT_EQ(*repository_.ReadLogHead("staging"), LogHead{.sequence = 3});
  EXPECT_TRUE(Write(PutChangeHead("staging", {.sequence = 4, .audit_hash = "c4", .audit_at = kNow}, {.sequence = 3})));
}

TEST_F(LogRepositoryTest, ChangesAfterASequenceNumberInOrderAndWithoutTheHead) {
  SaveChanges(12);
  EXPECT_TRUE(Write(PutChange(Change(1, "staging"))));
  const auto changes = All([&](const auto& page) { return repository_.ListChangesAfter("production", 2, page); }, 4);
  ASSERT_EQ(changes.size(), 10U);
  for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_EQ(changes[i], Change(i + 3));
  EXPECT_THAT(repository_.ListChangesAfter("production", 12, {})->items, IsEmpty());
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_THAT(repository_.ListChangesAfter("production", kMax, {})->items, IsEmpty());
}

TEST_F(LogRepositoryTest, AChangeIsNeverWrittenOver) {
  EXPECT_TRUE(Write(PutChange(Change(1))));
  EXPECT_FALSE(Write(PutChange(Change(1))));
}

TEST_F(LogRepositoryTest, ChangesAreForgottenAfterThirtyDays) {
  SaveChanges(1);
  clock_.Advance(kChangeLogRetention - hours{1});
  EXPECT_EQ(repository_.ListChangesAfter("production", 0, {})->items.size(), 1U);
  clock_.Advance(hours{2});
  EXPECT_THAT(repository_.ListChangesAfter("production", 0, {})->items, IsEmpty());
  EXPECT_EQ(*repository_.ChangeHead("production"), 1U);
}

TEST_F(LogRepositoryTest, IdempotencyKeysAreRememberedForADayForEachOwner) {
  const IdempotencyRecord record{
      .owner = "local", .key = "a#b", .fingerprint = "f", .result = "{}", .sequence = 3, .at = kNow};
  EXPECT_TRUE(Write(PutIdempotency(record)));
  EXPECT_FALSE(Write(PutIdempotency(record)));
  EXPECT_EQ(*repository_.GetIdempotency("local", "a#b"), record);
  EXPECT_EQ(*repository_.GetIdempotency("other", "a#b"), std::nullopt);
  EXPECT_EQ(*repository_.GetIdempotency("local", "a#B"), std::nullopt);
  clock_.Advance(kIdempotencyRetention + milliseconds{1000});
  EXPECT_EQ(*repository_.GetIdempotency("local", "a#b"), std::nullopt);
  EXPECT_TRUE(Write(PutIdempotency(record)));
}

TEST_F(LogRepositoryTest, EvaluationsOfAFlagInATimeRangeNewestFirst) {
  SaveEvaluation("f", "2026-11-22T00:00:00.000Z", "early");
  SaveEvaluation("f", "2026-11-22T01:00:00.000Z", "first");
  SaveEvaluation("f", "2026-11-22T02:00:00.000Z", "last");
  SaveEvaluation("f", "2026-11-22T02:00:00.001Z", "late");
  SaveEvaluation("g", "2026-11-22T01:30:00.000Z", "other");
  const auto range = [&](const PageRequest& page) {
    return repository_.ListEvaluationsOfFlag(Env("production"), FlagKeyOf("f"), At("2026-11-22T01:00:00.000Z"),
                                             At("2026-11-22T02:00:00.000Z"), page);
  };
  EXPECT_THAT(Tenants(All(range, 1)), ElementsAre("last", "first"));
  EXPECT_THAT(repository_.ListEvaluationsOfFlag(Env("production"), FlagKeyOf("f"), kNow, kNow - hours{1}, {})->items,
              IsEmpty());
}

TEST_F(LogRepositoryTest, EvaluationsOfAnEnvironmentOnADay) {
  SaveEvaluation("g", "2026-11-22T05:00:00.000Z", "b");
  SaveEvaluation("f", "2026-11-22T23:59:59.999Z", "a");
  SaveEvaluation("f", "2026-11-23T00:00:00.000Z", "next");
  SaveEvaluation("f", "2026-11-22T05:00:00.000Z", "staging", "staging");
  const auto page = repository_.ListEvaluationsOfDay(Env("production"), kNow, {});
  EXPECT_THAT(Tenants(page->items), ElementsAre("a", "b"));
  EXPECT_EQ(page->items[0].variation, "on");
}

TEST_F(LogRepositoryTest, ExperimentsOfAnEnvironmentAndAssignmentsOfAUser) {
  for (const char* test : {"t1", "t2"}) {
    const std::string at = std::string("2026-11-22T04:23:00.00") + test[1] + "Z";
    const std::string pk = std::string("ABTEST#") + test;
    Save(Item{{"PK", pk}, {"SK", "METADATA"}, {"GSI1PK", "ABTESTS#production"}, {"GSI1SK", "TEST#" + at}});
    Save(Item{
        {"PK", pk}, {"SK", "ASSIGN#user-1"}, {"GSI1PK", "USER#user-1"}, {"GSI1SK", pk + "#" + at}, {"variation", "b"}});
  }
  Save(Item{{"PK", "ABTEST#t3"},
            {"SK", "ASSIGN#user-2"},
            {"GSI1PK", "USER#user-1"},
            {"GSI1SK", "ABTEST#t3#2026-11-22T04:23:00.000Z"}});
  const auto tests = repository_.ListAbTests(Env("production"), {});
  ASSERT_EQ(tests->items.size(), 2U);
  EXPECT_EQ(tests->items[0].test_id, "t2");
  EXPECT_EQ(tests->items[0].environment, "production");
  EXPECT_EQ(tests->items[0].created_at, At("2026-11-22T04:23:00.002Z"));
  const auto assignments = repository_.ListAssignmentsOfUser("user-1", {});
  ASSERT_EQ(assignments->items.size(), 2U);
  EXPECT_EQ(assignments->items[0].test_id, "t1");
  EXPECT_EQ(assignments->items[0].variation, "b");
  EXPECT_EQ(assignments->items[0].at, At("2026-11-22T04:23:00.001Z"));
  EXPECT_EQ(assignments->unreadable, 1U);
  ExpectError(repository_.ListAssignmentsOfUser("", {}), ErrorCode::kInvalidArgument, "userId");
}

}  // namespace
}  // namespace guidon::store
