// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/latency_curve.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace guidon::app {
namespace {

// Below kExact each value has a bucket of its own; from there on each doubling has kSteps.
constexpr std::uint64_t kExact = 16;
constexpr unsigned kExactBits = 4;
constexpr unsigned kStepBits = 3;
constexpr std::uint64_t kSteps = 1U << kStepBits;
constexpr std::uint64_t kMicrosMax = (1ULL << 40U) - 1;  // two weeks
constexpr std::uint32_t kBucketCount = kExact + (40 - kExactBits) * kSteps;

constexpr double kMicrosInMilli = 1000;

std::uint32_t BucketOf(std::uint64_t micros) {
  if (micros < kExact) return static_cast<std::uint32_t>(micros);
  const auto power = static_cast<unsigned>(std::bit_width(micros)) - 1;
  const std::uint64_t step = (micros >> (power - kStepBits)) & (kSteps - 1);
  return static_cast<std::uint32_t>(kExact + (power - kExactBits) * kSteps + step);
}

// The largest value of a bucket.
std::uint64_t LargestOf(std::uint32_t bucket) {
  if (bucket < kExact) return bucket;
  const std::uint64_t power = kExactBits + (bucket - kExact) / kSteps;
  const std::uint64_t step = (bucket - kExact) % kSteps;
  return ((kSteps + step + 1) << (power - kStepBits)) - 1;
}

double Milliseconds(std::uint64_t micros) { return static_cast<double>(micros) / kMicrosInMilli; }

}  // namespace

void LatencyCurve::AddTo(std::uint32_t bucket, std::uint64_t count) {
  const auto at = std::ranges::lower_bound(buckets_, bucket, {}, &Bucket::first);
  if (at != buckets_.end() && at->first == bucket) {
    at->second += count;
  } else {
    buckets_.emplace(at, bucket, count);
  }
  count_ += count;
}

void LatencyCurve::Add(std::chrono::microseconds duration) {
  const auto micros = std::clamp<std::int64_t>(duration.count(), 0, static_cast<std::int64_t>(kMicrosMax));
  last_ = std::max(last_, std::chrono::microseconds(micros));
  AddTo(BucketOf(static_cast<std::uint64_t>(micros)), 1);
}

void LatencyCurve::Add(const LatencyCurve& other) {
  for (const auto& [bucket, count] : other.buckets_) AddTo(bucket, count);
  last_ = std::max(last_, other.last_);
}

double LatencyCurve::PercentileMs(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (const auto& [bucket, count] : buckets_) {
    seen += count;
    if (seen >= wanted) return std::min(Milliseconds(LargestOf(bucket)), LastMs());
  }
  return 0;
}

double LatencyCurve::LastMs() const { return Milliseconds(static_cast<std::uint64_t>(last_.count())); }

LatencyCurve LatencyCurve::FromBuckets(const std::vector<Bucket>& buckets, std::chrono::microseconds last) {
  LatencyCurve curve;
  for (const auto& [bucket, count] : buckets) {
    if (bucket < kBucketCount && count > 0) curve.AddTo(bucket, count);
  }
  curve.last_ = last;
  return curve;
}

}  // namespace guidon::app
