// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/committer.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "guidon/app/commit_batch.hpp"
#include "guidon/app/race_pause.hpp"
#include "guidon/base/log.hpp"
#include "guidon/base/random.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using Batch = std::vector<PendingChange*>;

template <class T>
void Append(std::vector<T>& to, std::vector<T>& from) {
  std::ranges::move(from, std::back_inserter(to));
}

// The changes of a batch touch different things, so their order among each other does not matter.
eval::ChangeSet Merge(const Batch& batch, std::uint64_t sequence) {
  eval::ChangeSet all{.sequence = sequence};
  for (PendingChange* pending : batch) {
    eval::ChangeSet& one = pending->change.effect;
    Append(all.flags, one.flags);
    Append(all.broken_flags, one.broken_flags);
    Append(all.removed_flags, one.removed_flags);
    Append(all.overrides, one.overrides);
    Append(all.removed_overrides, one.removed_overrides);
    Append(all.segments, one.segments);
    Append(all.segment_edits, one.segment_edits);
    Append(all.broken_segments, one.broken_segments);
    Append(all.removed_segments, one.removed_segments);
    Append(all.kill_switches, one.kill_switches);
    Append(all.released_kill_switches, one.released_kill_switches);
  }
  return all;
}

// What the change log says of the batch, with the sequences that BatchTransaction gave them.
std::vector<store::ChangeRecord> RecordsOf(const Batch& batch, const std::string& scope, std::uint64_t sequence,
                                           base::Timestamp at) {
  std::vector<store::ChangeRecord> records;
  const auto add = [&](store::ChangeRecord record) {
    record.scope = scope;
    record.sequence = ++sequence;
    record.at = at;
    records.push_back(std::move(record));
  };
  for (const PendingChange* pending : batch) {
    add(pending->change.change);
    for (const ChangeRecords& more : pending->change.more) add(more.change);
  }
  return records;
}

void FailAll(const Batch& batch, const base::Error& error) {
  for (PendingChange* pending : batch) pending->outcome = std::unexpected(error);
}

void DropDecided(Batch& batch) {
  std::erase_if(batch, [](const PendingChange* pending) { return pending->outcome.has_value(); });
}

}  // namespace

struct ChangeCommitter::Impl {
  Impl(store::Repository& store, SnapshotRegistry& registry, const base::Clock& time, const AuditSeal& audit_seal)
      : repository(store), snapshots(registry), clock(time), seal(audit_seal) {}

  // A change and the thread that waits for it.
  struct Waiter {
    explicit Waiter(PreparedChange prepared) : pending(std::move(prepared)) {}
    PendingChange pending;
    std::condition_variable wake;
    bool leads = false;
    bool done = false;
  };

  // The changes of one scope. `mutex` guards the queue and the waiters' `leads` and `done`; what is below it belongs
  // to the leader, of which there is at most one.
  struct Lane {
    explicit Lane(std::string_view name) : scope(name) {}
    const std::string scope;
    std::mutex mutex;
    std::deque<Waiter*> queue;
    bool busy = false;

    std::optional<store::LogHead> head;  // unknown at first, and after anything went wrong
    base::Timestamp last_at = {};
  };

  Lane& LaneOf(std::string_view scope);
  base::Result<Committed> Commit(PreparedChange change);
  void Lead(Lane& lane, Waiter& self, std::unique_lock<std::mutex>& lock);
  void CommitBatch(Lane& lane, Batch batch);
  bool TryOnce(Lane& lane, Batch& batch, int& attempt);
  void RunGuards(Lane& lane, Batch& batch);
  base::Status EnsureCurrent(const Lane& lane);
  void Publish(Lane& lane, const Batch& batch, const store::LogHead& head, base::Timestamp at);
  void AfterError(Lane& lane, Batch& batch, const base::Error& error);

  store::Repository& repository;
  SnapshotRegistry& snapshots;
  const base::Clock& clock;
  const AuditSeal& seal;

  mutable std::mutex lanes_mutex;
  std::map<std::string, std::unique_ptr<Lane>, std::less<>> lanes;
  std::atomic<std::uint64_t> changes{0};
  std::atomic<std::uint64_t> transactions{0};
  std::atomic<std::uint64_t> head_conflicts{0};
};

ChangeCommitter::Impl::Lane& ChangeCommitter::Impl::LaneOf(std::string_view scope) {
  const std::lock_guard lock(lanes_mutex);
  const auto found = lanes.find(scope);
  if (found != lanes.end()) return *found->second;
  return *lanes.emplace(std::string(scope), std::make_unique<Lane>(scope)).first->second;
}

base::Result<Committed> ChangeCommitter::Impl::Commit(PreparedChange change) {
  const bool entities_fit = change.more.empty() ||
                            (change.more.size() < kChangeEntitiesMax && change.operations.size() <= kChangeEntitiesMax);
  if (change.operations.empty() || change.operations.size() > kChangeOperationsMax || !entities_fit)
    return base::Fail(ErrorCode::kInternal, "A change must have 1 to 90 operations on at most 32 entities.");
  Lane& lane = LaneOf(change.scope);
  Waiter self(std::move(change));
  std::unique_lock lock(lane.mutex);
  lane.queue.push_back(&self);
  if (lane.busy) {
    self.wake.wait(lock, [&] { return self.done || self.leads; });
  } else {
    lane.busy = true;
    self.leads = true;
  }
  if (!self.done) Lead(lane, self, lock);
  return *std::move(self.pending.outcome);
}

// Commits until its own change is decided, then hands over to the one that waits longest. Everything that others read
// is written under the lock, and they are woken under it: a waiter is gone as soon as it has seen that it is done.
void ChangeCommitter::Impl::Lead(Lane& lane, Waiter& self, std::unique_lock<std::mutex>& lock) {
  while (!self.done) {
    BatchChooser chooser;
    std::vector<Waiter*> chosen;
    for (Waiter* waiter : lane.queue) {
      if (chooser.Offer(waiter->pending)) chosen.push_back(waiter);
    }
    std::erase_if(lane.queue, [&](Waiter* waiter) { return std::ranges::find(chosen, waiter) != chosen.end(); });
    Batch batch;
    for (Waiter* waiter : chosen) batch.push_back(&waiter->pending);

    lock.unlock();
    CommitBatch(lane, std::move(batch));
    lock.lock();

    for (Waiter* waiter : chosen) {
      waiter->done = true;
      if (waiter != &self) waiter->wake.notify_one();
    }
  }
  if (lane.queue.empty()) {
    lane.busy = false;
  } else {
    lane.queue.front()->leads = true;
    lane.queue.front()->wake.notify_one();
  }
}

// Decides every change of the batch.
void ChangeCommitter::Impl::CommitBatch(Lane& lane, Batch batch) {
  int attempt = 0;
  while (true) {
    DropDecided(batch);
    if (batch.empty()) return;
    if (attempt == kCommitAttemptsMax)
      return FailAll(batch, {.code = ErrorCode::kUnavailable,
                             .message = "Other writers kept changing this environment at the same time. Try again."});
    if (attempt > 0) PauseBefore(attempt);
    if (TryOnce(lane, batch, attempt)) return;
  }
}

// True when nothing is left to do; else `attempt` has grown, or at least one change has been decided.
bool ChangeCommitter::Impl::TryOnce(Lane& lane, Batch& batch, int& attempt) {
  if (!lane.head) {
    auto head = repository.ReadLogHead(lane.scope);
    if (!head) return FailAll(batch, head.error()), true;
    lane.head = *std::move(head);
  }
  RunGuards(lane, batch);
  if (batch.empty()) return true;
  if (!lane.head) return ++attempt, false;

  const base::Timestamp at = std::max(clock.Now(), lane.last_at);
  BatchTransaction transaction(lane.scope, *lane.head, at, batch, seal);
  // The token lets the backend see that a transaction was sent again because its answer was lost.
  auto result = repository.table().Transact(transaction.operations(), base::RandomId());
  transactions.fetch_add(1, std::memory_order_relaxed);
  if (!result) return AfterError(lane, batch, result.error()), true;
  if (result->committed) return Publish(lane, batch, transaction.head(), at), true;

  const auto verdict = transaction.Judge(result->reasons);
  if (verdict.head_moved) {
    head_conflicts.fetch_add(1, std::memory_order_relaxed);
    lane.head.reset();
  }
  if (verdict.head_moved || verdict.interference) {
    ++attempt;
  } else if (!verdict.blamed) {
    return FailAll(batch, {.code = ErrorCode::kInternal, .message = "A transaction was cancelled for no reason."}),
           true;
  }
  return false;
}

// The outcome of a failed transaction is unknown, unless the store refused to begin with it.
void ChangeCommitter::Impl::AfterError(Lane& lane, Batch& batch, const base::Error& error) {
  lane.head.reset();
  const bool refused = error.code == ErrorCode::kTooLarge || error.code == ErrorCode::kInvalidArgument;
  if (!refused || batch.size() == 1) return FailAll(batch, error);
  // Nobody fails for somebody else's item: each on its own.
  for (PendingChange* pending : batch) CommitBatch(lane, {pending});
}

base::Status ChangeCommitter::Impl::EnsureCurrent(const Lane& lane) {
  const auto sequence = snapshots.SequenceOf(lane.scope);
  if (!sequence || *sequence >= lane.head->sequence) return {};
  GUIDON_ASSIGN(const auto environment, model::Environment::Parse(lane.scope));
  return snapshots.CatchUp(repository, environment, clock);
}

// Other nodes, or a transaction of ours whose answer was lost, may have moved the head past the snapshot. Changes
// without a guard go on even where catching up fails: a kill switch does not wait for that.
void ChangeCommitter::Impl::RunGuards(Lane& lane, Batch& batch) {
  const base::Status current = EnsureCurrent(lane);
  if (!current)
    base::Log(base::LogLevel::kWarn, "The snapshot could not be brought up to date before a change.",
              {{"scope", lane.scope}, {"error", current.error().message}});
  for (PendingChange* pending : batch) {
    if (!pending->change.guard) continue;
    if (!current) {
      pending->outcome = std::unexpected(current.error());
      continue;
    }
    bool stale_head = false;
    const base::Status status = snapshots.Inspect(lane.scope, [&](const auto& snapshot, const auto& references) {
      stale_head = snapshot.sequence() != lane.head->sequence;
      return stale_head ? base::Status{} : pending->change.guard(snapshot, references);
    });
    if (stale_head) return lane.head.reset();
    if (!status) pending->outcome = std::unexpected(status.error());
  }
  DropDecided(batch);
}

void ChangeCommitter::Impl::Publish(Lane& lane, const Batch& batch, const store::LogHead& head, base::Timestamp at) {
  const std::uint64_t base = lane.head->sequence;
  lane.head = head;
  lane.last_at = at;
  changes.fetch_add(head.sequence - base, std::memory_order_relaxed);
  snapshots.ApplyAfter(lane.scope, base, Merge(batch, head.sequence), at, RecordsOf(batch, lane.scope, base, at));
  std::uint64_t sequence = base;
  for (PendingChange* pending : batch) {
    sequence += pending->sequences();
    pending->outcome = Committed{.sequence = sequence, .at = at};
  }
}

ChangeCommitter::ChangeCommitter(store::Repository& repository, SnapshotRegistry& snapshots, const base::Clock& clock,
                                 const AuditSeal& seal)
    : impl_(std::make_unique<Impl>(repository, snapshots, clock, seal)) {}

ChangeCommitter::~ChangeCommitter() = default;

base::Result<Committed> ChangeCommitter::Commit(PreparedChange change) { return impl_->Commit(std::move(change)); }

std::size_t ChangeCommitter::waiting() const {
  const std::lock_guard lanes_lock(impl_->lanes_mutex);
  std::size_t count = 0;
  for (const auto& [scope, lane] : impl_->lanes) {
    const std::lock_guard lock(lane->mutex);
    count += lane->queue.size();
  }
  return count;
}

ChangeCommitter::Figures ChangeCommitter::figures() const {
  return {.changes = impl_->changes.load(),
          .transactions = impl_->transactions.load(),
          .head_conflicts = impl_->head_conflicts.load()};
}

}  // namespace guidon::app
