// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <random>
#include <set>

#include <gmock/gmock.h>

#include "support.hpp"

// A store that fails at any moment, before or after it has done its work: what was acknowledged is there, what is there
// is whole, and a restart finds the same as the running process.
namespace guidon::app::testing {
namespace {

using base::ErrorCode;

base::Result<store::TransactionResult> Away() { return base::Fail(ErrorCode::kUnavailable, "The store is away."); }

class FailingStore : public ::testing::TestWithParam<unsigned> {
 protected:
  void FailAtRandom() {
    world.table.OnTransact([this](auto) -> std::optional<base::Result<store::TransactionResult>> {
      if (Chance(5)) return Away();
      return std::nullopt;
    });
    world.table.AfterTransact([this](auto) -> std::optional<base::Result<store::TransactionResult>> {
      if (Chance(5)) return Away();
      return std::nullopt;
    });
    world.table.OnRead([this]() -> base::Status {
      if (Chance(20)) return base::Fail(ErrorCode::kUnavailable, "The store is away.");
      return {};
    });
  }
  void WorkAgain() {
    world.table.OnTransact({});
    world.table.AfterTransact({});
    world.table.OnRead({});
  }
  bool Chance(unsigned one_in) { return random() % one_in == 0; }

  World world;
  std::mt19937 random{GetParam()};
  const model::Environment development = Env("development");
};

// Every change log entry has exactly one audit entry of its sequence, there is no gap, and the head is the last.
void ExpectWhole(World& world) {
  const auto log = world.Changes();
  store::Repository repository(world.memory);
  EXPECT_EQ(Must(repository.ChangeHead("development")), log.size());
  std::map<std::uint64_t, int> audited;
  std::set<std::string> resources;
  for (const auto& change : log) {
    resources.insert(change.entity == "kill" ? "kill:" + change.resource : change.resource);
  }
  for (const auto& resource : resources) {
    for (const auto& entry : world.Audit(resource)) ++audited[entry.sequence];
  }
  ASSERT_EQ(audited.size(), log.size());
  for (std::size_t i = 0; i < log.size(); ++i) {
    EXPECT_EQ(log[i].sequence, i + 1);
    EXPECT_EQ(audited[i + 1], 1);
  }
}

TEST_P(FailingStore, NeverLeavesHalfAChange) {
  FailAtRandom();
  // What is known to be there after an acknowledgement: version by key, 0 = deleted; nothing where it is not known.
  std::map<std::string, std::optional<std::uint64_t>> known;
  int acknowledged = 0;
  for (int i = 0; i < 150; ++i) {
    const std::string key = "f" + std::to_string(random() % 4);
    const auto flag = Flag(key);
    const RequestInfo request = world.Admin();
    world.clock.Advance(std::chrono::milliseconds{1});
    base::Result<std::uint64_t> version = 0;
    switch (random() % 5) {
      case 0: {
        const auto result = world.app->flags().Create(request, World::Boolean(key));
        if (result)
          version = result->entity->version;
        else
          version = std::unexpected(result.error());
        break;
      }
      case 1: {
        const auto result = world.app->flags().Delete(request, development, flag, {});
        if (!result) version = std::unexpected(result.error());
        break;
      }
      case 2: {
        const auto scope = Scope("flag:" + key);
        if (Chance(2)) {
          (void)world.app->kill_switches().Engage(request, development, scope, "x");
        } else {
          (void)world.app->kill_switches().Release(request, development, scope, "x");
        }
        continue;
      }
      default: {
        const auto result = world.app->flags().Patch(request, development, flag,
                                                     Json(R"({"description":")" + std::to_string(i) + "\"}"), Any());
        if (result)
          version = result->entity->version;
        else
          version = std::unexpected(result.error());
        break;
      }
    }
    if (version) {
      known[key] = *version;
      ++acknowledged;
    } else if (version.error().code == ErrorCode::kUnavailable) {
      known[key].reset();
    }
  }
  WorkAgain();
  EXPECT_GT(acknowledged, 10);
  ExpectWhole(world);
  for (const auto& [key, version] : known) {
    if (!version) continue;
    const auto found = world.app->flags().Get(world.Admin(), development, Flag(key));
    if (*version == 0) {
      EXPECT_FALSE(found.has_value()) << key;
    } else {
      ASSERT_TRUE(found.has_value()) << key;
      EXPECT_EQ((*found)->version, *version) << key;
    }
  }

  // The next change brings the running process to where a new one begins.
  world.CreateFlag("the-last-one");
  const auto fresh = world.NewNode(world.memory);
  for (const char* key : {"f0", "f1", "f2", "f3", "the-last-one"})
    EXPECT_EQ(world.Evaluate(key), world.Evaluate(key, {}, "development", fresh.get())) << key;
  EXPECT_EQ(world.Snapshot()->sequence(), fresh->snapshots().Find("development")->Get()->sequence());
}

TEST_P(FailingStore, AnIdempotencyKeyMakesSendingAgainSafe) {
  FailAtRandom();
  int created = 0;
  for (int i = 0; i < 30; ++i) {
    const RequestInfo request = world.WithKey("k" + std::to_string(i));
    base::Result<Changed<model::Flag>> result =
        world.app->flags().Create(request, World::Boolean("f" + std::to_string(i)));
    for (int attempt = 0; attempt < 100 && !result; ++attempt) {
      ASSERT_EQ(result.error().code, ErrorCode::kUnavailable) << result.error().message;
      result = world.app->flags().Create(request, World::Boolean("f" + std::to_string(i)));
    }
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->sequence, static_cast<std::uint64_t>(++created));
  }
  WorkAgain();
  ExpectWhole(world);
  EXPECT_EQ(world.Changes().size(), 30U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FailingStore, ::testing::Range(1U, 9U));

TEST(StoreAway, EvaluationGoesOn) {
  World world;
  world.CreateFlag("f");
  world.table.OnRead([]() -> base::Status { return base::Fail(ErrorCode::kUnavailable, "The store is away."); });
  world.table.OnTransact([](auto) -> std::optional<base::Result<store::TransactionResult>> { return Away(); });
  EXPECT_EQ(world.Evaluate("f"), "on");
  EXPECT_EQ(world.app->Refresh().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(MustFail(world.app->flags().Create(world.Admin(), World::Boolean("g"))).code, ErrorCode::kUnavailable);
  EXPECT_EQ(world.Evaluate("f"), "on");
  EXPECT_TRUE(world.app->health().ready);
  EXPECT_EQ(world.app->health().environments[0].flags, 1U);
}

}  // namespace
}  // namespace guidon::app::testing
