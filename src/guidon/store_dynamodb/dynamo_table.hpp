// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "guidon/aws/client.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/scan.hpp"
#include "guidon/store/table.hpp"

namespace guidon::store_dynamodb {

// Counts since start, besides those of the client.
struct DynamoFigures {
  std::uint64_t outcomes_read_back = 0;      // lost answers of writes that were looked into
  std::uint64_t outcomes_happened = 0;       // of these: the write had been carried out
  std::uint64_t outcomes_unclear = 0;        // of these: nobody can tell; the caller got an error
  std::uint64_t transaction_conflicts = 0;   // cancelled because another write was under way
  std::uint64_t transactions_throttled = 0;  // cancelled because of capacity
  std::uint64_t unprocessed = 0;             // keys and items of batches that were sent again
};

// The Table port on an Amazon DynamoDB table (or what speaks its API), over the low-level JSON API. The table must have
// the keys and indexes of spec 2 (table_admin.hpp makes it).
//
// A write whose answer was lost is never simply repeated: single writes are looked up by a strong read first, batches
// likewise, transactions carry a token that makes DynamoDB recognise them, and what even that cannot tell ends as
// kUnavailable with a message that says so. An unconditional write may be sent again after somebody else's later one:
// it asked for whatever is there to be replaced.
//
// Expired items that DynamoDB has not deleted yet count as absent, by filters for reads and conditions for writes.
// Queries and batches are single requests, but for keys and items that DynamoDB left unprocessed. Thread-safe; calls
// block. The arguments must outlive it.
class DynamoTable final : public store::ScannableTable {
 public:
  DynamoTable(aws::Client& client, std::string table_name, const base::Clock& clock);

  base::Result<store::GetResult> Get(const store::Key& key, store::Consistency consistency) override;
  base::Result<store::WriteResult> PutItem(const store::Put& put) override;
  base::Result<store::WriteResult> UpdateItem(const store::Update& update) override;
  base::Result<store::WriteResult> DeleteItem(const store::Delete& del) override;
  base::Result<store::QueryPage> RunQuery(const store::Query& query) override;
  base::Result<store::BatchGetResult> BatchGet(std::span<const store::Key> keys,
                                               store::Consistency consistency) override;
  base::Result<store::BatchWriteResult> BatchWrite(std::span<const store::BatchWriteOperation> operations) override;
  base::Result<store::TransactionResult> Transact(std::span<const store::TransactionOperation> operations,
                                                  std::string_view token) override;
  base::Result<store::ScanPage> RunScan(const store::Scan& scan) override;
  // Reads a key that is not there: half a read unit, and the permission that evaluation needs.
  base::Status Ping() override;

  DynamoFigures figures() const;
  const std::string& name() const { return name_; }

 private:
  class Writing;
  class Transaction;
  class BatchWriting;
  struct RawItem {  // also when it has expired
    std::optional<store::Item> item;
    store::CapacityUnits consumed;
  };

  std::int64_t NowSeconds() const;
  bool IsExpired(const store::Item& item) const;
  base::Result<model::Object> Read(std::string_view operation, const std::string& body, aws::WaitClock::Time deadline);
  base::Result<RawItem> GetRaw(const store::Key& key, store::Consistency consistency, aws::WaitClock::Time deadline);
  base::Result<store::BatchGetResult> BatchGetUntil(std::span<const store::Key> keys, store::Consistency consistency,
                                                    aws::WaitClock::Time deadline);
  bool PauseBeforeAttempt(int attempt, bool throttled, aws::WaitClock::Time deadline);
  base::Error Explain(std::string_view operation, const aws::ServiceError& error) const;
  void Count(std::uint64_t DynamoFigures::* counter, std::uint64_t by = 1);

  aws::Client& client_;
  const std::string name_;
  const base::Clock& clock_;
  mutable std::mutex figures_mutex_;
  DynamoFigures figures_;
};

}  // namespace guidon::store_dynamodb
