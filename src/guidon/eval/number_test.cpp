// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/number.hpp"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace guidon::eval {
namespace {

constexpr std::int64_t kTwoTo53 = 9007199254740992;
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(CompareNumbers, KeepsIntegersApartThatDoublesCannot) {
  EXPECT_EQ(Compare(kTwoTo53, kTwoTo53 + 1), std::partial_ordering::less);
  EXPECT_EQ(Compare(kTwoTo53 + 1, static_cast<double>(kTwoTo53)), std::partial_ordering::greater);
  EXPECT_EQ(Compare(static_cast<double>(kTwoTo53), kTwoTo53 + 1), std::partial_ordering::less);
  EXPECT_EQ(Compare(kTwoTo53, static_cast<double>(kTwoTo53)), std::partial_ordering::equivalent);
}

TEST(CompareNumbers, ComparesIntegersWithFractions) {
  EXPECT_EQ(Compare(std::int64_t{1}, 1.0), std::partial_ordering::equivalent);
  EXPECT_EQ(Compare(std::int64_t{1}, 1.5), std::partial_ordering::less);
  EXPECT_EQ(Compare(std::int64_t{2}, 1.5), std::partial_ordering::greater);
  EXPECT_EQ(Compare(std::int64_t{-1}, -1.5), std::partial_ordering::greater);
  EXPECT_EQ(Compare(std::int64_t{-2}, -1.5), std::partial_ordering::less);
  EXPECT_EQ(Compare(std::int64_t{0}, -0.0), std::partial_ordering::equivalent);
  EXPECT_EQ(Compare(1.5, std::int64_t{1}), std::partial_ordering::greater);
}

TEST(CompareNumbers, KnowsTheEndsOfTheIntegers) {
  EXPECT_EQ(Compare(kMax, 9223372036854775808.0), std::partial_ordering::less);
  EXPECT_EQ(Compare(kMin, -9223372036854775808.0), std::partial_ordering::equivalent);
  EXPECT_EQ(Compare(kMin, -9223372036854777856.0), std::partial_ordering::greater);
  EXPECT_EQ(Compare(kMax, kInfinity), std::partial_ordering::less);
  EXPECT_EQ(Compare(kMin, -kInfinity), std::partial_ordering::greater);
  EXPECT_EQ(Compare(kMax, kNan), std::partial_ordering::unordered);
  EXPECT_EQ(Compare(kNan, kNan), std::partial_ordering::unordered);
}

TEST(NumberSet, FindsByValue) {
  const NumberSet set({3.0, std::int64_t{1}, 2.5, kTwoTo53 + 1, kNan});
  EXPECT_TRUE(set.Contains(std::int64_t{3}));
  EXPECT_TRUE(set.Contains(1.0));
  EXPECT_TRUE(set.Contains(2.5));
  EXPECT_TRUE(set.Contains(kTwoTo53 + 1));
  EXPECT_FALSE(set.Contains(static_cast<double>(kTwoTo53)));
  EXPECT_FALSE(set.Contains(std::int64_t{2}));
  EXPECT_FALSE(set.Contains(kNan));
  EXPECT_TRUE(NumberSet({kNan}).empty());
}

TEST(NumberOf, TakesNumbersOnly) {
  EXPECT_EQ(NumberOf(model::Value(7)), Number(std::int64_t{7}));
  EXPECT_EQ(NumberOf(model::Value(7.5)), Number(7.5));
  EXPECT_FALSE(NumberOf(model::Value("7")));
  EXPECT_FALSE(NumberOf(model::Value(true)));
  EXPECT_FALSE(NumberOf(model::Value()));
}

}  // namespace
}  // namespace guidon::eval
