// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include <rocksdb/db.h>

#include "guidon/base/result.hpp"
#include "guidon/store_rocksdb/expiry_filter.hpp"
#include "guidon/store_rocksdb/group_sync.hpp"
#include "guidon/store_rocksdb/rocks_table.hpp"

namespace guidon::store_rocksdb {

// One opened RocksDB directory that is known to be ours: options, layout version, durability, errors in our words, and
// recovery from a device that failed. Thread-safe.
class Database {
 public:
  static base::Result<std::unique_ptr<Database>> Open(const RocksOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() { return *db_; }

  // Ok where writes can go on; tries to recover where an earlier one failed. To be asked before a write takes locks.
  base::Status EnsureWritable();
  // Writes to the log and makes the batch visible. The ticket is for WaitDurable.
  base::Result<std::uint64_t> Write(rocksdb::WriteBatch& batch);
  base::Status WaitDurable(std::uint64_t ticket);
  base::Status Flush();
  base::Status Compact();

  // The port's error for what RocksDB says; to be called with failures only.
  base::Error ErrorOf(const rocksdb::Status& status) const;

 private:
  explicit Database(const RocksOptions& options);
  base::Status OpenFiles();
  base::Status CheckLayout();
  // Remembers that the device failed, so that the next write recovers first.
  std::unexpected<base::Error> WriteFailed(const rocksdb::Status& status);

  const RocksOptions options_;
  // Shared with RocksDB, whose interface asks for it.
  const std::shared_ptr<ExpiryFilterFactory> expiry_filter_;
  std::unique_ptr<rocksdb::DB> db_;
  bool ours_ = false;
  GroupSync sync_;
  std::atomic<bool> failed_{false};
  std::mutex recovery_mutex_;
};

}  // namespace guidon::store_rocksdb
