// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "guidon/base/result.hpp"

namespace guidon::store_rocksdb {

// Lets writers share syncs: each hands in what it wrote and waits; one of the waiting syncs for all who wrote before it
// began. A failed sync fails everybody it stood for and everybody after it until Recovered(): a device that lost pages
// says so only once. Thread-safe.
class GroupSync {
 public:
  // `sync` makes everything that was written before its call durable.
  explicit GroupSync(std::function<base::Status()> sync) : sync_(std::move(sync)) {}

  // To be called after a write went to the log. The ticket is for WaitDurable.
  std::uint64_t Written();
  // Returns when the write is on the device, or cannot be brought there.
  base::Status WaitDurable(std::uint64_t ticket);
  // All writes up to the ticket that Mark() gave have become durable by other means.
  std::uint64_t Mark();
  void Recovered(std::uint64_t mark);

 private:
  const std::function<base::Status()> sync_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t written_ = 0;
  std::uint64_t durable_ = 0;
  bool syncing_ = false;
  std::optional<base::Error> failure_;
};

}  // namespace guidon::store_rocksdb
