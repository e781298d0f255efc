// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace guidon::client {

inline constexpr std::chrono::milliseconds kBackoffBase{250};
inline constexpr std::chrono::milliseconds kBackoffCap{30'000};
inline constexpr int kBackoffDoublingsMax = 16;  // the cap is reached long before

// How long to wait before the next attempt: full jitter, anything from nothing to what doubles with each failure, so
// that clients that lost one server at the same moment do not come back at the same moment. Not thread-safe.
class Backoff {
 public:
  explicit Backoff(std::uint64_t seed) : random_(seed) {}
  void Succeed() { failures_ = 0; }
  std::chrono::milliseconds Fail() {
    const auto most =
        std::min(kBackoffCap, kBackoffBase * (std::int64_t{1} << std::min(failures_, kBackoffDoublingsMax)));
    ++failures_;
    return UpTo(most);
  }
  std::chrono::milliseconds UpTo(std::chrono::milliseconds most) {
    return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, most.count())(random_));
  }
  int failures() const { return failures_; }

 private:
  std::mt19937_64 random_;
  int failures_ = 0;
};

}  // namespace guidon::client
