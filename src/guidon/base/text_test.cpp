// SPDX-License-Identifier: Apache-2.0
#include "guidon/base/text.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "guidon/base/random.hpp"

namespace guidon::base {
namespace {

TEST(Text, AcceptsWellFormedUtf8Only) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8("日本語 \xF0\x9F\x9A\xA9"));
  EXPECT_TRUE(IsUtf8("\xF4\x8F\xBF\xBF"));
  for (const std::string bad : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                                "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE3\x81", "\xE3\x41\x82", "\xFF"}) {
    EXPECT_FALSE(IsUtf8(bad)) << ToHex(bad);
  }
}

TEST(Text, TrimsBothEndsOnly) {
  EXPECT_EQ(Trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(Trim("a"), "a");
  EXPECT_EQ(Trim(" \r\n"), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(Text, FindsControlCharacters) {
  EXPECT_FALSE(HasControlCharacter("a b 日本"));
  EXPECT_TRUE(HasControlCharacter(std::string_view("a\0b", 3)));
  EXPECT_TRUE(HasControlCharacter("a\nb"));
  EXPECT_TRUE(HasControlCharacter("\x7f"));
}

TEST(Text, Base64UrlMatchesRfc4648) {
  EXPECT_EQ(ToBase64Url(""), "");
  EXPECT_EQ(ToBase64Url("f"), "Zg");
  EXPECT_EQ(ToBase64Url("fo"), "Zm8");
  EXPECT_EQ(ToBase64Url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(ToBase64Url("\xFB\xFF"), "-_8");
}

TEST(Text, Base64UrlRoundTripsAndRefusesOtherSpellings) {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string bytes = RandomBytes(size);
    EXPECT_EQ(FromBase64Url(ToBase64Url(bytes)), bytes);
  }
  for (const std::string bad : {"A", "Zg==", "Z!", "Zh", "Zm9vY", "-_9"}) EXPECT_FALSE(FromBase64Url(bad)) << bad;
}

TEST(Text, FnvMatchesItsPublishedVectors) {
  EXPECT_EQ(Fnv1a64(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(Fnv1a64("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(Fnv1a64("foobar"), 0x85944171f73967e8ULL);
}

TEST(Random, IdsAreShortAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = RandomId();
    EXPECT_EQ(id.size(), 16U);
    EXPECT_TRUE(seen.insert(id).second);
  }
}

}  // namespace
}  // namespace guidon::base
