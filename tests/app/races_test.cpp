// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <latch>
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "support.hpp"

// Many at once: exactly one wins each version, and nothing is lost, doubled or half done.
namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::SizeIs;

constexpr int kThreads = 16;

class Races : public ::testing::Test {
 protected:
  static void InParallel(const std::function<void(int)>& work) {
    std::latch start(kThreads);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        work(t);
      });
    }
    for (auto& thread : threads) thread.join();
  }
  // World::Admin counts requests, which is not for several threads.
  static RequestInfo Admin(int thread, int request) {
    return {.principal = {.kind = PrincipalKind::kAdmin, .id = "admin-" + std::to_string(thread)},
            .request_id = std::to_string(thread) + "." + std::to_string(request)};
  }
  void ExpectGapFree(std::size_t changes) {
    const auto log = world.Changes();
    ASSERT_EQ(log.size(), changes);
    for (std::size_t i = 0; i < log.size(); ++i) ASSERT_EQ(log[i].sequence, i + 1);
    EXPECT_EQ(world.Snapshot()->sequence(), changes);
  }

  World world;
  const model::Environment development = Env("development");
};

TEST_F(Races, ExactlyOneWinsEachVersion) {
  world.CreateFlag("f");
  constexpr int kRounds = 12;
  std::mutex mutex;
  std::map<std::uint64_t, int> winners;
  InParallel([&](int t) {
    for (std::uint64_t version = 1; version <= kRounds; ++version) {
      auto fields = World::Boolean("f");
      fields.description = std::to_string(t);
      const auto result = world.app->flags().Replace(Admin(t, static_cast<int>(version)), fields, Version(version));
      const std::lock_guard lock(mutex);
      if (result) {
        EXPECT_EQ(result->entity->version, version + 1);
        EXPECT_EQ(result->sequence, version + 1);
        ++winners[version];
      } else {
        EXPECT_EQ(result.error().code, ErrorCode::kConflict);
        ASSERT_TRUE(result.error().current_version.has_value());
        EXPECT_NE(*result.error().current_version, version);
      }
    }
  });
  // Threads that hurry ahead ask for versions that are not there yet, so late versions may have no winner; none has
  // two.
  for (const auto& [version, count] : winners) EXPECT_EQ(count, 1) << "version " << version;
  EXPECT_EQ(winners.count(1), 1U);
  const std::uint64_t last = world.GetFlag("f")->version;
  EXPECT_EQ(last, winners.size() + 1);
  ExpectGapFree(last);
  EXPECT_THAT(world.Audit("f"), SizeIs(last));
}

TEST_F(Races, WhoTakesAnyVersionLosesNothing) {
  world.CreateFlag("f");
  std::atomic<int> done{0};
  std::atomic<int> gave_up{0};
  InParallel([&](int t) {
    for (int i = 0; i < 8; ++i) {
      const auto tag = "t" + std::to_string(t) + "-" + std::to_string(i);
      const auto result = world.app->flags().Patch(Admin(t, i), development, Flag("f"),
                                                   Json(R"({"description":")" + tag + R"("})"), Any());
      if (result) {
        done.fetch_add(1);
      } else {
        EXPECT_EQ(result.error().code, ErrorCode::kConflict);
        gave_up.fetch_add(1);
      }
    }
  });
  EXPECT_EQ(done.load() + gave_up.load(), kThreads * 8);
  EXPECT_GE(done.load(), kThreads);
  EXPECT_EQ(world.GetFlag("f")->version, static_cast<std::uint64_t>(done.load()) + 1);
  ExpectGapFree(static_cast<std::size_t>(done.load()) + 1);
  EXPECT_THAT(world.Audit("f"), SizeIs(done.load() + 1));
}

TEST_F(Races, WritersOfDifferentFlagsAllSucceedAndShareTransactions) {
  InParallel([&](int t) {
    for (int i = 0; i < 10; ++i) {
      const std::string key = "f" + std::to_string(t) + "-" + std::to_string(i);
      const auto created = world.app->flags().Create(Admin(t, i), World::Boolean(key));
      ASSERT_TRUE(created.has_value());
      // It is in the snapshot before it is acknowledged.
      EXPECT_EQ(world.Evaluate(key), "on");
      EXPECT_GE(world.Snapshot()->sequence(), created->sequence);
    }
  });
  ExpectGapFree(kThreads * std::size_t{10});
  EXPECT_EQ(world.app->committer().figures().changes, kThreads * 10U);
  std::size_t audited = 0;
  for (const auto& change : world.Changes()) audited += world.Audit(change.resource).size();
  EXPECT_EQ(audited, kThreads * 10U) << "one audit entry for each change";
}

TEST_F(Races, OneIdempotencyKeyIsCarriedOutOnce) {
  std::mutex mutex;
  std::multiset<std::uint64_t> sequences;
  std::atomic<int> originals{0};
  InParallel([&](int t) {
    RequestInfo request = Admin(0, t);
    request.idempotency_key = "once";
    const auto result = world.app->flags().Create(request, World::Boolean("f"));
    ASSERT_TRUE(result.has_value()) << result.error().message;
    if (!result->replayed) originals.fetch_add(1);
    const std::lock_guard lock(mutex);
    sequences.insert(result->sequence);
  });
  EXPECT_EQ(originals.load(), 1);
  EXPECT_EQ(sequences.count(1), static_cast<std::size_t>(kThreads));
  ExpectGapFree(1);
}

TEST_F(Races, OverridesOfOneFlagDoNotHinderEachOther) {
  world.CreateFlag("f");
  InParallel([&](int t) {
    for (int i = 0; i < 6; ++i) {
      const auto tenant = Tenant("t" + std::to_string(t) + "-" + std::to_string(i));
      ASSERT_TRUE(world.app->overrides().Set(Admin(t, i), development, Flag("f"), tenant, {.enabled = false}));
    }
  });
  ExpectGapFree(1 + kThreads * 6);
  EXPECT_EQ(world.Snapshot()->override_count("f"), kThreads * 6U);
}

TEST_F(Races, AChainOfPrerequisitesCannotBeClosedFromTwoEnds) {
  for (int round = 0; round < 10; ++round) {
    const std::string a = "a" + std::to_string(round);
    const std::string b = "b" + std::to_string(round);
    world.CreateFlag(a);
    world.CreateFlag(b);
    std::atomic<int> succeeded{0};
    std::latch start(2);
    const auto needs = [&](const std::string& flag, const std::string& other, int t) {
      start.arrive_and_wait();
      const auto patch = Json(R"({"prerequisites":[{"flagKey":")" + other + R"(","variations":["on"]}]})");
      if (world.app->flags().Patch(Admin(t, round), development, Flag(flag), patch, Any())) succeeded.fetch_add(1);
    };
    std::thread first([&] { needs(a, b, 1); });
    std::thread second([&] { needs(b, a, 2); });
    first.join();
    second.join();
    EXPECT_EQ(succeeded.load(), 1);
  }
}

TEST_F(Races, APrerequisiteIsNotDeletedWhileItIsTakenUp) {
  for (int round = 0; round < 10; ++round) {
    const std::string parent = "parent" + std::to_string(round);
    const std::string child = "child" + std::to_string(round);
    world.CreateFlag(parent);
    std::latch start(2);
    bool deleted = false;
    bool created = false;
    std::thread first([&] {
      start.arrive_and_wait();
      deleted = world.app->flags().Delete(Admin(1, round), development, Flag(parent), {}).has_value();
    });
    std::thread second([&] {
      start.arrive_and_wait();
      auto fields = World::Boolean(child);
      fields.prerequisites = {{.flag_key = parent, .variations = {"on"}}};
      created = world.app->flags().Create(Admin(2, round), fields).has_value();
    });
    first.join();
    second.join();
    EXPECT_NE(deleted, created);
  }
}

TEST_F(Races, EngagingOneKillSwitchFromEverywhereIsOneChange) {
  world.CreateFlag("f");
  InParallel([&](int t) {
    const auto result = world.app->kill_switches().Engage(Admin(t, 0), development, Scope("flag:f"), "fire");
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(world.Evaluate("f"), "off");
  });
  ExpectGapFree(2);
}

TEST_F(Races, ReloadsAndChangesDoNotUndoEachOther) {
  std::atomic<bool> stop{false};
  std::thread reloader([&] {
    store::Repository repository(world.table);
    while (!stop.load()) Must(world.app->snapshots().Reload(repository, development, world.clock));
  });
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const std::string key = "f" + std::to_string(t) + "-" + std::to_string(i % 5);
        const auto flag = Flag(key);
        if (world.app->flags().Create(Admin(t, 2 * i), World::Boolean(key))) {
          EXPECT_EQ(world.Evaluate(key), "on");
          Must(world.app->overrides().Set(Admin(t, 1000 + i), development, flag, Tenant("acme"), {.enabled = false}));
          EXPECT_EQ(world.Evaluate(key, "acme"), "off");
        } else {
          Must(world.app->flags().Delete(Admin(t, 2 * i + 1), development, flag, {}));
          EXPECT_EQ(world.Evaluate(key), "FLAG_NOT_FOUND");
        }
      }
    });
  }
  for (auto& writer : writers) writer.join();
  stop.store(true);
  reloader.join();
  ExpectGapFree(world.Changes().size());
}

TEST_F(Races, KeysAreChangedAuthenticatedAndReloadedAtOnce) {
  std::atomic<bool> stop{false};
  std::thread reloader([&] {
    while (!stop.load()) Must(world.app->keys().Reload());
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      auto& keys = world.app->keys();
      for (int i = 0; i < 10; ++i) {
        const auto issued = Must(keys.Create(Admin(t, i), {.key_id = {}, .kind = model::KeyKind::kAdmin})).entity;
        const auto works = [&] {
          return keys.Authenticate(*keys.ring().Get(), *issued.token).id == issued.key->key_id;
        };
        EXPECT_TRUE(works());
        keys.NoteUse(issued.key->key_id);
        Must(keys.FlushUsage());
        Must(keys.Revoke(Admin(t, 100 + i), Must(model::KeyId::Parse(issued.key->key_id))));
        EXPECT_FALSE(works());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  stop.store(true);
  reloader.join();
  EXPECT_EQ(world.app->keys().ring().Get()->size(), 40U);
}

}  // namespace
}  // namespace guidon::app::testing
