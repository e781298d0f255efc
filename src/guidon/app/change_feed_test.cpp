// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/change_feed.hpp"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace guidon::app {
namespace {

FeedEntry Everyone(std::uint64_t sequence) {
  FeedEntry entry{.sequence = sequence, .served = sequence};
  entry.audience.everyone = true;
  return entry;
}

FeedEntry Of(std::uint64_t sequence, std::string_view tenant) {
  FeedEntry entry{.sequence = sequence, .served = sequence};
  entry.audience.Add(tenant);
  return entry;
}

TEST(AudienceTest, HoldsTenantsOrEveryone) {
  Audience audience;
  EXPECT_TRUE(audience.empty());
  audience.Add("b");
  audience.Add("a");
  audience.Add("b");
  EXPECT_EQ(audience.tenants, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(audience.Has("a"));
  EXPECT_FALSE(audience.Has("ab"));
  EXPECT_FALSE(audience.Has(""));
  audience.everyone = true;
  EXPECT_TRUE(audience.Has(""));
  EXPECT_TRUE(audience.Names("a"));
  EXPECT_FALSE(audience.Names("c"));
}

TEST(ChangeFeedTest, GivesWhatCameAfter) {
  ChangeFeed feed;
  feed.Start(10);
  EXPECT_EQ(feed.position().served, 10U);
  EXPECT_TRUE(feed.After(0).entries.empty());
  feed.Append(Everyone(11));
  feed.Append(Of(12, "acme"));
  const auto read = feed.After(1);
  ASSERT_EQ(read.entries.size(), 1U);
  EXPECT_TRUE(read.complete);
  EXPECT_EQ(read.entries[0]->sequence, 12U);
  EXPECT_EQ(read.entries[0]->number, 2U);
  EXPECT_TRUE(feed.After(2).entries.empty());
  EXPECT_EQ(feed.position().served, 12U);
}

TEST(ChangeFeedTest, KnowsWhatConcernsATenant) {
  ChangeFeed feed;
  feed.Start(10);
  feed.Append(Of(11, "acme"));
  feed.Append(Everyone(12));
  feed.Append(Of(13, "globex"));
  EXPECT_EQ(feed.LastConcerning("acme"), 12U);
  EXPECT_EQ(feed.LastConcerning("globex"), 13U);
  EXPECT_EQ(feed.LastConcerning(""), 12U);
}

TEST(ChangeFeedTest, FindsWhereToGoOn) {
  ChangeFeed feed;
  feed.Start(10);
  feed.Append(Everyone(11));
  feed.Append(Everyone(13));  // came before its predecessor
  feed.Append(Everyone(12));
  EXPECT_EQ(feed.NumberAt(10), 0U);
  EXPECT_EQ(feed.NumberAt(11), 1U);
  EXPECT_EQ(feed.NumberAt(12), 1U);
  EXPECT_EQ(feed.NumberAt(13), 3U);
  EXPECT_EQ(feed.NumberAt(99), 3U);
  EXPECT_FALSE(feed.NumberAt(9));
}

TEST(ChangeFeedTest, ForgetsTheOldest) {
  ChangeFeed feed;
  for (std::uint64_t i = 1; i <= kFeedEntriesMax + 5; ++i) feed.Append(Everyone(i));
  EXPECT_FALSE(feed.NumberAt(4));
  EXPECT_EQ(feed.NumberAt(5), 5U);
  EXPECT_FALSE(feed.After(4).complete);
  EXPECT_TRUE(feed.After(5).complete);
  EXPECT_EQ(feed.After(0).entries.size(), kFeedEntriesMax);
}

TEST(ChangeFeedTest, IsBoundedByTheTenantsToo) {
  ChangeFeed feed;
  for (std::uint64_t i = 1; i <= 10; ++i) {
    FeedEntry entry{.sequence = i, .served = i};
    for (std::size_t t = 0; t < kFeedWeightMax / 4; ++t) entry.audience.Add("t" + std::to_string(t));
    feed.Append(std::move(entry));
  }
  EXPECT_LE(feed.After(0).entries.size(), 4U);
  EXPECT_GE(feed.After(0).entries.size(), 3U);
  // Who was told of an entry that is forgotten is told again, never passed over.
  EXPECT_EQ(feed.LastConcerning("nobody"), 10U - feed.After(0).entries.size());
}

TEST(ChangeFeedTest, WakesItsListenersUntilTheyLeave) {
  ChangeFeed feed;
  int woken = 0;
  const auto listener = feed.Listen([&] { ++woken; });
  feed.Append(Everyone(1));
  feed.Append(Everyone(2));
  EXPECT_EQ(woken, 2);
  feed.Unlisten(listener);
  feed.Append(Everyone(3));
  EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace guidon::app
