// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace guidon::aws {

// Spec 5, "Clients of AWS".
struct RetryOptions {
  int attempts_max = 4;
  std::chrono::milliseconds base{25};
  std::chrono::milliseconds throttled_base{1000};
  std::chrono::milliseconds cap{20'000};
  // The budget: so many tokens to begin with; a retry takes some, a call that succeeds gives one back. When many calls
  // fail, retries stop and only first attempts load the service.
  int budget = 500;
  int retry_cost = 5;
  int timeout_cost = 10;
};

// Full jitter: a random part of min(cap, base × 2^(attempt - 1)), after the attempt of that number (from 1).
// `random` is in [0, 1).
std::chrono::milliseconds RetryDelay(const RetryOptions& options, int attempt, bool throttled, double random);

// Thread-safe.
class RetryBudget {
 public:
  explicit RetryBudget(const RetryOptions& options) : options_(options), tokens_(options.budget) {}
  bool Take(bool after_timeout);
  void GiveBack();
  int tokens() const;

 private:
  const RetryOptions options_;
  mutable std::mutex mutex_;
  int tokens_;
};

}  // namespace guidon::aws
