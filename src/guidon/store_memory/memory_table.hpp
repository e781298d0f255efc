// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/base/clock.hpp"
#include "guidon/store/scan.hpp"
#include "guidon/store/table.hpp"

namespace guidon::store_memory {

// The obvious table: sorted maps behind one mutex. The reference that other adapters are compared with, and the store
// of
// `--store memory`. Holds everything in memory and keeps nothing. Thread-safe. `clock` must outlive it.
class MemoryTable final : public store::ScannableTable {
 public:
  explicit MemoryTable(const base::Clock& clock) : clock_(clock) {}

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
  base::Status Ping() override { return {}; }

 private:
  // Order of an index: partition, sort key, then the item's own key.
  struct IndexEntry {
    std::string partition;
    std::string sort;
    store::Key key;
    friend auto operator<=>(const IndexEntry&, const IndexEntry&) = default;
  };

  // All of these need mutex_ held.
  void DropExpired();
  const store::Item* Find(const store::Key& key) const;
  void Replace(const store::Key& key, std::optional<store::Item> after);
  base::Result<store::WriteResult> Write(const store::TransactionOperation& operation);
  store::QueryPage Collect(const store::Query& query) const;
  template <class Iterator, class ItemOf>
  static store::QueryPage CollectPage(const store::Query& query, const Iterator& begin, const Iterator& end,
                                      ItemOf item_of);

  const base::Clock& clock_;
  std::mutex mutex_;
  std::map<store::Key, store::Item> items_;
  std::array<std::set<IndexEntry>, 3> indexes_;
  std::set<std::pair<std::int64_t, store::Key>> expiries_;
};

}  // namespace guidon::store_memory
