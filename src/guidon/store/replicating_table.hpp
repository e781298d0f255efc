// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/table.hpp"

namespace guidon::store {

// Keeps a copy of what evaluation needs (flags, overrides, segments, kill switches, API keys, head counters) in a table
// of this machine, so that a node can start while the store is down. It reads nothing by itself: the copy is made of
// what passes through, reads and writes, and a page of a list also tells what is no longer there.
//
// The copy is never asked while the store answers, and can lag behind it in what nobody read: whoever started from it
// loads everything once the store is back. A copy that cannot be written is logged and does not stop anything.
// Thread-safe. Does not own the tables, which must outlive it.
class ReplicatingTable final : public Table {
 public:
  ReplicatingTable(Table& inner, Table& replica) : inner_(inner), replica_(replica) {}

  // Reads come from the copy and writes are refused (kUnavailable), or all goes to the store as usual.
  void ServeFromCopy(bool on) { from_copy_.store(on); }
  // Everything was loaded, or known to be current, at `at`.
  base::Status Mark(base::Timestamp at);
  // Of the last Mark; nothing where the copy was never whole. Errors: those of the copy.
  base::Result<std::optional<base::Timestamp>> MarkedAt();
  std::uint64_t copy_failures() const { return copy_failures_.load(); }

  base::Result<GetResult> Get(const Key& key, Consistency consistency) override;
  base::Result<WriteResult> PutItem(const Put& put) override;
  base::Result<WriteResult> UpdateItem(const Update& update) override;
  base::Result<WriteResult> DeleteItem(const Delete& del) override;
  base::Result<QueryPage> RunQuery(const Query& query) override;
  base::Result<BatchGetResult> BatchGet(std::span<const Key> keys, Consistency consistency) override;
  base::Result<BatchWriteResult> BatchWrite(std::span<const BatchWriteOperation> operations) override;
  base::Result<TransactionResult> Transact(std::span<const TransactionOperation> operations,
                                           std::string_view token) override;
  base::Status Ping() override { return inner_.Ping(); }

 private:
  void Keep(const Item& item);
  void Forget(const Key& key);
  void KeepWhatIsThere(const Key& key);
  void ForgetWhatIsMissing(const Query& query, const QueryPage& page);
  void Note(const base::Status& status);

  Table& inner_;
  Table& replica_;
  std::atomic<bool> from_copy_{false};
  std::atomic<std::uint64_t> copy_failures_{0};
};

}  // namespace guidon::store
