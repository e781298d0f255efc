// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/metered_table.hpp"

#include <chrono>
#include <cmath>

namespace guidon::store {
namespace {

bool Happened(const WriteResult& result) { return result.applied; }
bool Happened(const TransactionResult& result) { return result.committed; }
template <class T>
bool Happened(const T&) {
  return true;
}

}  // namespace

std::string_view NameOf(TableOperation operation) {
  switch (operation) {
    case TableOperation::kGet: return "GetItem";
    case TableOperation::kPut: return "PutItem";
    case TableOperation::kUpdate: return "UpdateItem";
    case TableOperation::kDelete: return "DeleteItem";
    case TableOperation::kQuery: return "Query";
    case TableOperation::kBatchGet: return "BatchGetItem";
    case TableOperation::kBatchWrite: return "BatchWriteItem";
    case TableOperation::kTransact: return "TransactWriteItems";
  }
  return "";
}

template <class T>
base::Result<T> MeteredTable::Count(TableOperation operation, const std::function<base::Result<T>()>& call) {
  const auto start = std::chrono::steady_clock::now();
  base::Result<T> result = call();
  const auto elapsed = std::chrono::steady_clock::now() - start;

  Counters& counters = counters_[static_cast<std::size_t>(operation)];
  const double seconds = std::chrono::duration<double>(elapsed).count();
  std::size_t bucket = 0;
  while (bucket < kLatencyBounds.size() && seconds > kLatencyBounds[bucket]) ++bucket;
  counters.calls.fetch_add(1, std::memory_order_relaxed);
  counters.latency[bucket].fetch_add(1, std::memory_order_relaxed);
  counters.nanoseconds.fetch_add(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count()),
      std::memory_order_relaxed);
  if (!result) {
    counters.errors.fetch_add(1, std::memory_order_relaxed);
    return result;
  }
  if (!Happened(*result)) counters.conditions_failed.fetch_add(1, std::memory_order_relaxed);
  counters.read_half_units.fetch_add(static_cast<std::uint64_t>(std::llround(result->consumed.read * 2)),
                                     std::memory_order_relaxed);
  counters.write_units.fetch_add(static_cast<std::uint64_t>(std::llround(result->consumed.write)),
                                 std::memory_order_relaxed);
  return result;
}

base::Result<GetResult> MeteredTable::Get(const Key& key, Consistency consistency) {
  return Count<GetResult>(TableOperation::kGet, [&] { return inner_.Get(key, consistency); });
}

base::Result<WriteResult> MeteredTable::PutItem(const Put& put) {
  return Count<WriteResult>(TableOperation::kPut, [&] { return inner_.PutItem(put); });
}

base::Result<WriteResult> MeteredTable::UpdateItem(const Update& update) {
  return Count<WriteResult>(TableOperation::kUpdate, [&] { return inner_.UpdateItem(update); });
}

base::Result<WriteResult> MeteredTable::DeleteItem(const Delete& del) {
  return Count<WriteResult>(TableOperation::kDelete, [&] { return inner_.DeleteItem(del); });
}

base::Result<QueryPage> MeteredTable::RunQuery(const Query& query) {
  return Count<QueryPage>(TableOperation::kQuery, [&] { return inner_.RunQuery(query); });
}

base::Result<BatchGetResult> MeteredTable::BatchGet(std::span<const Key> keys, Consistency consistency) {
  return Count<BatchGetResult>(TableOperation::kBatchGet, [&] { return inner_.BatchGet(keys, consistency); });
}

base::Result<BatchWriteResult> MeteredTable::BatchWrite(std::span<const BatchWriteOperation> operations) {
  return Count<BatchWriteResult>(TableOperation::kBatchWrite, [&] { return inner_.BatchWrite(operations); });
}

base::Result<TransactionResult> MeteredTable::Transact(std::span<const TransactionOperation> operations,
                                                       std::string_view token) {
  return Count<TransactionResult>(TableOperation::kTransact, [&] { return inner_.Transact(operations, token); });
}

base::Status MeteredTable::Ping() { return inner_.Ping(); }

TableOperationFigures MeteredTable::FiguresOf(TableOperation operation) const {
  const Counters& counters = counters_[static_cast<std::size_t>(operation)];
  TableOperationFigures figures{
      .calls = counters.calls.load(std::memory_order_relaxed),
      .errors = counters.errors.load(std::memory_order_relaxed),
      .conditions_failed = counters.conditions_failed.load(std::memory_order_relaxed),
      .read_units = static_cast<double>(counters.read_half_units.load(std::memory_order_relaxed)) / 2,
      .write_units = static_cast<double>(counters.write_units.load(std::memory_order_relaxed)),
      .seconds = static_cast<double>(counters.nanoseconds.load(std::memory_order_relaxed)) / 1e9,
  };
  for (std::size_t i = 0; i < figures.latency.size(); ++i) {
    figures.latency[i] = counters.latency[i].load(std::memory_order_relaxed);
  }
  return figures;
}

}  // namespace guidon::store
