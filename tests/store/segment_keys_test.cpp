// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/segment_keys.hpp"

#include <filesystem>
#include <memory>
#include <random>
#include <set>

#include <fmt/format.h>

#include "guidon/store_rocksdb/rocks_table.hpp"
#include "repository_fixture.hpp"

// The keys of a segment in parts, over both embedded tables: what is written comes back, what did not change stays, and
// what is missing is never taken for empty.
namespace guidon::store {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Keys = std::vector<std::string>;

enum class Backend { kMemory, kRocks };

const model::Environment kEnv = Env("production");
const model::SegmentKey kSegment = *model::SegmentKey::Parse("beta");

class SegmentKeysTest : public ::testing::TestWithParam<Backend> {
 protected:
  SegmentKeysTest() {
    if (GetParam() == Backend::kMemory) return;
    std::string pattern = ::testing::TempDir() + "guidon-segments-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
    folder_ = pattern;
    rocks_ = *store_rocksdb::RocksTable::Open({.path = folder_ / "store", .clock = &clock_, .sync = false});
  }
  ~SegmentKeysTest() override {
    rocks_.reset();
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

  static Keys Numbered(int from, int to) {
    Keys keys;
    for (int i = from; i < to; ++i) keys.push_back(fmt::format("user-{:07}", i));
    return keys;
  }
  static KeysChange Replace(Keys keys) {
    return {.kind = KeysChange::Kind::kReplace, .add = std::move(keys), .remove = {}};
  }
  static KeysChange Edit(Keys add, Keys remove = {}) {
    return {.kind = KeysChange::Kind::kEdit, .add = std::move(add), .remove = std::move(remove)};
  }

  // Carries a change out as a use case does, without the rest of its transaction.
  SegmentPlan Change(SegmentChanges changes) {
    const auto current = *repository().GetSegmentHead(kEnv, kSegment);
    model::SegmentFields next{.segment_key = "beta", .environment = "production", .created_at = kNow};
    next.version = current ? (*current)->version + 1 : 1;
    auto plan = PlanSegment(table(), current ? &*current : nullptr, next, std::move(changes), clock_.Now());
    if (!plan) {
      ADD_FAILURE() << plan.error().message;
      std::abort();
    }
    EXPECT_TRUE(WriteSegmentParts(table(), plan->new_parts));
    const auto put = table().PutItem(PutSegment(plan->head, current ? std::optional((*current)->version) : std::nullopt,
                                                current ? current->index : std::nullopt));
    EXPECT_TRUE(put && put->applied);
    EXPECT_TRUE(RemoveItems(table(), plan->replaced_parts));
    return *std::move(plan);
  }
  model::Segment Whole() {
    const auto found = repository().GetSegment(kEnv, kSegment);
    if (!found || !*found) {
      ADD_FAILURE() << (found ? "gone" : found.error().message);
      std::abort();
    }
    return **found;
  }
  // Sort keys of all items under the segment.
  std::set<std::string> Items() {
    std::set<std::string> sorts;
    Query query{.partition = SegmentPartition(kEnv, kSegment), .limit = 1000, .consistency = Consistency::kStrong};
    while (true) {
      const auto page = *table().RunQuery(query);
      for (const Item& item : page.items) sorts.insert(*item.Find("SK")->AsString());
      if (!page.next) return sorts;
      query.start_after = page.next;
    }
  }
  // What the segment's item names, and the item itself, are all there is.
  void ExpectNothingElse() {
    const auto head = *repository().GetSegmentHead(kEnv, kSegment);
    std::set<std::string> named;
    if (head) {
      named.insert("METADATA");
      for (const Key& key : PartKeysOf(*head)) named.insert(key.sk);
    }
    EXPECT_EQ(Items(), named);
  }

  Table& table() { return rocks_ ? static_cast<Table&>(*rocks_) : memory_; }
  Repository repository() { return Repository(table()); }

  base::ManualClock clock_{kNow};
  store_memory::MemoryTable memory_{clock_};
  std::filesystem::path folder_;
  std::unique_ptr<store_rocksdb::RocksTable> rocks_;
};

INSTANTIATE_TEST_SUITE_P(Tables, SegmentKeysTest, ::testing::Values(Backend::kMemory, Backend::kRocks),
                         [](const auto& each) { return each.param == Backend::kMemory ? "Memory" : "Rocks"; });

TEST_P(SegmentKeysTest, FewKeysAreInTheSegmentsItem) {
  const SegmentPlan plan = Change({.included = Replace(Numbered(0, 100)), .excluded = Replace({"x"})});
  EXPECT_FALSE(plan.head.index.has_value());
  EXPECT_THAT(plan.new_parts, IsEmpty());
  EXPECT_THAT(Items(), ElementsAre("METADATA"));
  EXPECT_EQ(Whole()->included, Numbered(0, 100));
  EXPECT_THAT(Whole()->excluded, ElementsAre("x"));
}

TEST_P(SegmentKeysTest, ManyKeysAreInPartsBesideIt) {
  const Keys keys = Numbered(0, 20'000);
  const SegmentPlan plan = Change({.included = Replace(keys), .excluded = Replace(Numbered(7, 9))});
  ASSERT_TRUE(plan.head.index.has_value());
  EXPECT_THAT(plan.head.index->included.parts, SizeIs(16));  // 20,000 keys of 13 bytes in parts of 16 KB
  EXPECT_THAT(plan.head.index->excluded.parts, SizeIs(1));
  EXPECT_EQ(plan.head->kept_apart, (model::SegmentKeyCounts{.included = 20'000, .excluded = 2}));
  EXPECT_THAT(plan.included.added, SizeIs(20'000));
  EXPECT_EQ(Whole()->included, keys);
  EXPECT_EQ(Whole()->excluded, Numbered(7, 9));
  EXPECT_FALSE(Whole()->kept_apart.has_value());
  const auto listed = repository().ListSegments(kEnv, {});
  ASSERT_THAT(listed->items, SizeIs(1));
  EXPECT_EQ(listed->items[0]->kept_apart->included, 20'000U);
  EXPECT_THAT(listed->items[0]->included, IsEmpty());
  ExpectNothingElse();
}

TEST_P(SegmentKeysTest, AChangeOfAFewKeysLeavesTheOtherParts) {
  Change({.included = Replace(Numbered(0, 100'000)), .excluded = {}});
  const auto before = Items();
  EXPECT_GT(before.size(), 70U);
  const SegmentPlan plan =
      Change({.included = Edit({"user-0000500x", "user-0050000"}, {"user-0070000", "user-none"}), .excluded = {}});
  EXPECT_THAT(plan.included.added, ElementsAre("user-0000500x"));  // the other was there
  EXPECT_THAT(plan.included.removed, ElementsAre("user-0070000"));
  EXPECT_THAT(plan.new_parts, SizeIs(2));
  EXPECT_THAT(plan.replaced_parts, SizeIs(2));
  std::size_t same = 0;
  for (const auto& sort : Items()) same += before.count(sort);
  EXPECT_EQ(same, before.size() - 2);
  Keys expected = Numbered(0, 100'000);
  std::erase(expected, "user-0070000");
  expected.insert(std::ranges::upper_bound(expected, "user-0000500x"), "user-0000500x");
  EXPECT_EQ(Whole()->included, expected);
  ExpectNothingElse();
}

TEST_P(SegmentKeysTest, AWholeNewListWritesOnlyWhatDiffers) {
  Change({.included = Replace(Numbered(0, 50'000)), .excluded = Replace({"a"})});
  Keys next = Numbered(0, 50'000);
  next[20'000] = "user-0020000-again";
  const SegmentPlan plan = Change({.included = Replace(next), .excluded = {}});
  EXPECT_THAT(plan.included.added, ElementsAre("user-0020000-again"));
  EXPECT_THAT(plan.included.removed, ElementsAre("user-0020000"));
  EXPECT_THAT(plan.new_parts, SizeIs(1));
  EXPECT_EQ(Whole()->included, next);
  EXPECT_THAT(Whole()->excluded, ElementsAre("a"));  // was not touched
}

TEST_P(SegmentKeysTest, ASegmentThatShrinksGoesBackIntoItsItem) {
  Change({.included = Replace(Numbered(0, 10'000)), .excluded = Replace({"a"})});
  EXPECT_GT(Items().size(), 1U);
  Change({.included = Edit({}, Numbered(10, 10'000)), .excluded = {}});
  EXPECT_THAT(Items(), ElementsAre("METADATA"));
  EXPECT_EQ(Whole()->included, Numbered(0, 10));
  EXPECT_THAT(Whole()->excluded, ElementsAre("a"));
}

// Keys in random order, added and removed at random: always what a plain set says, in parts of a sensible size.
TEST_P(SegmentKeysTest, RandomChangesAgreeWithASet) {
  std::mt19937 random(20261123);
  std::set<std::string> expected;
  for (int i = 0; i < 12'000; ++i) expected.insert("k" + std::to_string(random() % 1'000'000));
  Change({.included = Replace({expected.begin(), expected.end()}), .excluded = {}});
  for (int round = 0; round < 40; ++round) {
    std::set<std::string> add;
    std::set<std::string> remove;
    const unsigned size = 1U << (random() % 12);
    for (unsigned i = 0; i < size; ++i) {
      if (random() % 3 == 0) add.insert("k" + std::to_string(random() % 1'000'000));
      auto some = expected.lower_bound("k" + std::to_string(random() % 1'000'000));
      if (random() % 2 == 0 && some != expected.end()) remove.insert(*some);
    }
    // Now and then a whole range goes, and a dense one comes.
    if (round % 10 == 5)
      for (auto at = expected.lower_bound("k3"); at != expected.end() && *at < "k5"; ++at) remove.insert(*at);
    if (round % 10 == 7)
      for (int i = 0; i < 3000; ++i) add.insert("k42-" + std::to_string(i));
    for (const auto& key : remove) add.erase(key);
    Keys added;
    Keys removed;
    std::ranges::set_difference(add, expected, std::back_inserter(added));
    std::ranges::set_intersection(expected, remove, std::back_inserter(removed));
    const SegmentPlan plan =
        Change({.included = Edit({add.begin(), add.end()}, {remove.begin(), remove.end()}), .excluded = {}});
    ASSERT_EQ(plan.included.added, added);
    ASSERT_EQ(plan.included.removed, removed);
    for (const auto& key : remove) expected.erase(key);
    expected.insert(add.begin(), add.end());
    ASSERT_EQ(Whole()->included, Keys(expected.begin(), expected.end()));
    ExpectNothingElse();
    if (!plan.head.index) continue;
    for (const SegmentPart& part : plan.head.index->included.parts) ASSERT_LE(part.bytes, 2 * kSegmentPartBytes);
    EXPECT_LE(plan.head.index->included.parts.size(), 4 + 4 * plan.head.index->included.bytes() / kSegmentPartBytes);
  }
}

TEST_P(SegmentKeysTest, AreListedByPagesInOrderAndByPrefix) {
  Change({.included = Replace(Numbered(0, 20'000)), .excluded = Replace({"x-1", "x-2", "y"})});
  const auto list = [&](SegmentList which, std::string_view prefix) {
    Keys all;
    PageRequest request{.limit = 700};
    while (true) {
      const auto page = **repository().ListSegmentKeys(kEnv, kSegment, which, prefix, request);
      EXPECT_LE(page.items.size(), 700U);
      all.insert(all.end(), page.items.begin(), page.items.end());
      if (!page.next_cursor) return all;
      request.cursor = *page.next_cursor;
    }
  };
  EXPECT_EQ(list(SegmentList::kIncluded, ""), Numbered(0, 20'000));
  EXPECT_EQ(list(SegmentList::kIncluded, "user-00012"), Numbered(1200, 1300));
  EXPECT_THAT(list(SegmentList::kIncluded, "user-0019999"), ElementsAre("user-0019999"));
  EXPECT_THAT(list(SegmentList::kIncluded, "v"), IsEmpty());
  EXPECT_THAT(list(SegmentList::kExcluded, "x-"), ElementsAre("x-1", "x-2"));
  const auto first = *repository().ListSegmentKeys(kEnv, kSegment, SegmentList::kIncluded, "", {.limit = 10});
  ExpectError(repository().ListSegmentKeys(kEnv, kSegment, SegmentList::kExcluded, "",
                                           {.limit = 10, .cursor = *first->next_cursor}),
              ErrorCode::kInvalidArgument, "cursor");
  ExpectError(repository().ListSegmentKeys(kEnv, kSegment, SegmentList::kExcluded, "", {.limit = 10, .cursor = "?"}),
              ErrorCode::kInvalidArgument, "cursor");
  // A page goes on behind the last key, whatever has changed since.
  Change({.included = Edit({"user-0000009x"}, {"user-0000009", "user-0000010"}), .excluded = {}});
  const auto second = *repository().ListSegmentKeys(kEnv, kSegment, SegmentList::kIncluded, "",
                                                    {.limit = 2, .cursor = *first->next_cursor});
  EXPECT_THAT(second->items, ElementsAre("user-0000009x", "user-0000011"));
  const auto none = *model::SegmentKey::Parse("none");
  EXPECT_EQ(*repository().ListSegmentKeys(kEnv, none, SegmentList::kIncluded, "", {}), std::nullopt);
}

TEST_P(SegmentKeysTest, APartThatIsMissingOrDamagedMakesTheSegmentUnreadable) {
  const SegmentPlan plan = Change({.included = Replace(Numbered(0, 20'000)), .excluded = Replace({"x"})});
  const auto excluded = plan.head.index->excluded.parts.at(0);
  const Key key = SegmentPartKey(kEnv, kSegment, excluded.revision, excluded.number);
  const Item good = *table().Get(key)->item;

  Item bad = good;
  bad.Set("keys", AttributeList{"y"});
  ASSERT_TRUE(table().PutItem({.item = bad}));
  ExpectError(repository().GetSegment(kEnv, kSegment), ErrorCode::kCorrupt, "keys");
  bad.Erase("keys");
  ASSERT_TRUE(table().PutItem({.item = bad}));
  ExpectError(repository().GetSegment(kEnv, kSegment), ErrorCode::kCorrupt, "keys");
  // The included keys of another part under the key of this one.
  const auto included = plan.head.index->included.parts.at(0);
  Item other = *table().Get(SegmentPartKey(kEnv, kSegment, included.revision, included.number))->item;
  other.Set("SK", key.sk);
  ASSERT_TRUE(table().PutItem({.item = other}));
  ExpectError(repository().GetSegment(kEnv, kSegment), ErrorCode::kCorrupt, "keys");
  ASSERT_TRUE(table().DeleteItem({.key = key}));
  const auto missing = repository().GetSegment(kEnv, kSegment);
  ExpectError(missing, ErrorCode::kCorrupt, "keys");
  EXPECT_THAT(missing.error().message, HasSubstr(key.sk));
  EXPECT_THAT(missing.error().message, HasSubstr("upload the keys"));
  ExpectError(repository().ListSegmentKeys(kEnv, kSegment, SegmentList::kExcluded, "", {}), ErrorCode::kCorrupt,
              "keys");
  // What does not need the part is there.
  EXPECT_TRUE(repository().GetSegmentHead(kEnv, kSegment)->has_value());
  ASSERT_TRUE(table().PutItem({.item = good}));
  EXPECT_THAT(Whole()->excluded, ElementsAre("x"));
}

TEST_P(SegmentKeysTest, AnIndexThatIsDamagedMakesTheSegmentUnreadable) {
  Change({.included = Replace(Numbered(0, 20'000)), .excluded = Replace({"x"})});
  const Item good = *table().Get(SegmentItemKey(kEnv, kSegment))->item;
  const auto expect_unreadable = [&](const auto& damage) {
    Item item = good;
    damage(item);
    ASSERT_TRUE(table().PutItem({.item = item}));
    EXPECT_EQ(repository().GetSegment(kEnv, kSegment).error().code, ErrorCode::kCorrupt);
  };
  expect_unreadable([](Item& item) { item.Erase("excluded"); });
  expect_unreadable([](Item& item) { item.Erase("keysRevision"); });  // maps where lists belong
  expect_unreadable([](Item& item) { item.Set("included", AttributeList{"u"}); });
  const auto map_of = [](const Item& item, std::string_view name) { return *item.Find(name)->AsMap(); };
  expect_unreadable([&](Item& item) {
    AttributeMap map = map_of(item, "included");
    map.Set("count", Number::From(std::int64_t{19'999}));
    item.Set("included", map);
  });
  const std::string bytes = map_of(good, "included").Find("parts")->AsBinary()->bytes;
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(DecodeSegmentParts(bytes.substr(0, size), "included").has_value()) << size;
  EXPECT_FALSE(DecodeSegmentParts(bytes + "x", "included").has_value());
  EXPECT_EQ(EncodeSegmentParts(*DecodeSegmentParts(bytes, "included")), bytes);
  EXPECT_EQ(DecodeSegmentParts("\2", "included").error().code, ErrorCode::kUnsupported);
}

// Long keys with little in common: the parts grow until their index fits into the item.
TEST_P(SegmentKeysTest, LongKeysMakeLargerPartsRatherThanAnIndexThatDoesNotFit) {
  Keys keys;
  std::mt19937 random(1);
  for (int i = 0; i < 30'000; ++i) {
    std::string key(1000, 'a');
    for (std::size_t at = 0; at < key.size(); at += 4) key[at] = static_cast<char>('a' + random() % 26);
    keys.push_back(key + "-1");
    keys.push_back(key + "-2");
  }
  std::ranges::sort(keys);
  const SegmentPlan plan = Change({.included = Replace(keys), .excluded = {}});
  ASSERT_TRUE(plan.head.index.has_value());
  EXPECT_LE(EncodeSegmentParts(plan.head.index->included.parts).size(), kSegmentIndexBytesMax);
  EXPECT_EQ(Whole()->included, keys);
  // One more pair, in the middle.
  const SegmentPlan next = Change({.included = Edit({"m"}), .excluded = {}});
  EXPECT_LE(next.new_parts.size(), 30U);
  EXPECT_EQ(Whole()->included.size(), keys.size() + 1);
}

TEST_P(SegmentKeysTest, TooManyKeysAreRefusedBeforeAnythingIsWritten) {
  Keys keys = Numbered(0, 1'000'000);
  Change({.included = Replace(keys), .excluded = {}});
  EXPECT_EQ(Whole()->included.size(), 1'000'000U);
  const auto before = Items();
  const auto current = *repository().GetSegmentHead(kEnv, kSegment);
  const model::SegmentFields next{.segment_key = "beta", .environment = "production", .created_at = kNow};
  ExpectError(PlanSegment(table(), &*current, next, {.included = Edit({"v"}), .excluded = {}}, kNow),
              ErrorCode::kTooLarge, "included");
  Keys large;
  for (int i = 0; i < 70'000; ++i) large.push_back(fmt::format("{:07}", i) + std::string(1000, 'x'));
  ExpectError(PlanSegment(table(), &*current, next, {.included = {}, .excluded = Replace(large)}, kNow),
              ErrorCode::kTooLarge, "included");
  EXPECT_EQ(Items(), before);
}

TEST_P(SegmentKeysTest, WhatAReaderMissesSinceItChangedIsReadAgain) {
  Change({.included = Replace(Numbered(0, 20'000)), .excluded = {}});
  const auto old = **repository().GetSegmentHead(kEnv, kSegment);
  Change({.included = Edit({"user-0000000x"}), .excluded = {}});
  // As the reader of a list that is a moment old: its part is gone.
  ExpectError(LoadSegmentKeys(table(), old), ErrorCode::kCorrupt, "keys");
  EXPECT_EQ(Whole()->included.size(), 20'001U);
}

// The version alone does not tell a segment that was deleted and made again from the one it was.
TEST_P(SegmentKeysTest, AnItemIsNotReplacedByOneThatNamesPartsOfAFormerSegment) {
  Change({.included = Replace(Numbered(0, 20'000)), .excluded = {}});
  const auto old = **repository().GetSegmentHead(kEnv, kSegment);
  ASSERT_TRUE(table().DeleteItem(DeleteSegment(old))->applied);
  Change({.included = Replace(Numbered(0, 20'000)), .excluded = {}});
  EXPECT_FALSE(table().PutItem(PutSegment(old, 1, old.index))->applied);
  EXPECT_FALSE(table().DeleteItem(DeleteSegment(old))->applied);
}

TEST_P(SegmentKeysTest, TheSweepRemovesWhatIsOldAndNamedByNobody) {
  const auto begin = [&](std::string_view revision) {
    ASSERT_TRUE(table().PutItem(PutSegmentWork({.environment = "production",
                                                .segment_key = "beta",
                                                .revision = std::string(revision),
                                                .started_at = clock_.Now()})));
  };
  Change({.included = Replace(Numbered(0, 20'000)), .excluded = {}});
  const auto good = Items();
  // A write that ended before its transaction.
  const auto current = **repository().GetSegmentHead(kEnv, kSegment);
  const auto plan = PlanSegment(table(), &current, *current.segment,
                                {.included = Edit({"user-0000000x", "user-0019999x"}), .excluded = {}}, clock_.Now());
  begin(plan->revision);
  ASSERT_TRUE(WriteSegmentParts(table(), plan->new_parts));
  EXPECT_EQ(*SweepSegmentParts(table(), kEnv, clock_.Now()), 0U);  // it may be under way
  clock_.Advance(kSegmentLeftoverAge - std::chrono::minutes{1});
  // Another one that has just begun is left alone by the sweep that cleans up after the first.
  const auto fresh = PlanSegment(table(), &current, *current.segment,
                                 {.included = Edit({"user-0000001x"}), .excluded = {}}, clock_.Now());
  begin(fresh->revision);
  ASSERT_TRUE(WriteSegmentParts(table(), fresh->new_parts));
  clock_.Advance(std::chrono::minutes{2});
  EXPECT_EQ(*SweepSegmentParts(table(), kEnv, clock_.Now()), 2U);
  EXPECT_EQ(Items().size(), good.size() + 2);  // the fresh part and its note
  EXPECT_EQ(Whole()->included, Numbered(0, 20'000));
  // Of a segment that is gone everything goes.
  ASSERT_TRUE(table().DeleteItem(DeleteSegment(current))->applied);
  clock_.Advance(kSegmentLeftoverAge);
  EXPECT_EQ(*SweepSegmentParts(table(), Env("staging"), clock_.Now()), 0U);
  EXPECT_EQ(*SweepSegmentParts(table(), kEnv, clock_.Now()), good.size());  // its parts and the fresh one
  EXPECT_THAT(Items(), IsEmpty());
}

TEST_P(SegmentKeysTest, TheSweepLeavesAnUnreadableSegmentAlone) {
  Change({.included = Replace(Numbered(0, 20'000)), .excluded = {}});
  const auto before = Items();
  Item item = *table().Get(SegmentItemKey(kEnv, kSegment))->item;
  item.Erase("excluded");
  ASSERT_TRUE(table().PutItem({.item = item}));
  ASSERT_TRUE(table().PutItem(PutSegmentWork(
      {.environment = "production", .segment_key = "beta", .revision = "r", .started_at = clock_.Now()})));
  clock_.Advance(2 * kSegmentLeftoverAge);
  EXPECT_EQ(*SweepSegmentParts(table(), kEnv, clock_.Now()), 0U);
  EXPECT_EQ(Items().size(), before.size() + 1);
}

// DynamoDB would bill: ten keys cost the parts they are in, not the whole list.
TEST(SegmentKeysCost, TenKeysOfAMillionCostTenParts) {
  base::ManualClock clock(kNow);
  store_memory::MemoryTable memory(clock);
  MeteredTable table(memory);
  Keys keys;
  for (int i = 0; i < 999'990; ++i) keys.push_back(fmt::format("user-{:07}", i));
  const model::SegmentFields fields{.segment_key = "beta", .environment = "production", .created_at = kNow};
  const auto first = PlanSegment(table, nullptr, fields,
                                 {.included = {.kind = KeysChange::Kind::kReplace, .add = keys}, .excluded = {}}, kNow);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  ASSERT_TRUE(WriteSegmentParts(table, first->new_parts));
  const double whole = table.FiguresOf(TableOperation::kBatchWrite).write_units;
  EXPECT_GT(whole, 12'000);
  Keys ten;
  for (int i = 0; i < 10; ++i) ten.push_back(fmt::format("user-{:07}x", i * 99'999));
  const auto second = PlanSegment(table, &first->head, fields,
                                  {.included = {.kind = KeysChange::Kind::kEdit, .add = ten}, .excluded = {}}, kNow);
  ASSERT_TRUE(second.has_value()) << second.error().message;
  ASSERT_TRUE(WriteSegmentParts(table, second->new_parts));
  EXPECT_LE(table.FiguresOf(TableOperation::kBatchWrite).write_units - whole, 10 * 18);
  EXPECT_LE(table.FiguresOf(TableOperation::kBatchGet).read_units, 10 * 5);  // and reads no more than those
  EXPECT_LE(ItemSize(EncodeSegment(second->head)), 40'000U);
}

}  // namespace
}  // namespace guidon::store
