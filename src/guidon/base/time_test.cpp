// SPDX-License-Identifier: Apache-2.0
#include "guidon/base/time.hpp"

#include <string>

#include <gtest/gtest.h>

namespace guidon::base {
namespace {

TEST(Time, FormatsUtcWithMilliseconds) {
  const Timestamp time{std::chrono::milliseconds{1795321380123}};
  EXPECT_EQ(FormatTimestamp(time), "2026-11-22T04:23:00.123Z");
  EXPECT_EQ(FormatDate(time), "2026-11-22");
  EXPECT_EQ(FormatTimestamp(Timestamp{}), "1970-01-01T00:00:00.000Z");
}

TEST(Time, ParsesWhatItFormats) {
  for (const std::string text : {"1970-01-01T00:00:00.000Z", "2026-11-22T04:23:00.123Z", "9999-12-31T23:59:59.999Z"}) {
    const auto time = ParseTimestamp(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(FormatTimestamp(*time), text);
  }
}

TEST(Time, UnderstandsZonesAndFractions) {
  EXPECT_EQ(FormatTimestamp(*ParseTimestamp("2026-11-22T13:23:00+09:00")), "2026-11-22T04:23:00.000Z");
  EXPECT_EQ(FormatTimestamp(*ParseTimestamp("2026-11-21T23:23:00.5-05:00")), "2026-11-22T04:23:00.500Z");
  EXPECT_EQ(FormatTimestamp(*ParseTimestamp("2026-11-22T04:23:00.123999999Z")), "2026-11-22T04:23:00.123Z");
}

TEST(Time, RefusesTimesThatDoNotExist) {
  for (const std::string text :
       {"", "2026", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z", "2026-11-31T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T23:60:00Z", "2026-11-22T23:59:60Z", "2026-11-22 04:23:00Z",
        "2026-11-22T04:23:00", "2026-11-22T04:23:00.Z", "2026-11-22T04:23:00+0900", "2026-11-22T04:23:00Zx",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00", "+2026-11-22T04:23:00Z", "9999-12-31T23:59:59-01:00"}) {
    const auto time = ParseTimestamp(text, "expiresAt");
    ASSERT_FALSE(time) << text;
    EXPECT_EQ(time.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(time.error().field, "expiresAt");
  }
}

TEST(Time, ParsesDates) {
  EXPECT_EQ(FormatTimestamp(*ParseDate("2024-02-29")), "2024-02-29T00:00:00.000Z");
  EXPECT_FALSE(ParseDate("2023-02-29"));
  EXPECT_FALSE(ParseDate("2024-02-29T"));
}

}  // namespace
}  // namespace guidon::base
