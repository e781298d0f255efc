// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/retry.hpp"

#include <algorithm>

namespace guidon::aws {
namespace {

constexpr int kDoublingsMax = 20;  // beyond, every cap is reached

}  // namespace

std::chrono::milliseconds RetryDelay(const RetryOptions& options, int attempt, bool throttled, double random) {
  const std::int64_t base = (throttled ? options.throttled_base : options.base).count();
  const std::int64_t ceiling =
      std::min<std::int64_t>(options.cap.count(), base << std::clamp(attempt - 1, 0, kDoublingsMax));
  return std::chrono::milliseconds{static_cast<std::int64_t>(static_cast<double>(ceiling) * random)};
}

bool RetryBudget::Take(bool after_timeout) {
  const int cost = after_timeout ? options_.timeout_cost : options_.retry_cost;
  const std::lock_guard lock(mutex_);
  if (tokens_ < cost) return false;
  tokens_ -= cost;
  return true;
}

void RetryBudget::GiveBack() {
  const std::lock_guard lock(mutex_);
  tokens_ = std::min(tokens_ + 1, options_.budget);
}

int RetryBudget::tokens() const {
  const std::lock_guard lock(mutex_);
  return tokens_;
}

}  // namespace guidon::aws
