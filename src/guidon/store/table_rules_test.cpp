// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/table_rules.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace guidon::store {
namespace {

using namespace std::chrono_literals;

TEST(Expiry, IsPastFromTheNextSecondOn) {
  const Item item{{"PK", "p"}, {"SK", "s"}, {"ttl", Number{"100"}}};
  EXPECT_FALSE(IsExpired(item, base::Timestamp{99'999ms}));
  EXPECT_FALSE(IsExpired(item, base::Timestamp{100'999ms}));
  EXPECT_TRUE(IsExpired(item, base::Timestamp{101'000ms}));
}

TEST(Expiry, NeedsAWholeNumber) {
  const base::Timestamp late{std::chrono::hours{1'000'000}};
  EXPECT_FALSE(IsExpired(Item{{"PK", "p"}}, late));
  EXPECT_FALSE(IsExpired(Item{{"ttl", "100"}}, late));
  EXPECT_FALSE(IsExpired(Item{{"ttl", Number{"1.5"}}}, late));
  EXPECT_TRUE(IsExpired(Item{{"ttl", Number{"1E2"}}}, late));
}

bool Within(const SortKeyRange& range, const std::string& text) {
  return text >= range.low && (!range.high || text < *range.high);
}

TEST(SortKeyRange, IsWhatTheConditionSays) {
  const std::string zero(1, '\0');
  EXPECT_TRUE(Within(RangeOf(SortKeyEquals{"b"}), "b"));
  EXPECT_FALSE(Within(RangeOf(SortKeyEquals{"b"}), "b" + zero));
  EXPECT_FALSE(Within(RangeOf(SortKeyGreater{"b"}), "b"));
  EXPECT_TRUE(Within(RangeOf(SortKeyGreater{"b"}), "b" + zero));
  EXPECT_TRUE(Within(RangeOf(SortKeyBetween{"a", "b"}), "b"));
  EXPECT_FALSE(Within(RangeOf(SortKeyBetween{"a", "b"}), "b" + zero));
  EXPECT_TRUE(Within(RangeOf(SortKeyBeginsWith{"b"}), "b\xff\xff"));
  EXPECT_FALSE(Within(RangeOf(SortKeyBeginsWith{"b"}), "c"));
}

TEST(SortKeyRange, OfAPrefixOfHighestBytesHasTheRightEnd) {
  EXPECT_EQ(RangeOf(SortKeyBeginsWith{"a\xff"}).high, "b");
  EXPECT_EQ(RangeOf(SortKeyBeginsWith{"a\xff\xff"}).high, "b");
  EXPECT_EQ(RangeOf(SortKeyBeginsWith{"\xff\xff"}).high, std::nullopt);
}

TEST(ReadUnits, AreRoundedUpAndHalvedLast) {
  EXPECT_EQ(ReadUnits(0, Consistency::kStrong).read, 1);
  EXPECT_EQ(ReadUnits(4096, Consistency::kEventual).read, 0.5);
  EXPECT_EQ(ReadUnits(8193, Consistency::kEventual).read, 1.5);
}

TEST(PlanTransaction, ReasonsAreOnlyThereWhenItIsCancelled) {
  const std::vector<TransactionOperation> operations = {Delete{.key = {"p", "s"}, .condition = Condition::Present()}};
  const Item item{{"PK", "p"}, {"SK", "s"}};
  const std::vector<const Item*> there = {&item};
  const std::vector<const Item*> missing = {nullptr};
  EXPECT_TRUE(PlanTransaction(operations, there).result.reasons.empty());
  EXPECT_EQ(PlanTransaction(operations, missing).result.reasons.size(), 1U);
}

}  // namespace
}  // namespace guidon::store
