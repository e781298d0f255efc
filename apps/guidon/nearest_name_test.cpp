// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/nearest_name.hpp"

#include <gtest/gtest.h>

namespace guidon::cli {
namespace {

TEST(NearestName, FindsTypingMistakesOnly) {
  const std::vector<std::string> names = {"listen", "log.level", "store", "data"};
  EXPECT_EQ(NearestName("lisen", names), "listen");
  EXPECT_EQ(NearestName("log.lvel", names), "log.level");
  EXPECT_EQ(NearestName("date", names), "data");
  EXPECT_EQ(NearestName("dtaa", names), "data");
  EXPECT_EQ(NearestName("colour", names), "");
  EXPECT_EQ(NearestName("", names), "");
}

}  // namespace
}  // namespace guidon::cli
