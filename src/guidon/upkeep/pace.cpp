// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/pace.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace guidon::upkeep {

PaceClock PaceClock::System() {
  return {.now = [] { return std::chrono::steady_clock::now(); },
          .pause = [](std::chrono::nanoseconds time) { std::this_thread::sleep_for(time); }};
}

Pace::Pace(double units_per_second, PaceClock clock)
    : units_per_second_(units_per_second), clock_(std::move(clock)), paid_until_(clock_.now()) {}

void Pace::Spend(double units) {
  if (units_per_second_ <= 0) return;
  const auto cost = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(units / units_per_second_));
  std::chrono::steady_clock::duration wait{};
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.now();
    paid_until_ = std::max(paid_until_, now) + cost;
    wait = paid_until_ - now;
  }
  if (wait > std::chrono::steady_clock::duration::zero()) clock_.pause(wait);
}

}  // namespace guidon::upkeep
