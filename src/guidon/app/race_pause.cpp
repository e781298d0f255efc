// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/race_pause.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>

namespace guidon::app {
namespace {

constexpr std::int64_t kFirstMicroseconds = 250;
constexpr std::int64_t kMicrosecondsMax = 20'000;
constexpr int kDoublingsMax = 7;  // the limit is reached by then

}  // namespace

void PauseBefore(int attempt) {
  thread_local std::minstd_rand generator(std::random_device{}());
  const std::int64_t ceiling = std::min(kMicrosecondsMax, kFirstMicroseconds << std::min(attempt, kDoublingsMax));
  std::this_thread::sleep_for(
      std::chrono::microseconds{std::uniform_int_distribution<std::int64_t>{0, ceiling}(generator)});
}

}  // namespace guidon::app
