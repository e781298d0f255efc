// SPDX-License-Identifier: Apache-2.0
// Queries: every sort key condition, both directions, pages.
#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "guidon/store/attribute.hpp"
#include "guidon/store/table_contract.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::array<Index, 4> kAllIndexes = {Index::kTable, Index::kGsi1Flags, Index::kGsi2Owner, Index::kGsi3Tenant};

// An item that has partition `partition` and sort key `sort` in the table and in every index.
Item Everywhere(const std::string& partition, const std::string& sort) {
  Item item;
  for (const Index index : kAllIndexes) {
    item.Set(AttributesOf(index).partition, partition);
    item.Set(AttributesOf(index).sort, sort);
  }
  return item;
}

void Store(Table& table, const Item& item) {
  const auto result = table.PutItem({.item = item});
  ASSERT_TRUE(result.has_value()) << result.error().message;
  ASSERT_TRUE(result->applied);
}

std::string SortOf(const Item& item) { return *item.Find("SK")->AsString(); }

std::vector<std::string> SortsOf(const std::vector<Item>& items) {
  std::vector<std::string> sorts;
  for (const Item& item : items) sorts.push_back(SortOf(item));
  return sorts;
}

// All pages of a query.
std::vector<Item> ReadAll(Table& table, Query query, std::size_t* pages = nullptr) {
  std::vector<Item> items;
  for (int i = 0; i < 10'000; ++i) {
    const auto page = table.RunQuery(query);
    EXPECT_TRUE(page.has_value()) << page.error().message;
    if (!page) return items;
    EXPECT_LE(page->items.size(), query.limit);
    items.insert(items.end(), page->items.begin(), page->items.end());
    if (pages != nullptr) ++*pages;
    if (!page->next) return items;
    query.start_after = page->next;
  }
  ADD_FAILURE() << "the pages never end";
  return items;
}

std::vector<std::string> Sorts(Table& table, Index index, const std::string& partition, SortKeyCondition sort,
                               bool forward = true) {
  return SortsOf(ReadAll(table, {.index = index, .partition = partition, .sort = std::move(sort), .forward = forward}));
}

// The same expectation for the table and every index, in both directions.
void ExpectSorts(Table& table, const std::string& partition, const SortKeyCondition& sort,
                 std::vector<std::string> expected) {
  for (const Index index : kAllIndexes) {
    EXPECT_EQ(Sorts(table, index, partition, sort), expected) << NameOf(index);
  }
  std::ranges::reverse(expected);
  for (const Index index : kAllIndexes) {
    EXPECT_EQ(Sorts(table, index, partition, sort, false), expected) << NameOf(index);
  }
}

TEST_P(TableContract, QueryOfAnEmptyPartitionIsOneEmptyPage) {
  for (const Index index : kAllIndexes) {
    const auto page = table().RunQuery({.index = index, .partition = "nobody"});
    ASSERT_TRUE(page.has_value());
    EXPECT_THAT(page->items, IsEmpty());
    EXPECT_EQ(page->next, std::nullopt);
  }
}

TEST_P(TableContract, QueryKnowsEverySortKeyCondition) {
  for (const char* sort : {"a", "b", "b#1", "b#2", "b#10", "c", "ba"}) Store(table(), Everywhere("p", sort));
  Shuffle();
  ExpectSorts(table(), "p", SortKeyAny{}, {"a", "b", "b#1", "b#10", "b#2", "ba", "c"});
  ExpectSorts(table(), "p", SortKeyEquals{"b"}, {"b"});
  ExpectSorts(table(), "p", SortKeyEquals{"nope"}, {});
  ExpectSorts(table(), "p", SortKeyBeginsWith{"b#"}, {"b#1", "b#10", "b#2"});
  ExpectSorts(table(), "p", SortKeyBeginsWith{"b#1"}, {"b#1", "b#10"});
  ExpectSorts(table(), "p", SortKeyBetween{"b", "b#2"}, {"b", "b#1", "b#10", "b#2"});
  ExpectSorts(table(), "p", SortKeyBetween{"b#11", "bz"}, {"b#2", "ba"});
  ExpectSorts(table(), "p", SortKeyBetween{"c", "c"}, {"c"});
  ExpectSorts(table(), "p", SortKeyGreater{"b#2"}, {"ba", "c"});
  ExpectSorts(table(), "p", SortKeyGreater{"b#11"}, {"b#2", "ba", "c"});
  ExpectSorts(table(), "p", SortKeyGreater{"c"}, {});
}

TEST_P(TableContract, SortKeysAreOrderedByBytes) {
  const std::string zero(1, '\0');
  const std::vector<std::string> sorts = {zero,   zero + zero, zero + "\x01",    "\x01",   "#",          "A",
                                          "a",    "a" + zero,  "a" + zero + "b", "a\x01",  "a!",         "~",
                                          "\x7f", "\u00e4",    "\u3042",         "\uffff", "\U0001F6A9", "\U0010FFFF"};
  ASSERT_TRUE(std::ranges::is_sorted(sorts));
  for (const auto& sort : sorts) Store(table(), Everywhere("p", sort));
  Shuffle();
  ExpectSorts(table(), "p", SortKeyAny{}, sorts);
  ExpectSorts(table(), "p", SortKeyGreater{"a"}, {sorts.begin() + 7, sorts.end()});
  ExpectSorts(table(), "p", SortKeyBetween{zero, zero + "\x01"}, {sorts.begin(), sorts.begin() + 3});
}

TEST_P(TableContract, BeginsWithTheHighestBytesFindsOnlyThose) {
  const std::string top = "\U0010FFFF";
  for (const std::string& sort :
       {std::string("x"), "x" + top, fmt::format("x{}{}", top, top), fmt::format("x{}a", top), std::string("y")}) {
    Store(table(), Everywhere("p", sort));
  }
  ExpectSorts(table(), "p", SortKeyBeginsWith{"x" + top}, {"x" + top, "x" + top + "a", "x" + top + top});
  ExpectSorts(table(), "p", SortKeyBeginsWith{"x" + top + top}, {"x" + top + top});
  ExpectSorts(table(), "p", SortKeyBeginsWith{top}, {});
}

TEST_P(TableContract, APartitionNeverShowsThoseThatBeginLikeIt) {
  const std::string zero(1, '\0');
  for (const std::string& tenant :
       {std::string("a"), std::string("ab"), "a" + zero, "a" + zero + "\x01", std::string("a\x01"), std::string("A")}) {
    Store(table(), Everywhere("TENANT#" + tenant, "of " + tenant));
  }
  Shuffle();
  ExpectSorts(table(), "TENANT#a", SortKeyAny{}, {"of a"});
  ExpectSorts(table(), "TENANT#ab", SortKeyAny{}, {"of ab"});
  ExpectSorts(table(), "TENANT#a" + zero, SortKeyAny{}, {"of a" + zero});
  ExpectSorts(table(), "TENANT#", SortKeyAny{}, {});
}

TEST_P(TableContract, AnIndexShowsOnlyItsOwnEntries) {
  Store(table(), {{"PK", "p"}, {"SK", "1"}, {"GSI1PK", "x"}, {"GSI1SK", "1"}});
  Store(table(), {{"PK", "p"}, {"SK", "2"}, {"GSI2PK", "x"}, {"GSI2SK", "1"}});
  Store(table(), {{"PK", "p"}, {"SK", "3"}, {"GSI3PK", "x"}, {"GSI3SK", "1"}});
  EXPECT_THAT(Sorts(table(), Index::kGsi1Flags, "x", SortKeyAny{}), ElementsAre("1"));
  EXPECT_THAT(Sorts(table(), Index::kGsi2Owner, "x", SortKeyAny{}), ElementsAre("2"));
  EXPECT_THAT(Sorts(table(), Index::kGsi3Tenant, "x", SortKeyAny{}), ElementsAre("3"));
  EXPECT_THAT(Sorts(table(), Index::kTable, "p", SortKeyAny{}), ElementsAre("1", "2", "3"));
}

TEST_P(TableContract, EqualIndexSortKeysAreOrderedByTheItemsKey) {
  const std::vector<Key> keys = {{"p1", "b"}, {"p2", "a"}, {"p1", "a"}, {"p10", "a"}};
  for (const Key& key : keys) {
    Store(table(), {{"PK", key.pk}, {"SK", key.sk}, {"GSI1PK", "g"}, {"GSI1SK", "same"}});
  }
  std::vector<std::string> found;
  for (const Item& item : ReadAll(table(), {.index = Index::kGsi1Flags, .partition = "g", .limit = 1})) {
    found.push_back(*item.Find("PK")->AsString() + SortOf(item));
  }
  EXPECT_THAT(found, ElementsAre("p1a", "p1b", "p10a", "p2a"));
}

TEST_P(TableContract, PagesShowEverythingOnceInOrder) {
  std::vector<std::string> expected;
  for (int i = 100; i < 137; ++i) {
    expected.push_back(std::to_string(i));
    Store(table(), Everywhere("p", expected.back()));
  }
  Shuffle();
  for (const Index index : kAllIndexes) {
    for (const std::size_t limit : {1UL, 2UL, 7UL, 36UL, 37UL, 38UL, 1000UL}) {
      for (const bool forward : {true, false}) {
        std::size_t pages = 0;
        auto sorts =
            SortsOf(ReadAll(table(), {.index = index, .partition = "p", .forward = forward, .limit = limit}, &pages));
        if (!forward) std::ranges::reverse(sorts);
        EXPECT_EQ(sorts, expected) << NameOf(index) << " limit " << limit;
        if (GetParam().embedded) EXPECT_EQ(pages, (expected.size() + limit - 1) / limit);
      }
    }
  }
}

TEST_P(TableContract, PagesStayWithinTheSortKeyCondition) {
  for (int i = 100; i < 140; ++i) Store(table(), Everywhere("p", std::to_string(i)));
  for (const Index index : kAllIndexes) {
    for (const bool forward : {true, false}) {
      const auto count = [&](SortKeyCondition sort) {
        return ReadAll(table(),
                       {.index = index, .partition = "p", .sort = std::move(sort), .forward = forward, .limit = 3})
            .size();
      };
      EXPECT_EQ(count(SortKeyBetween{"105", "114"}), 10U);
      EXPECT_EQ(count(SortKeyBeginsWith{"12"}), 10U);
      EXPECT_EQ(count(SortKeyGreater{"109"}), 30U);
    }
  }
}

TEST_P(TableContract, PagesGoOnWhenItemsComeAndGoBetween) {
  for (const Index index : kAllIndexes) {
    for (const bool forward : {true, false}) {
      const std::string partition = std::string("p") + (forward ? "f" : "b") + std::to_string(static_cast<int>(index));
      for (const char* sort : {"b", "d", "f", "h"}) Store(table(), Everywhere(partition, sort));
      Query query{.index = index, .partition = partition, .forward = forward, .limit = 2};
      const auto first = table().RunQuery(query);
      ASSERT_TRUE(first.has_value());
      ASSERT_TRUE(first->next.has_value());
      // The item at the position goes; others come before and after it.
      const std::string last = SortOf(first->items.back());
      ASSERT_TRUE(table().DeleteItem({.key = {partition, last}})->applied);
      for (const char* sort : {"a", "c", "e", "g", "i"}) Store(table(), Everywhere(partition, sort));
      query.start_after = first->next;
      query.limit = 10;
      const auto rest = SortsOf(ReadAll(table(), query));
      if (forward) {
        EXPECT_EQ(last, "d");
        EXPECT_THAT(rest, ElementsAre("e", "f", "g", "h", "i"));
      } else {
        EXPECT_EQ(last, "f");
        EXPECT_THAT(rest, ElementsAre("e", "d", "c", "b", "a"));
      }
    }
  }
}

TEST_P(TableContract, APageHoldsAMegabyteAtMost) {
  constexpr std::size_t kBytes = 100'000;
  constexpr std::size_t kItems = 25;
  for (std::size_t i = 0; i < kItems; ++i) {
    Item item = Everywhere("p", std::to_string(100 + i));
    item.Set("data", std::string(kBytes - ItemSize(item) - 4, 'x'));
    ASSERT_EQ(ItemSize(item), kBytes);
    Store(table(), item);
  }
  Shuffle();
  for (const Index index : kAllIndexes) {
    for (const bool forward : {true, false}) {
      Query query{.index = index, .partition = "p", .forward = forward, .limit = 1000};
      std::set<std::string> seen;
      std::size_t pages = 0;
      do {
        const auto page = table().RunQuery(query);
        ASSERT_TRUE(page.has_value());
        EXPECT_LE(page->items.size() * kBytes, kQueryPageBytesMax + kItemBytesMax);
        for (const auto& sort : SortsOf(page->items)) EXPECT_TRUE(seen.insert(sort).second);
        query.start_after = page->next;
        ++pages;
      } while (query.start_after && pages < 100);
      EXPECT_EQ(seen.size(), kItems);
      EXPECT_GE(pages, 3U);
    }
  }
}

TEST_P(TableContract, ExpiredItemsDoNotEndTheList) {
  const std::int64_t past = kContractStart.time_since_epoch().count() / 1000 - 5;
  for (int i = 100; i < 160; ++i) {
    Item item = Everywhere("p", std::to_string(i));
    if (i % 20 != 7) item.Set("ttl", Number::From(past));
    Store(table(), item);
  }
  for (const Index index : kAllIndexes) {
    EXPECT_THAT(SortsOf(ReadAll(table(), {.index = index, .partition = "p", .limit = 2})),
                ElementsAre("107", "127", "147"));
    EXPECT_THAT(SortsOf(ReadAll(table(), {.index = index, .partition = "p", .forward = false, .limit = 2})),
                ElementsAre("147", "127", "107"));
  }
}

TEST_P(TableContract, QueryRefusesWhatNoQueryIs) {
  const auto field_of = [&](const Query& query) {
    const auto result = table().RunQuery(query);
    EXPECT_FALSE(result.has_value());
    if (result) return std::string("accepted");
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    return result.error().field;
  };
  EXPECT_EQ(field_of({.partition = ""}), "partition");
  EXPECT_EQ(field_of({.partition = std::string(2049, 'p')}), "partition");
  EXPECT_EQ(field_of({.partition = "p", .limit = 0}), "limit");
  EXPECT_EQ(field_of({.partition = "p", .limit = 1001}), "limit");
  EXPECT_EQ(field_of({.partition = "p", .sort = SortKeyEquals{""}}), "sort");
  EXPECT_EQ(field_of({.partition = "p", .sort = SortKeyBeginsWith{""}}), "sort");
  EXPECT_EQ(field_of({.partition = "p", .sort = SortKeyBetween{"b", "a"}}), "sort");
  EXPECT_EQ(field_of({.partition = "p", .sort = SortKeyGreater{"\xff"}}), "sort");
}

TEST_P(TableContract, APositionOfAnotherPartitionIsRefused) {
  Store(table(), Everywhere("p", "b"));
  Store(table(), Everywhere("q", "b"));
  const Position of_table{.key = {"q", "b"}};
  const Position of_index{.key = {"q", "b"}, .index_partition = "q", .index_sort = "b"};
  for (const Index index : kAllIndexes) {
    const Position& position = index == Index::kTable ? of_table : of_index;
    const auto result = table().RunQuery({.index = index, .partition = "p", .start_after = position});
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(result.error().field, "start_after");
    EXPECT_TRUE(table().RunQuery({.index = index, .partition = "q", .start_after = position}).has_value());
    EXPECT_FALSE(table()
                     .RunQuery({.index = index, .partition = "q", .sort = SortKeyGreater{"b"}, .start_after = position})
                     .has_value());
  }
}

}  // namespace
}  // namespace guidon::store
