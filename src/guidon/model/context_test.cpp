// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/context.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/model/limits.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;

Object With(std::string name, Value value) {
  Object object;
  object.Insert(std::move(name), std::move(value));
  return object;
}

Value Nested(std::size_t depth) {
  Value value(1);
  for (std::size_t i = 0; i < depth; ++i) value = Value(List{value});
  return value;
}

TEST(Context, HoldsWhatItWasGiven) {
  const auto context = Context::Create({.targeting_key = "user-1", .tenant_id = "acme", .attributes = With("age", 7)});
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(*context->targeting_key(), "user-1");
  EXPECT_EQ(*context->tenant_id(), "acme");
  EXPECT_EQ(*context->attributes().Find("age"), Value(7));
}

TEST(Context, IsEmptyByDefault) {
  const Context context;
  EXPECT_EQ(context.targeting_key(), nullptr);
  EXPECT_EQ(context.tenant_id(), nullptr);
  EXPECT_TRUE(context.attributes().empty());
}

struct BadCase {
  Context::Fields fields;
  std::string field;
  ErrorCode code = ErrorCode::kInvalidArgument;
};

TEST(Context, NamesTheAttributeAtFault) {
  Object many;
  for (std::size_t i = 0; i <= kContextAttributesMax; ++i) many.Insert("a" + std::to_string(i), 1);
  const std::vector<BadCase> cases = {
      {.fields = {.targeting_key = ""}, .field = "targetingKey"},
      {.fields = {.targeting_key = "\xFF"}, .field = "targetingKey"},
      {.fields = {.targeting_key = std::string(1025, 'x')}, .field = "targetingKey", .code = ErrorCode::kTooLarge},
      {.fields = {.tenant_id = ""}, .field = "tenantId"},
      {.fields = {.tenant_id = "a#b"}, .field = "tenantId"},
      {.fields = {.attributes = With("a", std::nan(""))}, .field = "a"},
      {.fields = {.attributes = With("a", List{Value(1), Value("\xFF")})}, .field = "a[1]"},
      {.fields = {.attributes = With("a", With("b", INFINITY))}, .field = "a.b"},
      {.fields = {.attributes = With("\xFF", 1)}, .field = "?"},
      {.fields = {.attributes = With("a", std::string(8193, 'x'))}, .field = "a", .code = ErrorCode::kTooLarge},
      {.fields = {.attributes = With(std::string(129, 'x'), 1)},
       .field = std::string(128, 'x') + "...",
       .code = ErrorCode::kTooLarge},
      {.fields = {.attributes = With("a", Nested(9))},
       .field = "a[0][0][0][0][0][0][0][0]",
       .code = ErrorCode::kTooLarge},
      {.fields = {.attributes = With("a", List(4096, Value(1)))}, .field = "a[4095]", .code = ErrorCode::kTooLarge},
      {.fields = {.attributes = many}, .field = "", .code = ErrorCode::kTooLarge},
  };
  for (const auto& [fields, field, code] : cases) {
    const auto context = Context::Create(fields);
    ASSERT_FALSE(context) << field;
    EXPECT_EQ(context.error().field, field);
    EXPECT_EQ(context.error().code, code) << field;
  }
}

TEST(Context, AcceptsTheLimitsThemselves) {
  EXPECT_TRUE(Context::Create({.targeting_key = std::string(1024, 'x')}));
  EXPECT_TRUE(Context::Create({.attributes = With("a", Nested(8))}));
  EXPECT_TRUE(Context::Create({.attributes = With("a", List(4095, Value(1)))}));
  EXPECT_TRUE(Context::Create({.attributes = With(std::string(128, 'x'), std::string(8192, 'x'))}));
}

}  // namespace
}  // namespace guidon::model
