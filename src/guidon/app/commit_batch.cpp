// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/commit_batch.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "guidon/store/codec.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using store::CancellationReason;
using store::TransactionOperation;

std::string TextOf(const store::Key& key) { return key.pk + '\n' + key.sk; }

// Equal conditions have equal texts; nothing for those that this function cannot tell apart.
std::optional<std::string> TextOf(const store::Condition& condition) {
  std::string text = std::to_string(static_cast<int>(condition.existence));
  for (const auto& [name, value] : condition.equals) {
    text += '\n' + name + '=';
    if (const auto* string = value.AsString()) {
      text += 's' + *string;
    } else if (const auto* number = value.AsNumber()) {
      text += 'n' + number->text;
    } else {
      return std::nullopt;
    }
  }
  for (const auto& name : condition.absent_attributes) text += "\n!" + name;
  return text;
}

PendingChange::Use UseOf(const TransactionOperation& operation) {
  const auto* check = std::get_if<store::ConditionCheck>(&operation);
  if (check == nullptr) return {};
  auto text = TextOf(check->condition);
  if (!text) return {};
  return {.shared = true, .text = *std::move(text)};
}

std::size_t BytesOf(const TransactionOperation& operation) {
  if (const auto* put = std::get_if<store::Put>(&operation)) return store::ItemSize(put->item);
  return store::kQueryPageBytesMax / store::kTransactionItemsMax / 10;  // keys and a few attributes
}

// What no item says by itself: a change of a flag and one of its overrides must not be swapped.
void AddFlagUses(const eval::ChangeSet& effect, std::map<std::string, PendingChange::Use>& uses) {
  for (const auto& item : effect.overrides) uses.try_emplace("flag:" + item->flag_key, PendingChange::Use{true, {}});
  for (const auto& [flag, tenant] : effect.removed_overrides)
    uses.try_emplace("flag:" + flag, PendingChange::Use{true, {}});
  for (const auto& flag : effect.flags) uses["flag:" + flag->flag_key] = {};
  for (const auto& flag : effect.removed_flags) uses["flag:" + flag] = {};
}

}  // namespace

PendingChange::PendingChange(PreparedChange prepared) : change(std::move(prepared)) {
  operations = change.operations.size() + 2 * sequences() + (change.idempotency ? 1 : 0);
  bytes = change.audit.before.size() + change.audit.after.size() + 2048;
  for (const ChangeRecords& records : change.more)
    bytes += records.audit.before.size() + records.audit.after.size() + 2048;
  for (const auto& operation : change.operations) {
    bytes += BytesOf(operation);
    uses[TextOf(store::KeyOf(operation))] = UseOf(operation);
  }
  if (change.idempotency) {
    bytes += change.idempotency->result.size();
    uses["idempotency:" + change.idempotency->owner + '\n' + change.idempotency->key] = {};
  }
  AddFlagUses(change.effect, uses);
}

bool BatchChooser::Fits(const PendingChange& change) const {
  if (operations_ + change.operations > store::kTransactionItemsMax || bytes_ + change.bytes > kBatchBytesMax)
    return operations_ == 1;  // alone it goes in whatever its size: the store says what is too large
  if (guarded_ && change.change.guard) return false;
  return std::ranges::none_of(change.uses, [&](const auto& use) {
    const auto found = taken_.find(use.first);
    return found != taken_.end() && !(use.second.shared && found->second == use.second);
  });
}

bool BatchChooser::Offer(const PendingChange& change) {
  if (full_) return false;
  const bool fits = Fits(change);
  if (fits) {
    operations_ += change.operations;
    bytes_ += change.bytes;
    guarded_ = guarded_ || static_cast<bool>(change.change.guard);
  }
  // What stays behind blocks its things too. An unshared mark keeps out even those that would share.
  for (const auto& [key, use] : change.uses) {
    const auto [entry, added] = taken_.try_emplace(key, use);
    if (!added && (!fits || entry->second != use)) entry->second = {};
  }
  full_ = operations_ >= store::kTransactionItemsMax || bytes_ >= kBatchBytesMax;
  return fits;
}

BatchTransaction::BatchTransaction(std::string_view scope, const store::LogHead& head, base::Timestamp at,
                                   const std::vector<PendingChange*>& changes, const AuditSeal& seal)
    : scope_(scope), seal_(seal), head_(head) {
  for (PendingChange* pending : changes) {
    AddEntity(*pending);
    AddRecords(*pending, pending->change.audit, pending->change.change, at);
    for (const ChangeRecords& records : pending->change.more) AddRecords(*pending, records.audit, records.change, at);
    if (!pending->change.idempotency) continue;
    store::IdempotencyRecord idempotency = *pending->change.idempotency;
    idempotency.sequence = head_.sequence;
    idempotency.at = at;
    Add(store::PutIdempotency(idempotency), {.change = pending, .part = Part::kIdempotency});
  }
  Add(store::PutChangeHead(scope, head_, head), {});
}

void BatchTransaction::Add(TransactionOperation operation, Origin origin) {
  operations_.push_back(std::move(operation));
  origins_.push_back({origin});
}

void BatchTransaction::AddEntity(PendingChange& pending) {
  for (std::size_t i = 0; i < pending.change.operations.size(); ++i) {
    const TransactionOperation& operation = pending.change.operations[i];
    const Origin origin{.change = &pending, .part = Part::kEntity, .index = i};
    if (std::holds_alternative<store::ConditionCheck>(operation)) {
      const auto [shared, added] = checks_.try_emplace(TextOf(store::KeyOf(operation)), operations_.size());
      if (!added) {
        origins_[shared->second].push_back(origin);
        continue;
      }
    }
    Add(operation, origin);
  }
}

void BatchTransaction::AddRecords(PendingChange& pending, const store::AuditRecord& audit, store::ChangeRecord record,
                                  base::Timestamp at) {
  ++head_.sequence;
  AddAudit(pending, audit, at);
  record.scope = scope_;
  record.sequence = head_.sequence;
  record.at = at;
  Add(store::PutChange(record), {.change = &pending, .part = Part::kChange});
}

void BatchTransaction::AddAudit(PendingChange& pending, store::AuditRecord record, base::Timestamp at) {
  record.sequence = head_.sequence;
  record.previous_hash = head_.audit_hash;
  while (true) {
    record.at = at + pending.audit_delay;
    if (audit_keys_.try_emplace(store::KeyOf(record), true).second) break;
    pending.audit_delay += std::chrono::milliseconds{1};
  }
  Add(seal_.Put(record), {.change = &pending, .part = Part::kAudit});
  head_.audit_hash = record.hash;
  head_.audit_at = record.at;
}

void BatchTransaction::Blame(const Origin& origin, const CancellationReason& reason, Verdict& verdict) {
  PendingChange* pending = origin.change;
  const auto fail = [&](base::Error error) {
    // What another request with the same idempotency key has done is the better explanation of anything else.
    if (pending->outcome && origin.part != Part::kIdempotency) return;
    pending->outcome = std::unexpected(std::move(error));
    verdict.blamed = true;
  };
  switch (origin.part) {
    case Part::kHead:
    case Part::kChange: verdict.head_moved = true; return;
    case Part::kAudit:
      pending->audit_delay += std::chrono::milliseconds{1};
      verdict.interference = true;
      return;
    case Part::kIdempotency:
      return fail({.code = ErrorCode::kConflict,
                   .message = "A request with this idempotency key was carried out at the same time.",
                   .field = "Idempotency-Key"});
    case Part::kEntity: return fail(pending->change.explain(origin.index, reason.existing));
  }
}

BatchTransaction::Verdict BatchTransaction::Judge(const std::vector<CancellationReason>& reasons) {
  Verdict verdict;
  for (std::size_t i = 0; i < reasons.size() && i < origins_.size(); ++i) {
    for (const Origin& origin : origins_[i]) {
      switch (reasons[i].code) {
        case CancellationReason::Code::kNone: break;
        case CancellationReason::Code::kConditionFailed: Blame(origin, reasons[i], verdict); break;
        case CancellationReason::Code::kConflict:
        case CancellationReason::Code::kThrottled: verdict.interference = true; break;
        case CancellationReason::Code::kTooLarge:
        case CancellationReason::Code::kInvalid:
          if (origin.change == nullptr) break;
          origin.change->outcome = std::unexpected(base::Error{
              .code = reasons[i].code == CancellationReason::Code::kTooLarge ? ErrorCode::kTooLarge
                                                                             : ErrorCode::kInvalidArgument,
              .message = "The store refuses this change: an item of it is too large or has a value it cannot hold."});
          verdict.blamed = true;
          break;
      }
    }
  }
  return verdict;
}

}  // namespace guidon::app
