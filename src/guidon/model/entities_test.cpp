// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/entities.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/model/evaluation.hpp"
#include "guidon/model/limits.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;
using base::Timestamp;

constexpr Timestamp kBefore1970{std::chrono::milliseconds{-1}};

template <class Fields>
struct BadCase {
  std::string field;
  std::function<void(Fields&)> spoil;
  ErrorCode code = ErrorCode::kInvalidArgument;
};

// Each case spoils one thing of a good entity.
template <class Entity, class Fields>
void ExpectRefused(const Fields& good, const std::vector<BadCase<Fields>>& cases) {
  const auto entity = Entity::Create(good);
  ASSERT_TRUE(entity) << entity.error().field << ' ' << entity.error().message;
  for (const auto& [field, spoil, code] : cases) {
    Fields fields = good;
    spoil(fields);
    const auto bad = Entity::Create(std::move(fields));
    ASSERT_FALSE(bad) << "accepted although " << field << " is wrong";
    EXPECT_EQ(bad.error().field, field) << bad.error().message;
    EXPECT_EQ(bad.error().code, code) << field;
  }
}

SegmentFields GoodSegment() {
  return {
      .segment_key = "beta",
      .environment = "prod",
      .included = {"b", "a", "b"},
      .excluded = {"z"},
      .when = ConditionGroup{.kind = GroupKind::kAny,
                             .children = {Condition{.attribute = "plan", .op = Operator::kIn, .values = {"gold"}}}}};
}

TEST(Segment, SortsItsKeysAndDropsTwins) {
  const auto segment = Segment::Create(GoodSegment());
  ASSERT_TRUE(segment);
  EXPECT_EQ((*segment)->included, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ((*segment)->excluded, (std::vector<std::string>{"z"}));
}

TEST(Segment, MayBeEmpty) { EXPECT_TRUE(Segment::Create({.segment_key = "nobody", .environment = "prod"})); }

TEST(Segment, RefusesWhatIsWrong) {
  const Condition nested{.attribute = "", .op = Operator::kInSegment, .values = {"other"}};
  ExpectRefused<Segment, SegmentFields>(
      GoodSegment(),
      {{"segmentKey", [](auto& s) { s.segment_key = "a#b"; }},
       {"environment", [](auto& s) { s.environment = ""; }},
       {"description", [](auto& s) { s.description = "\x01"; }},
       {"included[1]", [](auto& s) { s.included = {"a", ""}; }},
       {"excluded[0]", [](auto& s) { s.excluded = {"\xFF"}; }},
       {"included[0]", [](auto& s) { s.included = {std::string(1025, 'x')}; }, ErrorCode::kTooLarge},
       {"included", [](auto& s) { s.included.assign(kSegmentKeysMax + 1, "x"); }, ErrorCode::kTooLarge},
       {"excluded", [](auto& s) { s.excluded.assign(kSegmentKeysMax + 1, "x"); }, ErrorCode::kTooLarge},
       {"when.any[0].attribute", [](auto& s) { std::get<Condition>(s.when->children[0]).attribute = ""; }},
       {"when.any[1].operator", [&](auto& s) { s.when->children.emplace_back(nested); }},
       {"when.any[1].none[0].operator",
        [&](auto& s) {
          s.when->children.emplace_back(ConditionGroup{.kind = GroupKind::kNone, .children = {nested}});
        }},
       {"createdAt", [](auto& s) { s.created_at = kBefore1970; }},
       {"updatedAt", [](auto& s) { s.updated_at = kBefore1970; }},
       {"updatedBy", [](auto& s) { s.updated_by = "\n"; }},
       {"version", [](auto& s) { s.version = ~std::uint64_t{0}; }}});
}

TEST(Override, RefusesWhatIsWrong) {
  ExpectRefused<Override, OverrideFields>(
      {.environment = "prod", .flag_key = "checkout", .tenant_id = "acme", .variation = "on"},
      {{"environment", [](auto& o) { o.environment = "PROD"; }},
       {"flagKey", [](auto& o) { o.flag_key = "#"; }},
       {"tenantId", [](auto& o) { o.tenant_id = ""; }},
       {"variation", [](auto& o) { o.variation = ""; }},
       {"updatedAt", [](auto& o) { o.updated_at = kBefore1970; }},
       {"updatedBy", [](auto& o) { o.updated_by = std::string(257, 'x'); }, ErrorCode::kTooLarge},
       {"version", [](auto& o) { o.version = ~std::uint64_t{0}; }}});
}

TEST(KillScope, TextReadsBack) {
  const std::vector<std::pair<std::string, KillScope::Kind>> cases = {{"global", KillScope::Kind::kGlobal},
                                                                      {"flag:a.b", KillScope::Kind::kFlag},
                                                                      {"tenant:acme", KillScope::Kind::kTenant},
                                                                      {"owner:a: b", KillScope::Kind::kOwner}};
  for (const auto& [text, kind] : cases) {
    const auto scope = KillScope::Parse(text);
    ASSERT_TRUE(scope) << text;
    EXPECT_EQ(scope->kind(), kind);
    EXPECT_EQ(scope->Text(), text);
  }
  EXPECT_EQ(KillScope::Parse("owner:a: b")->id(), "a: b");
}

TEST(KillScope, RefusesWhatIsNone) {
  for (const char* bad : {"", "Global", "global:", "flag", "flag:", "flag:a#b", "tenant:", "tenant:a b",
                          "owner:", "owner: x", "region:eu", ":", "flag:\xFF"}) {
    const auto scope = KillScope::Parse(bad, "where");
    ASSERT_FALSE(scope) << bad;
    EXPECT_EQ(scope.error().field, "where");
    EXPECT_EQ(scope.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(KillScope::Create(KillScope::Kind::kGlobal, "x"));
}

TEST(KillSwitch, RefusesWhatIsWrong) {
  ExpectRefused<KillSwitch, KillSwitchFields>(
      {.environment = "prod", .scope = *KillScope::Parse("global"), .reason = "payments are down"},
      {{"environment", [](auto& k) { k.environment = "a#b"; }},
       {"reason", [](auto& k) { k.reason = ""; }},
       {"reason", [](auto& k) { k.reason = "\x01"; }},
       {"reason", [](auto& k) { k.reason = std::string(1025, 'x'); }, ErrorCode::kTooLarge},
       {"engagedAt", [](auto& k) { k.engaged_at = kBefore1970; }},
       {"engagedBy", [](auto& k) { k.engaged_by = "\x7f"; }},
       {"version", [](auto& k) { k.version = ~std::uint64_t{0}; }}});
}

TEST(Tenant, RefusesWhatIsWrong) {
  ExpectRefused<Tenant, TenantFields>({.tenant_id = "acme", .name = "アクメ株式会社", .plan = "enterprise"},
                                      {{"tenantId", [](auto& t) { t.tenant_id = "a/b"; }},
                                       {"name", [](auto& t) { t.name = "a\nb"; }},
                                       {"name", [](auto& t) { t.name = std::string(129, 'x'); }, ErrorCode::kTooLarge},
                                       {"plan", [](auto& t) { t.plan = "\xFF"; }},
                                       {"plan", [](auto& t) { t.plan = std::string(65, 'x'); }, ErrorCode::kTooLarge},
                                       {"createdAt", [](auto& t) { t.created_at = kBefore1970; }},
                                       {"updatedAt", [](auto& t) { t.updated_at = kBefore1970; }},
                                       {"updatedBy", [](auto& t) { t.updated_by = "\n"; }},
                                       {"version", [](auto& t) { t.version = ~std::uint64_t{0}; }}});
}

TEST(ApiKey, RefusesWhatIsWrong) {
  ExpectRefused<ApiKey, ApiKeyFields>({.key_id = "0123456789abcdef",
                                       .kind = KeyKind::kClient,
                                       .environment = "prod",
                                       .secret_hash = std::string(64, 'a')},
                                      {{"keyId", [](auto& k) { k.key_id = "short"; }},
                                       {"kind", [](auto& k) { k.kind = static_cast<KeyKind>(9); }},
                                       {"name", [](auto& k) { k.name = "\n"; }},
                                       {"environment", [](auto& k) { k.environment.reset(); }},
                                       {"environment", [](auto& k) { k.environment = "Prod"; }},
                                       {"tenantId", [](auto& k) { k.tenant_id = ""; }},
                                       {"secretHash", [](auto& k) { k.secret_hash = ""; }},
                                       {"secretHash", [](auto& k) { k.secret_hash = std::string(64, 'G'); }},
                                       {"secretHash", [](auto& k) { k.secret_hash = std::string(63, 'a'); }},
                                       {"createdAt", [](auto& k) { k.created_at = kBefore1970; }},
                                       {"expiresAt", [](auto& k) { k.expires_at = kBefore1970; }},
                                       {"revokedAt", [](auto& k) { k.revoked_at = kBefore1970; }},
                                       {"lastUsedAt", [](auto& k) { k.last_used_at = kBefore1970; }},
                                       {"replacedBy", [](auto& k) { k.replaced_by = "x"; }},
                                       {"createdBy", [](auto& k) { k.created_by = "\n"; }},
                                       {"updatedAt", [](auto& k) { k.updated_at = kBefore1970; }},
                                       {"updatedBy", [](auto& k) { k.updated_by = "\n"; }},
                                       {"version", [](auto& k) { k.version = ~std::uint64_t{0}; }}});
}

TEST(ApiKey, OnlyAdminKeysMayGoWithoutEnvironment) {
  ApiKeyFields fields{.key_id = "0123456789abcdef", .kind = KeyKind::kAdmin, .secret_hash = std::string(64, '0')};
  EXPECT_TRUE(ApiKey::Create(fields));
  fields.kind = KeyKind::kServer;
  EXPECT_EQ(ApiKey::Create(fields).error().field, "environment");
}

TEST(ApiKey, KindsReadBack) {
  for (const char* name : {"admin", "server", "client"}) EXPECT_EQ(NameOf(*KeyKindFromName(name)), name);
  EXPECT_FALSE(KeyKindFromName("root"));
}

TEST(Evaluation, UsesOpenFeaturesNames) {
  EXPECT_EQ(NameOf(Reason::kStatic), "STATIC");
  EXPECT_EQ(NameOf(Reason::kDefault), "DEFAULT");
  EXPECT_EQ(NameOf(Reason::kTargetingMatch), "TARGETING_MATCH");
  EXPECT_EQ(NameOf(Reason::kSplit), "SPLIT");
  EXPECT_EQ(NameOf(Reason::kDisabled), "DISABLED");
  EXPECT_EQ(NameOf(Reason::kStale), "STALE");
  EXPECT_EQ(NameOf(Reason::kPrerequisiteFailed), "PREREQUISITE_FAILED");
  EXPECT_EQ(NameOf(Reason::kError), "ERROR");
  EXPECT_EQ(NameOf(EvaluationError::kNone), "");
  EXPECT_EQ(NameOf(EvaluationError::kFlagNotFound), "FLAG_NOT_FOUND");
  EXPECT_EQ(NameOf(EvaluationError::kTypeMismatch), "TYPE_MISMATCH");
  EXPECT_EQ(NameOf(EvaluationError::kTargetingKeyMissing), "TARGETING_KEY_MISSING");
  EXPECT_EQ(NameOf(EvaluationError::kInvalidContext), "INVALID_CONTEXT");
  EXPECT_EQ(NameOf(EvaluationError::kParseError), "PARSE_ERROR");
  EXPECT_EQ(NameOf(EvaluationError::kGeneral), "GENERAL");
}

TEST(Segment, KeysHaveLimitsTogether) {
  SegmentFields fields{.segment_key = "s", .environment = "e"};
  for (int i = 0; i < 66'000; ++i) {
    std::string key = std::to_string(i);
    (i % 2 == 0 ? fields.included : fields.excluded).push_back(key + std::string(1023 - key.size(), 'x'));
  }
  const auto refused = Segment::Create(fields);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kTooLarge);
  EXPECT_EQ(refused.error().field, "included");
  fields.included.resize(32'000);
  EXPECT_TRUE(Segment::Create(fields).has_value());
  EXPECT_EQ(SegmentKeyTextBytes({"a", "bcd"}), 6U);
}

}  // namespace
}  // namespace guidon::model
