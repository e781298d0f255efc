// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include <rocksdb/compaction_filter.h>

#include "guidon/base/clock.hpp"

namespace guidon::store_rocksdb {

// How long after its expiry an item stays in the files. A clock that was wrong for less than this loses nothing, and a
// scan that takes less than this never meets an index entry whose item was dropped under it.
inline constexpr std::chrono::hours kExpiryGrace{1};

// Drops expired items and index entries while files are rewritten. RocksDB shows a filter only the newest version that
// the files at hand hold, and what it drops leaves a tombstone of that version's age where older ones may lie below: a
// newer version, wherever it is, stays.
class ExpiryFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  // `clock` must outlive the database. Nothing is dropped before Enable(): not before it is sure whose files these are.
  explicit ExpiryFilterFactory(const base::Clock& clock) : clock_(clock) {}
  void Enable() { enabled_.store(true); }

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "guidon.expiry"; }

 private:
  const base::Clock& clock_;
  std::atomic<bool> enabled_{false};
};

}  // namespace guidon::store_rocksdb
