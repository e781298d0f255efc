// SPDX-License-Identifier: Apache-2.0
// Random operations on the adapter and on the model give the same answers.
#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "guidon/store/attribute.hpp"
#include "guidon/store/table_contract.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

constexpr int kOperations = 1500;
constexpr int kShuffleEvery = 250;

// Few keys, so that operations meet; awkward ones, so that encodings are tried.
class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  // From 0 to below `end`.
  std::size_t Below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }
  bool Chance(std::size_t one_in) { return Below(one_in) == 0; }

  std::string Partition() {
    static const std::vector<std::string> kPartitions = {"a", "ab", "a#", std::string("a\0", 2), "b"};
    return kPartitions[Below(kPartitions.size())];
  }
  std::string Sort() {
    static const std::vector<std::string> kSorts = {
        "1",   "10",  "2", std::string("1\0", 2), std::string("1\0\x01", 3), "\x01", "\u00e4", "\U0010FFFF",
        "x#1", "x#2", "x"};
    return kSorts[Below(kSorts.size())];
  }
  Key AnyKey() { return {Partition(), Sort()}; }

  AttributeValue Value() {
    switch (Below(6)) {
      case 0: return Chance(2);
      case 1: return Number::From(static_cast<std::int64_t>(Below(3)));
      case 2: return std::string(Below(3000), 'v');
      case 3: return AttributeMap{{"m", Number::From(static_cast<std::int64_t>(Below(5)))}};
      case 4: return AttributeList{"l", Null{}};
      default: return "text";
    }
  }

  Item AnyItem(std::int64_t now_s) {
    Item item{{"PK", Partition()}, {"SK", Sort()}};
    for (const Index index : kSecondaryIndexes) {
      if (!Chance(4)) item.Set(AttributesOf(index).partition, Partition());
      if (!Chance(4)) item.Set(AttributesOf(index).sort, Sort());
    }
    if (Chance(2)) item.Set("version", Number::From(static_cast<std::int64_t>(Below(3))));
    if (Chance(2)) item.Set("value", Value());
    if (Chance(4)) item.Set("ttl", Number::From(now_s + static_cast<std::int64_t>(Below(40)) - 10));
    return item;
  }

  Condition AnyCondition() {
    switch (Below(5)) {
      case 0: return Condition::Absent();
      case 1: return Condition::Present();
      case 2: return Condition::Equals("version", Number::From(static_cast<std::int64_t>(Below(3))));
      default: return Condition::None();
    }
  }

  Update AnyUpdate(std::int64_t now_s) {
    Update update{.key = AnyKey(), .condition = AnyCondition()};
    if (Chance(2)) update.set.emplace_back("version", Number::From(static_cast<std::int64_t>(Below(3))));
    if (Chance(3)) update.set.emplace_back("GSI1PK", Partition());
    if (Chance(3)) update.set.emplace_back("GSI2SK", Sort());
    if (Chance(5)) update.set.emplace_back("ttl", Number::From(now_s + static_cast<std::int64_t>(Below(40)) - 10));
    if (Chance(3)) update.remove.emplace_back("GSI3SK");
    if (Chance(3)) update.remove.emplace_back("value");
    return update;
  }

  TransactionOperation AnyWrite(std::int64_t now_s) {
    switch (Below(5)) {
      case 0: return Delete{.key = AnyKey(), .condition = AnyCondition()};
      case 1: return ConditionCheck{.key = AnyKey(), .condition = AnyCondition()};
      case 2: return AnyUpdate(now_s);
      default: return Put{.item = AnyItem(now_s), .condition = AnyCondition()};
    }
  }

  SortKeyCondition AnySortCondition() {
    switch (Below(6)) {
      case 0: return SortKeyEquals{Sort()};
      case 1: return SortKeyBeginsWith{Sort()};
      case 2: return SortKeyBetween{Sort(), Sort()};  // now and then the wrong way round: both have to refuse it
      case 3: return SortKeyGreater{Sort()};
      default: return SortKeyAny{};
    }
  }

  Query AnyQuery() {
    return {.index = static_cast<Index>(Below(4)),
            .partition = Partition(),
            .sort = AnySortCondition(),
            .forward = Chance(2),
            .limit = 1 + Below(6),
            .consistency = Chance(2) ? Consistency::kStrong : Consistency::kEventual};
  }

 private:
  std::mt19937 random_;
};

template <class T>
void ExpectSameStatus(const base::Result<T>& got, const base::Result<T>& model) {
  ASSERT_EQ(got.has_value(), model.has_value()) << (got ? model.error().message : got.error().message);
  if (!got) EXPECT_EQ(got.error().field, model.error().field);
}

bool SameReason(const CancellationReason& a, const CancellationReason& b) {
  return a.code == b.code && a.existing == b.existing;
}

class Comparison {
 public:
  Comparison(TableUnderTest& under_test, Table& model, std::uint32_t seed)
      : under_test_(under_test), model_(model), generate_(seed) {}

  void Step() {
    switch (generate_.Below(10)) {
      case 0: return Gets();
      case 1: return BatchGets();
      case 2:
      case 3: return Queries();
      case 4: return BatchWrites();
      case 5:
      case 6: return Transactions();
      case 7: return under_test_.clock().Advance(std::chrono::milliseconds(generate_.Below(3000)));
      default: return Writes();
    }
  }

 private:
  std::int64_t NowS() const { return under_test_.clock().Now().time_since_epoch().count() / 1000; }

  void Gets() {
    const Key key = generate_.AnyKey();
    const auto got = under_test_.table().Get(key);
    const auto model = model_.Get(key);
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->item, model->item);
    EXPECT_EQ(got->consumed, model->consumed);
  }

  void BatchGets() {
    std::vector<Key> keys;
    for (std::size_t i = 0; i < 4; ++i) keys.push_back(generate_.AnyKey());
    const auto got = under_test_.table().BatchGet(keys);
    const auto model = model_.BatchGet(keys);
    ExpectSameStatus(got, model);
    if (!got) return;
    EXPECT_EQ(got->consumed, model->consumed);
    EXPECT_EQ(got->unprocessed, model->unprocessed);
    EXPECT_TRUE(std::ranges::is_permutation(got->items, model->items));
  }

  void Queries() {
    Query query = generate_.AnyQuery();
    for (int page = 0; page < 100; ++page) {
      const auto got = under_test_.table().RunQuery(query);
      const auto model = model_.RunQuery(query);
      ExpectSameStatus(got, model);
      if (!got) return;
      EXPECT_EQ(got->items, model->items);
      EXPECT_EQ(got->next, model->next);
      EXPECT_EQ(got->consumed, model->consumed);
      if (!got->next) return;
      query.start_after = got->next;
    }
    ADD_FAILURE() << "the pages never end";
  }

  void BatchWrites() {
    std::vector<BatchWriteOperation> operations;
    for (std::size_t i = 0; i < 3; ++i) {
      if (generate_.Chance(3)) {
        operations.push_back({generate_.AnyKey()});
      } else {
        operations.push_back({generate_.AnyItem(NowS())});
      }
    }
    const auto got = under_test_.table().BatchWrite(operations);
    const auto model = model_.BatchWrite(operations);
    ExpectSameStatus(got, model);
    if (got) EXPECT_EQ(got->consumed, model->consumed);
  }

  void Transactions() {
    std::vector<TransactionOperation> operations;
    for (std::size_t i = 0; i < 1 + generate_.Below(4); ++i) operations.push_back(generate_.AnyWrite(NowS()));
    const auto got = under_test_.table().Transact(operations);
    const auto model = model_.Transact(operations);
    ExpectSameStatus(got, model);
    if (!got) return;
    EXPECT_EQ(got->committed, model->committed);
    EXPECT_TRUE(std::ranges::equal(got->reasons, model->reasons, SameReason));
    EXPECT_EQ(got->consumed, model->consumed);
  }

  static base::Result<WriteResult> Write(Table& table, const TransactionOperation& operation) {
    if (const auto* put = std::get_if<Put>(&operation)) return table.PutItem(*put);
    if (const auto* update = std::get_if<Update>(&operation)) return table.UpdateItem(*update);
    if (const auto* del = std::get_if<Delete>(&operation)) return table.DeleteItem(*del);
    return WriteResult{};
  }

  void Writes() {
    const TransactionOperation operation = generate_.AnyWrite(NowS());
    const auto got = Write(under_test_.table(), operation);
    const auto model = Write(model_, operation);
    ExpectSameStatus(got, model);
    if (!got) return;
    EXPECT_EQ(got->applied, model->applied);
    EXPECT_EQ(got->existing, model->existing);
    EXPECT_EQ(got->consumed, model->consumed);
  }

  TableUnderTest& under_test_;
  Table& model_;
  Generator generate_;
};

TEST_P(TableContract, RandomOperationsGiveTheModelsAnswers) {
  if (!GetParam().embedded) GTEST_SKIP() << "compares to the unit and the page, which a service need not match";
  for (const std::uint32_t seed : {1U, 20261122U}) {
    const auto fresh = GetParam().make();
    const auto model = MakeModelTable(fresh->clock());
    Comparison comparison(*fresh, *model, seed);
    for (int i = 0; i < kOperations; ++i) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(i));
      comparison.Step();
      if (i % kShuffleEvery == kShuffleEvery - 1) fresh->Shuffle();
      ASSERT_FALSE(testing::Test::HasFailure());
    }
  }
}

}  // namespace
}  // namespace guidon::store
