// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/served.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace guidon::client {
namespace {

// Knows how many of it there are, and whether it is still there.
struct Probe {
  Probe(int number, std::atomic<int>& count) : value(number), check(number * 7), alive(count) { ++alive; }
  ~Probe() {
    check = -1;
    --alive;
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  int value;
  int check;
  std::atomic<int>& alive;
};

TEST(Served, KeepsWhatAReaderSeesAndFreesTheRest) {
  std::atomic<int> alive{0};
  {
    Served<Probe> served;
    EXPECT_EQ(Served<Probe>::Reader(served).value(), nullptr);
    served.Publish(std::make_unique<const Probe>(1, alive));
    auto reader = std::make_unique<Served<Probe>::Reader>(served);
    served.Publish(std::make_unique<const Probe>(2, alive));
    served.Publish(std::make_unique<const Probe>(3, alive));
    EXPECT_EQ(reader->value()->value, 1);
    EXPECT_EQ(Served<Probe>::Reader(served).value()->value, 3);
    EXPECT_GT(served.Reclaim(), 0U);
    EXPECT_EQ(alive.load(), 3);
    reader.reset();
    EXPECT_EQ(served.Reclaim(), 0U);
    EXPECT_EQ(alive.load(), 1);
  }
  EXPECT_EQ(alive.load(), 0);
}

TEST(Served, NobodyReadsWhatIsFreed) {
  std::atomic<int> alive{0};
  std::atomic<bool> stop{false};
  Served<Probe> served;
  served.Publish(std::make_unique<const Probe>(0, alive));
  std::vector<std::thread> readers;
  std::atomic<std::uint64_t> reads{0};
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      int last = 0;
      while (!stop.load()) {
        const Served<Probe>::Reader reader(served);
        const Probe& probe = *reader.value();
        if (probe.check != probe.value * 7 || probe.value < last) ++wrong;
        last = probe.value;
        reads.fetch_add(1);
      }
    });
  }
  for (int i = 1; i <= 20'000; ++i) served.Publish(std::make_unique<const Probe>(i, alive));
  while (reads.load() < 1000) std::this_thread::yield();
  stop.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(served.Reclaim(), 0U);
  EXPECT_EQ(alive.load(), 1);
}

}  // namespace
}  // namespace guidon::client
