// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_dynamodb/wire.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/json/json.hpp"

namespace guidon::store_dynamodb {
namespace {

using base::ErrorCode;
using store::AttributeList;
using store::AttributeMap;
using store::Item;
using store::Number;

std::string TextOf(const Item& item) {
  std::string out;
  AppendItem(out, item);
  return out;
}

base::Result<Item> Read(std::string_view text) { return ItemFrom(*json::Parse(text)); }

TEST(Wire, EveryTypeHasItsDocumentedForm) {
  const Item item{{"b", store::Binary{std::string("\0\xff", 2)}},
                  {"bool", true},
                  {"l", AttributeList{"x", false}},
                  {"m", AttributeMap{{"n", Number{"-1.5"}}}},
                  {"nil", store::Null{}},
                  {"s", "a\"b\n\u3042"},
                  {"ss", store::StringSet{"a", "b"}}};
  const std::string text = TextOf(item);
  EXPECT_EQ(
      text,
      R"({"b":{"B":"AP8="},"bool":{"BOOL":true},"l":{"L":[{"S":"x"},{"BOOL":false}]},"m":{"M":{"n":{"N":"-1.5"}}},)"
      "\"nil\":{\"NULL\":true},\"s\":{\"S\":\"a\\\"b\\n\u3042\"},\"ss\":{\"SS\":[\"a\",\"b\"]}}");
  EXPECT_EQ(*Read(text), item);
}

TEST(Wire, NumbersKeepTheirDigits) {
  const Item item{{"n", Number{"12345678901234567890123456789012345678"}}};
  EXPECT_EQ(Read(TextOf(item))->Find("n")->AsNumber()->text, "12345678901234567890123456789012345678");
}

TEST(Wire, SetsOfOtherTypesBecomeLists) {
  const auto item = Read(R"({"ns":{"NS":["1","2"]},"bs":{"BS":["AA=="]}})");
  ASSERT_TRUE(item.has_value());
  EXPECT_EQ(*item->Find("ns")->AsList(), (AttributeList{Number{"1"}, Number{"2"}}));
  EXPECT_EQ(*item->Find("bs")->AsList(), (AttributeList{store::Binary{std::string(1, '\0')}}));
}

TEST(Wire, WhatIsNoItemIsNamed) {
  for (const char* text : {R"({"a":"plain"})", R"({"a":{"S":"x","N":"1"}})", R"({"a":{"X":"y"}})", R"({"a":{"B":"?"}})",
                           R"({"a":{"S":1}})", R"({"a":{"SS":[1]}})", R"({"a":{"L":"x"}})"}) {
    const auto item = Read(text);
    ASSERT_FALSE(item.has_value()) << text;
    EXPECT_EQ(item.error().code, ErrorCode::kCorrupt) << text;
    EXPECT_EQ(item.error().field, "a") << text;
  }
  EXPECT_EQ(ParseAnswer("<html>").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(ParseAnswer("[]").error().code, ErrorCode::kUnavailable);
}

TEST(Wire, Base64IsTheStandardOne) {
  // RFC 4648 section 10.
  for (const auto& [plain, text] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(ToBase64(plain), text);
    EXPECT_EQ(FromBase64(text), plain);
  }
  EXPECT_EQ(ToBase64("\xff\xef\xfe"), "/+/+");
  for (const char* bad : {"Zg=", "Z", "Zm9v=", "Z m8", "Zg-_"}) EXPECT_EQ(FromBase64(bad), std::nullopt) << bad;
}

TEST(Wire, CapacityIsReadInEachOfItsForms) {
  const auto consumed = [](std::string_view text, bool writes) { return ConsumedIn(*ParseAnswer(text), writes); };
  EXPECT_EQ(consumed(R"({"ConsumedCapacity":{"TableName":"t","CapacityUnits":2.5}})", false),
            store::CapacityUnits{.read = 2.5});
  EXPECT_EQ(consumed(R"({"ConsumedCapacity":{"CapacityUnits":2}})", true), store::CapacityUnits{.write = 2});
  EXPECT_EQ(consumed(R"({"ConsumedCapacity":[{"CapacityUnits":1},{"CapacityUnits":2}]})", true),
            store::CapacityUnits{.write = 3});
  EXPECT_EQ(
      consumed(R"({"ConsumedCapacity":[{"CapacityUnits":6,"WriteCapacityUnits":4,"ReadCapacityUnits":2}]})", true),
      (store::CapacityUnits{.read = 2, .write = 4}));
  EXPECT_EQ(consumed("{}", true), store::CapacityUnits{});
}

}  // namespace
}  // namespace guidon::store_dynamodb
