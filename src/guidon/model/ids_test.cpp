// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/ids.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace guidon::model {
namespace {

using std::string_view_literals::operator""sv;

template <class Id>
void ExpectGood(const std::vector<std::string>& texts) {
  for (const auto& text : texts) {
    const auto id = Id::Parse(text);
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(id->str(), text);
  }
}

template <class Id>
void ExpectBad(const std::vector<std::string>& texts, std::string_view field) {
  for (const auto& text : texts) {
    const auto id = Id::Parse(text);
    ASSERT_FALSE(id) << text;
    EXPECT_EQ(id.error().field, field);
    EXPECT_EQ(id.error().code, base::ErrorCode::kInvalidArgument) << text;
  }
}

// What no id may hold: it could change the meaning of a table key or a log line.
std::vector<std::string> Hostile() {
  return {"",   "a#b", "#a", " a",  "a b",   "a\nb", std::string("a\0b"sv), "a/b", "é", "\xFF\xFE",
          ".a", "-a",  "_a", "a:b", "a\x7f", "a\xC3"};
}

TEST(Ids, FlagKeys) {
  ExpectGood<FlagKey>({"a", "0", "new-checkout", "A.b_c-9", std::string(128, 'x')});
  ExpectBad<FlagKey>(Hostile(), "flagKey");
  ExpectBad<FlagKey>({std::string(129, 'x')}, "flagKey");
}

TEST(Ids, SegmentKeys) {
  ExpectGood<SegmentKey>({"beta-testers", std::string(128, 'x')});
  ExpectBad<SegmentKey>(Hostile(), "segmentKey");
  ExpectBad<SegmentKey>({std::string(129, 'x')}, "segmentKey");
}

TEST(Ids, TenantIds) {
  ExpectGood<TenantId>({"acme", "T-1.a_b", std::string(64, 'x')});
  ExpectBad<TenantId>(Hostile(), "tenantId");
  ExpectBad<TenantId>({std::string(65, 'x')}, "tenantId");
}

TEST(Ids, VariationNames) {
  ExpectGood<VariationName>({"on", "blue.2", std::string(64, 'x')});
  ExpectBad<VariationName>(Hostile(), "variation");
  ExpectBad<VariationName>({std::string(65, 'x')}, "variation");
}

TEST(Ids, Environments) {
  ExpectGood<Environment>({"local", "dev", "prod-eu-1", "0", std::string(32, 'x')});
  ExpectBad<Environment>(Hostile(), "environment");
  ExpectBad<Environment>({"Prod", "a.b", "a_b", std::string(33, 'x')}, "environment");
}

TEST(Ids, Owners) {
  ExpectGood<Owner>({"team a", "taro@example.com", "決済チーム", "a:b/c", std::string(128, 'x')});
  ExpectBad<Owner>({"", "a#b", " a", "a ", "\u3000a", "a\u3000", "a\u00A0", "a\tb", std::string("a\0b"sv), "\xFF",
                    "a\x7f", std::string(129, 'x')},
                   "owner");
}

TEST(Ids, KeyIds) {
  ExpectGood<KeyId>({"0123456789abcdef", "abcdefgh", std::string(32, 'z')});
  ExpectBad<KeyId>({"", "abcdefg", std::string(33, 'z'), "ABCDEFGH", "abcdefg-", "abcd efgh", "abcdefg#"}, "keyId");
}

TEST(Ids, NameTheFieldThatTheCallerGives) {
  EXPECT_EQ(FlagKey::Parse("#", "prerequisites[0].flagKey").error().field, "prerequisites[0].flagKey");
}

}  // namespace
}  // namespace guidon::model
