// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

#include "guidon/aws/credentials.hpp"
#include "guidon/aws/wait_clock.hpp"
#include "guidon/base/clock.hpp"

namespace guidon::aws {

// Begins to fetch new ones so long before the old ones expire.
inline constexpr std::chrono::minutes kRefreshBeforeExpiry{5};
// A source that failed is not asked again sooner: every call would, and might wait for it.
inline constexpr std::chrono::seconds kRefreshPause{1};

// Keeps the credentials of a source until they must be fetched again. One thread fetches; the others go on with the old
// ones while those are valid, and wait where there are none. Old ones are kept while valid when fetching fails.
// Thread-safe; the arguments must outlive it.
class CredentialCache {
 public:
  CredentialCache(CredentialSource& source, const base::Clock& clock, const WaitClock& wait_clock)
      : source_(source), clock_(clock), wait_clock_(wait_clock) {}

  // Errors: kUnauthenticated where no place has credentials or one gives none, kUnavailable.
  base::Result<Credentials> Get();
  // The service refused these: the next Get fetches, unless somebody has fetched others meanwhile.
  void Refuse(const Credentials& refused);

  struct Figures {
    std::uint64_t fetches = 0;
    std::uint64_t failures = 0;
  };
  Figures figures() const;

 private:
  bool IsFresh(base::Timestamp now) const;
  bool IsUsable(base::Timestamp now) const;

  CredentialSource& source_;
  const base::Clock& clock_;
  const WaitClock& wait_clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool fetching_ = false;
  bool refused_ = false;
  std::optional<Credentials> current_;
  std::optional<base::Error> failure_;
  WaitClock::Time failed_at_ = {};
  Figures figures_;
};

}  // namespace guidon::aws
