// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_rocksdb/group_sync.hpp"

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace guidon::store_rocksdb {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Status;

TEST(GroupSync, NothingWrittenNeedsNoSync) {
  int syncs = 0;
  GroupSync sync([&]() -> Status { return ++syncs, Status{}; });
  EXPECT_TRUE(sync.WaitDurable(0).has_value());
  EXPECT_EQ(syncs, 0);
}

TEST(GroupSync, ASyncStandsForAllWhoWroteBefore) {
  int syncs = 0;
  GroupSync sync([&]() -> Status { return ++syncs, Status{}; });
  const std::uint64_t first = sync.Written();
  const std::uint64_t second = sync.Written();
  EXPECT_TRUE(sync.WaitDurable(second).has_value());
  EXPECT_TRUE(sync.WaitDurable(first).has_value());
  EXPECT_EQ(syncs, 1);
  EXPECT_TRUE(sync.WaitDurable(sync.Written()).has_value());
  EXPECT_EQ(syncs, 2);
}

TEST(GroupSync, WritersWhoComeDuringASyncShareTheNextOne) {
  constexpr int kWriters = 8;
  std::atomic<int> syncs{0};
  std::latch all_written(kWriters);
  // The first sync ends only when everybody has written: it cannot stand for those who wrote while it ran.
  GroupSync sync([&]() -> Status {
    if (syncs.fetch_add(1) == 0) all_written.wait();
    return {};
  });
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      const std::uint64_t ticket = sync.Written();
      all_written.count_down();
      EXPECT_TRUE(sync.WaitDurable(ticket).has_value());
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_LE(syncs.load(), 2);
}

TEST(GroupSync, AFailureHoldsUntilRecovery) {
  bool fails = true;
  int syncs = 0;
  GroupSync sync([&]() -> Status {
    ++syncs;
    if (fails) return Fail(ErrorCode::kUnavailable, "broken");
    return {};
  });
  const std::uint64_t lost = sync.Written();
  EXPECT_EQ(sync.WaitDurable(lost).error().message, "broken");
  // The device says so only once: a later success proves nothing about the pages it dropped.
  fails = false;
  EXPECT_EQ(sync.WaitDurable(sync.Written()).error().message, "broken");
  EXPECT_EQ(syncs, 1);
  const std::uint64_t mark = sync.Mark();
  const std::uint64_t after = sync.Written();
  sync.Recovered(mark);
  EXPECT_TRUE(sync.WaitDurable(mark).has_value());
  EXPECT_EQ(syncs, 1);
  EXPECT_TRUE(sync.WaitDurable(after).has_value());
  EXPECT_EQ(syncs, 2);
}

}  // namespace
}  // namespace guidon::store_rocksdb
