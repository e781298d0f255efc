// SPDX-License-Identifier: Apache-2.0
// Capacity units, to the half unit, by DynamoDB's documented rules.
#include <vector>

#include "guidon/store/attribute.hpp"
#include "guidon/store/table_contract.hpp"

namespace guidon::store {
namespace {

constexpr CapacityUnits kOneWrite{.write = 1};

// An item of exactly `bytes`, in the indexes whose numbers are given.
Item Sized(const std::string& sk, std::size_t bytes, const std::vector<int>& indexes = {}) {
  Item item{{"PK", "p"}, {"SK", sk}, {"data", ""}};
  for (const int index : indexes) {
    item.Set("GSI" + std::to_string(index) + "PK", "g");
    item.Set("GSI" + std::to_string(index) + "SK", sk);
  }
  item.Set("data", std::string(bytes - ItemSize(item), 'x'));
  return item;
}

CapacityUnits UnitsOfPut(Table& table, const Item& item, Condition condition = {}) {
  const auto result = table.PutItem({.item = item, .condition = std::move(condition)});
  EXPECT_TRUE(result.has_value());
  return result ? result->consumed : CapacityUnits{};
}

double ReadUnitsOf(Table& table, const Query& query) {
  const auto page = table.RunQuery(query);
  EXPECT_TRUE(page.has_value());
  EXPECT_EQ(page->consumed.write, 0);
  return page->consumed.read;
}

TEST_P(TableContract, PutCostsAUnitForEachKilobyteBegun) {
  EXPECT_EQ(UnitsOfPut(table(), Sized("a", 100)), kOneWrite);
  EXPECT_EQ(UnitsOfPut(table(), Sized("b", 1024)), kOneWrite);
  EXPECT_EQ(UnitsOfPut(table(), Sized("c", 1025)), CapacityUnits{.write = 2});
  EXPECT_EQ(UnitsOfPut(table(), Sized("d", kItemBytesMax)), CapacityUnits{.write = 400});
}

TEST_P(TableContract, AReplacementCostsTheLargerOfOldAndNew) {
  UnitsOfPut(table(), Sized("a", 5000));
  EXPECT_EQ(UnitsOfPut(table(), Sized("a", 100)), CapacityUnits{.write = 5});
  EXPECT_EQ(UnitsOfPut(table(), Sized("a", 3000)), CapacityUnits{.write = 3});
}

TEST_P(TableContract, EachIndexEntryIsAnotherWrite) {
  EXPECT_EQ(UnitsOfPut(table(), Sized("a", 1500, {1, 2, 3})), CapacityUnits{.write = 2 + 2 + 2 + 2});
  EXPECT_EQ(UnitsOfPut(table(), Sized("b", 1500, {2})), CapacityUnits{.write = 2 + 2});
  // Nothing an index shows has changed.
  EXPECT_EQ(UnitsOfPut(table(), Sized("b", 1500, {2})), CapacityUnits{.write = 2});
  // Its copy of the item has.
  EXPECT_EQ(UnitsOfPut(table(), Sized("b", 2500, {2})), CapacityUnits{.write = 3 + 3});
  // It left one index for another: one entry goes (3), one comes (1).
  EXPECT_EQ(UnitsOfPut(table(), Sized("b", 900, {3})), CapacityUnits{.write = 3 + 3 + 1});
}

TEST_P(TableContract, UpdateCostsWhatItChanges) {
  UnitsOfPut(table(), Sized("a", 700, {1}));
  const auto update = [&](const Update& change) { return table().UpdateItem(change)->consumed; };
  const Key key{"p", "a"};
  EXPECT_EQ(update({.key = key, .set = {{"x", true}}}), CapacityUnits{.write = 1 + 1});
  // Another index key: the old entry goes, a new one comes.
  EXPECT_EQ(update({.key = key, .set = {{"GSI1SK", "z"}}}), CapacityUnits{.write = 1 + 2});
  EXPECT_EQ(update({.key = key, .remove = {"GSI1PK"}}), CapacityUnits{.write = 1 + 1});
  EXPECT_EQ(update({.key = key, .set = {{"x", false}}}), kOneWrite);
}

TEST_P(TableContract, DeleteCostsTheItemAndItsEntries) {
  UnitsOfPut(table(), Sized("a", 2100, {1, 3}));
  EXPECT_EQ(table().DeleteItem({.key = {"p", "a"}})->consumed, CapacityUnits{.write = 3 + 3 + 3});
  EXPECT_EQ(table().DeleteItem({.key = {"p", "a"}})->consumed, kOneWrite);
}

TEST_P(TableContract, AFailedConditionCostsTheItemThatIsThere) {
  UnitsOfPut(table(), Sized("a", 3000, {1}));
  EXPECT_EQ(UnitsOfPut(table(), Sized("a", 9000, {1}), Condition::Absent()), CapacityUnits{.write = 3});
  EXPECT_EQ(UnitsOfPut(table(), Sized("b", 9000), Condition::Present()), kOneWrite);
}

TEST_P(TableContract, GetCostsAUnitForEachFourKilobytesBegun) {
  UnitsOfPut(table(), Sized("a", 4096));
  UnitsOfPut(table(), Sized("b", 4097));
  const auto units = [&](const std::string& sk, Consistency consistency) {
    return table().Get({"p", sk}, consistency)->consumed;
  };
  EXPECT_EQ(units("a", Consistency::kStrong), CapacityUnits{.read = 1});
  EXPECT_EQ(units("a", Consistency::kEventual), CapacityUnits{.read = 0.5});
  EXPECT_EQ(units("b", Consistency::kStrong), CapacityUnits{.read = 2});
  EXPECT_EQ(units("b", Consistency::kEventual), CapacityUnits{.read = 1});
  EXPECT_EQ(units("missing", Consistency::kStrong), CapacityUnits{.read = 1});
  EXPECT_EQ(units("missing", Consistency::kEventual), CapacityUnits{.read = 0.5});
}

TEST_P(TableContract, QueryCostsTheSumOfWhatItReads) {
  for (int i = 0; i < 5; ++i) UnitsOfPut(table(), Sized(std::to_string(i), 1000, {1}));
  const Query strong{.partition = "p", .consistency = Consistency::kStrong};
  Query eventual = strong;
  eventual.consistency = Consistency::kEventual;
  Query index{.index = Index::kGsi1Flags, .partition = "g", .consistency = Consistency::kStrong};
  EXPECT_EQ(ReadUnitsOf(table(), strong), 2);  // 5,000 bytes
  EXPECT_EQ(ReadUnitsOf(table(), eventual), 1);
  EXPECT_EQ(ReadUnitsOf(table(), index), 1);  // an index is never read strongly
  index.limit = 4;
  EXPECT_EQ(ReadUnitsOf(table(), index), 0.5);
  EXPECT_EQ(ReadUnitsOf(table(), {.partition = "nobody", .consistency = Consistency::kStrong}), 1);
  EXPECT_EQ(ReadUnitsOf(table(), {.partition = "nobody"}), 0.5);
}

TEST_P(TableContract, BatchesCostTheSumOfTheirParts) {
  const std::vector<BatchWriteOperation> writes = {{Sized("a", 1025)}, {Sized("b", 100, {1})}, {Key{"p", "missing"}}};
  EXPECT_EQ(table().BatchWrite(writes)->consumed, CapacityUnits{.write = 2 + 2 + 1});
  UnitsOfPut(table(), Sized("c", 5000));
  const std::vector<Key> keys = {{"p", "a"}, {"p", "c"}, {"p", "nobody"}};
  EXPECT_EQ(table().BatchGet(keys, Consistency::kStrong)->consumed, CapacityUnits{.read = 1 + 2 + 1});
  EXPECT_EQ(table().BatchGet(keys, Consistency::kEventual)->consumed, CapacityUnits{.read = 2});
}

TEST_P(TableContract, TransactionsCostDouble) {
  UnitsOfPut(table(), Sized("check", 3000));
  UnitsOfPut(table(), Sized("delete", 2000, {2}));
  const std::vector<TransactionOperation> operations = {
      Put{.item = Sized("put", 1025, {1})}, Delete{.key = {"p", "delete"}},
      Update{.key = {"p", "update"}, .set = {{"x", true}}},
      ConditionCheck{.key = {"p", "check"}, .condition = Condition::Present()}};
  EXPECT_EQ(table().Transact(operations)->consumed, CapacityUnits{.write = 2.0 * ((2 + 2) + (2 + 2) + 1 + 3)});
  // Cancelled: each operation costs the item that is there.
  const std::vector<TransactionOperation> again = {
      Put{.item = Sized("put", 9000, {1}), .condition = Condition::Absent()},
      ConditionCheck{.key = {"p", "check"}, .condition = Condition::Present()}, Put{.item = Sized("new", 9000)}};
  const auto cancelled = table().Transact(again);
  EXPECT_FALSE(cancelled->committed);
  EXPECT_EQ(cancelled->consumed, CapacityUnits{.write = 2.0 * (2 + 3 + 1)});
}

TEST_P(TableContract, ExpiredItemsCostAsMuchAsMissingOnes) {
  if (!GetParam().embedded) GTEST_SKIP() << "DynamoDB charges for expired items until it has deleted them";
  Item item = Sized("a", 9000, {1});
  item.Set("ttl", Number::From(kContractStart.time_since_epoch().count() / 1000 - 1));
  UnitsOfPut(table(), item);
  EXPECT_EQ(table().Get({"p", "a"})->consumed, CapacityUnits{.read = 1});
  EXPECT_EQ(ReadUnitsOf(table(), {.partition = "p", .consistency = Consistency::kStrong}), 1);
  EXPECT_EQ(table().DeleteItem({.key = {"p", "a"}})->consumed, kOneWrite);
}

}  // namespace
}  // namespace guidon::store
