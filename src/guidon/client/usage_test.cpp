// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/usage.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/client/backoff.hpp"

namespace guidon::client {
namespace {

std::uint64_t Total(const std::vector<UsageRecord>& records) {
  std::uint64_t total = 0;
  for (const UsageRecord& record : records) total += record.count;
  return total;
}

TEST(UsageCounter, AddsUpByMinuteFlagVariationAndTenant) {
  UsageCounter counter;
  for (int i = 0; i < 3; ++i) counter.Count(10, "a", "on", "acme");
  counter.Count(10, "a", "on", "globex");
  counter.Count(10, "a", "off", "acme");
  counter.Count(11, "a", "on", "acme");
  counter.Count(10, "ao", "n", "acme");
  auto records = counter.Collect();
  EXPECT_EQ(records.size(), 5U);
  const auto found = std::ranges::find_if(records, [](const auto& one) {
    return one.minute == 10 && one.flag_key == "a" && one.variation == "on" && one.tenant_id == "acme";
  });
  ASSERT_NE(found, records.end());
  EXPECT_EQ(found->count, 3U);
  EXPECT_EQ(Total(records), 7U);
  EXPECT_TRUE(counter.Collect().empty());
}

TEST(UsageCounter, LosesNothingWhileManyThreadsCountAndOneCollects) {
  UsageCounter counter;
  constexpr int kThreads = 4;
  constexpr std::uint64_t kEach = 50'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&counter, t] {
      const std::string tenant = "t" + std::to_string(t % 2);
      for (std::uint64_t i = 0; i < kEach; ++i) counter.Count(1, i % 2 == 0 ? "a" : "b", "on", tenant);
    });
  }
  std::uint64_t total = 0;
  for (int i = 0; i < 100; ++i) total += Total(counter.Collect());
  for (std::thread& thread : threads) thread.join();
  total += Total(counter.Collect());
  EXPECT_EQ(total + counter.lost(), kThreads * kEach);
  EXPECT_LT(counter.lost(), kEach / 100);
}

TEST(UsageCounter, IsBoundedAndSaysWhatItLost) {
  UsageCounter counter;
  for (std::size_t i = 0; i < kUsageKeysPerPartMax + 10; ++i) counter.Count(1, "a", "on", std::to_string(i));
  counter.Count(1, "a", "on", "0");  // a key that is there goes on
  EXPECT_EQ(counter.lost(), 10U);
  EXPECT_EQ(Total(counter.Collect()), kUsageKeysPerPartMax + 1);
}

TEST(UsageQueue, MakesBodiesOfAThousandRecords) {
  UsageQueue queue;
  const auto minute =
      std::chrono::sys_days{std::chrono::year(2026) / 11 / 23}.time_since_epoch() / std::chrono::minutes(1);
  EXPECT_EQ(queue.Add({{.minute = minute + 936, .flag_key = "x", .variation = "on", .tenant_id = "acme", .count = 12},
                       {.minute = minute, .flag_key = "y", .count = 1}}),
            0U);
  EXPECT_EQ(queue.Body("id \"1\""),
            R"({"client":"id \"1\"","records":[{"minute":"2026-11-23T15:36Z","flagKey":"x","variation":"on",)"
            R"("tenantId":"acme","count":12},{"minute":"2026-11-23T00:00Z","flagKey":"y","count":1}]})");
  queue.Sent();
  EXPECT_TRUE(queue.empty());
  queue.Add(std::vector<UsageRecord>(kUsageRecordsPerCallMax + 1, {.flag_key = "x", .count = 2}));
  queue.Body("c");
  EXPECT_EQ(queue.Drop(), 2 * kUsageRecordsPerCallMax);
  EXPECT_EQ(queue.size(), 1U);
}

TEST(UsageQueue, PushesTheOldestOut) {
  UsageQueue queue;
  queue.Add({{.flag_key = "old", .count = 7}});
  EXPECT_EQ(queue.Add(std::vector<UsageRecord>(kUsagePendingMax, {.flag_key = "x", .count = 1})), 7U);
  EXPECT_EQ(queue.size(), kUsagePendingMax);
}

// What is being sent while the queue overflows must not take others with it.
TEST(UsageQueue, ForgetsNoOthersWhereRecordsWerePushedOutWhileSent) {
  UsageQueue queue;
  queue.Add({{.flag_key = "a", .count = 1}, {.flag_key = "b", .count = 1}});
  queue.Body("c");
  queue.Add(std::vector<UsageRecord>(kUsagePendingMax - 1, {.flag_key = "x", .count = 1}));  // pushes "a" out
  queue.Sent();                                                                              // "b"
  EXPECT_EQ(queue.size(), kUsagePendingMax - 1);
}

TEST(Backoff, IsAnythingUpToADoublingBound) {
  Backoff backoff(1);
  auto bound = kBackoffBase;
  std::set<std::int64_t> seen;
  for (int i = 0; i < 40; ++i) {
    const auto wait = backoff.Fail();
    EXPECT_GE(wait.count(), 0);
    EXPECT_LE(wait, std::min(bound, kBackoffCap));
    seen.insert(wait.count());
    bound = std::min(bound * 2, kBackoffCap);
  }
  EXPECT_GT(seen.size(), 30U);                             // not the same for all
  EXPECT_GT(*seen.rbegin(), kBackoffCap.count() * 3 / 4);  // and up to the bound
  EXPECT_LT(*seen.begin(), kBackoffBase.count());
  backoff.Succeed();
  EXPECT_LE(backoff.Fail(), kBackoffBase);
}

TEST(Backoff, DiffersFromClientToClient) {
  std::set<std::int64_t> waits;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Backoff backoff(seed);
    for (int i = 0; i < 6; ++i) backoff.Fail();
    waits.insert(backoff.Fail().count());
  }
  EXPECT_GT(waits.size(), 90U);
}

}  // namespace
}  // namespace guidon::client
