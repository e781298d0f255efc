// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/field_path.hpp"

#include <string>

#include <gtest/gtest.h>

namespace guidon::model {
namespace {

base::Error ErrorAt(std::string field) { return {.message = "m", .field = std::move(field)}; }

TEST(FieldPath, JoinsNamesAndIndexes) {
  EXPECT_EQ(Below("a", ErrorAt("")).field, "a");
  EXPECT_EQ(Below("a", ErrorAt("b")).field, "a.b");
  EXPECT_EQ(Below("a", ErrorAt("[0].b")).field, "a[0].b");
  EXPECT_EQ(Below("", ErrorAt("b")).field, "b");
  EXPECT_EQ(At("a", 12, std::unexpected(ErrorAt("b"))).error().field, "a[12].b");
  EXPECT_EQ(At("", 0, std::unexpected(ErrorAt(""))).error().field, "[0]");
  EXPECT_TRUE(At("a", 0, base::Status{}));
  EXPECT_TRUE(At("a", base::Status{}));
}

TEST(FieldPath, ShowsHostileNamesSafely) {
  EXPECT_EQ(PathName("plain.日本"), "plain.日本");
  EXPECT_EQ(PathName("a\nb\x7f"), "a?b?");
  EXPECT_EQ(PathName("a\xFF"
                     "b"),
            "a?b");
  EXPECT_EQ(PathName(std::string(128, 'x')), std::string(128, 'x'));
  EXPECT_EQ(PathName(std::string(1000, 'x')), std::string(128, 'x') + "...");
  // Never cuts a character in two: 127 bytes, then one of three bytes.
  EXPECT_EQ(PathName(std::string(127, 'x') + "日本"), std::string(127, 'x') + "...");
}

}  // namespace
}  // namespace guidon::model
