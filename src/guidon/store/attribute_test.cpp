// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/attribute.hpp"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "guidon/store/table.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;

std::size_t SizeOfValue(AttributeValue value) { return ItemSize({{"a", std::move(value)}}) - 1; }

AttributeValue Nested(std::size_t levels) {
  AttributeValue value = "core";
  for (std::size_t i = 0; i < levels; ++i) value = AttributeList{value};
  return value;
}

Item With(AttributeValue value) { return {{"PK", "p"}, {"SK", "s"}, {"x", std::move(value)}}; }

base::ErrorCode CodeOf(const Item& item) {
  const auto status = ValidateItem(item);
  EXPECT_FALSE(status.has_value());
  if (status) return ErrorCode::kInternal;
  EXPECT_EQ(status.error().field, "x");
  return status.error().code;
}

TEST(AttributeMap, KeepsNamesSortedAndOnce) {
  AttributeMap map{{"b", "1"}, {"a", "2"}, {"b", "3"}};
  ASSERT_EQ(map.size(), 2U);
  EXPECT_EQ(map.begin()->first, "a");
  EXPECT_EQ(*map.Find("b")->AsString(), "3");
  map.Set("aa", true);
  map.Set("a", false);
  EXPECT_EQ(map, (AttributeMap{{"a", false}, {"aa", true}, {"b", "3"}}));
  EXPECT_TRUE(map.Erase("aa"));
  EXPECT_FALSE(map.Erase("aa"));
  EXPECT_EQ(map.Find("aa"), nullptr);
  EXPECT_EQ(map.size(), 2U);
}

TEST(Number, FromInteger) {
  EXPECT_EQ(Number::From(std::int64_t{0}).text, "0");
  EXPECT_EQ(Number::From(std::numeric_limits<std::int64_t>::min()).text, "-9223372036854775808");
  EXPECT_EQ(Number::From(std::numeric_limits<std::int64_t>::min()).AsInt64(), std::numeric_limits<std::int64_t>::min());
}

TEST(Number, FromDoubleIsTheShortestTextThatReadsBack) {
  EXPECT_EQ(Number::From(0.1).text, "0.1");
  EXPECT_EQ(Number::From(-0.0).text, "0");
  EXPECT_EQ(Number::From(33.333).text, "33.333");
  EXPECT_EQ(Number::From(100000.0).text, "100000");
  EXPECT_EQ(Number::From(1e21).text, "1000000000000000000000");
  EXPECT_EQ(Number::From(1e22).text, "1E22");
  EXPECT_EQ(Number::From(-1.25e-9).text, "-1.25E-9");
  EXPECT_EQ(Number::From(1e-7).text, "0.0000001");
  for (const double value : {1.0 / 3, 1e-120, 1.7976931348623157e100, -123456.789}) {
    EXPECT_EQ(std::stod(Number::From(value).text), value);
    EXPECT_TRUE(ValidateItem(With(Number::From(value))).has_value());
  }
}

TEST(Number, AsInt64TakesWholeNumbersThatFit) {
  EXPECT_EQ(Number{"1E3"}.AsInt64(), 1000);
  EXPECT_EQ(Number{"-12.00"}.AsInt64(), -12);
  EXPECT_EQ(Number{"9223372036854775807"}.AsInt64(), std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"9223372036854775808", "1.5", "1E19", "", "abc", "0x10", "1E-1"}) {
    EXPECT_EQ(Number{text}.AsInt64(), std::nullopt) << text;
  }
}

TEST(Number, IsComparedByValue) {
  EXPECT_EQ(Number{"1E2"}, Number{"100.00"});
  EXPECT_EQ(Number{"-0"}, Number{"0.0"});
  EXPECT_EQ(Number{"00.50"}, Number{"5e-1"});
  EXPECT_NE(Number{"1"}, Number{"-1"});
  EXPECT_NE(Number{"1"}, Number{"10"});
  EXPECT_NE(Number{"nonsense"}, Number{"0"});
}

// The rule as documented by Amazon ("DynamoDB item sizes and formats"), worked out by hand.
TEST(ItemSize, OfEachType) {
  EXPECT_EQ(SizeOfValue(""), 0U);
  EXPECT_EQ(SizeOfValue("abc"), 3U);
  EXPECT_EQ(SizeOfValue("\u00fc\u3042\U0001F6A9"), 2U + 3 + 4);
  EXPECT_EQ(SizeOfValue(Binary{"12345"}), 5U);
  EXPECT_EQ(SizeOfValue(true), 1U);
  EXPECT_EQ(SizeOfValue(Null{}), 1U);
  EXPECT_EQ(SizeOfValue(StringSet{"a", "bcd"}), 4U);
}

TEST(ItemSize, OfNumbersIsHalfTheSignificantDigitsAndOne) {
  const auto size = [](const char* text) { return SizeOfValue(Number{text}); };
  EXPECT_EQ(size("0"), 1U);
  EXPECT_EQ(size("7"), 2U);
  EXPECT_EQ(size("42"), 2U);
  EXPECT_EQ(size("123"), 3U);
  EXPECT_EQ(size("-123"), 4U);
  EXPECT_EQ(size("1000000"), 2U);   // trailing zeros are trimmed
  EXPECT_EQ(size("0.000001"), 2U);  // leading ones too
  EXPECT_EQ(size("33.333"), 4U);
  EXPECT_EQ(size("12345678901234567890123456789012345678"), 20U);
}

TEST(ItemSize, OfListsAndMapsHasThreeBytesAndOneForEachElement) {
  EXPECT_EQ(SizeOfValue(AttributeList{}), 3U);
  EXPECT_EQ(SizeOfValue(AttributeMap{}), 3U);
  EXPECT_EQ(SizeOfValue(AttributeList{"ab", true}), 3U + (1 + 2) + (1 + 1));
  EXPECT_EQ(SizeOfValue(AttributeMap{{"key", "ab"}}), 3U + (1 + 3 + 2));
  EXPECT_EQ(SizeOfValue(AttributeMap{{"m", AttributeMap{{"n", Number{"5"}}}}}), 3U + (1 + 1 + 3 + (1 + 1 + 2)));
}

TEST(ItemSize, OfAPlainFlag) {
  const Item flag{{"PK", "FLAG#dev#checkout"},                // 2 + 17
                  {"SK", "METADATA"},                         // 2 + 8
                  {"flagKey", "checkout"},                    // 7 + 8
                  {"description", "new checkout"},            // 11 + 12
                  {"defaultEnabled", true},                   // 14 + 1
                  {"owner", "team-a"},                        // 5 + 6
                  {"createdAt", "2026-11-22T04:23:00.123Z"},  // 9 + 24
                  {"rolloutPercentage", Number{"12.5"}},      // 17 + 3
                  {"tags", AttributeList{"a", "bc"}}};        // 4 + 3 + 2 + 3
  EXPECT_EQ(ItemSize(flag), 19U + 10 + 15 + 23 + 15 + 11 + 33 + 20 + 12);
}

TEST(ValidateItem, AcceptsWhatDynamoDbAccepts) {
  EXPECT_TRUE(ValidateItem(With("")).has_value());
  EXPECT_TRUE(ValidateItem(With(Nested(32))).has_value());
  EXPECT_TRUE(ValidateItem(With(StringSet{"", "a"})).has_value());
  for (const char* number : {"0", "-1.5", "+2", "1E-130", "9.9999999999999999999999999999999999999E125", "0E999", ".5",
                             "5.", "12345678901234567890123456789012345678"}) {
    EXPECT_TRUE(ValidateItem(With(Number{number})).has_value()) << number;
  }
}

TEST(ValidateItem, RefusesWhatIsNoNumber) {
  for (const char* number : {"", "NaN", "Infinity", "1e", "e5", ".", "-", "--1", "1 ", " 1", "0x1", "1E126", "1E-131",
                             "1.2.3", "1e5.0", "1e+-5", "123456789012345678901234567890123456789", "1E99999999999"}) {
    EXPECT_EQ(CodeOf(With(Number{number})), ErrorCode::kInvalidArgument) << number;
    EXPECT_EQ(CodeOf(With(AttributeMap{{"deep", AttributeList{Number{number}}}})), ErrorCode::kInvalidArgument);
  }
}

TEST(ValidateItem, RefusesBadTextSetsAndDepth) {
  EXPECT_EQ(CodeOf(With("\xc3")), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(With(AttributeMap{{"\xff", true}})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(With(AttributeMap{{"", true}})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(With(StringSet{})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(With(StringSet{"b", "a"})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(With(StringSet{"a", "a"})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(With(Nested(33))), ErrorCode::kInvalidArgument);
}

TEST(ValidateItem, LimitsTheSizeAndNamesTheLargestAttribute) {
  const std::size_t others = ItemSize(With(""));
  EXPECT_TRUE(ValidateItem(With(std::string(kItemBytesMax - others, 'x'))).has_value());
  EXPECT_EQ(CodeOf(With(std::string(kItemBytesMax - others + 1, 'x'))), ErrorCode::kTooLarge);
}

TEST(ValidateItem, ChecksIndexKeysOneByOne) {
  for (const char* name : {"GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK", "GSI3PK", "GSI3SK"}) {
    for (const AttributeValue& value :
         {AttributeValue(""), AttributeValue(true), AttributeValue(std::string(2049, 'x'))}) {
      Item item = With("");
      item.Set(name, value);
      const auto status = ValidateItem(item);
      ASSERT_FALSE(status.has_value());
      EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
      EXPECT_EQ(status.error().field, name);
    }
  }
}

TEST(IndexNames, AreThoseOfTheDataModel) {
  EXPECT_EQ(NameOf(Index::kTable), "");
  EXPECT_EQ(NameOf(Index::kGsi1Flags), "GSI1-FLAGS-INDEX");
  EXPECT_EQ(NameOf(Index::kGsi2Owner), "GSI2-OWNER-INDEX");
  EXPECT_EQ(NameOf(Index::kGsi3Tenant), "GSI3-TENANT-INDEX");
  EXPECT_EQ(AttributesOf(Index::kTable).partition, "PK");
  EXPECT_EQ(AttributesOf(Index::kGsi3Tenant).sort, "GSI3SK");
}

}  // namespace
}  // namespace guidon::store
