// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>

#include "guidon/store_memory/memory_table.hpp"

namespace guidon::upkeep {

// A memory table that can stop answering, and lets others act between two of its answers.
class ScriptedTable final : public store::ScannableTable {
 public:
  explicit ScriptedTable(const base::Clock& clock) : table_(clock) {}

  std::function<base::Status()> before_batch_write;
  std::function<base::Status()> before_scan;
  std::function<void()> after_scan;
  std::function<void()> before_update;
  std::atomic<int> batch_writes{0};

  base::Result<store::ScanPage> RunScan(const store::Scan& scan) override {
    if (before_scan) GUIDON_TRY(before_scan());
    auto page = table_.RunScan(scan);
    if (after_scan) after_scan();
    return page;
  }
  base::Result<store::BatchWriteResult> BatchWrite(std::span<const store::BatchWriteOperation> operations) override {
    ++batch_writes;
    if (before_batch_write) GUIDON_TRY(before_batch_write());
    return table_.BatchWrite(operations);
  }
  base::Result<store::GetResult> Get(const store::Key& key, store::Consistency consistency) override {
    return table_.Get(key, consistency);
  }
  base::Result<store::WriteResult> PutItem(const store::Put& put) override { return table_.PutItem(put); }
  base::Result<store::WriteResult> UpdateItem(const store::Update& update) override {
    if (before_update) before_update();
    return table_.UpdateItem(update);
  }
  base::Result<store::WriteResult> DeleteItem(const store::Delete& del) override { return table_.DeleteItem(del); }
  base::Result<store::QueryPage> RunQuery(const store::Query& query) override { return table_.RunQuery(query); }
  base::Result<store::BatchGetResult> BatchGet(std::span<const store::Key> keys,
                                               store::Consistency consistency) override {
    return table_.BatchGet(keys, consistency);
  }
  base::Result<store::TransactionResult> Transact(std::span<const store::TransactionOperation> operations,
                                                  std::string_view token) override {
    return table_.Transact(operations, token);
  }
  base::Status Ping() override { return {}; }

 private:
  store_memory::MemoryTable table_;
};

}  // namespace guidon::upkeep
