// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/connection_count.hpp"

namespace guidon::api_http {

bool ConnectionCount::TryAdd() {
  const std::lock_guard lock(mutex_);
  if (count_ >= max_) return false;
  ++count_;
  return true;
}

void ConnectionCount::Remove() {
  const std::lock_guard lock(mutex_);
  if (--count_ == 0) none_.notify_all();
}

bool ConnectionCount::WaitForNone(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  return none_.wait_for(lock, grace, [this] { return count_ == 0; });
}

std::size_t ConnectionCount::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace guidon::api_http
