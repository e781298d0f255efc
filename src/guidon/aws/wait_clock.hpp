// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <stop_token>

namespace guidon::aws {

// Time that passes: for deadlines and pauses, apart from the time of day. Thread-safe.
class WaitClock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  WaitClock() = default;
  WaitClock(const WaitClock&) = delete;
  WaitClock& operator=(const WaitClock&) = delete;
  virtual ~WaitClock() = default;

  virtual Time Now() const = 0;
  // Returns early, with false, once `stop` is asked for.
  virtual bool Pause(std::chrono::milliseconds duration, std::stop_token stop) = 0;
};

class SystemWaitClock final : public WaitClock {
 public:
  Time Now() const override { return std::chrono::steady_clock::now(); }
  bool Pause(std::chrono::milliseconds duration, std::stop_token stop) override;
};

}  // namespace guidon::aws
