// SPDX-License-Identifier: Apache-2.0
#include "guidon/base/percent_encoding.hpp"

#include <gtest/gtest.h>

namespace guidon::base {
namespace {

TEST(PercentEncoding, LeavesUnreservedCharactersAlone) {
  EXPECT_EQ(PercentEncode(""), "");
  EXPECT_EQ(PercentEncode("AZaz09-._~"), "AZaz09-._~");
}

TEST(PercentEncoding, WritesEveryOtherByteInCapitals) {
  EXPECT_EQ(PercentEncode("a b+c/%#?&="), "a%20b%2Bc%2F%25%23%3F%26%3D");
  EXPECT_EQ(PercentEncode("日"), "%E6%97%A5");
  EXPECT_EQ(PercentEncode(std::string_view("\0\x1f\x7f", 3)), "%00%1F%7F");
}

}  // namespace
}  // namespace guidon::base
