// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/semver.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace guidon::eval {
namespace {

TEST(SemVer, OrdersAsTheSpecificationDoes) {
  // The chains of semver.org section 11, and numbers beyond 64 bits.
  const std::vector<std::string_view> ascending = {"0.0.0-0",
                                                   "0.0.0",
                                                   "0.9.9",
                                                   "1.0.0-alpha",
                                                   "1.0.0-alpha.1",
                                                   "1.0.0-alpha.beta",
                                                   "1.0.0-beta",
                                                   "1.0.0-beta.2",
                                                   "1.0.0-beta.11",
                                                   "1.0.0-rc.1",
                                                   "1.0.0",
                                                   "1.0.1",
                                                   "1.1.0",
                                                   "1.10.0",
                                                   "2.0.0",
                                                   "2.1.0",
                                                   "2.1.1",
                                                   "10.0.0",
                                                   "99999999999999999999.0.0"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      const auto a = ParseSemVer(ascending[i]);
      const auto b = ParseSemVer(ascending[j]);
      ASSERT_TRUE(a && b) << ascending[i] << " " << ascending[j];
      EXPECT_EQ(Compare(*a, *b), i <=> j) << ascending[i] << " " << ascending[j];
    }
  }
}

TEST(SemVer, FillsInWhatIsLeftOutAndIgnoresBuilds) {
  const auto equal = [](std::string_view a, std::string_view b) {
    return Compare(*ParseSemVer(a), *ParseSemVer(b)) == 0;
  };
  EXPECT_TRUE(equal("1", "1.0.0"));
  EXPECT_TRUE(equal("v1.2", "1.2.0"));
  EXPECT_TRUE(equal("v1.2.3", "1.2.3"));
  EXPECT_TRUE(equal("2-rc.1", "2.0.0-rc.1"));
  EXPECT_TRUE(equal("1.2.3+build.007", "1.2.3"));
  EXPECT_TRUE(equal("1.2.3-a-b", "1.2.3-a-b+c-d"));
  EXPECT_FALSE(equal("1.2.3-A", "1.2.3-a"));
}

TEST(SemVer, RefusesWhatIsNoVersion) {
  for (const std::string_view text :
       {"",       "v",      "1.",     ".1",       "1.2.",       "1..3",    "1.2.3.4",    "01.2.3",
        "1.02.3", "1.2.03", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "1.2.3+",  "1.2.3+a..b", "1.2.3-a_b",
        " 1.2.3", "1.2.3 ", "1.x",    "-1.2.3",   "vv1",        "1.2.3-é", "latest"})
    EXPECT_FALSE(ParseSemVer(text)) << text;
}

}  // namespace
}  // namespace guidon::eval
