// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "guidon/store/audit_chain.hpp"
#include "repository_fixture.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AuditRepositoryTest : public RepositoryTest {
 protected:
  static AuditRecord Entry(std::string request_id, base::Timestamp at) {
    return {.at = at,
            .request_id = std::move(request_id),
            .actor_id = "local",
            .actor_kind = "local",
            .action = "flag.create",
            .scope = "production",
            .resource = "f",
            .sequence = 1,
            .after = "{}"};
  }
  void SaveEntry(const AuditRecord& record) { EXPECT_TRUE(Write(PutAudit(record))); }
  auto ListOf(AuditQuery query) {
    return [this, query = std::move(query)](const PageRequest& page) { return repository_.ListAudit(query, page); };
  }
  static std::vector<std::string> Ids(const std::vector<AuditRecord>& records) {
    std::vector<std::string> ids;
    for (const auto& record : records) ids.push_back(record.request_id);
    return ids;
  }
};

TEST_F(AuditRepositoryTest, ShardsAndDaysAreMergedNewestFirst) {
  std::vector<std::string> expected;
  for (int i = 0; i < 60; ++i) {
    SaveEntry(Entry("r" + std::to_string(i), kNow - hours{3 * i}));
    expected.push_back("r" + std::to_string(i));
  }
  const AuditQuery query{.from = kNow - days{30}, .to = kNow};
  EXPECT_EQ(Ids(All(ListOf(query), 100)), expected);
  EXPECT_EQ(Ids(All(ListOf(query), 7)), expected);
  EXPECT_EQ(Ids(All(ListOf(query), 1)), expected);
}

TEST_F(AuditRepositoryTest, EntriesOfOneMomentAreAllListedOnce) {
  std::vector<std::string> expected;
  for (int i = 0; i < 30; ++i) SaveEntry(Entry("r" + std::to_string(100 + i), kNow));
  for (int i = 29; i >= 0; --i) expected.push_back("r" + std::to_string(100 + i));
  const AuditQuery query{.from = kNow, .to = kNow};
  EXPECT_EQ(Ids(All(ListOf(query), 4)), expected);
}

TEST_F(AuditRepositoryTest, EntriesAreSpreadOverTheShards) {
  std::vector<int> counts(kAuditShards);
  for (int i = 0; i < 200; ++i) {
    const Item item = EncodeAudit(Entry("r" + std::to_string(i), kNow));
    ++counts.at(static_cast<std::size_t>(item.Find("PK")->AsString()->back() - '0'));
  }
  for (const int count : counts) EXPECT_GT(count, 20);
}

TEST_F(AuditRepositoryTest, TimesAreInclusive) {
  SaveEntry(Entry("before", kNow - milliseconds{1}));
  SaveEntry(Entry("from", kNow));
  SaveEntry(Entry("to", kNow + minutes{1}));
  SaveEntry(Entry("after", kNow + minutes{1} + milliseconds{1}));
  AuditQuery query{.from = kNow, .to = kNow + minutes{1}};
  EXPECT_THAT(Ids(All(ListOf(query))), ElementsAre("to", "from"));
  query.actor = "local";
  EXPECT_THAT(Ids(All(ListOf(query))), ElementsAre("to", "from"));
  query = {.tenant_id = "acme", .from = query.from, .to = query.to};
  auto of_tenant = Entry("tenant", kNow + minutes{1});
  of_tenant.tenant_id = "acme";
  SaveEntry(of_tenant);
  EXPECT_THAT(Ids(All(ListOf(query))), ElementsAre("tenant"));
  EXPECT_THAT(Ids(All(ListOf({.from = kNow, .to = kNow - milliseconds{1}}))), IsEmpty());
}

TEST_F(AuditRepositoryTest, ByResourceActorAndTenantWithTheOthersAsFilters) {
  auto first = Entry("1", kNow);
  first.tenant_id = "acme";
  auto second = Entry("2", kNow + milliseconds{1});
  second.actor_id = "abcdefgh";
  second.tenant_id = "acme2";
  auto third = Entry("3", kNow + milliseconds{2});
  third.scope = "staging";
  auto fourth = Entry("4", kNow + milliseconds{3});
  fourth.resource = "segment:f";
  for (const auto& each : {first, second, third, fourth}) SaveEntry(each);
  const auto ids = [&](AuditQuery query) {
    query.to = kNow + days{1};
    return Ids(All(ListOf(std::move(query)), 1));
  };
  EXPECT_THAT(ids({.scope = "production", .resource = "f"}), ElementsAre("2", "1"));
  EXPECT_THAT(ids({.scope = "production", .resource = "f", .actor = "local"}), ElementsAre("1"));
  EXPECT_THAT(ids({.actor = "local"}), ElementsAre("4", "3", "1"));
  EXPECT_THAT(ids({.scope = "staging", .actor = "local"}), ElementsAre("3"));
  EXPECT_THAT(ids({.tenant_id = "acme"}), ElementsAre("1"));
  EXPECT_THAT(ids({.scope = "staging", .tenant_id = "acme"}), IsEmpty());
}

TEST_F(AuditRepositoryTest, EnvironmentFiltersTheWholeAudit) {
  auto staging = Entry("staging", kNow);
  staging.scope = "staging";
  SaveEntry(staging);
  SaveEntry(Entry("production", kNow));
  EXPECT_THAT(Ids(All(ListOf({.scope = "staging", .from = kNow, .to = kNow}), 1)), ElementsAre("staging"));
}

TEST_F(AuditRepositoryTest, LongQuietTimesAreCrossedByPages) {
  SaveEntry(Entry("old", kNow - days{400}));
  SaveEntry(Entry("new", kNow));
  const AuditQuery query{.from = kNow - days{500}, .to = kNow};
  const auto first = repository_.ListAudit(query, {});
  EXPECT_THAT(Ids(first->items), ElementsAre("new"));
  EXPECT_TRUE(first->next_cursor.has_value());
  EXPECT_LE(Queries(), kAuditDaysPerPage * kAuditShards);
  EXPECT_THAT(Ids(All(ListOf(query))), ElementsAre("new", "old"));
}

TEST_F(AuditRepositoryTest, BeginningOfTimeIsTheLastDay) {
  SaveEntry(Entry("first", base::Timestamp{}));
  const AuditQuery query{.to = base::Timestamp{} + days{3}};
  EXPECT_THAT(Ids(All(ListOf(query), 1)), ElementsAre("first"));
}

TEST_F(AuditRepositoryTest, WhatCannotBeAskedIsRefusedByName) {
  SaveEntry(Entry("1", kNow));
  SaveEntry(Entry("2", kNow));
  const AuditQuery query{.from = kNow, .to = kNow};
  ExpectError(repository_.ListAudit({.resource = "f", .to = kNow}, {}), ErrorCode::kInvalidArgument, "environment");
  ExpectError(repository_.ListAudit({}, {}), ErrorCode::kInvalidArgument, "to");
  ExpectError(repository_.ListAudit(query, {.limit = 0}), ErrorCode::kInvalidArgument, "limit");
  ExpectError(repository_.ListAudit(query, {.cursor = "x"}), ErrorCode::kInvalidArgument, "cursor");
  const auto cursor = repository_.ListAudit(query, {.limit = 1})->next_cursor;
  ASSERT_TRUE(cursor.has_value());
  ExpectError(repository_.ListAudit({.scope = "staging", .from = kNow, .to = kNow}, {.cursor = *cursor}),
              ErrorCode::kInvalidArgument, "cursor");
  ExpectError(repository_.ListAudit({.actor = "local", .to = kNow}, {.cursor = *cursor}), ErrorCode::kInvalidArgument,
              "cursor");
}

TEST_F(AuditRepositoryTest, EntryOfAnotherTenantIsNotShownWhateverTheIndexSays) {
  auto entry = Entry("1", kNow);
  entry.tenant_id = "b";
  Item stray = EncodeAudit(entry);
  stray.Set("GSI3PK", "TENANT#a");
  Save(stray);
  const auto page = repository_.ListAudit({.tenant_id = "a", .to = kNow}, {});
  EXPECT_THAT(page->items, IsEmpty());
  EXPECT_EQ(page->unreadable, 1U);
}

TEST_F(AuditRepositoryTest, AnEntryIsNeverWrittenOver) {
  SaveEntry(Entry("1", kNow));
  auto again = Entry("1", kNow);
  again.after = "{\"other\":true}";
  EXPECT_FALSE(Write(PutAudit(again)));
  EXPECT_EQ(repository_.ListAudit({.from = kNow, .to = kNow}, {})->items.at(0).after, "{}");
}

TEST_F(AuditRepositoryTest, AReaderFindsEverythingOldestFirstWhateverItSays) {
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    SaveEntry(Entry("r" + std::to_string(100 + i), kNow + hours{2 * (i / 2)}));
    expected.push_back("r" + std::to_string(100 + i));
  }
  Save({{"PK", "AUDIT#" + base::FormatDate(kNow) + "#0"}, {"SK", "zzz"}});
  SaveEntry(Entry("beyond", kNow + hours{40}));
  const auto read = [&](AuditReader reader) {
    std::vector<std::string> found;
    std::vector<Item> items;
    while (*reader.Next(items)) {
      std::vector<std::string> moment;
      for (const Item& item : items) {
        const AttributeValue* id = item.Find("requestId");
        moment.push_back(id != nullptr ? *id->AsString() : "none");
      }
      // Entries of one moment come together, in the order of their shards.
      std::ranges::sort(moment);
      found.insert(found.end(), moment.begin(), moment.end());
    }
    return found;
  };
  const base::Timestamp end = kNow + hours{39};
  const AuditPlace begin{.date = base::FormatDate(kNow), .sort = base::FormatTimestamp(kNow)};
  const auto all = read(AuditReader(table_, begin, end));
  EXPECT_EQ(all.size(), expected.size() + 1);
  EXPECT_THAT(all, ::testing::Contains("none"));
  auto entries = all;
  std::erase(entries, "none");
  EXPECT_EQ(entries, expected);

  // Another reader goes on where one has stopped, after every moment.
  for (std::size_t stop = 1; stop < 8; ++stop) {
    AuditReader first(table_, begin, end);
    std::vector<Item> items;
    std::size_t seen = 0;
    for (std::size_t i = 0; i < stop; ++i) {
      ASSERT_TRUE(*first.Next(items));
      seen += items.size();
    }
    const auto rest = read(AuditReader(table_, first.place(), end));
    EXPECT_EQ(seen + rest.size(), all.size()) << stop;
  }
}

TEST_F(AuditRepositoryTest, OverlongResourcesAreFoundAgain) {
  auto entry = Entry("1", kNow);
  entry.resource = "/" + std::string(4000, 'x');
  SaveEntry(entry);
  EXPECT_THAT(Ids(All(ListOf({.scope = "production", .resource = entry.resource, .to = kNow}))), ElementsAre("1"));
}

}  // namespace
}  // namespace guidon::store
