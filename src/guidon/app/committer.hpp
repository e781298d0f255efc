// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guidon/app/audit_seal.hpp"
#include "guidon/app/principal.hpp"
#include "guidon/app/references.hpp"
#include "guidon/app/snapshots.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/base/result.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/store/records.hpp"
#include "guidon/store/repositories.hpp"

namespace guidon::app {

// What audit and change log say of one entity that changed.
struct ChangeRecords {
  store::AuditRecord audit;    // `at`, `sequence` are filled in when it is committed
  store::ChangeRecord change;  // `at`, `sequence`, `scope` likewise
};

// One change of an entity, or of several that belong together, ready to be written: all of it or none.
struct PreparedChange {
  std::string scope;  // environment or store::kSystemScope: whose change log it goes to
  // Conditional writes of the entities; at most kChangeOperationsMax, on their keys only.
  std::vector<store::TransactionOperation> operations;
  store::AuditRecord audit;    // `at`, `sequence` are filled in when it is committed
  store::ChangeRecord change;  // `at`, `sequence`, `scope` likewise
  // Of the other entities, each with a sequence number of its own after that of the first.
  std::vector<ChangeRecords> more = {};
  std::optional<store::IdempotencyRecord> idempotency = std::nullopt;  // `at`, `sequence` likewise
  eval::ChangeSet effect = {};                                         // on the snapshot; `sequence` likewise
  // Turns a failed condition of operations[index] into the error for the caller (usually kConflict with the current
  // version). `existing` is the item that is there.
  std::function<base::Error(std::size_t index, const std::optional<store::Item>& existing)> explain;
  // What must hold of everything that is there, just before this change: what one item's condition cannot say (no
  // cycle, nothing still in use). Called with a snapshot of exactly the sequence that the change follows, and no other
  // change with a guard in the same transaction, so its answer still holds when the change is committed, on any number
  // of nodes. Must be short. May be empty.
  std::function<base::Status(const eval::Snapshot&, const References&)> guard = {};
};
// So that a change with audit, change log, idempotency and head entries fits in one transaction.
inline constexpr std::size_t kChangeOperationsMax = 90;
// Entities that one change can hold: each is an item, an audit and a change-log entry of the hundred of a transaction.
inline constexpr std::size_t kChangeEntitiesMax = 32;
// Times a transaction is tried again because other nodes were faster, or the backend asked to.
inline constexpr int kCommitAttemptsMax = 12;

struct Committed {
  std::uint64_t sequence = 0;  // of the last entity
  base::Timestamp at = {};
};

// Writes changes: entity + audit entry + change-log entry + head counter (+ idempotency record) in one transaction,
// then publishes the new snapshot, then returns (spec 2, "Every change is one transaction"; docs/adr/0009).
//
// Changes of one scope that wait at the same time share a transaction and so a disk sync: the first writer that finds
// nobody at work commits for all who wait. A change whose condition fails is taken out and the rest tried again, so
// nobody fails for somebody else. Audit entries are chained (docs/adr/0023). The sequence has no gaps: the head counter
// is written under the condition that it is what was read. Thread-safe; Commit blocks until the outcome is known.
class ChangeCommitter {
 public:
  // All outlive it.
  ChangeCommitter(store::Repository& repository, SnapshotRegistry& snapshots, const base::Clock& clock,
                  const AuditSeal& seal);
  ~ChangeCommitter();

  // Errors: those of `explain` and `guard`; kConflict naming "Idempotency-Key" when that was used at the same time;
  // kTooLarge, kInvalidArgument from the store; kUnavailable when the store does not answer, or other writers kept
  // winning. With kUnavailable from the store the change may have happened: an idempotency key tells.
  base::Result<Committed> Commit(PreparedChange change);

  struct Figures {
    std::uint64_t changes = 0;
    std::uint64_t transactions = 0;
    std::uint64_t head_conflicts = 0;
  };
  Figures figures() const;
  // Changes, of all scopes, that wait for a transaction to be free.
  std::size_t waiting() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::app
