// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_rocksdb/rocks_table.hpp"

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <rocksdb/db.h>

#include "guidon/store_rocksdb/item_bytes.hpp"
#include "guidon/store_rocksdb/key_codec.hpp"
#include "guidon/store_rocksdb/test_support.hpp"

namespace guidon::store {
namespace {

using store_rocksdb::OpenOrDie;
using store_rocksdb::RocksOptions;
using store_rocksdb::RocksTable;
using store_rocksdb::TempDirectory;

enum class Shuffling { kNone, kReopen, kCompact };

class RocksUnderTest final : public TableUnderTest {
 public:
  RocksUnderTest(bool sync, std::size_t write_buffer_bytes, Shuffling shuffling)
      : options_{.path = directory_.Store(),
                 .clock = &clock_,
                 .sync = sync,
                 .block_cache_bytes = 1U << 20,
                 .write_buffer_bytes = write_buffer_bytes},
        shuffling_(shuffling),
        table_(OpenOrDie(options_)) {}
  ~RocksUnderTest() override {
    const auto report = table_->VerifyIndexes();
    EXPECT_TRUE(report.has_value());
    if (report) EXPECT_TRUE(report->Ok()) << testing::PrintToString(report->problems);
  }

  Table& table() override { return *table_; }
  base::ManualClock& clock() override { return clock_; }
  void Shuffle() override {
    if (shuffling_ == Shuffling::kCompact) {
      EXPECT_TRUE(table_->Flush().has_value());
      EXPECT_TRUE(table_->Compact().has_value());
    } else if (shuffling_ == Shuffling::kReopen) {
      table_.reset();
      table_ = OpenOrDie(options_);
    }
  }

 private:
  TempDirectory directory_;
  base::ManualClock clock_{kContractStart};
  const RocksOptions options_;
  const Shuffling shuffling_;
  std::unique_ptr<RocksTable> table_;
};

constexpr std::size_t kUsual = 8U << 20;
constexpr std::size_t kTiny = 64U << 10;  // table files all the time

INSTANTIATE_TEST_SUITE_P(
    Rocks, TableContract,
    testing::Values(
        TableContractFactory{"synced", [] { return std::make_unique<RocksUnderTest>(true, kUsual, Shuffling::kNone); }},
        TableContractFactory{"reopened",
                             [] { return std::make_unique<RocksUnderTest>(false, kUsual, Shuffling::kReopen); }},
        TableContractFactory{"compacted",
                             [] { return std::make_unique<RocksUnderTest>(false, kTiny, Shuffling::kCompact); }}),
    TableContractName);

}  // namespace
}  // namespace guidon::store

namespace guidon::store_rocksdb {
namespace {

using base::ErrorCode;
using store::Index;
using store::Item;
using testing::ElementsAre;
using testing::HasSubstr;

class RocksTableTest : public testing::Test {
 protected:
  RocksOptions Options(bool sync = false) { return {.path = directory_.Store(), .clock = &clock_, .sync = sync}; }

  void Open() { table_ = OpenOrDie(Options()); }
  void Close() { table_.reset(); }
  void Reopen() {
    Close();
    Open();
  }
  void Put(const Item& item) {
    const auto result = table_->PutItem({.item = item});
    ASSERT_TRUE(result.has_value()) << result.error().message;
  }

  // Something done to the files behind the table's back, while it is closed.
  void Raw(const std::function<void(rocksdb::DB&)>& change) {
    rocksdb::DB* raw = nullptr;
    rocksdb::Options options;
    options.create_if_missing = true;
    ASSERT_TRUE(rocksdb::DB::Open(options, directory_.Store(), &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    change(*db);
  }
  std::size_t RawKeys() {
    std::size_t keys = 0;
    Raw([&](rocksdb::DB& db) {
      const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator({}));
      for (it->SeekToFirst(); it->Valid(); it->Next()) keys += it->key() == rocksdb::Slice(kFormatKey) ? 0 : 1;
    });
    return keys;
  }

  TempDirectory directory_;
  base::ManualClock clock_{store::kContractStart};
  std::unique_ptr<RocksTable> table_;
};

Item Expiring(const std::string& sk, std::chrono::seconds after) {
  const auto at = std::chrono::floor<std::chrono::seconds>(store::kContractStart) + after;
  return {{"PK", "p"},
          {"SK", sk},
          {"GSI1PK", "g"},
          {"GSI1SK", sk},
          {"ttl", store::Number::From(std::int64_t{at.time_since_epoch().count()})}};
}

// --- what is on the device ---

TEST_F(RocksTableTest, KeepsItsItemsWhenReopened) {
  Open();
  for (std::uint64_t i = 0; i < 300; ++i) Put(NumberedItem(i));
  Reopen();
  for (std::uint64_t i = 0; i < 300; ++i) EXPECT_EQ(table_->Get(NumberedKey(i), {})->item, NumberedItem(i));
}

TEST_F(RocksTableTest, CompactionDropsWhatExpiredMoreThanAnHourAgo) {
  Open();
  Put(Expiring("old", std::chrono::seconds(10)));
  Put(Expiring("later", std::chrono::hours(100)));
  Put({{"PK", "p"}, {"SK", "forever"}});
  clock_.Advance(std::chrono::minutes(59));
  ASSERT_TRUE(table_->Compact().has_value());
  Close();
  EXPECT_EQ(RawKeys(), 5U);  // three items, two entries: a clock that is a little wrong costs nothing
  Open();
  clock_.Advance(std::chrono::minutes(2));
  ASSERT_TRUE(table_->Compact().has_value());
  Close();
  EXPECT_EQ(RawKeys(), 3U);
  Open();
  EXPECT_EQ(table_->RunQuery({.partition = "p"})->items.size(), 2U);
  EXPECT_TRUE(table_->VerifyIndexes()->Ok());
}

TEST_F(RocksTableTest, CompactionKeepsTheNewerVersionOfAnExpiredItem) {
  Open();
  Item renewed = Expiring("a", std::chrono::seconds(10));
  Put(renewed);
  ASSERT_TRUE(table_->Flush().has_value());
  clock_.Advance(std::chrono::hours(5));
  renewed.Erase("ttl");
  Put(renewed);
  // The expired version lies in one file, the new one in the next: dropping the one must not touch the other.
  ASSERT_TRUE(table_->Flush().has_value());
  ASSERT_TRUE(table_->Compact().has_value());
  EXPECT_THAT(table_->RunQuery({.index = Index::kGsi1Flags, .partition = "g"})->items, ElementsAre(renewed));
  EXPECT_TRUE(table_->VerifyIndexes()->Ok());
}

TEST_F(RocksTableTest, CompactionDoesNotBringBackWhatAnExpiredVersionReplaced) {
  Open();
  Item item = Expiring("a", std::chrono::seconds(10));
  item.Erase("ttl");
  Put(item);
  ASSERT_TRUE(table_->Compact().has_value());  // the version without expiry lies at the bottom
  Put(Expiring("a", std::chrono::seconds(10)));
  ASSERT_TRUE(table_->Flush().has_value());
  clock_.Advance(std::chrono::hours(5));
  ASSERT_TRUE(table_->Compact().has_value());
  EXPECT_EQ(table_->Get({"p", "a"}, {})->item, std::nullopt);
  EXPECT_TRUE(table_->RunQuery({.index = Index::kGsi1Flags, .partition = "g"})->items.empty());
  Close();
  EXPECT_EQ(RawKeys(), 0U);
}

TEST_F(RocksTableTest, CompactionNeverLosesAWriteThatReplacesExpiredItems) {
  table_ = OpenOrDie({.path = directory_.Store(), .clock = &clock_, .sync = false, .write_buffer_bytes = 64U << 10});
  constexpr int kItems = 20;
  for (int i = 0; i < kItems; ++i) Put(Expiring(std::to_string(i), std::chrono::seconds(1)));
  clock_.Advance(std::chrono::hours(3));
  std::atomic<bool> done{false};
  std::thread compactor([&] {
    while (!done.load()) EXPECT_TRUE(table_->Compact().has_value());
  });
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < kItems; ++i) {
      Item live = Expiring(std::to_string(i), std::chrono::hours(1000));
      live.Set("round", store::Number::From(std::int64_t{round}));
      Put(live);
      EXPECT_EQ(table_->Get({"p", std::to_string(i)}, {})->item, live);
      if (round % 2 == 0) Put(Expiring(std::to_string(i), std::chrono::seconds(1)));  // expired at once
    }
  }
  done.store(true);
  compactor.join();
  EXPECT_EQ(table_->RunQuery({.index = Index::kGsi1Flags, .partition = "g"})->items.size(), std::size_t{kItems});
  EXPECT_TRUE(table_->VerifyIndexes()->Ok());
}

TEST_F(RocksTableTest, AQueryPastManyExpiredItemsGivesShortPagesButFindsAll) {
  Open();
  std::vector<store::BatchWriteOperation> batch;
  for (int i = 0; i < 25'000; ++i) {
    const std::string sort = std::to_string(100'000 + i);
    Item item = Expiring(sort, i % 10'000 == 9'999 ? std::chrono::hours(9) : std::chrono::seconds(-5));
    batch.push_back({std::move(item)});
    if (batch.size() < store::kBatchWriteItemsMax) continue;
    ASSERT_TRUE(table_->BatchWrite(batch).has_value());
    batch.clear();
  }
  for (const Index index : {Index::kTable, Index::kGsi1Flags}) {
    for (const bool forward : {true, false}) {
      store::Query query{.index = index, .partition = index == Index::kTable ? "p" : "g", .forward = forward};
      std::size_t found = 0;
      std::size_t pages = 0;
      do {
        const auto page = table_->RunQuery(query);
        ASSERT_TRUE(page.has_value());
        found += page->items.size();
        query.start_after = page->next;
        ++pages;
      } while (query.start_after && pages < 10);
      EXPECT_EQ(found, 2U);
      EXPECT_EQ(pages, 3U);
    }
  }
}

TEST_F(RocksTableTest, AClockSetBackShowsNothingHalf) {
  Open();
  Put(Expiring("a", std::chrono::seconds(10)));
  Close();
  // What a compaction leaves that got to the item and not yet to its entry.
  Raw([](rocksdb::DB& db) { ASSERT_TRUE(db.Delete({}, EncodeItemKey({"p", "a"})).ok()); });
  Open();
  const auto page = table_->RunQuery({.index = Index::kGsi1Flags, .partition = "g"});
  ASSERT_TRUE(page.has_value());
  EXPECT_TRUE(page->items.empty());
}

TEST_F(RocksTableTest, RestartsLeaveFewLogsBehind) {
  for (int i = 0; i < 12; ++i) {
    Open();
    Put(NumberedItem(1));
    Close();
  }
  std::size_t logs = 0;
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.Store())) {
    if (!entry.path().filename().string().starts_with("LOG")) continue;
    ++logs;
    bytes += entry.file_size();
  }
  EXPECT_LE(logs, 3U);
  EXPECT_LE(bytes, 200'000U);
}

// --- verification ---

TEST_F(RocksTableTest, VerifyCountsAHealthyTable) {
  Open();
  for (std::uint64_t i = 0; i < 10; ++i) Put(NumberedItem(i));
  Put(Expiring("gone", std::chrono::seconds(-5)));
  const auto report = table_->VerifyIndexes();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->Ok());
  EXPECT_EQ(report->items, 10U);
  EXPECT_EQ(report->index_entries, 20U);
}

TEST_F(RocksTableTest, VerifyFindsAMissingEntry) {
  Open();
  Put(NumberedItem(1));
  Close();
  Raw([](rocksdb::DB& db) {
    ASSERT_TRUE(db.Delete({}, EncodeIndexKey(Index::kGsi1Flags, "FLAGS#dev", "M#1", NumberedKey(1))).ok());
  });
  Open();
  const auto report = table_->VerifyIndexes();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->items_without_entry, 1U);
  EXPECT_EQ(report->entries_without_item, 0U);
  EXPECT_THAT(report->problems, ElementsAre(HasSubstr("FLAG#dev#1 / METADATA")));
}

TEST_F(RocksTableTest, VerifyAndQueriesFindAnEntryWithoutItem) {
  Open();
  Put(NumberedItem(1));
  Put(NumberedItem(2));
  Close();
  Raw([](rocksdb::DB& db) { ASSERT_TRUE(db.Delete({}, EncodeItemKey(NumberedKey(1))).ok()); });
  Open();
  const auto report = table_->VerifyIndexes();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->entries_without_item, 2U);
  const auto page = table_->RunQuery({.index = Index::kGsi2Owner, .partition = "OWNER#x"});
  ASSERT_FALSE(page.has_value());
  EXPECT_EQ(page.error().code, ErrorCode::kCorrupt);
}

TEST_F(RocksTableTest, AnUnreadableItemIsCorruptAndNamesItsKey) {
  Open();
  Put(NumberedItem(1));
  Put(NumberedItem(2));
  Close();
  Raw([](rocksdb::DB& db) { ASSERT_TRUE(db.Put({}, EncodeItemKey(NumberedKey(1)), "\1junk").ok()); });
  Open();
  const auto result = table_->Get(NumberedKey(1), {});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(result.error().message, HasSubstr("FLAG#dev#1 / METADATA"));
  EXPECT_EQ(table_->PutItem({.item = NumberedItem(1)}).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(table_->Get(NumberedKey(2), {})->item, NumberedItem(2));
}

TEST_F(RocksTableTest, ForEachItemGoesInKeyOrderAndStopsAtAnError) {
  Open();
  for (const char* sk : {"c", "a", "b"}) Put({{"PK", "p"}, {"SK", sk}});
  Put(Expiring("expired", std::chrono::seconds(-5)));
  std::string seen;
  ASSERT_TRUE(table_->ForEachItem([&](const Item& item) -> base::Status {
    seen += *item.Find("SK")->AsString();
    return {};
  }));
  EXPECT_EQ(seen, "abc");
  int calls = 0;
  const auto stopped = table_->ForEachItem([&](const Item&) -> base::Status {
    ++calls;
    return base::Fail(ErrorCode::kTimeout, "enough");
  });
  EXPECT_EQ(stopped.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(calls, 1);
}

// --- opening ---

TEST_F(RocksTableTest, OpenNeedsAPathAndAClock) {
  EXPECT_EQ(OpenError({.path = "", .clock = &clock_}).field, "path");
  EXPECT_EQ(OpenError({.path = directory_.Store()}).field, "clock");
}

TEST_F(RocksTableTest, ANewerLayoutIsRefusedInWords) {
  Open();
  Put(NumberedItem(1));
  Close();
  Raw([](rocksdb::DB& db) { ASSERT_TRUE(db.Put({}, kFormatKey, "guidon table layout 2").ok()); });
  const base::Error error = OpenError(Options());
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("layout 2"));
  EXPECT_THAT(error.message, HasSubstr("newer Guidon"));
  Raw([](rocksdb::DB& db) { ASSERT_TRUE(db.Put({}, kFormatKey, "guidon table layout 1").ok()); });
  Open();
  EXPECT_EQ(table_->Get(NumberedKey(1), {})->item, NumberedItem(1));
}

TEST_F(RocksTableTest, SomebodyElsesDatabaseIsRefused) {
  Raw([](rocksdb::DB& db) { ASSERT_TRUE(db.Put({}, "their key", "their value").ok()); });
  const base::Error error = OpenError(Options());
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("not a Guidon store"));
  Raw([](rocksdb::DB& db) {
    std::string value;
    ASSERT_TRUE(db.Get({}, "their key", &value).ok());
    EXPECT_EQ(value, "their value");
  });
}

TEST_F(RocksTableTest, SomebodyElsesFilesAreRefusedAndLeftAlone) {
  std::filesystem::create_directory(directory_.Store());
  std::ofstream(directory_.Store() + "/thesis.tex") << "chapter 1";
  const base::Error error = OpenError(Options());
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("thesis.tex"));
  const std::filesystem::directory_iterator files(directory_.Store());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(RocksTableTest, ASecondOpenIsRefusedInWords) {
  Open();
  const base::Error error = OpenError(Options());
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("in use by another Guidon process"));
  Put(NumberedItem(1));
  EXPECT_TRUE(table_->Ping().has_value());
}

}  // namespace
}  // namespace guidon::store_rocksdb
