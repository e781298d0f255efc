// SPDX-License-Identifier: Apache-2.0
// Single items, batches, transactions, expiry, concurrency. Queries and capacity have files of their own.
#include "guidon/store/table_contract.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "guidon/store/attribute.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::IsEmpty;
using Code = CancellationReason::Code;

constexpr std::int64_t kStartS = kContractStart.time_since_epoch().count() / 1000;

Item Flag(const std::string& key, std::int64_t version = 1) {
  return {{"PK", "FLAG#dev#" + key},
          {"SK", "METADATA"},
          {"GSI1PK", "FLAGS#dev"},
          {"GSI1SK", "METADATA#" + key},
          {"version", Number::From(version)},
          {"description", "about " + key}};
}

Key KeyOfFlag(const std::string& key) { return {"FLAG#dev#" + key, "METADATA"}; }

Item Padded(std::string pk, std::size_t bytes) {
  Item item{{"PK", std::move(pk)}, {"SK", "s"}, {"data", ""}};
  item.Set("data", std::string(bytes - ItemSize(item), 'x'));
  return item;
}

testing::AssertionResult Committed(const base::Result<TransactionResult>& done) {
  if (!done) return testing::AssertionFailure() << done.error().message;
  return done->committed ? testing::AssertionSuccess() : testing::AssertionFailure() << "cancelled";
}

std::optional<Item> Stored(Table& table, const Key& key) {
  auto result = table.Get(key);
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return result ? result->item : std::nullopt;
}

std::vector<std::string> IndexedKeys(Table& table, Index index, const std::string& partition) {
  const auto page = table.RunQuery({.index = index, .partition = partition, .limit = 1000});
  EXPECT_TRUE(page.has_value()) << page.error().message;
  std::vector<std::string> keys;
  for (const Item& item : page->items) keys.push_back(*item.Find("PK")->AsString());
  return keys;
}

void Store(Table& table, const Item& item) {
  const auto result = table.PutItem({.item = item});
  ASSERT_TRUE(result.has_value()) << result.error().message;
  ASSERT_TRUE(result->applied);
}

// --- single items ---

TEST_P(TableContract, GetOfAMissingItemFindsNothing) { EXPECT_EQ(Stored(table(), {"p", "s"}), std::nullopt); }

TEST_P(TableContract, PutKeepsEveryType) {
  const Item item{
      {"PK", "p"},
      {"SK", "s"},
      {"text", "grüß dich \U0001F6A9 with \"quotes\"\n"},
      {"empty", ""},
      {"integer", Number::From(std::int64_t{-42})},
      {"fraction", Number::From(33.333)},
      {"bytes", Binary{std::string("\0\xff\x01", 3)}},
      {"yes", true},
      {"no", false},
      {"nothing", Null{}},
      {"set", StringSet{"a", "b"}},
      {"list", AttributeList{"a", Number::From(std::int64_t{1}), AttributeMap{{"x", false}}, AttributeList{}}},
      {"map", AttributeMap{{"b", true}, {"a", AttributeMap{}}, {"c", Null{}}}}};
  Store(table(), item);
  Shuffle();
  EXPECT_EQ(Stored(table(), {"p", "s"}), item);
}

TEST_P(TableContract, PutReplacesTheWholeItem) {
  Store(table(), {{"PK", "p"}, {"SK", "s"}, {"old", "1"}});
  Store(table(), {{"PK", "p"}, {"SK", "s"}, {"new", "2"}});
  EXPECT_EQ(Stored(table(), {"p", "s"}), (Item{{"PK", "p"}, {"SK", "s"}, {"new", "2"}}));
}

TEST_P(TableContract, KeysWithEachOthersTextInThemAreDifferent) {
  // Any encoding that joins the two keys without telling where one ends mixes these up.
  const std::string zero(1, '\0');
  const std::vector<Key> keys = {{"a", "bc"},
                                 {"ab", "c"},
                                 {"a" + zero, "b"},
                                 {"a", zero + "b"},
                                 {"a#b", "c"},
                                 {"a", "b#c"},
                                 {"a" + zero + "\x01", "b"},
                                 {"a",
                                  "\x01"
                                  "b"}};
  for (const Key& key : keys) Store(table(), {{"PK", key.pk}, {"SK", key.sk}, {"me", key.pk + "|" + key.sk}});
  Shuffle();
  for (const Key& key : keys) EXPECT_EQ(*Stored(table(), key)->Find("me")->AsString(), key.pk + "|" + key.sk);
}

TEST_P(TableContract, DeleteRemovesTheItemAndItsIndexEntries) {
  Store(table(), Flag("a"));
  Store(table(), Flag("b"));
  const auto result = table().DeleteItem({.key = KeyOfFlag("a")});
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->applied);
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), std::nullopt);
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#dev"), ElementsAre("FLAG#dev#b"));
}

TEST_P(TableContract, DeleteOfAMissingItemIsNoError) {
  const auto result = table().DeleteItem({.key = {"p", "s"}});
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->applied);
  EXPECT_EQ(result->existing, std::nullopt);
}

// --- conditions ---

TEST_P(TableContract, ConditionAbsent) {
  EXPECT_TRUE(table().PutItem({.item = Flag("a", 1), .condition = Condition::Absent()})->applied);
  const auto second = table().PutItem({.item = Flag("a", 2), .condition = Condition::Absent()});
  ASSERT_TRUE(second.has_value());
  EXPECT_FALSE(second->applied);
  EXPECT_EQ(second->existing, Flag("a", 1));
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), Flag("a", 1));
}

TEST_P(TableContract, ConditionPresent) {
  const auto missing = table().PutItem({.item = Flag("a"), .condition = Condition::Present()});
  ASSERT_TRUE(missing.has_value());
  EXPECT_FALSE(missing->applied);
  EXPECT_EQ(missing->existing, std::nullopt);
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), std::nullopt);
  Store(table(), Flag("a"));
  EXPECT_TRUE(table().PutItem({.item = Flag("a", 2), .condition = Condition::Present()})->applied);
  EXPECT_TRUE(table().DeleteItem({.key = KeyOfFlag("a"), .condition = Condition::Present()})->applied);
  EXPECT_FALSE(table().DeleteItem({.key = KeyOfFlag("a"), .condition = Condition::Present()})->applied);
}

TEST_P(TableContract, ConditionEquals) {
  Store(table(), Flag("a", 7));
  const auto version = [](std::int64_t value) { return Condition::Equals("version", Number::From(value)); };
  const auto lost = table().PutItem({.item = Flag("a", 9), .condition = version(6)});
  ASSERT_TRUE(lost.has_value());
  EXPECT_FALSE(lost->applied);
  EXPECT_EQ(lost->existing, Flag("a", 7));
  EXPECT_TRUE(table().PutItem({.item = Flag("a", 8), .condition = version(7)})->applied);
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), Flag("a", 8));
}

TEST_P(TableContract, ConditionEqualsComparesNumbersByValueAndTypesStrictly) {
  Store(table(), {{"PK", "p"}, {"SK", "s"}, {"n", Number{"100"}}});
  const auto holds = [&](AttributeValue value) {
    return table().UpdateItem({.key = {"p", "s"}, .condition = Condition::Equals("n", std::move(value))})->applied;
  };
  EXPECT_TRUE(holds(Number{"1E2"}));
  EXPECT_TRUE(holds(Number{"100.0"}));
  EXPECT_FALSE(holds(Number{"101"}));
  EXPECT_FALSE(holds("100"));
}

TEST_P(TableContract, AMissingAttributeEqualsNothing) {
  Store(table(), Flag("a"));
  for (const AttributeValue& value : {AttributeValue(""), AttributeValue(Null{}), AttributeValue(false)}) {
    const auto result = table().DeleteItem({.key = KeyOfFlag("a"), .condition = Condition::Equals("nope", value)});
    ASSERT_TRUE(result.has_value());
    EXPECT_FALSE(result->applied);
  }
  EXPECT_FALSE(table().DeleteItem({.key = KeyOfFlag("missing"), .condition = Condition::Equals("nope", "")})->applied);
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), Flag("a"));
}

TEST_P(TableContract, AllConditionsMustHold) {
  Store(table(), Flag("a", 3));
  Condition both = Condition::Present();
  both.equals = {{"version", Number::From(std::int64_t{3})}, {"description", "something else"}};
  EXPECT_FALSE(table().DeleteItem({.key = KeyOfFlag("a"), .condition = both})->applied);
  both.equals[1].value = "about a";
  EXPECT_TRUE(table().DeleteItem({.key = KeyOfFlag("a"), .condition = both})->applied);
}

// --- updates ---

TEST_P(TableContract, UpdateSetsAndRemovesAttributes) {
  Store(table(), Flag("a"));
  ASSERT_TRUE(table()
                  .UpdateItem({.key = KeyOfFlag("a"),
                               .set = {{"description", "new"}, {"owner", "team"}},
                               .remove = {"version", "not-there"}})
                  ->applied);
  Item expected = Flag("a");
  expected.Set("description", "new");
  expected.Set("owner", "team");
  expected.Erase("version");
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), expected);
}

TEST_P(TableContract, UpdateCreatesAMissingItem) {
  ASSERT_TRUE(table().UpdateItem({.key = {"p", "s"}, .set = {{"a", true}}, .remove = {"b"}})->applied);
  EXPECT_EQ(Stored(table(), {"p", "s"}), (Item{{"PK", "p"}, {"SK", "s"}, {"a", true}}));
  EXPECT_FALSE(
      table().UpdateItem({.key = {"q", "s"}, .set = {{"a", true}}, .condition = Condition::Present()})->applied);
  EXPECT_EQ(Stored(table(), {"q", "s"}), std::nullopt);
}

TEST_P(TableContract, UpdateOfIndexAttributesMovesTheEntry) {
  Store(table(), Flag("a"));
  ASSERT_TRUE(table().UpdateItem({.key = KeyOfFlag("a"), .set = {{"GSI1PK", "FLAGS#prod"}}})->applied);
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#dev"), IsEmpty());
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#prod"), ElementsAre("FLAG#dev#a"));
  ASSERT_TRUE(table().UpdateItem({.key = KeyOfFlag("a"), .remove = {"GSI1SK"}})->applied);
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#prod"), IsEmpty());
  ASSERT_TRUE(
      table()
          .UpdateItem({.key = KeyOfFlag("a"),
                       .set = {{"GSI1SK", "x"}, {"GSI2PK", "o"}, {"GSI2SK", "y"}, {"GSI3PK", "t"}, {"GSI3SK", "z"}}})
          ->applied);
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#prod"), ElementsAre("FLAG#dev#a"));
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi2Owner, "o"), ElementsAre("FLAG#dev#a"));
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi3Tenant, "t"), ElementsAre("FLAG#dev#a"));
}

TEST_P(TableContract, AnIndexHoldsTheWholeCurrentItem) {
  Store(table(), Flag("a", 1));
  ASSERT_TRUE(
      table().UpdateItem({.key = KeyOfFlag("a"), .set = {{"version", Number::From(std::int64_t{2})}}})->applied);
  const auto page = table().RunQuery({.index = Index::kGsi1Flags, .partition = "FLAGS#dev"});
  ASSERT_TRUE(page.has_value());
  EXPECT_THAT(page->items, ElementsAre(Flag("a", 2)));
}

TEST_P(TableContract, AnItemWithHalfAnIndexKeyIsNotInTheIndex) {
  Store(table(), {{"PK", "p"}, {"SK", "s"}, {"GSI2PK", "OWNER#dev#x"}});
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi2Owner, "OWNER#dev#x"), IsEmpty());
}

TEST_P(TableContract, UpdateRefusesWhatIsNoUpdate) {
  const Key key = KeyOfFlag("a");
  Store(table(), Flag("a"));
  const auto field_of = [&](const Update& update) {
    const auto result = table().UpdateItem(update);
    EXPECT_FALSE(result.has_value());
    if (result) return std::string("accepted");
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    return result.error().field;
  };
  EXPECT_EQ(field_of({.key = key, .set = {{"PK", "other"}}}), "PK");
  EXPECT_EQ(field_of({.key = key, .remove = {"SK"}}), "SK");
  EXPECT_EQ(field_of({.key = key, .set = {{"x", "1"}, {"x", "2"}}}), "x");
  EXPECT_EQ(field_of({.key = key, .set = {{"x", "1"}}, .remove = {"x"}}), "x");
  EXPECT_EQ(field_of({.key = key, .set = {{"GSI1PK", true}}}), "GSI1PK");
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), Flag("a"));
}

// --- validation and size ---

TEST_P(TableContract, RefusalsNameTheAttribute) {
  const auto field_of = [&](const Item& item) {
    const auto result = table().PutItem({.item = item});
    EXPECT_FALSE(result.has_value());
    if (result) return std::string("accepted");
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    return result.error().field;
  };
  EXPECT_EQ(field_of({{"SK", "s"}}), "PK");
  EXPECT_EQ(field_of({{"PK", "p"}}), "SK");
  EXPECT_EQ(field_of({{"PK", ""}, {"SK", "s"}}), "PK");
  EXPECT_EQ(field_of({{"PK", Number{"1"}}, {"SK", "s"}}), "PK");
  EXPECT_EQ(field_of({{"PK", std::string(2049, 'p')}, {"SK", "s"}}), "PK");
  EXPECT_EQ(field_of({{"PK", "p"}, {"SK", std::string(1025, 's')}}), "SK");
  EXPECT_EQ(field_of({{"PK", "p"}, {"SK", "s"}, {"GSI3SK", ""}}), "GSI3SK");
  EXPECT_EQ(field_of({{"PK", "p"}, {"SK", "s"}, {"n", Number{"NaN"}}}), "n");
  EXPECT_EQ(field_of({{"PK", "p"}, {"SK", "s"}, {"e", StringSet{}}}), "e");
  EXPECT_EQ(Stored(table(), {"p", "s"}), std::nullopt);
  Store(table(), {{"PK", std::string(2048, 'p')}, {"SK", std::string(1024, 's')}});
  EXPECT_NE(Stored(table(), {std::string(2048, 'p'), std::string(1024, 's')}), std::nullopt);
}

TEST_P(TableContract, ReadsRefuseImpossibleKeys) {
  EXPECT_EQ(table().Get({"", "s"}).error().field, "PK");
  EXPECT_EQ(table().Get({"p", ""}).error().field, "SK");
  EXPECT_EQ(table().DeleteItem({.key = {"p", std::string(1025, 's')}}).error().field, "SK");
}

TEST_P(TableContract, AnItemMayHave400KilobytesAndNoByteMore) {
  Store(table(), Padded("p", kItemBytesMax));
  Shuffle();
  EXPECT_EQ(Stored(table(), {"p", "s"}), Padded("p", kItemBytesMax));
  const auto larger = table().PutItem({.item = Padded("q", kItemBytesMax + 1)});
  ASSERT_FALSE(larger.has_value());
  EXPECT_EQ(larger.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(larger.error().field, "data");
  EXPECT_EQ(Stored(table(), {"q", "s"}), std::nullopt);
}

TEST_P(TableContract, AnUpdateCannotMakeAnItemTooLarge) {
  Store(table(), Padded("p", kItemBytesMax));
  const auto result = table().UpdateItem({.key = {"p", "s"}, .set = {{"a", ""}}});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Stored(table(), {"p", "s"}), Padded("p", kItemBytesMax));
}

// --- expiry ---

Item Expiring(const std::string& sk, std::int64_t expiry) {
  return {{"PK", "p"}, {"SK", sk}, {"GSI1PK", "g"}, {"GSI1SK", sk}, {"ttl", Number::From(expiry)}};
}

TEST_P(TableContract, NoReadReturnsAnExpiredItem) {
  Store(table(), Expiring("a", kStartS + 10));
  Store(table(), Expiring("b", kStartS + 20));
  const auto seen = [&] {
    std::vector<std::string> keys;
    const std::vector<Key> both = {{"p", "a"}, {"p", "b"}};
    const auto add = [&](const Item& item) { keys.push_back(*item.Find("SK")->AsString()); };
    for (const Key& key : both) {
      if (const auto item = Stored(table(), key)) add(*item);
    }
    for (const Index index : {Index::kTable, Index::kGsi1Flags}) {
      for (const bool forward : {true, false}) {
        const std::string partition = index == Index::kTable ? "p" : "g";
        const auto page = table().RunQuery({.index = index, .partition = partition, .forward = forward});
        EXPECT_TRUE(page.has_value());
        std::ranges::for_each(page->items, add);
      }
    }
    const auto batch = table().BatchGet(both);
    EXPECT_TRUE(batch.has_value());
    std::ranges::for_each(batch->items, add);
    std::ranges::sort(keys);
    return keys;
  };
  EXPECT_EQ(std::ranges::count(seen(), "a"), 6);
  clock().Set(kContractStart + std::chrono::seconds(10));  // the second it names is not yet the past
  EXPECT_EQ(std::ranges::count(seen(), "a"), 6);
  clock().Set(kContractStart + std::chrono::seconds(11));
  EXPECT_THAT(seen(), ElementsAre("b", "b", "b", "b", "b", "b"));
  Shuffle();
  EXPECT_THAT(seen(), ElementsAre("b", "b", "b", "b", "b", "b"));
}

TEST_P(TableContract, WritesSeeAnExpiredItemAsAbsent) {
  Store(table(), Expiring("a", kStartS - 1));
  Store(table(), Expiring("b", kStartS - 1));
  EXPECT_FALSE(table().DeleteItem({.key = {"p", "a"}, .condition = Condition::Present()})->applied);
  EXPECT_EQ(table().PutItem({.item = Flag("x"), .condition = Condition::Present()})->existing, std::nullopt);
  const auto check = table().PutItem({.item = Expiring("a", kStartS + 9), .condition = Condition::Equals("SK", "a")});
  EXPECT_FALSE(check->applied);
  EXPECT_EQ(check->existing, std::nullopt);
  EXPECT_TRUE(table().PutItem({.item = Expiring("a", kStartS + 9), .condition = Condition::Absent()})->applied);
  EXPECT_EQ(Stored(table(), {"p", "a"}), Expiring("a", kStartS + 9));
  // An update starts from nothing: it does not bring back what has expired.
  ASSERT_TRUE(table().UpdateItem({.key = {"p", "b"}, .set = {{"new", true}}})->applied);
  EXPECT_EQ(Stored(table(), {"p", "b"}), (Item{{"PK", "p"}, {"SK", "b"}, {"new", true}}));
}

TEST_P(TableContract, AReplacedExpiredItemLeavesNoIndexEntry) {
  Item item = Expiring("a", kStartS + 1);
  Store(table(), item);
  clock().Advance(std::chrono::hours(48));
  Shuffle();
  item.Set("GSI1SK", "moved");
  item.Erase("ttl");
  Store(table(), item);
  Shuffle();
  const auto page = table().RunQuery({.index = Index::kGsi1Flags, .partition = "g"});
  ASSERT_TRUE(page.has_value());
  EXPECT_THAT(page->items, ElementsAre(item));
}

TEST_P(TableContract, ExpiryCanBeMovedAndRemoved) {
  Store(table(), Expiring("a", kStartS + 5));
  Store(table(), Expiring("b", kStartS + 5));
  ASSERT_TRUE(table().UpdateItem({.key = {"p", "a"}, .set = {{"ttl", Number::From(kStartS + 500)}}})->applied);
  ASSERT_TRUE(table().UpdateItem({.key = {"p", "b"}, .remove = {"ttl"}})->applied);
  clock().Advance(std::chrono::seconds(100));
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "g"), ElementsAre("p", "p"));
  clock().Advance(std::chrono::hours(48));
  Shuffle();
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "g"), ElementsAre("p"));
  EXPECT_NE(Stored(table(), {"p", "b"}), std::nullopt);
}

TEST_P(TableContract, OnlyANumberIsAnExpiry) {
  Item item = Expiring("a", 0);
  item.Set("ttl", std::to_string(kStartS - 100));
  Store(table(), item);
  EXPECT_EQ(Stored(table(), {"p", "a"}), item);
}

// --- batches ---

std::vector<Key> ManyKeys(std::size_t count) {
  std::vector<Key> keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back({"p" + std::to_string(i), "s"});
  return keys;
}

TEST_P(TableContract, BatchGetReturnsWhatIsThere) {
  Store(table(), Flag("a"));
  Store(table(), Flag("b"));
  const std::vector<Key> keys = {KeyOfFlag("b"), KeyOfFlag("missing"), KeyOfFlag("a")};
  const auto result = table().BatchGet(keys);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->items, testing::UnorderedElementsAre(Flag("a"), Flag("b")));
  EXPECT_THAT(result->unprocessed, IsEmpty());
}

TEST_P(TableContract, BatchGetKeepsItsLimits) {
  EXPECT_TRUE(table().BatchGet(ManyKeys(100)).has_value());
  EXPECT_EQ(table().BatchGet(ManyKeys(101)).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(table().BatchGet({}).error().code, ErrorCode::kInvalidArgument);
  const std::vector<Key> twice = {{"p", "s"}, {"q", "s"}, {"p", "s"}};
  EXPECT_EQ(table().BatchGet(twice).error().code, ErrorCode::kInvalidArgument);
}

TEST_P(TableContract, BatchGetOfMuchDataIsAskedForAgain) {
  std::vector<Key> keys;
  for (int i = 0; i < 44; ++i) {
    const std::string pk = "p" + std::to_string(i);
    Store(table(), Padded(pk, kItemBytesMax));
    keys.push_back({pk, "s"});
  }
  std::size_t found = 0;
  std::size_t requests = 0;
  for (std::vector<Key> open = keys; !open.empty() && requests < 100; ++requests) {
    auto result = table().BatchGet(open);
    ASSERT_TRUE(result.has_value());
    ASSERT_FALSE(result->items.empty());
    found += result->items.size();
    open = std::move(result->unprocessed);
  }
  EXPECT_EQ(found, keys.size());
  EXPECT_GT(requests, 1U);  // 17 MB are more than one answer may hold
}

TEST_P(TableContract, BatchWritePutsAndDeletes) {
  Store(table(), Flag("old"));
  Store(table(), Flag("replaced", 1));
  const std::vector<BatchWriteOperation> operations = {
      {Flag("new")}, {KeyOfFlag("old")}, {Flag("replaced", 2)}, {KeyOfFlag("missing")}};
  const auto result = table().BatchWrite(operations);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->unprocessed, IsEmpty());
  EXPECT_EQ(Stored(table(), KeyOfFlag("old")), std::nullopt);
  EXPECT_EQ(Stored(table(), KeyOfFlag("replaced")), Flag("replaced", 2));
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#dev"), ElementsAre("FLAG#dev#new", "FLAG#dev#replaced"));
}

TEST_P(TableContract, BatchWriteKeepsItsLimits) {
  const auto batch = [](std::size_t count) {
    std::vector<BatchWriteOperation> operations;
    for (std::size_t i = 0; i < count; ++i) operations.push_back({Flag(std::to_string(i))});
    return operations;
  };
  EXPECT_TRUE(table().BatchWrite(batch(25)).has_value());
  EXPECT_EQ(table().BatchWrite(batch(26)).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(table().BatchWrite({}).error().code, ErrorCode::kInvalidArgument);
  const std::vector<BatchWriteOperation> twice = {{Flag("a", 99)}, {KeyOfFlag("a")}};
  EXPECT_EQ(table().BatchWrite(twice).error().code, ErrorCode::kInvalidArgument);
  const std::vector<BatchWriteOperation> invalid = {{Flag("c", 99)}, {Item{{"PK", "p"}}}};
  EXPECT_EQ(table().BatchWrite(invalid).error().field, "SK");
  EXPECT_EQ(Stored(table(), KeyOfFlag("c")), std::nullopt);
}

// --- transactions ---

TEST_P(TableContract, ATransactionDoesEverythingItSays) {
  Store(table(), Flag("update", 1));
  Store(table(), Flag("delete", 1));
  Store(table(), Flag("check", 4));
  const std::vector<TransactionOperation> operations = {
      Put{.item = Flag("put"), .condition = Condition::Absent()},
      Update{.key = KeyOfFlag("update"), .set = {{"version", Number::From(std::int64_t{2})}}},
      Delete{.key = KeyOfFlag("delete"), .condition = Condition::Present()},
      ConditionCheck{.key = KeyOfFlag("check"),
                     .condition = Condition::Equals("version", Number::From(std::int64_t{4}))}};
  const auto result = table().Transact(operations, "token-1");
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->committed);
  EXPECT_THAT(result->reasons, IsEmpty());
  EXPECT_EQ(Stored(table(), KeyOfFlag("put")), Flag("put"));
  EXPECT_EQ(Stored(table(), KeyOfFlag("update")), Flag("update", 2));
  EXPECT_EQ(Stored(table(), KeyOfFlag("delete")), std::nullopt);
  EXPECT_EQ(Stored(table(), KeyOfFlag("check")), Flag("check", 4));
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#dev"),
              ElementsAre("FLAG#dev#check", "FLAG#dev#put", "FLAG#dev#update"));
}

TEST_P(TableContract, ACancelledTransactionChangesNothingAndSaysWhy) {
  Store(table(), Flag("a", 1));
  Store(table(), Flag("b", 5));
  const std::vector<TransactionOperation> operations = {
      Put{.item = Flag("new")}, Update{.key = KeyOfFlag("a"), .set = {{"description", "x"}}},
      Put{.item = Flag("b", 6), .condition = Condition::Equals("version", Number::From(std::int64_t{4}))},
      ConditionCheck{.key = KeyOfFlag("missing"), .condition = Condition::Present()}, Delete{.key = KeyOfFlag("a2")}};
  const auto result = table().Transact(operations);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->committed);
  ASSERT_EQ(result->reasons.size(), 5U);
  EXPECT_EQ(result->reasons[0].code, Code::kNone);
  EXPECT_EQ(result->reasons[1].code, Code::kNone);
  EXPECT_EQ(result->reasons[2].code, Code::kConditionFailed);
  EXPECT_EQ(result->reasons[2].existing, Flag("b", 5));
  EXPECT_EQ(result->reasons[3].code, Code::kConditionFailed);
  EXPECT_EQ(result->reasons[3].existing, std::nullopt);
  EXPECT_EQ(result->reasons[4].code, Code::kNone);
  EXPECT_EQ(Stored(table(), KeyOfFlag("new")), std::nullopt);
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), Flag("a", 1));
  EXPECT_EQ(Stored(table(), KeyOfFlag("b")), Flag("b", 5));
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#dev"), ElementsAre("FLAG#dev#a", "FLAG#dev#b"));
}

TEST_P(TableContract, ATransactionThatWouldMakeAnItemTooLargeIsCancelled) {
  Store(table(), Padded("p", kItemBytesMax));
  const std::vector<TransactionOperation> operations = {Put{.item = Flag("a")},
                                                        Update{.key = {"p", "s"}, .set = {{"more", "x"}}}};
  const auto result = table().Transact(operations);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->committed);
  ASSERT_EQ(result->reasons.size(), 2U);
  EXPECT_EQ(result->reasons[0].code, Code::kNone);
  EXPECT_EQ(result->reasons[1].code, Code::kTooLarge);
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), std::nullopt);
}

TEST_P(TableContract, ATransactionTakesAHundredItems) {
  const auto puts = [](std::size_t count) {
    std::vector<TransactionOperation> operations;
    for (std::size_t i = 0; i < count; ++i) operations.push_back(Put{.item = Flag(std::to_string(1000 + i))});
    return operations;
  };
  const auto over = table().Transact(puts(101));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(table().Transact({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#dev"), IsEmpty());
  const auto result = table().Transact(puts(100));
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->committed);
  EXPECT_EQ(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#dev").size(), 100U);
}

TEST_P(TableContract, ATransactionTakesFourMegabytes) {
  std::vector<TransactionOperation> operations;
  for (int i = 0; i < 10; ++i) operations.push_back(Put{.item = Padded("p" + std::to_string(i), kItemBytesMax)});
  ASSERT_TRUE(Committed(table().Transact(operations)));
  operations.push_back(Put{.item = Padded("p10", kTransactionBytesMax - 10 * kItemBytesMax)});
  ASSERT_TRUE(Committed(table().Transact(operations)));
  operations.push_back(Delete{.key = {"another", "s"}});
  EXPECT_EQ(table().Transact(operations).error().code, ErrorCode::kTooLarge);
}

TEST_P(TableContract, ATransactionRefusesOneKeyTwiceAndInvalidOperations) {
  const std::vector<TransactionOperation> twice = {Put{.item = Flag("a")}, Delete{.key = KeyOfFlag("b")},
                                                   ConditionCheck{.key = KeyOfFlag("a")}};
  EXPECT_EQ(table().Transact(twice).error().code, ErrorCode::kInvalidArgument);
  const std::vector<TransactionOperation> invalid = {Put{.item = Flag("a")}, Put{.item = {{"PK", "p"}}}};
  EXPECT_EQ(table().Transact(invalid).error().field, "SK");
  const std::vector<TransactionOperation> fine = {Put{.item = Flag("a")}};
  EXPECT_EQ(table().Transact(fine, std::string(37, 't')).error().field, "token");
  EXPECT_EQ(Stored(table(), KeyOfFlag("a")), std::nullopt);
  EXPECT_TRUE(Committed(table().Transact(fine, std::string(36, 't'))));
}

TEST_P(TableContract, TransactionsSeeExpiredItemsAsAbsent) {
  Store(table(), Expiring("a", kStartS - 1));
  const std::vector<TransactionOperation> present = {
      ConditionCheck{.key = {"p", "a"}, .condition = Condition::Present()}};
  const auto refused = table().Transact(present);
  ASSERT_TRUE(refused.has_value());
  EXPECT_FALSE(refused->committed);
  EXPECT_EQ(refused->reasons[0].existing, std::nullopt);
  const std::vector<TransactionOperation> absent = {
      Put{.item = Expiring("a", kStartS + 50), .condition = Condition::Absent()}};
  EXPECT_TRUE(Committed(table().Transact(absent)));
  EXPECT_EQ(Stored(table(), {"p", "a"}), Expiring("a", kStartS + 50));
}

// --- concurrency ---

constexpr int kThreads = 4;
constexpr int kRounds = 40;

void RunThreads(const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(body, t);
  for (auto& thread : threads) thread.join();
}

std::int64_t NumberIn(const Item& item, std::string_view name) { return *item.Find(name)->AsNumber()->AsInt64(); }

// Adds `step` by a conditional write, again until it wins.
void AddConditionally(Table& table, const Key& key, std::int64_t step) {
  for (;;) {
    const Item item = *table.Get(key)->item;
    const std::int64_t old = NumberIn(item, "value");
    const auto result = table.UpdateItem({.key = key,
                                          .set = {{"value", Number::From(old + step)}},
                                          .condition = Condition::Equals("value", Number::From(old))});
    ASSERT_TRUE(result.has_value()) << result.error().message;
    if (result->applied) return;
  }
}

TEST_P(TableContract, ConditionalUpdatesFromManyThreadsLoseNothing) {
  Store(table(), {{"PK", "counter"}, {"SK", "s"}, {"value", Number::From(std::int64_t{0})}});
  RunThreads([&](int) {
    for (int i = 0; i < kRounds; ++i) AddConditionally(table(), {"counter", "s"}, 1);
  });
  EXPECT_EQ(NumberIn(*Stored(table(), {"counter", "s"}), "value"), kThreads * kRounds);
}

TEST_P(TableContract, OneOfManyCreatorsWins) {
  std::atomic<int> winners{0};
  RunThreads([&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      const auto result = table().PutItem({.item = Flag(std::to_string(i), thread), .condition = Condition::Absent()});
      ASSERT_TRUE(result.has_value());
      if (result->applied) winners.fetch_add(1);
    }
  });
  EXPECT_EQ(winners.load(), kRounds);
  EXPECT_EQ(IndexedKeys(table(), Index::kGsi1Flags, "FLAGS#dev").size(), std::size_t{kRounds});
}

Key Account(int number) { return {"account" + std::to_string(number), "s"}; }

// Moves 1 from one account to another, in one transaction, again until it wins.
void Transfer(Table& table, int from, int to) {
  for (;;) {
    const std::int64_t source = NumberIn(*table.Get(Account(from))->item, "value");
    const std::int64_t target = NumberIn(*table.Get(Account(to))->item, "value");
    const auto step = [](int account, std::int64_t old, std::int64_t value) {
      return Update{.key = Account(account),
                    .set = {{"value", Number::From(value)}},
                    .condition = Condition::Equals("value", Number::From(old))};
    };
    const std::vector<TransactionOperation> operations = {step(from, source, source - 1), step(to, target, target + 1)};
    const auto result = table.Transact(operations);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    if (result->committed) return;
  }
}

TEST_P(TableContract, TransactionsFromManyThreadsKeepTheSum) {
  constexpr int kAccounts = 5;
  for (int i = 0; i < kAccounts; ++i) {
    Store(table(), {{"PK", Account(i).pk}, {"SK", "s"}, {"value", Number::From(std::int64_t{100})}});
  }
  RunThreads([&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      const int from = (thread + i) % kAccounts;
      Transfer(table(), from, (from + 1 + i % (kAccounts - 1)) % kAccounts);
    }
  });
  std::int64_t sum = 0;
  for (int i = 0; i < kAccounts; ++i) sum += NumberIn(*Stored(table(), Account(i)), "value");
  EXPECT_EQ(sum, kAccounts * 100);
}

TEST_P(TableContract, AQueryNeverSeesHalfATransaction) {
  if (!GetParam().embedded) GTEST_SKIP() << "DynamoDB promises it for single items and transactional reads only";
  // Two items of one partition change together; whoever reads the partition sees both or neither.
  const auto both = [](std::int64_t value) {
    std::vector<TransactionOperation> operations;
    for (const char* sk : {"a", "b"}) {
      operations.push_back(
          Put{.item = {{"PK", "p"}, {"SK", sk}, {"GSI1PK", "g"}, {"GSI1SK", sk}, {"value", Number::From(value)}}});
    }
    return operations;
  };
  ASSERT_TRUE(Committed(table().Transact(both(0))));
  std::atomic<bool> done{false};
  RunThreads([&](int thread) {
    if (thread == 0) {
      for (int i = 1; i <= kRounds; ++i) ASSERT_TRUE(Committed(table().Transact(both(i))));
      done.store(true);
      return;
    }
    const Index index = thread == 1 ? Index::kTable : Index::kGsi1Flags;
    while (!done.load()) {
      const auto page = table().RunQuery({.index = index, .partition = thread == 1 ? "p" : "g"});
      ASSERT_TRUE(page.has_value());
      ASSERT_EQ(page->items.size(), 2U);
      ASSERT_EQ(NumberIn(page->items[0], "value"), NumberIn(page->items[1], "value"));
    }
  });
}

}  // namespace
}  // namespace guidon::store
