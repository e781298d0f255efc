// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <condition_variable>
#include <latch>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "guidon/store/table_rules.hpp"
#include "support.hpp"

// Which changes share a transaction, and what each waiter is told.
namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using TransactAnswer = std::optional<base::Result<store::TransactionResult>>;

// Holds transactions until it is opened, and says how many have come.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void AwaitArrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ > 0; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

class Committer : public ::testing::Test {
 protected:
  // A change of one flag that is not there yet, as the use cases prepare it.
  PreparedChange NewFlag(std::string_view key, std::string_view env = "development") {
    auto fields = World::Boolean(key, env);
    fields.created_at = fields.updated_at = world.clock.Now();
    const auto flag = Must(model::Flag::Create(std::move(fields)));
    PreparedChange change;
    change.scope = std::string(env);
    change.operations.emplace_back(store::PutFlag(flag, std::nullopt));
    change.audit = {.request_id = std::string(key),
                    .actor_id = "a",
                    .actor_kind = "admin",
                    .action = "flag.create",
                    .scope = std::string(env),
                    .resource = std::string(key)};
    change.change.entity = "flag";
    change.change.action = "flag.create";
    change.change.resource = std::string(key);
    change.effect.flags.push_back(flag);
    change.explain = [](std::size_t, const auto&) {
      return base::Error{.code = ErrorCode::kAlreadyExists, .message = {}};
    };
    return change;
  }

  // Commits all of them such that the first holds the gate while the others queue up behind it.
  std::vector<base::Result<Committed>> CommitTogether(std::vector<PreparedChange> changes) {
    Gate gate;
    std::atomic<bool> first{true};
    world.table.OnTransact([&](auto) -> TransactAnswer {
      if (first.exchange(false)) gate.Pass();
      return std::nullopt;
    });
    std::vector<base::Result<Committed>> results(changes.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      threads.emplace_back([&, i] { results[i] = committer().Commit(std::move(changes[i])); });
      if (i == 0) gate.AwaitArrival();
    }
    // All others are queued once they are counted as waiting: nothing else can let them go on.
    while (committer().waiting() < changes.size() - 1) std::this_thread::yield();
    gate.Open();
    for (auto& thread : threads) thread.join();
    world.table.OnTransact({});
    return results;
  }

  ChangeCommitter& committer() { return world.app->committer(); }

  World world;
};

TEST_F(Committer, ChangesThatWaitTogetherShareATransaction) {
  std::vector<PreparedChange> changes;
  for (int i = 0; i < 21; ++i) changes.push_back(NewFlag("f" + std::to_string(i)));
  const auto results = CommitTogether(std::move(changes));
  std::set<std::uint64_t> sequences;
  for (const auto& result : results) sequences.insert(Must(result).sequence);
  EXPECT_THAT(sequences, SizeIs(21));
  EXPECT_EQ(*sequences.begin(), 1U);
  EXPECT_EQ(*sequences.rbegin(), 21U);
  EXPECT_EQ(world.table.transactions(), 2) << "the first alone, then all that had queued up";
  EXPECT_EQ(committer().figures().changes, 21U);
  EXPECT_EQ(committer().figures().transactions, 2U);
  EXPECT_EQ(world.Snapshot()->flag_count(), 21U);
  EXPECT_EQ(world.Snapshot()->sequence(), 21U);
}

TEST_F(Committer, ATransactionNeverHoldsMoreThanTheTableTakes) {
  std::vector<PreparedChange> changes;
  for (int i = 0; i < 80; ++i) changes.push_back(NewFlag("f" + std::to_string(i)));
  std::vector<std::size_t> sizes;
  const auto results = CommitTogether(std::move(changes));
  for (const auto& result : results) EXPECT_TRUE(result.has_value());
  // 33 changes of 3 operations and the head make 100.
  EXPECT_EQ(world.table.transactions(), 4);
}

TEST_F(Committer, LargeItemsAreSpreadOverTransactions) {
  std::vector<PreparedChange> changes;
  for (int i = 0; i < 13; ++i) {
    PreparedChange change = NewFlag("f" + std::to_string(i));
    std::get<store::Put>(change.operations[0]).item.Set("large", std::string(390'000, 'x'));
    changes.push_back(std::move(change));
  }
  for (const auto& result : CommitTogether(std::move(changes))) EXPECT_TRUE(result.has_value());
  EXPECT_EQ(world.table.transactions(), 3) << "1, then 8 of 390 KB, then 4";
}

TEST_F(Committer, AFailedConditionConcernsOnlyItsOwnChange) {
  world.CreateFlag("taken");
  std::vector<PreparedChange> changes;
  for (const char* key : {"a", "b", "taken", "c"}) changes.push_back(NewFlag(key));
  const auto results = CommitTogether(std::move(changes));
  EXPECT_TRUE(results[0].has_value());
  EXPECT_TRUE(results[1].has_value());
  EXPECT_EQ(MustFail(results[2]).code, ErrorCode::kAlreadyExists);
  EXPECT_TRUE(results[3].has_value());
  EXPECT_EQ(world.Snapshot()->sequence(), 4U);
  const auto log = world.Changes();
  ASSERT_THAT(log, SizeIs(4));
  for (std::size_t i = 0; i < log.size(); ++i) EXPECT_EQ(log[i].sequence, i + 1);
}

TEST_F(Committer, TwoChangesOfOneThingAreCommittedOneAfterTheOther) {
  std::vector<PreparedChange> changes;
  for (const char* key : {"first", "same", "same", "other"}) changes.push_back(NewFlag(key));
  const auto results = CommitTogether(std::move(changes));
  EXPECT_NE(results[1].has_value(), results[2].has_value());
  EXPECT_TRUE(results[3].has_value());
  EXPECT_EQ(world.Snapshot()->flag_count(), 3U);
}

TEST_F(Committer, AnItemTheStoreRefusesFailsAlone) {
  std::vector<PreparedChange> changes;
  for (const char* key : {"a", "b", "huge", "c"}) changes.push_back(NewFlag(key));
  std::get<store::Put>(changes[2].operations[0]).item.Set("huge", std::string(500'000, 'x'));
  const auto results = CommitTogether(std::move(changes));
  EXPECT_TRUE(results[1].has_value());
  EXPECT_EQ(MustFail(results[2]).code, ErrorCode::kTooLarge);
  EXPECT_TRUE(results[3].has_value());
  EXPECT_EQ(world.Snapshot()->flag_count(), 3U);
}

TEST_F(Committer, OverridesOfOneFlagShareTheCheckOfTheFlag) {
  const model::Flag flag = world.CreateFlag("f");
  std::vector<PreparedChange> changes;
  changes.push_back(NewFlag("first"));
  for (int i = 0; i < 10; ++i) {
    const auto override = Must(model::Override::Create(
        {.environment = "development", .flag_key = "f", .tenant_id = "t" + std::to_string(i), .variation = "off"}));
    PreparedChange change = NewFlag("f");
    change.operations = {store::CheckFlagCreatedAt(Env("development"), Flag("f"), flag->created_at),
                         store::PutOverride(override, flag->created_at, std::nullopt)};
    change.effect = {.overrides = {override}};
    change.audit.request_id = "t" + std::to_string(i);
    changes.push_back(std::move(change));
  }
  for (const auto& result : CommitTogether(std::move(changes))) EXPECT_TRUE(result.has_value());
  EXPECT_EQ(world.table.transactions(), 3) << "flag f, flag first, all overrides";
  EXPECT_EQ(world.Evaluate("f", "t7"), "off");
}

TEST_F(Committer, AnOverrideDoesNotOvertakeTheDeletionOfItsFlag) {
  const model::Flag flag = world.CreateFlag("f");
  const auto override = Must(
      model::Override::Create({.environment = "development", .flag_key = "f", .tenant_id = "t", .variation = "off"}));
  PreparedChange deletion = NewFlag("f");
  deletion.operations = {store::DeleteFlag(flag)};
  deletion.effect = {.removed_flags = {"f"}};
  PreparedChange late = NewFlag("f");
  late.operations = {store::CheckFlagCreatedAt(Env("development"), Flag("f"), flag->created_at),
                     store::PutOverride(override, flag->created_at, std::nullopt)};
  late.effect = {.overrides = {override}};
  late.audit.request_id = "late";
  late.explain = [](std::size_t index, const auto&) {
    return base::Error{.code = ErrorCode::kNotFound, .message = std::to_string(index)};
  };
  std::vector<PreparedChange> changes;
  changes.push_back(NewFlag("first"));
  changes.push_back(std::move(deletion));
  changes.push_back(std::move(late));
  const auto results = CommitTogether(std::move(changes));
  // Whichever queued first, a deleted flag has no override left in the snapshot.
  EXPECT_TRUE(results[1].has_value());
  EXPECT_EQ(world.Evaluate("f", "t"), "FLAG_NOT_FOUND");
  EXPECT_EQ(world.Snapshot()->override_count("f"), 0U);
  if (!results[2]) EXPECT_EQ(results[2].error().message, "0");
}

TEST_F(Committer, AtMostOneGuardedChangeATransaction) {
  std::vector<PreparedChange> changes;
  changes.push_back(NewFlag("first"));
  std::mutex mutex;
  std::vector<std::pair<std::uint64_t, std::size_t>> seen;
  for (const char* key : {"a", "b", "c"}) {
    changes.push_back(NewFlag(key));
    changes.back().guard = [&](const eval::Snapshot& snapshot, const References&) -> base::Status {
      const std::lock_guard lock(mutex);
      seen.emplace_back(snapshot.sequence(), snapshot.flag_count());
      return {};
    };
  }
  for (const auto& result : CommitTogether(std::move(changes))) EXPECT_TRUE(result.has_value());
  EXPECT_EQ(world.table.transactions(), 4);
  EXPECT_THAT(seen, ElementsAre(std::pair{1U, 1U}, std::pair{2U, 2U}, std::pair{3U, 3U}));
}

TEST_F(Committer, AGuardThatRefusesConcernsOnlyItsOwnChange) {
  std::vector<PreparedChange> changes;
  for (const char* key : {"a", "b", "c"}) changes.push_back(NewFlag(key));
  changes[1].guard = [](const eval::Snapshot&, const References&) -> base::Status {
    return base::Fail(ErrorCode::kConflict, "it is in use");
  };
  const auto results = CommitTogether(std::move(changes));
  EXPECT_EQ(MustFail(results[1]).message, "it is in use");
  EXPECT_TRUE(results[2].has_value());
  EXPECT_EQ(world.Snapshot()->flag_count(), 2U);
}

TEST_F(Committer, EnvironmentsDoNotWaitForEachOther) {
  Gate gate;
  world.table.OnTransact([&](ScriptedTable::Transaction operations) -> TransactAnswer {
    if (store::KeyOf(operations.back()).pk.ends_with("development")) gate.Pass();
    return std::nullopt;
  });
  std::thread slow([&] { Must(committer().Commit(NewFlag("slow"))); });
  gate.AwaitArrival();
  Must(committer().Commit(NewFlag("quick", "production")));
  EXPECT_EQ(world.Evaluate("quick", {}, "production"), "on");
  EXPECT_EQ(world.Evaluate("slow"), "FLAG_NOT_FOUND");
  gate.Open();
  slow.join();
  EXPECT_EQ(world.Evaluate("slow"), "on");
}

TEST_F(Committer, EverybodyInTheTransactionGetsItsErrorAndTheNextReadsTheHeadAgain) {
  std::vector<PreparedChange> changes;
  for (const char* key : {"a", "b", "c"}) changes.push_back(NewFlag(key));
  int transactions = 0;
  world.table.AfterTransact([&](auto) -> TransactAnswer {
    if (++transactions != 2) return std::nullopt;
    return base::Result<store::TransactionResult>(base::Fail(ErrorCode::kUnavailable, "The answer was lost."));
  });
  const auto results = CommitTogether(std::move(changes));
  EXPECT_TRUE(results[0].has_value());
  EXPECT_EQ(MustFail(results[1]).code, ErrorCode::kUnavailable);
  EXPECT_EQ(MustFail(results[2]).code, ErrorCode::kUnavailable);
  // They were written all the same.
  EXPECT_EQ(Must(committer().Commit(NewFlag("d"))).sequence, 4U);
  EXPECT_EQ(world.Snapshot()->flag_count(), 4U);
  EXPECT_EQ(committer().figures().head_conflicts, 0U);
}

TEST_F(Committer, OtherNodesMoveTheHead) {
  const auto other = world.NewNode(world.memory);
  Must(committer().Commit(NewFlag("a")));
  Must(other->committer().Commit(NewFlag("b")));
  EXPECT_EQ(Must(committer().Commit(NewFlag("c"))).sequence, 3U);
  EXPECT_EQ(committer().figures().head_conflicts, 1U);
  EXPECT_EQ(world.Evaluate("b"), "on") << "it caught up with what the other node did";
  EXPECT_EQ(world.Snapshot()->sequence(), 3U);
}

TEST_F(Committer, GivesUpWhenOthersKeepWinning) {
  const auto other = world.NewNode(world.memory);
  int n = 0;
  world.table.OnTransact([&](auto) -> TransactAnswer {
    Must(other->committer().Commit(NewFlag("other-" + std::to_string(++n))));
    return std::nullopt;
  });
  EXPECT_EQ(MustFail(committer().Commit(NewFlag("mine"))).code, ErrorCode::kUnavailable);
  EXPECT_EQ(n, kCommitAttemptsMax);
  EXPECT_EQ(committer().figures().changes, 0U);
}

TEST_F(Committer, ThrottledAndConflictingTransactionsAreTriedAgain) {
  int answers = 0;
  world.table.OnTransact([&](ScriptedTable::Transaction operations) -> TransactAnswer {
    if (++answers > 2) return std::nullopt;
    store::TransactionResult cancelled{.committed = false};
    cancelled.reasons.resize(operations.size());
    cancelled.reasons[0].code =
        answers == 1 ? store::CancellationReason::Code::kConflict : store::CancellationReason::Code::kThrottled;
    return base::Result<store::TransactionResult>(cancelled);
  });
  EXPECT_EQ(Must(committer().Commit(NewFlag("a"))).sequence, 1U);
  EXPECT_EQ(answers, 3);
}

TEST_F(Committer, RefusesAChangeThatFitsNoTransaction) {
  PreparedChange change = NewFlag("a");
  change.operations.resize(kChangeOperationsMax + 1, change.operations[0]);
  EXPECT_EQ(MustFail(committer().Commit(std::move(change))).code, ErrorCode::kInternal);
  change = NewFlag("a");
  change.operations.clear();
  EXPECT_EQ(MustFail(committer().Commit(std::move(change))).code, ErrorCode::kInternal);
  EXPECT_EQ(world.table.transactions(), 0);
}

TEST_F(Committer, NobodyIsForgottenUnderLoad) {
  constexpr int kThreads = 16;
  constexpr int kEach = 25;
  std::latch start(kThreads);
  std::vector<std::thread> threads;
  std::atomic<int> committed{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < kEach; ++i) {
        // A third of them meet on one key, so that batches are cut short in every way.
        const bool shared = i % 3 == 0;
        auto change = NewFlag(shared ? "shared-" + std::to_string(i) : std::to_string(t) + "-" + std::to_string(i));
        change.audit.request_id += "-" + std::to_string(t);
        if (committer().Commit(std::move(change))) committed.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const int expected = kThreads * (kEach - 9) + 9;
  EXPECT_EQ(committed.load(), expected);
  EXPECT_EQ(world.Snapshot()->flag_count(), static_cast<std::size_t>(expected));
  const auto log = world.Changes();
  ASSERT_EQ(log.size(), static_cast<std::size_t>(expected));
  for (std::size_t i = 0; i < log.size(); ++i) ASSERT_EQ(log[i].sequence, i + 1);
  EXPECT_EQ(committer().waiting(), 0U);
}

}  // namespace
}  // namespace guidon::app::testing
