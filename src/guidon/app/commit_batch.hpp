// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guidon/app/audit_seal.hpp"
#include "guidon/app/committer.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/table.hpp"

// How changes that wait together become one transaction.
namespace guidon::app {

// Below DynamoDB's 4 MB, since the size here is an estimate.
inline constexpr std::size_t kBatchBytesMax = 3UL * 1024 * 1024;

// One change on its way. Belongs to the thread that waits for it; the leader works on it meanwhile.
struct PendingChange {
  explicit PendingChange(PreparedChange prepared);
  std::uint64_t sequences() const { return 1 + change.more.size(); }

  PreparedChange change;
  std::size_t operations = 0;  // in the transaction, all but the head
  std::size_t bytes = 0;       // of its items, estimated
  // What must not be in one transaction with another change: table keys, and flags by name. Shared uses (the same check
  // of the same item) go together where their text is the same.
  struct Use {
    bool shared = false;
    std::string text;
    friend bool operator==(const Use&, const Use&) = default;
  };
  std::map<std::string, Use> uses;
  std::chrono::milliseconds audit_delay{0};  // so that two audit entries of one request and millisecond do not meet

  std::optional<base::Result<Committed>> outcome;
};

// Chooses which of the waiting changes go into the next transaction: oldest first, as many as fit, no two that touch
// the same thing, and never one that would overtake another that touches the same thing.
class BatchChooser {
 public:
  // Whether `change` is in; once it is not, later ones that touch the same things are not either.
  bool Offer(const PendingChange& change);

 private:
  bool Fits(const PendingChange& change) const;

  std::map<std::string, PendingChange::Use> taken_;
  std::size_t operations_ = 1;  // the head
  std::size_t bytes_ = 0;
  bool guarded_ = false;
  bool full_ = false;
};

// One transaction for several changes of one scope.
class BatchTransaction {
 public:
  // Sequences head + 1, head + 2 … in the order of `changes`, their audit entries chained in this order.
  BatchTransaction(std::string_view scope, const store::LogHead& head, base::Timestamp at,
                   const std::vector<PendingChange*>& changes, const AuditSeal& seal);

  const std::vector<store::TransactionOperation>& operations() const { return operations_; }
  // What the head is when this is committed.
  const store::LogHead& head() const { return head_; }

  // What a cancelled transaction means.
  struct Verdict {
    bool head_moved = false;    // another node has written
    bool interference = false;  // trying again may help
    bool blamed = false;        // at least one change has got its error as outcome
  };
  // Gives the changes that stood in the way their errors.
  Verdict Judge(const std::vector<store::CancellationReason>& reasons);

 private:
  enum class Part : std::uint8_t { kEntity, kAudit, kChange, kIdempotency, kHead };
  struct Origin {
    PendingChange* change = nullptr;
    Part part = Part::kHead;
    std::size_t index = 0;  // with kEntity
  };
  void Add(store::TransactionOperation operation, Origin origin);
  void AddEntity(PendingChange& change);
  void AddRecords(PendingChange& change, const store::AuditRecord& audit, store::ChangeRecord record,
                  base::Timestamp at);
  void AddAudit(PendingChange& change, store::AuditRecord record, base::Timestamp at);
  void Blame(const Origin& origin, const store::CancellationReason& reason, Verdict& verdict);

  const std::string scope_;
  const AuditSeal& seal_;
  store::LogHead head_;  // with what was added so far
  std::vector<store::TransactionOperation> operations_;
  std::vector<std::vector<Origin>> origins_;   // of each operation; several where a check is shared
  std::map<std::string, std::size_t> checks_;  // shared checks by table key
  std::map<store::Key, bool> audit_keys_;
};

}  // namespace guidon::app
