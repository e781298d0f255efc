// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_memory/memory_table.hpp"

#include <iterator>
#include <vector>

#include "guidon/store/table_rules.hpp"

namespace guidon::store_memory {

using base::Result;
using store::Index;
using store::Item;
using store::Key;

namespace {

std::optional<Item> ItemOf(store::WritePlan plan) {
  if (plan.put != nullptr) return *plan.put;
  return std::move(plan.updated);
}

}  // namespace

void MemoryTable::DropExpired() {
  const base::Timestamp now = clock_.Now();
  while (!expiries_.empty() && store::IsExpired(expiries_.begin()->first, now)) {
    Replace(Key(expiries_.begin()->second), std::nullopt);
  }
}

const Item* MemoryTable::Find(const Key& key) const {
  const auto found = items_.find(key);
  return found != items_.end() ? &found->second : nullptr;
}

void MemoryTable::Replace(const Key& key, std::optional<Item> after) {
  const auto entry_of = [&](const Item& item, Index index) -> std::optional<IndexEntry> {
    const auto view = store::IndexKeyOf(item, index);
    if (!view) return {};
    return IndexEntry{std::string(view->partition), std::string(view->sort), key};
  };
  if (const Item* before = Find(key)) {
    for (std::size_t i = 0; i < indexes_.size(); ++i) {
      if (const auto entry = entry_of(*before, store::kSecondaryIndexes[i])) indexes_[i].erase(*entry);
    }
    if (const auto expiry = store::ExpiryOf(*before)) expiries_.erase({*expiry, key});
    items_.erase(key);
  }
  if (!after) return;
  for (std::size_t i = 0; i < indexes_.size(); ++i) {
    if (auto entry = entry_of(*after, store::kSecondaryIndexes[i])) indexes_[i].insert(*std::move(entry));
  }
  if (const auto expiry = store::ExpiryOf(*after)) expiries_.insert({*expiry, key});
  items_.insert_or_assign(key, *std::move(after));
}

Result<store::GetResult> MemoryTable::Get(const Key& key, store::Consistency consistency) {
  GUIDON_TRY(store::ValidateKey(key));
  const std::lock_guard lock(mutex_);
  DropExpired();
  const Item* item = Find(key);
  if (item == nullptr) return store::GetResult{.item = std::nullopt, .consumed = store::ReadUnits(0, consistency)};
  return store::GetResult{.item = *item, .consumed = store::ReadUnits(store::ItemSize(*item), consistency)};
}

Result<store::WriteResult> MemoryTable::Write(const store::TransactionOperation& operation) {
  const Key key = store::KeyOf(operation);
  const Item* existing = Find(key);
  GUIDON_ASSIGN(store::WritePlan plan, store::PlanWrite(operation, existing));
  store::WriteResult result{.applied = plan.applied, .consumed = plan.consumed};
  if (!plan.applied && existing != nullptr) result.existing = *existing;
  if (plan.changes_item) Replace(key, ItemOf(std::move(plan)));
  return result;
}

Result<store::WriteResult> MemoryTable::PutItem(const store::Put& put) {
  const store::TransactionOperation operation = put;
  GUIDON_TRY(store::ValidateOperation(operation));
  const std::lock_guard lock(mutex_);
  DropExpired();
  return Write(operation);
}

Result<store::WriteResult> MemoryTable::UpdateItem(const store::Update& update) {
  const store::TransactionOperation operation = update;
  GUIDON_TRY(store::ValidateOperation(operation));
  const std::lock_guard lock(mutex_);
  DropExpired();
  return Write(operation);
}

Result<store::WriteResult> MemoryTable::DeleteItem(const store::Delete& del) {
  const store::TransactionOperation operation = del;
  GUIDON_TRY(store::ValidateOperation(operation));
  const std::lock_guard lock(mutex_);
  DropExpired();
  return Write(operation);
}

Result<store::QueryPage> MemoryTable::RunQuery(const store::Query& query) {
  GUIDON_TRY(store::ValidateQuery(query));
  const std::lock_guard lock(mutex_);
  DropExpired();
  return Collect(query);
}

template <class Iterator, class ItemOf>
store::QueryPage MemoryTable::CollectPage(const store::Query& query, const Iterator& begin, const Iterator& end,
                                          ItemOf item_of) {
  store::QueryPageBuilder page(query);
  for (Iterator it = begin; it != end; ++it) {
    if (!page.Add(item_of(*it))) return page.Finish(true);
  }
  return page.Finish(false);
}

store::QueryPage MemoryTable::Collect(const store::Query& query) const {
  const store::SortKeyRange range = store::RangeOf(query.sort);
  const auto& start = query.start_after;
  // Cuts [begin, end) out of a sorted container by the range and the position, and reads it in the order asked for.
  const auto collect = [&](const auto& sorted, const auto& entry_at, const auto& after, const auto& item_of) {
    auto begin = sorted.lower_bound(entry_at(query.partition, range.low));
    auto end = range.high ? sorted.lower_bound(entry_at(query.partition, *range.high))
                          : sorted.lower_bound(entry_at(query.partition + '\0', ""));
    if (after && query.forward) begin = sorted.upper_bound(*after);
    if (after && !query.forward) end = sorted.lower_bound(*after);
    if (query.forward) return CollectPage(query, begin, end, item_of);
    return CollectPage(query, std::make_reverse_iterator(end), std::make_reverse_iterator(begin), item_of);
  };
  if (query.index == Index::kTable) {
    return collect(
        items_, [](std::string pk, std::string sk) { return Key{std::move(pk), std::move(sk)}; },
        start ? std::optional(start->key) : std::nullopt, [](const auto& entry) { return entry.second; });
  }
  const std::size_t number = static_cast<std::size_t>(query.index) - 1;
  return collect(
      indexes_[number],
      [](std::string partition, std::string sort) { return IndexEntry{std::move(partition), std::move(sort), {}}; },
      start ? std::optional(IndexEntry{start->index_partition, start->index_sort, start->key}) : std::nullopt,
      [this](const IndexEntry& entry) { return items_.at(entry.key); });
}

Result<store::BatchGetResult> MemoryTable::BatchGet(std::span<const Key> keys, store::Consistency consistency) {
  GUIDON_TRY(store::ValidateBatchGet(keys));
  const std::lock_guard lock(mutex_);
  DropExpired();
  store::BatchGetResult result;
  std::size_t bytes = 0;
  for (const Key& key : keys) {
    const Item* item = Find(key);
    const std::size_t size = item != nullptr ? store::ItemSize(*item) : 0;
    if (bytes + size > store::kBatchGetBytesMax) {
      result.unprocessed.push_back(key);
      continue;
    }
    bytes += size;
    if (item != nullptr) result.items.push_back(*item);
    result.consumed += store::ReadUnits(size, consistency);
  }
  return result;
}

Result<store::BatchWriteResult> MemoryTable::BatchWrite(std::span<const store::BatchWriteOperation> operations) {
  GUIDON_TRY(store::ValidateBatchWrite(operations));
  const std::lock_guard lock(mutex_);
  DropExpired();
  store::BatchWriteResult result;
  for (const auto& operation : operations) {
    GUIDON_ASSIGN(const store::WriteResult written, Write(store::AsWrite(operation)));
    result.consumed += written.consumed;
  }
  return result;
}

Result<store::TransactionResult> MemoryTable::Transact(std::span<const store::TransactionOperation> operations,
                                                       std::string_view token) {
  GUIDON_TRY(store::ValidateTransaction(operations, token));
  const std::lock_guard lock(mutex_);
  DropExpired();
  std::vector<const Item*> existing;
  for (const auto& operation : operations) existing.push_back(Find(store::KeyOf(operation)));
  store::TransactionPlan plan = store::PlanTransaction(operations, existing);
  for (std::size_t i = 0; plan.result.committed && i < operations.size(); ++i) {
    if (plan.writes[i].changes_item) Replace(store::KeyOf(operations[i]), ItemOf(std::move(plan.writes[i])));
  }
  return std::move(plan.result);
}

Result<store::ScanPage> MemoryTable::RunScan(const store::Scan& scan) {
  GUIDON_TRY(store::ValidateScan(scan));
  const std::lock_guard lock(mutex_);
  DropExpired();
  store::ScanPageBuilder page(scan);
  for (auto it = scan.start_after ? items_.upper_bound(*scan.start_after) : items_.begin(); it != items_.end(); ++it) {
    if (store::IsInSegment(it->first.pk, scan) && !page.Add(it->second)) return page.Finish(true);
  }
  return page.Finish(false);
}

}  // namespace guidon::store_memory
