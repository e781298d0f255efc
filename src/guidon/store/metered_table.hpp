// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "guidon/store/table.hpp"

namespace guidon::store {

enum class TableOperation : std::uint8_t { kGet, kPut, kUpdate, kDelete, kQuery, kBatchGet, kBatchWrite, kTransact };
inline constexpr std::size_t kTableOperationCount = 8;
std::string_view NameOf(TableOperation operation);  // "GetItem", "Query", … : DynamoDB's names

// Upper bounds, in seconds, of the latency histogram's buckets; one more bucket takes the rest.
inline constexpr std::array<double, 12> kLatencyBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                          0.01,   0.025,   0.05,   0.1,   0.5,    2.5};

// Counts of one operation since start.
struct TableOperationFigures {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  std::uint64_t conditions_failed = 0;  // conditional writes and transactions that did not happen
  double read_units = 0;
  double write_units = 0;
  double seconds = 0;
  std::array<std::uint64_t, kLatencyBounds.size() + 1> latency = {};
};

// Counts every call of the table behind it: calls, errors, latency and DynamoDB capacity units, so that an operator of
// the embedded store knows what the workload would cost in the cloud. Thread-safe; does not own `inner`, which must
// outlive it.
class MeteredTable final : public Table {
 public:
  explicit MeteredTable(Table& inner) : inner_(inner) {}

  base::Result<GetResult> Get(const Key& key, Consistency consistency) override;
  base::Result<WriteResult> PutItem(const Put& put) override;
  base::Result<WriteResult> UpdateItem(const Update& update) override;
  base::Result<WriteResult> DeleteItem(const Delete& del) override;
  base::Result<QueryPage> RunQuery(const Query& query) override;
  base::Result<BatchGetResult> BatchGet(std::span<const Key> keys, Consistency consistency) override;
  base::Result<BatchWriteResult> BatchWrite(std::span<const BatchWriteOperation> operations) override;
  base::Result<TransactionResult> Transact(std::span<const TransactionOperation> operations,
                                           std::string_view token) override;
  base::Status Ping() override;

  TableOperationFigures FiguresOf(TableOperation operation) const;

 private:
  struct Counters {
    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> errors{0};
    std::atomic<std::uint64_t> conditions_failed{0};
    std::atomic<std::uint64_t> read_half_units{0};  // halves, so that they add up exactly
    std::atomic<std::uint64_t> write_units{0};
    std::atomic<std::uint64_t> nanoseconds{0};
    std::array<std::atomic<std::uint64_t>, kLatencyBounds.size() + 1> latency{};
  };
  template <class T>
  base::Result<T> Count(TableOperation operation, const std::function<base::Result<T>()>& call);

  Table& inner_;
  std::array<Counters, kTableOperationCount> counters_;
};

}  // namespace guidon::store
