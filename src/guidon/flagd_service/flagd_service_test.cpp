// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "guidon/flagd_service/answers.hpp"
#include "guidon/flagd_service/scope.hpp"
#include "guidon/flagd_service/status.hpp"

namespace guidon::flagd_service {
namespace {

using base::ErrorCode;
using model::Value;

TEST(Selector, NamesEnvironmentAndTenant) {
  for (const char* text : {"flagSetId=staging/acme", "staging/acme"}) {
    const auto selector = ParseSelector(text);
    ASSERT_TRUE(selector.has_value()) << text;
    EXPECT_EQ(selector->environment, "staging");
    EXPECT_EQ(selector->tenant, "acme");
  }
  EXPECT_EQ(ParseSelector("")->environment, "");
  EXPECT_EQ(ParseSelector("flagSetId=")->environment, "");
  for (const char* text : {"source=git", "a/b/c", "staging/", "/acme", "STAGING", "staging/a#b", " staging"})
    EXPECT_EQ(ParseSelector(text).error().code, ErrorCode::kInvalidArgument) << text;
}

TEST(Scope, TheSelectorDecidesThenTheKeyThenTheDefault) {
  const app::Principal key{
      .kind = app::PrincipalKind::kServer, .id = "k", .environment = "staging", .tenant_id = "acme"};
  EXPECT_EQ(ScopeOf({}, {}, "development").environment, "development");
  EXPECT_EQ(ScopeOf({}, key, "development").environment, "staging");
  EXPECT_EQ(ScopeOf({}, key, "development").tenant, "acme");
  EXPECT_EQ(ScopeOf({.environment = "production", .tenant = "globex"}, key, "development").environment, "production");
  // It says what is asked for, not what is allowed.
  EXPECT_TRUE(AuthorizeEvaluation(key, ScopeOf({}, key, "development")).has_value());
  for (const Selector& other : {Selector{"production", ""}, Selector{"staging", "globex"}})
    EXPECT_EQ(AuthorizeEvaluation(key, ScopeOf(other, key, "")).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(AuthorizeEvaluation({}, {.environment = "staging", .tenant = {}}).error().code,
            ErrorCode::kUnauthenticated);
}

TEST(Answers, ContextsAreBoundToTheTenant) {
  model::Object fields;
  fields.Set("targetingKey", "u");
  fields.Set("plan", "pro");
  const auto bound = ContextOf(fields, "acme");
  ASSERT_TRUE(bound.has_value());
  EXPECT_EQ(*bound->tenant_id(), "acme");
  EXPECT_EQ(*bound->targeting_key(), "u");
  EXPECT_EQ(bound->attributes().Find("targetingKey"), nullptr);
  EXPECT_EQ(*bound->attributes().Find("plan")->AsString(), "pro");
  fields.Set("tenantId", "globex");
  EXPECT_EQ(ContextOf(fields, "acme").error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(TenantOf(*ContextOf(fields, "")), "globex");
  fields.Set("tenantId", 7);
  EXPECT_EQ(ContextOf(fields, "").error().field, "tenantId");
  // Nobody is bucketed by an empty text.
  model::Object empty;
  empty.Set("targetingKey", "");
  EXPECT_EQ(ContextOf(empty, "")->targeting_key(), nullptr);
}

TEST(Answers, NumbersAreFloatsAndIntegersWhereTheyFit) {
  EXPECT_TRUE(Fits(Kind::kFloat, Value(12)));
  EXPECT_TRUE(Fits(Kind::kInt, Value(12.9)));
  EXPECT_EQ(IntegerOf(Value(12.9)), 12);
  EXPECT_EQ(IntegerOf(Value(-12.9)), -12);
  EXPECT_EQ(IntegerOf(Value(std::numeric_limits<std::int64_t>::max())), std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(Fits(Kind::kInt, Value(1e19)));
  EXPECT_FALSE(Fits(Kind::kInt, Value("12")));
  EXPECT_EQ(NumberOf(Value(12)), 12.0);
  EXPECT_FALSE(Fits(Kind::kBoolean, Value(1)));
  EXPECT_FALSE(Fits(Kind::kString, Value(true)));
  EXPECT_FALSE(Fits(Kind::kObject, Value(model::List{})));
  EXPECT_TRUE(Fits(Kind::kObject, Value(model::Object())));
}

TEST(Answers, BulkLeavesOutWhatFailsAndInVersion1WhatHasNoValue) {
  const eval::CompiledVariation variation{.name = "on", .value = true, .annotation = {}};
  EXPECT_FALSE(IsLeftOut({.variation = &variation}, Version::kV1));
  EXPECT_TRUE(IsLeftOut({.variation = nullptr}, Version::kV1));
  EXPECT_FALSE(IsLeftOut({.variation = nullptr}, Version::kV2));
  EXPECT_TRUE(IsLeftOut({.error = model::EvaluationError::kParseError}, Version::kV2));
}

TEST(Status, CodesAreWhatProvidersMapBack) {
  using model::EvaluationError;
  EXPECT_EQ(FailureOf(EvaluationError::kFlagNotFound).code, Code::kNotFound);
  EXPECT_EQ(FailureOf(EvaluationError::kTypeMismatch).code, Code::kInvalidArgument);
  EXPECT_EQ(FailureOf(EvaluationError::kParseError).code, Code::kDataLoss);
  EXPECT_EQ(FailureOf(EvaluationError::kTargetingKeyMissing).code, Code::kUnknown);
  EXPECT_EQ(FailureOf(base::Error{.code = ErrorCode::kPermissionDenied, .message = "m", .field = "f"}).text, "f: m");
  std::set<std::string_view> names;
  for (std::uint8_t code = 0; code <= static_cast<std::uint8_t>(Code::kUnauthenticated); ++code)
    names.insert(NameOf(static_cast<Code>(code)));
  EXPECT_EQ(names.size(), 17U);
  EXPECT_EQ(NameOf(Code::kPermissionDenied), "permission_denied");
}

}  // namespace
}  // namespace guidon::flagd_service
