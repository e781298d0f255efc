// SPDX-License-Identifier: Apache-2.0
#include "guidon/json/json.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "guidon/base/text.hpp"
#include "guidon/model/testing/generators.hpp"

namespace guidon::json {
namespace {

using base::ErrorCode;
using model::List;
using model::Object;
using model::Value;
using std::string_view_literals::operator""sv;

Value Parsed(std::string_view text) {
  const auto value = Parse(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value.value_or(Value());
}

Object With(std::string name, Value value) {
  Object object;
  object.Insert(std::move(name), std::move(value));
  return object;
}

TEST(Parse, ReadsEveryKindOfValue) {
  const std::vector<std::pair<std::string, Value>> cases = {
      {"null", Value()},
      {" true ", true},
      {"false", false},
      {"0", 0},
      {"-0", 0},
      {"1.5e3", 1500},
      {"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
      {"-9223372036854775808", std::numeric_limits<std::int64_t>::min()},
      {R"("a\"\\\/\b\f\n\r\t\u0041\ud83d\udea9")", "a\"\\/\b\f\n\r\tA\U0001F6A9"},
      {"\"日本\"", "日本"},
      {R"("\u0000")", std::string("\0"sv)},
      {"[]", List{}},
      {"[1,[2],{}]", List{Value(1), Value(List{Value(2)}), Value(Object{})}},
      {R"({"b":1,"a":{"":null}})", [] {
         Object object = With("a", With("", Value()));
         object.Insert("b", 1);
         return object;
       }()}};
  for (const auto& [text, value] : cases) EXPECT_EQ(Parsed(text), value) << text;
}

TEST(Parse, KeepsIntegersWithin64BitsAndTurnsLargerOnesIntoDoubles) {
  EXPECT_NE(Parsed("9223372036854775807").AsInteger(), nullptr);
  EXPECT_NE(Parsed("1.0").AsDouble(), nullptr);
  const std::vector<std::pair<std::string, double>> cases = {{"9223372036854775808", 9223372036854775808.0},
                                                             {"18446744073709551615", 18446744073709551615.0},
                                                             {"18446744073709551616", 18446744073709551616.0},
                                                             {"-9223372036854775809", -9223372036854775809.0},
                                                             {"123456789012345678901234567890", 1.2345678901234568e29}};
  for (const auto& [text, number] : cases) {
    const Value value = Parsed(text);
    ASSERT_NE(value.AsDouble(), nullptr) << text;
    EXPECT_EQ(*value.AsDouble(), number) << text;
  }
  // Only the number itself is touched: not its twin in a string, not its neighbours.
  const Value mixed = Parsed(R"(["18446744073709551616","\"18446744073709551616\\",-5,18446744073709551616,7])");
  EXPECT_EQ(mixed, Value(List{Value("18446744073709551616"), Value("\"18446744073709551616\\"), Value(-5),
                              Value(18446744073709551616.0), Value(7)}));
}

TEST(Parse, RefusesWhatIsNotJson) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "ends too early at line 1, column 1"},
      {"  \n ", "ends too early at line 2, column 2"},
      {"{", "ends too early at line 1, column 2"},
      {"{\"a\"", "ends too early at line 1, column 5"},
      {"{\"a\":\n  1,\n  b}", "expected a name in quotes at line 3, column 3"},
      {"{\"a\":1,}", "expected a name in quotes at line 1, column 8"},
      {"{\"a\" 1}", "expected ':' at line 1, column 6"},
      {"[1 2]", "expected ',' or ']' at line 1, column 4"},
      {"[1,]", "unexpected character at line 1, column 4"},
      {"[1", "ends too early at line 1, column 3"},
      {"{\"a\":1 \"b\":2}", "expected ',' or '}' at line 1, column 8"},
      {"nul", "ends too early at line 1, column 4"},
      {"nulL", "unexpected character at line 1, column 4"},
      {"NaN", "unexpected character at line 1, column 1"},
      {"Infinity", "unexpected character at line 1, column 1"},
      {"'a'", "unexpected character at line 1, column 1"},
      {"01", "after the end of the document at line 1, column 2"},
      {"1.", "ends too early at line 1, column 3"},
      {"1.e5", "expected a digit at line 1, column 3"},
      {"-", "ends too early at line 1, column 2"},
      {"+1", "unexpected character at line 1, column 1"},
      {"1 2", "after the end of the document at line 1, column 3"},
      {"{} {}", "after the end of the document at line 1, column 4"},
      {"\"a", "ends too early at line 1, column 3"},
      {"\"a\nb\"", "control character in a string at line 1, column 3"},
      {R"("\x")", "wrong escape in a string at line 1, column 3"},
      {R"("\u12G4")", "wrong escape in a string at line 1, column 6"},
      {R"("\ud800")", "a character that does not exist"},
      {R"("\udc00")", "a character that does not exist"},
      {"\"\xFF\"", "not valid UTF-8 at line 1, column 2"},
      {"\"\xC0\xAF\"", "not valid UTF-8 at line 1, column 2"},
      {"\"\xED\xA0\x80\"", "not valid UTF-8 at line 1, column 2"},
      {"\xEF\xBB\xBF{}", "unexpected character at line 1, column 1"},
      {std::string("{}\0"sv), "after the end of the document at line 1, column 3"},
      {"1e400", "a number too large"},
      {"-1e400", "a number too large"},
      {std::string(400, '9'), "a number too large"},
      {std::string("\xFE\xFF\0{\0}", 6), "unexpected character at line 1, column 1"},
  };
  for (const auto& [text, message] : cases) {
    const auto value = Parse(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::kMalformed) << text;
    EXPECT_NE(value.error().message.find(message), std::string::npos) << text << ": " << value.error().message;
    EXPECT_TRUE(base::IsUtf8(value.error().message));
  }
}

TEST(Parse, EveryTruncationOfADocumentIsRefused) {
  constexpr std::string_view kDocument = R"({"a":[1,-2.5e-3,true,null,"\u00e9日"],"b":{"c":{}}})";
  Parsed(kDocument);
  for (std::size_t size = 0; size < kDocument.size(); ++size)
    EXPECT_FALSE(Parse(kDocument.substr(0, size))) << kDocument.substr(0, size);
}

TEST(Parse, NamesTheDuplicate) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"a":1,"a":1})", "a"},
      {R"({"a":1,"\u0061":2})", "a"},
      {R"({"x":[{},{"y":{"z":1,"b":2,"z":3}}]})", "x[1].y.z"},
      {R"([{"":1,"":2}])", "[0]"},
  };
  for (const auto& [text, field] : cases) {
    const auto value = Parse(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::kMalformed);
    EXPECT_EQ(value.error().field, field);
  }
}

std::string Repeat(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

TEST(Parse, LimitsDepth) {
  EXPECT_TRUE(Parse(Repeat("[", 32) + Repeat("]", 32)));
  EXPECT_TRUE(Parse(Repeat("[", 31) + "1" + Repeat("]", 31), {.depth_max = 31}));
  for (const auto& deep : {Repeat("[", 33) + Repeat("]", 33), Repeat("{\"a\":", 33) + "1" + Repeat("}", 33),
                           Repeat("[", 1024) + Repeat("]", 1024), Repeat("[", 100'000) + Repeat("]", 100'000),
                           Repeat("[", 500'000), Repeat("{\"a\":[", 100'000)}) {
    const auto value = Parse(deep);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, ErrorCode::kMalformed);
  }
  EXPECT_EQ(Parse(R"([{"a":[1]}])", {.depth_max = 2}).error().field, "[0].a");
}

TEST(Parse, LimitsSize) {
  const std::string text = '"' + std::string(98, 'x') + '"';
  EXPECT_TRUE(Parse(text, {.bytes_max = 100}));
  const auto large = Parse(text, {.bytes_max = 99});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Parse(std::string(2UL * 1024 * 1024, ' ')).error().code, ErrorCode::kTooLarge);
  // A large document that is within the limit, after and before small ones.
  const std::string list = "[" + Repeat("1,", 300'000) + "1]";
  EXPECT_EQ(Parsed(list).AsList()->size(), 300'001);
  EXPECT_EQ(Parsed("[1]"), Value(List{Value(1)}));
}

// Names in an order that would make inserting one by one quadratic: a body of a megabyte must not hold a thread up.
TEST(Parse, TakesManyNames) {
  std::string text = "{";
  for (int i = 90'000; i > 0; --i) text += "\"n" + std::to_string(i) + "\":" + (i > 1 ? "1," : "1}");
  EXPECT_EQ(Parsed(text).AsObject()->size(), 90'000);
}

TEST(Write, IsCompactAndEscapes) {
  const std::vector<std::pair<Value, std::string>> cases = {
      {Value(), "null"},
      {true, "true"},
      {false, "false"},
      {0, "0"},
      {std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"},
      {0.1, "0.1"},
      {12.345, "12.345"},
      {50.0, "50"},
      {1e22, "1e+22"},
      {std::numeric_limits<double>::quiet_NaN(), "null"},
      {"", R"("")"},
      {"a\"b\\c/\b\f\n\r\t\x01\x1f\x7f", "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
      {std::string("\0"sv), R"("\u0000")"},
      {"日本\u2028", "\"日本\u2028\""},
      {List{Value(1), Value("x"), Value(List{})}, R"([1,"x",[]])"},
      {Object{}, "{}"},
      {With("a\n", List{Value()}), R"({"a\n":[null]})"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(Write(value), text);
  std::string out = "x";
  Append(out, Value(1));
  AppendQuoted(out, "\"");
  EXPECT_EQ(out, "x1\"\\\"\"");
}

RC_GTEST_PROP(Write, ReadsBackEqual, ()) {
  const Value value = *model::testing::AnyValue();
  const auto again = Parse(Write(value));
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == value);
}

RC_GTEST_PROP(Write, EveryFiniteDoubleReadsBackEqual, (double number)) {
  RC_PRE(std::isfinite(number));
  const auto again = Parse(Write(Value(number)));
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == Value(number));
}

RC_GTEST_PROP(Parse, NeverReadsBytesThatAreNotJsonAsSomethingElse, (const std::string& bytes)) {
  const auto value = Parse(bytes);
  if (value) {
    RC_ASSERT(Parse(Write(*value)).value() == *value);
  } else {
    RC_ASSERT(base::IsUtf8(value.error().message));
  }
}

// RFC 7396, appendix A.
TEST(MergePatch, FollowsTheRfcsExamples) {
  const std::vector<std::vector<std::string>> cases = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
      // The example of section 3.
      {R"({"title":"Goodbye!","author":{"givenName":"John","familyName":"Doe"},"tags":["example","sample"],"content":"x"})",
       R"({"title":"Hello!","phoneNumber":"+01","author":{"familyName":null},"tags":["example"]})",
       R"({"title":"Hello!","author":{"givenName":"John"},"tags":["example"],"content":"x","phoneNumber":"+01"})"},
  };
  for (const auto& each : cases)
    EXPECT_EQ(Write(MergePatch(Parsed(each[0]), Parsed(each[1]))), Write(Parsed(each[2]))) << each[0] << ' ' << each[1];
}

RC_GTEST_PROP(MergePatch, IsIdempotent, ()) {
  const Value target = *model::testing::AnyValue();
  const Value patch = *model::testing::AnyValue();
  const Value once = MergePatch(target, patch);
  RC_ASSERT(MergePatch(once, patch) == once);
}

}  // namespace
}  // namespace guidon::json
