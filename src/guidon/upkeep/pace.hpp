// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <mutex>

namespace guidon::upkeep {

// Where waiting is done; tests give their own.
struct PaceClock {
  std::function<std::chrono::steady_clock::time_point()> now;
  std::function<void(std::chrono::nanoseconds)> pause;
  static PaceClock System();
};

// Holds work to so many units a second: whoever spent some waits until they are paid for. Work of several threads adds
// up. Thread-safe.
class Pace {
 public:
  // 0: no limit.
  explicit Pace(double units_per_second, PaceClock clock = PaceClock::System());
  void Spend(double units);

 private:
  const double units_per_second_;
  const PaceClock clock_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point paid_until_;
};

}  // namespace guidon::upkeep
