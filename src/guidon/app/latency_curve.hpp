// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace guidon::app {

// How long something took, many times: counts by size, eight sizes to each doubling, so that percentiles are exact to
// an eighth and curves of several nodes add up. A few hundred bytes whatever the count. Not thread-safe.
class LatencyCurve {
 public:
  using Bucket = std::pair<std::uint32_t, std::uint64_t>;  // which size, how many

  void Add(std::chrono::microseconds duration);
  void Add(const LatencyCurve& other);

  std::uint64_t count() const { return count_; }
  // The value that `share` (0 to 1) of all are at or below, in milliseconds, rounded up; 0 where there are none.
  double PercentileMs(double share) const;
  double LastMs() const;  // the longest

  // For another node. FromBuckets takes what ToBuckets gave; sizes that there are not are left out.
  const std::vector<Bucket>& buckets() const { return buckets_; }
  std::chrono::microseconds last() const { return last_; }
  static LatencyCurve FromBuckets(const std::vector<Bucket>& buckets, std::chrono::microseconds last);

 private:
  void AddTo(std::uint32_t bucket, std::uint64_t count);

  std::vector<Bucket> buckets_;  // in ascending order
  std::uint64_t count_ = 0;
  std::chrono::microseconds last_{0};
};

}  // namespace guidon::app
