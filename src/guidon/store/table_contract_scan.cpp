// SPDX-License-Identifier: Apache-2.0
// Reading everything: once each, in pages and segments, without what has expired.
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "guidon/store/attribute.hpp"
#include "guidon/store/scan.hpp"
#include "guidon/store/table_contract.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

constexpr std::size_t kPagesMax = 10'000;

void Store(Table& table, const Item& item) {
  const auto result = table.PutItem({.item = item});
  ASSERT_TRUE(result.has_value()) << result.error().message;
}

ScannableTable* Whole(Table& table) { return dynamic_cast<ScannableTable*>(&table); }

// All pages of one segment.
std::vector<Item> ReadAll(ScannableTable& table, Scan scan, std::size_t* pages = nullptr) {
  std::vector<Item> items;
  for (std::size_t i = 0; i < kPagesMax; ++i) {
    auto page = table.RunScan(scan);
    EXPECT_TRUE(page.has_value()) << page.error().message;
    if (!page) return items;
    EXPECT_LE(page->items.size(), scan.limit);
    if (pages != nullptr) ++*pages;
    for (Item& item : page->items) items.push_back(std::move(item));
    if (!page->next) return items;
    scan.start_after = page->next;
  }
  ADD_FAILURE() << "the pages never end";
  return items;
}

std::map<Key, Item> ByKey(const std::vector<Item>& items) {
  std::map<Key, Item> out;
  for (const Item& item : items) EXPECT_TRUE(out.emplace(KeyOf(item), item).second) << KeyOf(item).pk << " came twice";
  return out;
}

TEST_P(TableContract, ScanAnEmptyTableIsOneEmptyPage) {
  ScannableTable* whole = Whole(table());
  if (whole == nullptr) GTEST_SKIP() << "this table cannot be read whole, by design";
  const auto page = whole->RunScan({});
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_TRUE(page->items.empty());
  EXPECT_EQ(page->next, std::nullopt);
}

TEST_P(TableContract, ScanEverythingComesOnceInPagesAndSegments) {
  ScannableTable* whole = Whole(table());
  if (whole == nullptr) GTEST_SKIP() << "this table cannot be read whole, by design";
  std::map<Key, Item> expected;
  for (int i = 0; i < 60; ++i) {
    const Item item{
        {"PK", fmt::format("p{}", i / 3)}, {"SK", fmt::format("s{}", i)}, {"number", Number::From(double(i))}};
    Store(table(), item);
    expected.emplace(KeyOf(item), item);
  }
  Shuffle();
  whole = Whole(table());  // it may be another one now
  for (const std::size_t limit : {1UL, 7UL, 1000UL}) {
    std::size_t pages = 0;
    EXPECT_EQ(ByKey(ReadAll(*whole, {.limit = limit}, &pages)), expected) << limit;
    EXPECT_GE(pages, 60 / limit);
  }
  std::vector<Item> together;
  std::set<std::string> partitions;
  for (std::size_t segment = 0; segment < 4; ++segment) {
    std::set<std::string> own;
    for (Item& item : ReadAll(*whole, {.segment = segment, .segments = 4, .limit = 5})) {
      own.insert(KeyOf(item).pk);
      together.push_back(std::move(item));
    }
    for (const std::string& partition : own)
      EXPECT_TRUE(partitions.insert(partition).second) << partition << " is in two segments";
  }
  EXPECT_EQ(ByKey(together), expected);
}

TEST_P(TableContract, ScanWhatHasExpiredDoesNotCome) {
  ScannableTable* whole = Whole(table());
  if (whole == nullptr) GTEST_SKIP() << "this table cannot be read whole, by design";
  const std::int64_t now_s = kContractStart.time_since_epoch().count() / 1000;
  for (int i = 0; i < 20; ++i)
    Store(table(),
          {{"PK", fmt::format("p{}", i)}, {"SK", "s"}, {"ttl", Number::From(now_s + (i % 2 == 0 ? 10 : 1000))}});
  EXPECT_EQ(ReadAll(*whole, {}).size(), 20U);
  clock().Advance(std::chrono::seconds{100});
  Shuffle();
  whole = Whole(table());  // it may be another one now
  EXPECT_EQ(ReadAll(*whole, {.limit = 3}).size(), 10U);
}

TEST_P(TableContract, ScanAPageHoldsAMegabyteAtMost) {
  ScannableTable* whole = Whole(table());
  if (whole == nullptr) GTEST_SKIP() << "this table cannot be read whole, by design";
  constexpr std::size_t kBytes = 300UL * 1024;
  for (int i = 0; i < 8; ++i)
    Store(table(), {{"PK", fmt::format("p{}", i)}, {"SK", "s"}, {"data", std::string(kBytes, 'x')}});
  std::size_t pages = 0;
  EXPECT_EQ(ByKey(ReadAll(*whole, {}, &pages)).size(), 8U);
  EXPECT_GE(pages, 3U);
}

TEST_P(TableContract, ScanWhatCannotBeAScanIsRefused) {
  ScannableTable* whole = Whole(table());
  if (whole == nullptr) GTEST_SKIP() << "this table cannot be read whole, by design";
  for (const Scan& scan :
       {Scan{.segments = 0}, Scan{.segment = 2, .segments = 2}, Scan{.limit = 0}, Scan{.limit = kScanLimitMax + 1},
        Scan{.segments = kScanSegmentsMax + 1}, Scan{.start_after = Key{"", "s"}}}) {
    const auto page = whole->RunScan(scan);
    ASSERT_FALSE(page.has_value());
    EXPECT_EQ(page.error().code, base::ErrorCode::kInvalidArgument);
  }
}

TEST_P(TableContract, ScanAScanCostsWhatItReads) {
  ScannableTable* whole = Whole(table());
  if (whole == nullptr) GTEST_SKIP() << "this table cannot be read whole, by design";
  constexpr std::size_t kBytes = 10'000;
  for (int i = 0; i < 4; ++i)
    Store(table(), {{"PK", fmt::format("p{}", i)}, {"SK", "s"}, {"data", std::string(kBytes, 'x')}});
  EXPECT_EQ(whole->RunScan({})->consumed.read, 10);
  EXPECT_EQ(whole->RunScan({.consistency = Consistency::kEventual})->consumed.read, 5);
}

}  // namespace
}  // namespace guidon::store
