// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/cached_table.hpp"

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/store/table_contract.hpp"
#include "guidon/store_memory/memory_table.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::IsEmpty;

const Key kKey{"p", "s"};
Item Valued(const std::string& value, const std::string& pk = "p") {
  return {{"PK", pk}, {"SK", "s"}, {"GSI1PK", "g"}, {"GSI1SK", pk}, {"value", value}};
}

// A memory table that counts reads and can stop answering, or answer late.
class Source final : public Table {
 public:
  explicit Source(const base::Clock& clock) : table_(clock) {}
  bool down = false;
  int reads = 0;
  std::function<void()> before_answer;  // a read has been done, and its answer is on the way

  base::Result<GetResult> Get(const Key& key, Consistency consistency) override {
    return Read<GetResult>([&] { return table_.Get(key, consistency); });
  }
  base::Result<QueryPage> RunQuery(const Query& query) override {
    return Read<QueryPage>([&] { return table_.RunQuery(query); });
  }
  base::Result<BatchGetResult> BatchGet(std::span<const Key> keys, Consistency consistency) override {
    asked.assign(keys.begin(), keys.end());
    return Read<BatchGetResult>([&] { return table_.BatchGet(keys, consistency); });
  }
  base::Result<WriteResult> PutItem(const Put& put) override {
    if (down) return Down();
    return table_.PutItem(put);
  }
  base::Result<WriteResult> UpdateItem(const Update& update) override { return table_.UpdateItem(update); }
  base::Result<WriteResult> DeleteItem(const Delete& del) override { return table_.DeleteItem(del); }
  base::Result<BatchWriteResult> BatchWrite(std::span<const BatchWriteOperation> operations) override {
    return table_.BatchWrite(operations);
  }
  base::Result<TransactionResult> Transact(std::span<const TransactionOperation> operations,
                                           std::string_view token) override {
    return table_.Transact(operations, token);
  }
  base::Status Ping() override { return {}; }
  std::vector<Key> asked;  // of the last batch

 private:
  static std::unexpected<base::Error> Down() { return base::Fail(ErrorCode::kUnavailable, "down"); }
  template <class T, class Call>
  base::Result<T> Read(const Call& call) {
    ++reads;
    if (down) return Down();
    auto result = call();
    if (before_answer) before_answer();
    return result;
  }
  store_memory::MemoryTable table_;
};

class CachedTableTest : public testing::Test {
 protected:
  std::string ValueOf(Consistency consistency = Consistency::kEventual, const Key& key = kKey) {
    const auto got = cached_.Get(key, consistency);
    if (!got) return "error: " + got.error().message;
    return got->item ? *got->item->Find("value")->AsString() : "none";
  }
  std::vector<std::string> Listed() {
    std::vector<std::string> values;
    const auto page = cached_.RunQuery({.index = Index::kGsi1Flags, .partition = "g"});
    EXPECT_TRUE(page.has_value());
    for (const Item& item : page->items) values.push_back(*item.Find("value")->AsString());
    return values;
  }
  void Behind(const Item& item) { ASSERT_TRUE(source_.PutItem({.item = item})->applied); }

  base::ManualClock clock_{kContractStart};
  Source source_{clock_};
  CachedTable cached_{source_, clock_, {.ttl = std::chrono::seconds{60}, .items_max = 3, .queries_max = 2}};
};

TEST_F(CachedTableTest, EventualReadsAreServedUntilTheyAreOld) {
  Behind(Valued("a"));
  EXPECT_EQ(ValueOf(), "a");
  Behind(Valued("b"));
  EXPECT_EQ(ValueOf(), "a");
  EXPECT_EQ(source_.reads, 1);
  EXPECT_EQ(cached_.Get(kKey, Consistency::kEventual)->consumed, CapacityUnits{});
  clock_.Advance(std::chrono::seconds{60});
  EXPECT_EQ(ValueOf(), "b");
  EXPECT_EQ(cached_.figures().item_hits, 2U);
  EXPECT_EQ(cached_.figures().item_misses, 2U);
}

TEST_F(CachedTableTest, StrongReadsPassAndFillNothing) {
  Behind(Valued("a"));
  EXPECT_EQ(ValueOf(), "a");
  Behind(Valued("b"));
  EXPECT_EQ(ValueOf(Consistency::kStrong), "b");
  EXPECT_EQ(ValueOf(), "a");
  EXPECT_EQ(cached_.figures().passed, 1U);
}

TEST_F(CachedTableTest, MissesAreCachedToo) {
  EXPECT_EQ(ValueOf(), "none");
  EXPECT_EQ(ValueOf(), "none");
  EXPECT_EQ(source_.reads, 1);
}

TEST_F(CachedTableTest, WritesGoThrough) {
  EXPECT_EQ(ValueOf(), "none");
  ASSERT_TRUE(cached_.PutItem({.item = Valued("a")})->applied);
  EXPECT_EQ(ValueOf(), "a");
  EXPECT_EQ(source_.reads, 1);
  ASSERT_TRUE(cached_.UpdateItem({.key = kKey, .set = {{"value", "b"}}})->applied);
  EXPECT_EQ(ValueOf(), "b");
  EXPECT_EQ(source_.reads, 2);  // only the table knows what an update makes
  const std::vector<TransactionOperation> operations = {Put{.item = Valued("c")}};
  ASSERT_TRUE(cached_.Transact(operations, {})->committed);
  EXPECT_EQ(ValueOf(), "c");
  ASSERT_TRUE(cached_.DeleteItem({.key = kKey})->applied);
  EXPECT_EQ(ValueOf(), "none");
  const std::vector<BatchWriteOperation> batch = {{Valued("d")}};
  ASSERT_TRUE(cached_.BatchWrite(batch).has_value());
  EXPECT_EQ(ValueOf(), "d");
  EXPECT_EQ(source_.reads, 2);
}

TEST_F(CachedTableTest, ARefusedWriteShowsWhatIsThere) {
  EXPECT_EQ(ValueOf(), "none");
  Behind(Valued("theirs"));
  EXPECT_FALSE(cached_.PutItem({.item = Valued("ours"), .condition = Condition::Absent()})->applied);
  EXPECT_EQ(ValueOf(), "theirs");
}

TEST_F(CachedTableTest, AWriteThatFailedLeavesNothingToBelieve) {
  EXPECT_EQ(ValueOf(), "none");
  source_.down = true;
  EXPECT_FALSE(cached_.PutItem({.item = Valued("a")}).has_value());
  source_.down = false;
  Behind(Valued("a"));
  EXPECT_EQ(ValueOf(), "a");
}

TEST_F(CachedTableTest, TheQueryCacheIsNotToldOfWrites) {
  ASSERT_TRUE(cached_.PutItem({.item = Valued("a")})->applied);
  EXPECT_THAT(Listed(), ElementsAre("a"));
  ASSERT_TRUE(cached_.PutItem({.item = Valued("b")})->applied);
  EXPECT_THAT(Listed(), ElementsAre("a"));
  clock_.Advance(std::chrono::seconds{60});
  EXPECT_THAT(Listed(), ElementsAre("b"));
  EXPECT_EQ(cached_.figures().query_hits, 1U);
  EXPECT_EQ(cached_.figures().query_misses, 2U);
}

TEST_F(CachedTableTest, EveryParameterOfAQueryCounts) {
  for (const char* pk : {"p1", "p2", "p3"}) Behind(Valued(pk, pk));
  const auto first = [&](const Query& query) {
    const auto page = cached_.RunQuery(query);
    return page->items.empty() ? "none" : *page->items.front().Find("PK")->AsString();
  };
  const Query query{.index = Index::kGsi1Flags, .partition = "g", .limit = 1};
  Query other = query;
  EXPECT_EQ(first(query), "p1");
  other.forward = false;
  EXPECT_EQ(first(other), "p3");
  other = query;
  other.sort = SortKeyGreater{"p1"};
  EXPECT_EQ(first(other), "p2");
  other.sort = SortKeyBeginsWith{"p1"};
  EXPECT_EQ(first(other), "p1");
  other.sort = SortKeyEquals{"p3"};
  EXPECT_EQ(first(other), "p3");
  other.sort = SortKeyBetween{"p2", "p3"};
  EXPECT_EQ(first(other), "p2");
  other = query;
  other.start_after = cached_.RunQuery(query)->next;
  EXPECT_EQ(first(other), "p2");
  other = query;
  other.partition = "h";
  EXPECT_EQ(first(other), "none");
}

TEST_F(CachedTableTest, TheLeastRecentlyUsedGoesFirst) {
  for (const char* pk : {"1", "2", "3"}) EXPECT_EQ(ValueOf(Consistency::kEventual, {pk, "s"}), "none");
  EXPECT_EQ(ValueOf(Consistency::kEventual, {"1", "s"}), "none");  // used again
  EXPECT_EQ(ValueOf(Consistency::kEventual, {"4", "s"}), "none");  // "2" goes
  EXPECT_EQ(source_.reads, 4);
  EXPECT_EQ(ValueOf(Consistency::kEventual, {"1", "s"}), "none");
  EXPECT_EQ(source_.reads, 4);
  EXPECT_EQ(ValueOf(Consistency::kEventual, {"2", "s"}), "none");
  EXPECT_EQ(source_.reads, 5);
  EXPECT_EQ(cached_.figures().items, 3U);
  EXPECT_EQ(cached_.figures().evictions, 2U);
}

TEST_F(CachedTableTest, ABatchAsksOnlyForWhatIsMissing) {
  Behind(Valued("a", "1"));
  Behind(Valued("b", "2"));
  EXPECT_EQ(ValueOf(Consistency::kEventual, {"1", "s"}), "a");
  const std::vector<Key> keys = {{"1", "s"}, {"2", "s"}, {"3", "s"}};
  EXPECT_EQ(cached_.BatchGet(keys, Consistency::kEventual)->items.size(), 2U);
  EXPECT_THAT(source_.asked, ElementsAre(Key{"2", "s"}, Key{"3", "s"}));
  EXPECT_EQ(cached_.BatchGet(keys, Consistency::kEventual)->items.size(), 2U);
  EXPECT_EQ(source_.reads, 2);
}

TEST_F(CachedTableTest, OldEntriesAreServedWhileTheStoreIsDown) {
  Behind(Valued("a"));
  EXPECT_EQ(ValueOf(), "a");
  EXPECT_THAT(Listed(), ElementsAre("a"));
  source_.down = true;
  clock_.Advance(std::chrono::hours{1});
  EXPECT_EQ(ValueOf(), "a");
  EXPECT_THAT(Listed(), ElementsAre("a"));
  const std::vector<Key> keys = {kKey};
  EXPECT_THAT(cached_.BatchGet(keys, Consistency::kEventual)->items, ElementsAre(Valued("a")));
  EXPECT_EQ(cached_.figures().served_stale, 3U);
  EXPECT_EQ(ValueOf(Consistency::kStrong), "error: down");
  EXPECT_EQ(ValueOf(Consistency::kEventual, {"unknown", "s"}), "error: down");
  source_.down = false;
  Behind(Valued("b"));
  EXPECT_EQ(ValueOf(), "b");
}

TEST_F(CachedTableTest, AnItemPastItsOwnExpiryIsNotServed) {
  Item item = Valued("a");
  item.Set("ttl", Number::From(kContractStart.time_since_epoch().count() / 1000 + 10));
  Behind(item);
  EXPECT_EQ(ValueOf(), "a");
  EXPECT_THAT(Listed(), ElementsAre("a"));
  clock_.Advance(std::chrono::seconds{11});
  EXPECT_EQ(ValueOf(), "none");
  EXPECT_THAT(Listed(), IsEmpty());
}

TEST_F(CachedTableTest, AReadThatAWriteOvertakesIsNotKept) {
  Behind(Valued("old"));
  source_.before_answer = [this] {
    source_.before_answer = {};
    ASSERT_TRUE(cached_.PutItem({.item = Valued("new")})->applied);
  };
  EXPECT_EQ(ValueOf(), "old");  // it began before
  EXPECT_EQ(ValueOf(), "new");
}

TEST_F(CachedTableTest, ReadsOfOneThingAtATimeAreOneRead) {
  Behind(Valued("a"));
  constexpr int kThreads = 6;
  std::latch waiting(1);
  source_.before_answer = [&] { waiting.wait(); };
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { right += ValueOf() == "a"; });
    while (cached_.figures().joined + 1 < kThreads) std::this_thread::yield();
    waiting.count_down();
  }
  EXPECT_EQ(right.load(), kThreads);
  EXPECT_EQ(source_.reads, 1);
}

// --- the contract ---

class CachedUnderTest final : public TableUnderTest {
 public:
  explicit CachedUnderTest(CacheOptions options) : cached_(memory_, clock_, options) {}
  Table& table() override { return cached_; }
  base::ManualClock& clock() override { return clock_; }

 private:
  base::ManualClock clock_{kContractStart};
  store_memory::MemoryTable memory_{clock_};
  CachedTable cached_;
};

std::unique_ptr<TableUnderTest> MakeCached(std::size_t queries_max) {
  return std::make_unique<CachedUnderTest>(CacheOptions{.items_max = 50, .queries_max = queries_max});
}

constexpr const char* kFree = "what the cache holds costs nothing";
constexpr const char* kOldPages = "a page of the query cache is as old as it may be";

INSTANTIATE_TEST_SUITE_P(Cached, TableContract,
                         testing::Values(TableContractFactory{"items",
                                                              [] { return MakeCached(0); },
                                                              false,
                                                              {{"BatchesCostTheSumOfTheirParts", kFree},
                                                               {"GetCostsAUnitForEachFourKilobytesBegun", kFree}}},
                                         TableContractFactory{"itemsAndQueries",
                                                              [] { return MakeCached(50); },
                                                              false,
                                                              {{"BatchesCostTheSumOfTheirParts", kFree},
                                                               {"GetCostsAUnitForEachFourKilobytesBegun", kFree},
                                                               {"QueryCostsTheSumOfWhatItReads", kFree},
                                                               {"ATransactionTakesAHundredItems", kOldPages},
                                                               {"UpdateOfIndexAttributesMovesTheEntry", kOldPages}}}),
                         TableContractName);

}  // namespace
}  // namespace guidon::store
