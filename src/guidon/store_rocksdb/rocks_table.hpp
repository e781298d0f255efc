// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/clock.hpp"
#include "guidon/store/scan.hpp"
#include "guidon/store/table.hpp"

namespace guidon::store_rocksdb {

struct RocksOptions {
  std::string path;                    // directory; made where it is absent
  const base::Clock* clock = nullptr;  // decides what has expired; must outlive the table
  // False only for tests and rebuilding: a power cut may then lose the last acknowledged writes (a crash of the process
  // does not).
  bool sync = true;
  std::size_t block_cache_bytes = 8UL * 1024 * 1024;
  std::size_t write_buffer_bytes = 8UL * 1024 * 1024;
};

// What VerifyIndexes saw.
struct IntegrityReport {
  std::uint64_t items = 0;
  std::uint64_t index_entries = 0;
  std::uint64_t items_without_entry = 0;
  std::uint64_t entries_without_item = 0;
  std::vector<std::string> problems = {};  // one sentence each; the first 100
  bool Ok() const { return items_without_entry == 0 && entries_without_item == 0; }
};

// The table in a directory of this machine, on RocksDB. One process at a time. Thread-safe.
//
// A write returns when it is on the device. Writers hold the locks of their keys only while they check and write; they
// wait for the device together, one sync for all of them. So a read or a later write may see a change in the moments
// before it is acknowledged; a power cut in those moments can undo it, a crash of the process cannot.
//
// When the disk is full or fails, writes answer kUnavailable and reads go on. Such a write may or may not have
// happened, but never by half. Each later write or ping looks whether the device takes as much as recovery needs (three
// write buffers), and if so recovers, which holds reads up for moments. Damaged files are not recovered from.
class RocksTable final : public store::ScannableTable {
 public:
  // Errors: kUnavailable (in use by another process, not writable, disk full), kCorrupt (damaged files), kUnsupported
  // (a newer layout, or a directory of somebody else's files), kInvalidArgument (no path or clock). Nothing is repaired
  // or deleted by itself.
  static base::Result<std::unique_ptr<RocksTable>> Open(const RocksOptions& options);
  ~RocksTable() override;

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
  base::Status Ping() override;

  // Moves what is only in the log into table files.
  base::Status Flush();
  // Rewrites all table files, without items that expired more than an hour ago.
  base::Status Compact();
  // Reads everything: every item has its index entries, every entry its item. Sees one moment; writers are not held up.
  base::Result<IntegrityReport> VerifyIndexes();
  // Calls back with each item that has not expired, in key order, as of one moment. Stops at the first error.
  base::Status ForEachItem(const std::function<base::Status(const store::Item&)>& callback);

 private:
  class Impl;
  explicit RocksTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::store_rocksdb
