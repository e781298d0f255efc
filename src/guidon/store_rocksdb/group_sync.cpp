// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_rocksdb/group_sync.hpp"

#include <algorithm>

namespace guidon::store_rocksdb {

std::uint64_t GroupSync::Written() {
  const std::lock_guard lock(mutex_);
  return ++written_;
}

base::Status GroupSync::WaitDurable(std::uint64_t ticket) {
  std::unique_lock lock(mutex_);
  while (durable_ < ticket) {
    if (failure_) return std::unexpected(*failure_);
    if (syncing_) {
      changed_.wait(lock);
      continue;
    }
    syncing_ = true;
    const std::uint64_t target = written_;
    lock.unlock();
    base::Status status = sync_();
    lock.lock();
    syncing_ = false;
    if (status) {
      durable_ = std::max(durable_, target);
    } else {
      failure_ = std::move(status).error();
    }
    changed_.notify_all();
  }
  return {};
}

std::uint64_t GroupSync::Mark() {
  const std::lock_guard lock(mutex_);
  return written_;
}

void GroupSync::Recovered(std::uint64_t mark) {
  const std::lock_guard lock(mutex_);
  durable_ = std::max(durable_, mark);
  failure_.reset();
  changed_.notify_all();
}

}  // namespace guidon::store_rocksdb
