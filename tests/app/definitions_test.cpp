// SPDX-License-Identifier: Apache-2.0
// Definitions for others are one state of the change log, whatever happens while they are read.
#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "support.hpp"

namespace guidon::app::testing {
namespace {

class Definitions : public ::testing::Test {
 protected:
  // Both flags in one transaction.
  void SetBoth(bool enabled) {
    std::vector<ImportEntry> entries;
    for (const char* key : {"a", "b"}) {
      entries.push_back({.flag_key = key, .make = [=](const model::Flag* existing) -> base::Result<model::FlagFields> {
                           model::FlagFields fields = existing != nullptr ? **existing : World::Boolean(key);
                           fields.default_enabled = enabled;
                           return fields;
                         }});
    }
    Must(world.app->flags().Import(world.Admin(), development, entries, {}));
  }
  struct Seen {
    std::uint64_t sequence = 0;
    bool a = false;
    bool b = false;
  };
  Seen Read(Application& node) {
    Seen seen;
    Must(node.definitions().Read(development, [&](const KeptDefinitions& kept) -> base::Status {
      const auto enabled = [&](const char* key) {
        return kept.flags.at(key).text.find(R"("defaultEnabled":true)") != std::string::npos;
      };
      seen = {.sequence = kept.sequence, .a = enabled("a"), .b = enabled("b")};
      return {};
    }));
    return seen;
  }
  std::uint64_t Head() { return Must(store::Repository(world.memory).ChangeHead("development")); }

  World world;
  const model::Environment development = Env("development");
};

// Four changes again and again, each of one sequence, of things that are read one after the other: which state there
// was follows from the sequence.
TEST_F(Definitions, AreNeverAMixtureOfTwoStates) {
  SetBoth(true);
  const std::uint64_t first = Head();
  const auto other = world.NewNode(world.table);
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  std::atomic<int> mixtures{0};
  const auto check = [&](const KeptDefinitions& kept) -> base::Status {
    const std::uint64_t step = (kept.sequence - first) % 4;
    const bool enabled = kept.flags.at("a").text.find(R"("defaultEnabled":true)") != std::string::npos;
    const bool engaged = kept.kill_switches.contains("flag:b");
    if (enabled != (step == 0 || step == 3) || engaged != (step >= 2)) ++mixtures;
    ++reads;
    return {};
  };
  std::vector<std::thread> readers;
  for (Application* node : {world.app.get(), other.get()}) {
    readers.emplace_back([&, node] {
      while (!stop.load()) {
        if (node == other.get()) (void)node->Follow();
        (void)node->definitions().Read(development, check);  // refused where changes come faster than they can be read
      }
    });
  }
  const auto enable = [&](const char* patch) {
    Must(world.app->flags().Patch(world.Admin(), development, Flag("a"), Json(patch), Any()));
  };
  for (int i = 0; i < 150 || reads.load() < 50; ++i) {
    enable(R"({"defaultEnabled":false})");
    Must(world.app->kill_switches().Engage(world.Admin(), development, Scope("flag:b"), "r"));
    enable(R"({"defaultEnabled":true})");
    Must(world.app->kill_switches().Release(world.Admin(), development, Scope("flag:b"), "r"));
  }
  stop.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(mixtures.load(), 0);
  Must(other->Follow());
  EXPECT_EQ(Read(*world.app).sequence, Head());
  EXPECT_EQ(Read(*other).sequence, Head());
}

TEST_F(Definitions, HaveWhatIsChangedWhileTheyAreRead) {
  SetBoth(true);
  const auto other = world.NewNode(world.table);
  std::atomic<int> changes{0};
  std::atomic<bool> inside{false};
  // Each of the first reads of the store meets a change of the other node.
  world.table.OnRead([&]() -> base::Status {
    if (changes.load() < 3 && !inside.exchange(true)) {
      ++changes;
      SetBoth(changes.load() % 2 == 0);
      inside.store(false);
    }
    return {};
  });
  const Seen seen = Read(*other);
  EXPECT_EQ(changes.load(), 3);
  EXPECT_EQ(seen.sequence, Head());
  EXPECT_FALSE(seen.a);
  EXPECT_FALSE(seen.b);
}

TEST_F(Definitions, OfAnotherNodeComeWithTheChangeLog) {
  SetBoth(true);
  const auto other = world.NewNode(world.table);
  EXPECT_TRUE(Read(*other).a);
  SetBoth(false);
  Must(other->CatchUpTo("development", Head()));
  const Seen seen = Read(*other);
  EXPECT_EQ(seen.sequence, Head());
  EXPECT_FALSE(seen.a);
}

TEST_F(Definitions, AreRefusedWhereTheStoreFailsAndComeBackWithIt) {
  SetBoth(true);
  (void)Read(*world.app);
  SetBoth(false);
  world.table.OnRead([] { return base::Fail(base::ErrorCode::kUnavailable, "down"); });
  EXPECT_EQ(MustFail(world.app->definitions().Read(development, [](const auto&) { return base::Status(); })).code,
            base::ErrorCode::kUnavailable);
  world.table.OnRead({});
  EXPECT_FALSE(Read(*world.app).a);
}

}  // namespace
}  // namespace guidon::app::testing
