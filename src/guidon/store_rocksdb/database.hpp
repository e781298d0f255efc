// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>

#include <rocksdb/db.h>

#include "guidon/base/result.hpp"
#include "guidon/store_rocksdb/expiry_filter.hpp"
#include "guidon/store_rocksdb/group_sync.hpp"
#include "guidon/store_rocksdb/rocks_table.hpp"

namespace guidon::store_rocksdb {

// One opened RocksDB directory that is known to be ours: options, layout version, durability, errors in our words, and
// recovery from a device that failed. Thread-safe.
//
// Recovery closes the database and opens it anew, as a restart would: RocksDB's own Resume() can wait for ever on a
// disk that fills again, and goes on with a log whose last record was cut in two when nothing was in memory.
class Database {
 public:
  // What reads and writes go through; recovery waits until nobody has one. A thread has at most one at a time.
  class Handle {
   public:
    rocksdb::DB& operator*() const { return *db_; }
    rocksdb::DB* operator->() const { return db_; }

   private:
    friend class Database;
    Handle(std::shared_lock<std::shared_mutex> lock, rocksdb::DB& db) : lock_(std::move(lock)), db_(&db) {}
    std::shared_lock<std::shared_mutex> lock_;
    rocksdb::DB* db_;
  };

  static base::Result<std::unique_ptr<Database>> Open(const RocksOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Fails only where recovery left nothing that can be read.
  base::Result<Handle> Acquire();

  // Ok where writes can go on; tries to recover where an earlier one failed. To be asked before a write takes locks,
  // and without a handle.
  base::Status EnsureWritable();
  // Writes to the log and makes the batch visible. The ticket is for WaitDurable.
  base::Result<std::uint64_t> Write(const Handle& handle, rocksdb::WriteBatch& batch);
  base::Status WaitDurable(std::uint64_t ticket);
  base::Status Flush();
  base::Status Compact();

  // The port's error for what RocksDB says; to be called with failures only.
  base::Error ErrorOf(const rocksdb::Status& status) const;

 private:
  explicit Database(const RocksOptions& options);
  base::Status OpenFiles();
  base::Status CheckLayout();
  rocksdb::Status CloseFiles();
  base::Status SyncLog();
  // Closes and opens while nobody has a handle; where that fails, what is there can still be read.
  base::Status Reopen();
  base::Status ReopenFiles();
  std::uint64_t RoomToRecoverBytes() const;

  // Remember that the device failed, so that the next write recovers first.
  std::unexpected<base::Error> WriteFailed(const rocksdb::Status& status);
  void Remember(const base::Error& error);
  base::Error Failure() const;

  const RocksOptions options_;
  // Shared with RocksDB, whose interface asks for it.
  const std::shared_ptr<ExpiryFilterFactory> expiry_filter_;
  std::shared_mutex use_mutex_;  // shared by handles, exclusive for replacing db_
  std::unique_ptr<rocksdb::DB> db_;
  bool ours_ = false;
  GroupSync sync_;

  std::atomic<bool> failed_{false};
  mutable std::mutex failure_mutex_;
  base::Error failure_;  // the first since the last recovery; of use only while `failed_`

  std::mutex recovery_mutex_;
  std::optional<std::chrono::steady_clock::time_point> reopened_in_vain_at_;
};

}  // namespace guidon::store_rocksdb
