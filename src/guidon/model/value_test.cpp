// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/value.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "guidon/model/testing/generators.hpp"

namespace guidon::model {
namespace {

constexpr std::int64_t kTwo53 = 9007199254740992;

TEST(Value, ComparesIntegersAndDoublesExactly) {
  EXPECT_EQ(Value(1), Value(1.0));
  EXPECT_EQ(Value(0), Value(-0.0));
  EXPECT_NE(Value(1), Value(1.5));
  EXPECT_NE(Value(1), Value(true));
  EXPECT_NE(Value(1), Value("1"));
  EXPECT_EQ(Value(kTwo53), Value(9007199254740992.0));
  // As doubles both sides would be 2^53.
  EXPECT_NE(Value(kTwo53 + 1), Value(9007199254740992.0));
  EXPECT_NE(Value(9007199254740992.0), Value(kTwo53 + 1));
  EXPECT_EQ(Value(std::numeric_limits<std::int64_t>::min()), Value(-9223372036854775808.0));
  EXPECT_NE(Value(std::numeric_limits<std::int64_t>::max()), Value(9223372036854775808.0));
  EXPECT_NE(Value(1), Value(std::nan("")));
  EXPECT_NE(Value(std::numeric_limits<std::int64_t>::max()), Value(std::numeric_limits<double>::infinity()));
}

TEST(Value, ComparesNestedValues) {
  const Value a(List{Value(1), Value(List{}), Value("x")});
  EXPECT_EQ(a, Value(List{Value(1.0), Value(List{}), Value("x")}));
  EXPECT_NE(a, Value(List{Value(1), Value(List{}), Value("y")}));
  Object first;
  first.Set("n", 1);
  Object second;
  second.Set("n", 1.0);
  EXPECT_EQ(Value(first), Value(second));
}

TEST(Value, NamesItsType) {
  EXPECT_EQ(Value().TypeName(), "null");
  EXPECT_EQ(Value(false).TypeName(), "boolean");
  EXPECT_EQ(Value(1).TypeName(), "number");
  EXPECT_EQ(Value(1.5).TypeName(), "number");
  EXPECT_EQ(Value("").TypeName(), "string");
  EXPECT_EQ(Value(List{}).TypeName(), "list");
  EXPECT_EQ(Value(Object{}).TypeName(), "object");
}

TEST(Object, KeepsEachNameOnceAndSorted) {
  Object object;
  EXPECT_TRUE(object.Insert("b", 1));
  EXPECT_TRUE(object.Insert("a", 2));
  EXPECT_FALSE(object.Insert("b", 3));
  ASSERT_NE(object.Find("b"), nullptr);
  EXPECT_EQ(*object.Find("b"), Value(1));
  object.Set("b", 4);
  object.Set("c", 5);
  EXPECT_EQ(*object.Find("b"), Value(4));
  EXPECT_EQ(object.size(), 3);
  std::vector<std::string> names;
  for (const auto& [name, value] : object) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(object.Erase("a"));
  EXPECT_FALSE(object.Erase("a"));
  EXPECT_EQ(object.Find("a"), nullptr);
  EXPECT_EQ(object.size(), 2);
}

TEST(Object, FromEntriesSortsAndFindsTwins) {
  const auto object = Object::FromEntries({{"z", 1}, {"a", 2}, {"m", 3}});
  ASSERT_TRUE(object);
  EXPECT_EQ(object->begin()->first, "a");
  EXPECT_EQ(*object->Find("z"), Value(1));
  std::string duplicate;
  EXPECT_FALSE(Object::FromEntries({{"z", 1}, {"a", 2}, {"z", 3}}, &duplicate));
  EXPECT_EQ(duplicate, "z");
}

RC_GTEST_PROP(Object, FromEntriesEqualsInsertingOneByOne, ()) {
  const Object object = testing::DrawObject(2);
  std::vector<Object::Entry> entries(object.begin(), object.end());
  std::ranges::reverse(entries);
  const auto rebuilt = Object::FromEntries(entries);
  RC_ASSERT(rebuilt.has_value());
  RC_ASSERT(*rebuilt == object);
  RC_ASSERT(Object(*rebuilt).size() == entries.size());
}

struct StorableCase {
  Value value;
  std::string field;  // empty: storable
};

Value Nested(std::size_t depth) {
  Value value(1);
  for (std::size_t i = 0; i < depth; ++i) value = Value(List{value});
  return value;
}

TEST(CheckStorable, NamesWhatCannotBeStored) {
  Object object;
  object.Set("good", 1);
  object.Set("bad", List{Value(1), Value(std::nan(""))});
  Object bad_name;
  bad_name.Set("\xFF", 1);
  const std::vector<StorableCase> cases = {
      {.value = Value(), .field = ""},
      {.value = Value(0.0), .field = ""},
      {.value = Value(1e-130), .field = ""},
      {.value = Value(-9.9e125), .field = ""},
      {.value = Value("旗"), .field = ""},
      {.value = Nested(3), .field = ""},
      {.value = Nested(4), .field = "v[0][0][0]"},
      {.value = Value(std::nan("")), .field = "v"},
      {.value = Value(std::numeric_limits<double>::infinity()), .field = "v"},
      {.value = Value(9e-131), .field = "v"},
      {.value = Value(1e126), .field = "v"},
      {.value = Value("\xC3"), .field = "v"},
      {.value = Value(object), .field = "v.bad[1]"},
      {.value = Value(bad_name), .field = "v.?"},
  };
  for (const auto& [value, field] : cases) {
    const auto status = CheckStorable(value, 3, "v");
    EXPECT_EQ(status.has_value(), field.empty()) << value.TypeName() << ' ' << field;
    if (!status) {
      EXPECT_EQ(status.error().field, field);
      EXPECT_EQ(status.error().code, base::ErrorCode::kInvalidArgument);
    }
  }
}

}  // namespace
}  // namespace guidon::model
