// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "guidon/base/time.hpp"

namespace guidon::app {

// When this node last heard from a store that other nodes write to, and so how old what it serves may be. Without
// `Follow` nobody else writes to the store, and the snapshot is never out of date. Thread-safe; AgeOf is for I/O
// threads: two loads.
class StoreContact {
 public:
  // From now on silence of more than `tolerance` counts as being out of touch.
  void Follow(std::chrono::milliseconds tolerance) { tolerance_ms_.store(tolerance.count()); }
  bool following() const { return tolerance_ms_.load(std::memory_order_relaxed) != 0; }

  // All that was served at `at` was what the store had.
  void Heard(base::Timestamp at);
  void Failed(std::string error);

  // How long ago what is served was last known to be what the store has; nothing while the node is in touch.
  std::optional<std::chrono::milliseconds> AgeOf(base::Timestamp now) const {
    const auto tolerance = tolerance_ms_.load(std::memory_order_relaxed);
    const auto silent = now.time_since_epoch().count() - heard_ms_.load(std::memory_order_relaxed);
    if (tolerance == 0 || silent <= tolerance) return std::nullopt;
    return std::chrono::milliseconds(silent);
  }
  base::Timestamp heard_at() const { return base::Timestamp{std::chrono::milliseconds(heard_ms_.load())}; }
  // Of the last try; empty where it went well.
  std::string last_error() const;

 private:
  std::atomic<std::chrono::milliseconds::rep> tolerance_ms_{0};
  std::atomic<std::chrono::milliseconds::rep> heard_ms_{0};
  mutable std::mutex mutex_;
  std::string last_error_;
};

}  // namespace guidon::app
