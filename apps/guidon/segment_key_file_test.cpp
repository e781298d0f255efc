// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/segment_key_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guidon::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string WhatIsWrong(std::string_view text) {
  const auto keys = ParseSegmentKeys(text);
  return keys ? "nothing" : keys.error().what;
}

TEST(SegmentKeyFile, ReadsLines) {
  EXPECT_THAT(*ParseSegmentKeys("u2\nu1\r\n\nu2\n u 3 "), ElementsAre(" u 3 ", "u1", "u2"));
  EXPECT_THAT(*ParseSegmentKeys("\xef\xbb\xbfu1\n"), ElementsAre("u1"));
  EXPECT_THAT(*ParseSegmentKeys("a,b"), ElementsAre("a,b"));
  EXPECT_THAT(*ParseSegmentKeys("17"), ElementsAre("17"));
}

TEST(SegmentKeyFile, ReadsJsonLines) {
  EXPECT_THAT(*ParseSegmentKeys("\"u2\"\n\"a\\nb\"\n{\"key\":\"u1\",\"more\":1}\n"), ElementsAre("a\nb", "u1", "u2"));
}

TEST(SegmentKeyFile, NamesTheLineAtFault) {
  EXPECT_EQ(WhatIsWrong(""), "There are no keys in it");
  EXPECT_EQ(WhatIsWrong("\n\r\n"), "There are no keys in it");
  EXPECT_THAT(WhatIsWrong("ok\n" + std::string(1025, 'x')), HasSubstr("Line 2"));
  EXPECT_THAT(WhatIsWrong("ok\n\xff"), HasSubstr("Line 2 is no key: it is not UTF-8"));
  EXPECT_THAT(WhatIsWrong("\"a\"\nb"), HasSubstr("Line 2 is no key: it is not JSON"));
  EXPECT_THAT(WhatIsWrong("{\"name\":\"a\"}"), HasSubstr("Line 1 is no key: it has no text"));
  EXPECT_THAT(WhatIsWrong("\"\""), HasSubstr("it is empty"));
}

}  // namespace
}  // namespace guidon::cli
