// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>

#include "guidon/base/time.hpp"

namespace guidon::base {

// Where the time of day comes from. Thread-safe. Whoever needs the time is given one; nobody asks the system.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  virtual Timestamp Now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp Now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

// A clock that stands still until it is told to move, for tests and simulations.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : now_ms_(start.time_since_epoch().count()) {}
  Timestamp Now() const override { return Timestamp{std::chrono::milliseconds{now_ms_.load()}}; }
  void Set(Timestamp time) { now_ms_.store(time.time_since_epoch().count()); }
  void Advance(std::chrono::milliseconds step) { now_ms_.fetch_add(step.count()); }

 private:
  std::atomic<std::chrono::milliseconds::rep> now_ms_;
};

}  // namespace guidon::base
