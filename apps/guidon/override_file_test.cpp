// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/override_file.hpp"

#include <gtest/gtest.h>

#include "guidon/json/json.hpp"

namespace guidon::cli {
namespace {

std::string Parsed(std::string_view text) {
  const auto overrides = ParseOverrides(text);
  return overrides ? json::Write(*overrides) : "error: " + overrides.error().what;
}

TEST(ParseOverrides, ReadsCsv) {
  const std::string expected = R"([{"enabled":true,"tenantId":"a"},{"enabled":false,"tenantId":"b"}])";
  EXPECT_EQ(Parsed("tenantId,enabled\na,true\nb,false\n"), expected);
  EXPECT_EQ(Parsed("tenantId,enabled\r\na,true\r\n\r\n\"b\",\"false\""), expected);
  EXPECT_EQ(Parsed("\xef\xbb\xbftenantId,enabled\na,true\nb,false"), expected);
  EXPECT_EQ(Parsed("tenantId,variation\na,\"dark \"\"x\"\"\"\n"), R"([{"tenantId":"a","variation":"dark \"x\""}])");
}

TEST(ParseOverrides, ReadsJson) {
  const std::string expected = R"([{"tenantId":"a","variation":"x"}])";
  EXPECT_EQ(Parsed(R"([{"tenantId": "a", "variation": "x"}])"), expected);
  EXPECT_EQ(Parsed(R"( {"overrides": [{"tenantId": "a", "variation": "x"}]})"), expected);
}

TEST(ParseOverrides, NamesTheLineAtFault) {
  EXPECT_EQ(Parsed(""), "error: There are no overrides in it");
  EXPECT_EQ(Parsed("tenantId,enabled\n"), "error: There are no overrides in it");
  EXPECT_EQ(Parsed("a,true\n"), "error: Line 1: the head must be tenantId,enabled or tenantId,variation");
  EXPECT_EQ(Parsed("tenantId,enabled\na,true\nb\n"), "error: Line 3: 2 columns are needed, 1 are there");
  EXPECT_EQ(Parsed("tenantId,enabled\na,1\n"), "error: Line 2: enabled is '1', it must be true or false");
  EXPECT_EQ(Parsed("tenantId,enabled\na,true\na,false\n"), "error: Override 2: tenant a is there twice");
  EXPECT_EQ(Parsed("tenantId,enabled\na#b,true\n"), "error: Override 1 is not valid");
  EXPECT_EQ(Parsed(R"([{"tenantId": "a"}])"), "error: Override 1: it needs tenantId and either enabled or variation");
  EXPECT_EQ(Parsed(R"([{"tenantId": "a", "enabled": true, "variation": "x"}])"),
            "error: Override 1: it needs tenantId and either enabled or variation");
  EXPECT_EQ(Parsed("{\"a\": 1}"),
            "error: The overrides must be a JSON list, or an object with the list as \"overrides\"");
  EXPECT_EQ(Parsed("[1"), "error: The overrides are not JSON");
}

}  // namespace
}  // namespace guidon::cli
