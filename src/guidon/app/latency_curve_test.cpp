// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/latency_curve.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace guidon::app {
namespace {

using std::chrono::microseconds;

TEST(LatencyCurve, OfNothingIsZero) {
  const LatencyCurve curve;
  EXPECT_EQ(curve.count(), 0U);
  EXPECT_EQ(curve.PercentileMs(0.5), 0);
  EXPECT_EQ(curve.LastMs(), 0);
}

TEST(LatencyCurve, PercentilesAreExactToAnEighthAndNeverTooLow) {
  std::minstd_rand random(7);
  std::uniform_real_distribution<double> power(0, 24);
  std::vector<double> all;
  LatencyCurve curve;
  for (int i = 0; i < 5000; ++i) {
    const auto micros = static_cast<std::int64_t>(std::exp2(power(random)));
    all.push_back(static_cast<double>(micros) / 1000);
    curve.Add(microseconds(micros));
  }
  std::ranges::sort(all);
  for (const double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const double exact = all[static_cast<std::size_t>(std::ceil(share * 5000)) - 1];
    EXPECT_GE(curve.PercentileMs(share), exact) << share;
    EXPECT_LE(curve.PercentileMs(share), exact * 1.126) << share;
  }
  EXPECT_EQ(curve.LastMs(), all.back());
}

TEST(LatencyCurve, CurvesOfSeveralNodesAddUp) {
  LatencyCurve one;
  LatencyCurve other;
  LatencyCurve both;
  for (int i = 0; i < 100; ++i) {
    one.Add(microseconds(i));
    other.Add(microseconds(i * i));
    both.Add(microseconds(i));
    both.Add(microseconds(i * i));
  }
  LatencyCurve sum = LatencyCurve::FromBuckets(one.buckets(), one.last());
  sum.Add(other);
  EXPECT_EQ(sum.buckets(), both.buckets());
  EXPECT_EQ(sum.count(), 200U);
  EXPECT_EQ(sum.PercentileMs(0.5), both.PercentileMs(0.5));
  EXPECT_EQ(sum.LastMs(), 9.801);
}

TEST(LatencyCurve, WhatIsOutOfRangeIsItsEnd) {
  LatencyCurve curve;
  curve.Add(microseconds(-5));
  curve.Add(microseconds(std::int64_t{1} << 60));
  EXPECT_EQ(curve.count(), 2U);
  EXPECT_EQ(curve.PercentileMs(0.5), 0);
  EXPECT_EQ(LatencyCurve::FromBuckets({{100'000, 3}, {0, 0}}, microseconds(1)).count(), 0U);
}

}  // namespace
}  // namespace guidon::app
