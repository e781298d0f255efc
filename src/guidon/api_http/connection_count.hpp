// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace guidon::api_http {

// Open connections of all loops, for the limit and for draining. Thread-safe.
class ConnectionCount {
 public:
  explicit ConnectionCount(std::size_t max) : max_(max) {}
  bool TryAdd();
  void Remove();
  // True when none is left, false when `grace` passed before.
  bool WaitForNone(std::chrono::milliseconds grace);
  std::size_t count() const;

 private:
  const std::size_t max_;
  mutable std::mutex mutex_;
  std::condition_variable none_;
  std::size_t count_ = 0;
};

// One that was added, until it ends.
class ConnectionSlot {
 public:
  ConnectionSlot() = default;
  explicit ConnectionSlot(ConnectionCount& added) : count_(&added) {}
  ConnectionSlot(ConnectionSlot&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  ConnectionSlot& operator=(ConnectionSlot&& other) noexcept {
    std::swap(count_, other.count_);
    return *this;
  }
  ~ConnectionSlot() {
    if (count_ != nullptr) count_->Remove();
  }

 private:
  ConnectionCount* count_ = nullptr;
};

}  // namespace guidon::api_http
