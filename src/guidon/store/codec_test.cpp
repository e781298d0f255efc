// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/codec.hpp"

#include <string>

#include <gtest/gtest.h>

#include "guidon/json/json.hpp"
#include "guidon/store/testing/item_text.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using testing::ItemText;

base::Timestamp At(std::string_view text) { return *base::ParseTimestamp(text); }

model::FlagFields CheckoutFields() {
  return {.flag_key = "new-checkout",
          .environment = "production",
          .description = "The new checkout",
          .owner = "team-payments",
          .tenant_id = "acme",
          .tags = {"payments", "web"},
          .client_visible = true,
          .default_enabled = true,
          .kill_variation = "off",
          .rollout_percentage = *model::Percentage::Create(12.345),
          .rollout_salt = "salt",
          .bucket_by = "tenantId",
          .tenant_overrides = {{"acme", true}, {"globex", false}},
          .expires_at = At("2027-01-01T00:00:00.000Z"),
          .version = 7,
          .created_at = At("2026-11-22T04:23:00.123Z"),
          .updated_at = At("2026-11-23T00:00:00.000Z"),
          .updated_by = "local"};
}

model::Flag WithTargeting() {
  auto fields = CheckoutFields();
  model::Rule plan{.id = "plans", .serve = std::string("on")};
  plan.when = model::ConditionGroup{
      .kind = model::GroupKind::kAll,
      .children = {model::Condition{.attribute = "plan", .op = model::Operator::kIn, .values = {"pro", "team"}},
                   model::Condition{.attribute = "seats", .op = model::Operator::kGte, .values = {10}}}};
  plan.starts_at = At("2026-12-01T00:00:00.000Z");
  model::Rule rest{.id = "rest", .everyone = true, .serve = model::Split{{"on", 1}, {"off", 99}}};
  fields.targeting_rules = {plan, rest};
  fields.prerequisites = {{.flag_key = "payments", .variations = {"on"}}};
  return *model::Flag::Create(std::move(fields));
}

Item PlainItem() {
  return {{"PK", "FLAG#production#legacy"},      {"SK", "METADATA"},       {"flagKey", "legacy"},
          {"description", "made with put-item"}, {"defaultEnabled", true}, {"owner", "ops"},
          {"createdAt", "2026-11-22T04:23:00Z"}};
}

Item With(Item item, std::string_view name, AttributeValue value) {
  item.Set(name, std::move(value));
  return item;
}

Item Without(Item item, std::string_view name) {
  item.Erase(name);
  return item;
}

template <class T>
void ExpectError(const base::Result<T>& result, ErrorCode code, std::string_view field) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(base::Name(result.error().code), base::Name(code)) << result.error().message;
  EXPECT_EQ(result.error().field, field) << result.error().message;
}

// ---- Items, attribute by attribute

TEST(CodecTest, FlagItem) {
  EXPECT_EQ(ItemText(EncodeFlag(WithTargeting())),
            R"(GSI1PK = S "FLAGS#production"
GSI1SK = S "METADATA#2026-11-22T04:23:00.123Z"
GSI2PK = S "OWNER#production#team-payments"
GSI2SK = S "FLAG#new-checkout"
GSI3PK = S "TENANT#acme"
GSI3SK = S "FLAG#production#new-checkout"
PK = S "FLAG#production#new-checkout"
SK = S "METADATA"
bucketBy = S "tenantId"
clientVisible = BOOL true
createdAt = S "2026-11-22T04:23:00.123Z"
defaultEnabled = BOOL true
defaultVariation = S "on"
description = S "The new checkout"
environment = S "production"
expiresAt = S "2027-01-01T00:00:00.000Z"
flagKey = S "new-checkout"
killVariation = S "off"
offVariation = S "off"
owner = S "team-payments"
prerequisites = L[M{flagKey: S "payments", variations: L[S "on"]}]
rolloutPercentage = N 12.345
rolloutSalt = S "salt"
schema = N 1
state = S "ENABLED"
tags = L[S "payments", S "web"]
)"
            "targetingRules = L[M{id: S \"plans\", startsAt: S \"2026-12-01T00:00:00.000Z\", variation: S \"on\", "
            "when: M{all: L[M{attribute: S \"plan\", operator: S \"in\", values: L[S \"pro\", S \"team\"]}, "
            "M{attribute: S \"seats\", operator: S \"gte\", values: L[N 10]}]}}, "
            "M{everyone: BOOL true, id: S \"rest\", split: L[M{variation: S \"on\", weight: N 1}, "
            "M{variation: S \"off\", weight: N 99}]}]\n"
            R"(tenantId = S "acme"
tenantOverrides = M{acme: BOOL true, globex: BOOL false}
type = S "boolean"
updatedAt = S "2026-11-23T00:00:00.000Z"
updatedBy = S "local"
variations = M{off: BOOL false, on: BOOL true}
version = N 7
)");
}

TEST(CodecTest, FlagItemOfAFlagThatSaysLittle) {
  const auto flag = *model::Flag::Create({.flag_key = "theme",
                                          .environment = "staging",
                                          .owner = "design",
                                          .type = model::FlagType::kObject,
                                          .state = model::FlagState::kArchived,
                                          .variations = {{"dark", model::Object{}}},
                                          .default_variation = "dark",
                                          .off_variation = "dark"});
  EXPECT_EQ(ItemText(EncodeFlag(flag)), R"(GSI1PK = S "FLAGS#staging"
GSI1SK = S "METADATA#1970-01-01T00:00:00.000Z"
GSI2PK = S "OWNER#staging#design"
GSI2SK = S "FLAG#theme"
PK = S "FLAG#staging#theme"
SK = S "METADATA"
clientVisible = BOOL false
createdAt = S "1970-01-01T00:00:00.000Z"
defaultEnabled = BOOL false
defaultVariation = S "dark"
description = S ""
environment = S "staging"
flagKey = S "theme"
offVariation = S "dark"
owner = S "design"
schema = N 1
state = S "ARCHIVED"
type = S "object"
updatedAt = S "1970-01-01T00:00:00.000Z"
variations = M{dark: M{}}
version = N 1
)");
}

TEST(CodecTest, OverrideItem) {
  const auto override = *model::Override::Create({.environment = "production",
                                                  .flag_key = "new-checkout",
                                                  .tenant_id = "acme",
                                                  .variation = "on",
                                                  .version = 2,
                                                  .updated_at = At("2026-11-23T00:00:00.000Z"),
                                                  .updated_by = "key1"});
  EXPECT_EQ(ItemText(EncodeOverride(override, At("2026-11-22T04:23:00.123Z"))), R"(GSI3PK = S "TENANT#acme"
GSI3SK = S "OVERRIDE#production#new-checkout"
PK = S "FLAG#production#new-checkout"
SK = S "OVERRIDE#acme"
environment = S "production"
flagCreatedAt = S "2026-11-22T04:23:00.123Z"
flagKey = S "new-checkout"
tenantId = S "acme"
updatedAt = S "2026-11-23T00:00:00.000Z"
updatedBy = S "key1"
variation = S "on"
version = N 2
)");
}

TEST(CodecTest, SegmentItem) {
  model::SegmentFields fields{.segment_key = "beta", .environment = "production", .included = {"u2", "u1"}};
  fields.when = model::ConditionGroup{
      .kind = model::GroupKind::kAny,
      .children = {model::Condition{.attribute = "beta", .op = model::Operator::kExists, .values = {}}}};
  EXPECT_EQ(ItemText(EncodeSegment(*model::Segment::Create(std::move(fields)))), R"(GSI1PK = S "SEGMENTS#production"
GSI1SK = S "METADATA#1970-01-01T00:00:00.000Z"
PK = S "SEGMENT#production#beta"
SK = S "METADATA"
createdAt = S "1970-01-01T00:00:00.000Z"
description = S ""
environment = S "production"
included = L[S "u1", S "u2"]
segmentKey = S "beta"
updatedAt = S "1970-01-01T00:00:00.000Z"
version = N 1
when = M{any: L[M{attribute: S "beta", operator: S "exists"}]}
)");
}

TEST(CodecTest, KillSwitchItem) {
  const auto kill = *model::KillSwitch::Create({.environment = "production",
                                                .scope = *model::KillScope::Parse("tenant:acme"),
                                                .reason = "on fire",
                                                .engaged_at = At("2026-11-22T03:00:00.000Z"),
                                                .engaged_by = "local"});
  EXPECT_EQ(ItemText(EncodeKillSwitch(kill)), R"(PK = S "EMERGENCY#production"
SK = S "TENANT#acme"
engagedAt = S "2026-11-22T03:00:00.000Z"
engagedBy = S "local"
environment = S "production"
reason = S "on fire"
scope = S "tenant:acme"
version = N 1
)");
}

TEST(CodecTest, TenantAndApiKeyItems) {
  const auto tenant =
      *model::Tenant::Create({.tenant_id = "acme", .name = "Acme", .plan = "pro", .updated_by = "local"});
  EXPECT_EQ(ItemText(EncodeTenant(tenant)), R"(GSI1PK = S "TENANTS"
GSI1SK = S "METADATA#1970-01-01T00:00:00.000Z"
PK = S "TENANT#acme"
SK = S "METADATA"
createdAt = S "1970-01-01T00:00:00.000Z"
name = S "Acme"
plan = S "pro"
tenantId = S "acme"
updatedAt = S "1970-01-01T00:00:00.000Z"
updatedBy = S "local"
version = N 1
)");
  const auto key = *model::ApiKey::Create({.key_id = "abcdefgh",
                                           .kind = model::KeyKind::kServer,
                                           .environment = "production",
                                           .tenant_id = "acme",
                                           .secret_hash = std::string(64, 'a'),
                                           .created_by = "local",
                                           .expires_at = At("2027-01-01T00:00:00.000Z")});
  EXPECT_EQ(ItemText(EncodeApiKey(key)), R"(GSI1PK = S "APIKEYS"
GSI1SK = S "METADATA#1970-01-01T00:00:00.000Z"
GSI3PK = S "TENANT#acme"
GSI3SK = S "APIKEY#abcdefgh"
PK = S "APIKEY#abcdefgh"
SK = S "METADATA"
createdAt = S "1970-01-01T00:00:00.000Z"
createdBy = S "local"
environment = S "production"
expiresAt = S "2027-01-01T00:00:00.000Z"
keyId = S "abcdefgh"
kind = S "server"
secretHash = S ")" + std::string(64, 'a') + R"("
tenantId = S "acme"
updatedAt = S "1970-01-01T00:00:00.000Z"
version = N 1
)");
}

TEST(CodecTest, AuditItem) {
  const AuditRecord record{.at = At("2026-11-22T04:23:00.123Z"),
                           .request_id = "req-1",
                           .actor_id = "abcdefgh",
                           .actor_kind = "admin",
                           .actor_tenant = "acme",
                           .address = "127.0.0.1",
                           .user_agent = "curl/8",
                           .action = "flag.create",
                           .scope = "production",
                           .resource = "new-checkout",
                           .tenant_id = "acme",
                           .sequence = 5,
                           .after = R"({"flagKey":"new-checkout"})"};
  const Item item = EncodeAudit(record);
  const std::string& partition = *item.Find("PK")->AsString();
  EXPECT_TRUE(partition >= "AUDIT#2026-11-22#0" && partition <= "AUDIT#2026-11-22#3") << partition;
  EXPECT_EQ(ItemText(Without(item, "PK")), R"(GSI1PK = S "AUDIT#RESOURCE#production#new-checkout"
GSI1SK = S "2026-11-22T04:23:00.123Z"
GSI2PK = S "ACTOR#abcdefgh"
GSI2SK = S "2026-11-22T04:23:00.123Z"
GSI3PK = S "TENANT#acme"
GSI3SK = S "AUDIT#2026-11-22T04:23:00.123Z"
SK = S "2026-11-22T04:23:00.123Z#req-1"
action = S "flag.create"
actorId = S "abcdefgh"
actorKind = S "admin"
actorTenantId = S "acme"
address = S "127.0.0.1"
after = S "{"flagKey":"new-checkout"}"
at = S "2026-11-22T04:23:00.123Z"
environment = S "production"
requestId = S "req-1"
resource = S "new-checkout"
sequence = N 5
tenantId = S "acme"
userAgent = S "curl/8"
)");
}

TEST(CodecTest, ChangeItemIsForgottenAfterThirtyDays) {
  const ChangeRecord record{.scope = "production",
                            .sequence = 42,
                            .at = At("2026-11-22T04:23:00.999Z"),
                            .action = "override.set",
                            .kind = ChangeKind::kRemove,
                            .entity = "override",
                            .resource = "new-checkout",
                            .tenants = {"acme", "globex"},
                            .version = 3,
                            .request_id = "req-1"};
  EXPECT_EQ(ItemText(EncodeChange(record)), R"(PK = S "CHANGES#production"
SK = S "00000000000000000042"
action = S "override.set"
at = S "2026-11-22T04:23:00.999Z"
entity = S "override"
environment = S "production"
kind = S "remove"
requestId = S "req-1"
resource = S "new-checkout"
sequence = N 42
tenants = L[S "acme", S "globex"]
ttl = N 1797913380
version = N 3
)");
  EXPECT_EQ(ItemText(EncodeChangeHead("production", {.sequence = 42})),
            R"(GSI1PK = S "CHANGES"
GSI1SK = S "production"
PK = S "CHANGES#production"
SK = S "HEAD"
sequence = N 42
)");
}

TEST(CodecTest, AHeadSaysWhereTheChainOfAuditEntriesIs) {
  const LogHead head{
      .sequence = 42, .audit_hash = "h42", .audit_at = base::Timestamp{std::chrono::milliseconds(1'800'000)}};
  const Item item = EncodeChangeHead("production", head);
  EXPECT_EQ(item.Find("auditHash")->AsString() != nullptr, true);
  EXPECT_EQ(*item.Find("auditAt")->AsString(), "1970-01-01T00:30:00.000Z");
  EXPECT_EQ(*DecodeChangeHead(item), head);
  // What somebody made of it keeps nobody from writing.
  Item strange = item;
  strange.Set("auditHash", Number{"7"});
  strange.Set("auditAt", "yesterday");
  EXPECT_EQ(*DecodeChangeHead(strange), LogHead{.sequence = 42});
}

TEST(CodecTest, AnAuditEntryKeepsItsPlaceInAChain) {
  AuditRecord record{.at = base::Timestamp{std::chrono::milliseconds(1'800'000)},
                     .request_id = "r",
                     .actor_id = "a",
                     .actor_kind = "admin",
                     .action = "access.refused",
                     .scope = "production",
                     .resource = "GET /x",
                     .hash_version = 1,
                     .previous_hash = "before",
                     .hash = "this",
                     .run = "run",
                     .run_number = 7};
  EXPECT_EQ(*DecodeAudit(EncodeAudit(record)), record);
  record.hash_version = 0;
  const Item plain = EncodeAudit(record);
  for (const char* name : {"hashVersion", "previousHash", "hash", "run", "runNumber"})
    EXPECT_EQ(plain.Find(name), nullptr) << name;
}

TEST(CodecTest, ANodesItemIsForgottenWhereTheNodeIsSilent) {
  const NodeRecord record{.node = "web-1",
                          .at = base::Timestamp{std::chrono::milliseconds(1'800'000)},
                          .report = "{}",
                          .kept = std::chrono::seconds(60)};
  const Item item = EncodeNode(record);
  EXPECT_EQ(ItemText(item), R"(PK = S "NODES"
SK = S "web-1"
at = S "1970-01-01T00:30:00.000Z"
node = S "web-1"
report = S "{}"
ttl = N 1860
)");
  const auto read = DecodeNode(item);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->node, "web-1");
  EXPECT_EQ(read->at, record.at);
  EXPECT_EQ(read->report, "{}");
  Item other = item;
  other.Set("SK", "web-2");
  ExpectError(DecodeNode(other), ErrorCode::kCorrupt, "SK");
}

TEST(CodecTest, IdempotencyItemIsForgottenAfterADay) {
  const IdempotencyRecord record{.owner = "local",
                                 .key = "once",
                                 .fingerprint = "abc",
                                 .result = "{}",
                                 .sequence = 9,
                                 .at = At("2026-11-22T04:23:00.000Z")};
  EXPECT_EQ(ItemText(EncodeIdempotency(record)), R"(PK = S "IDEMPOTENCY#local#b25jZQ"
SK = S "METADATA"
at = S "2026-11-22T04:23:00.000Z"
fingerprint = S "abc"
idempotencyKey = S "once"
owner = S "local"
result = S "{}"
sequence = N 9
ttl = N 1795407780
)");
}

// ---- Items of other programs

TEST(CodecTest, PlainItemOfAnotherProgramIsABooleanFlag) {
  const auto flag = DecodeFlag(PlainItem());
  ASSERT_TRUE(flag.has_value()) << flag.error().field << flag.error().message;
  const auto created = At("2026-11-22T04:23:00.000Z");
  const model::FlagFields expected{.flag_key = "legacy",
                                   .environment = "production",
                                   .description = "made with put-item",
                                   .owner = "ops",
                                   .default_enabled = true,
                                   .variations = {{"on", true}, {"off", false}},
                                   .default_variation = "on",
                                   .off_variation = "off",
                                   .version = 0,
                                   .created_at = created,
                                   .updated_at = created};
  EXPECT_EQ(flag->fields(), expected);
}

TEST(CodecTest, UnknownAttributesAreIgnoredAndNullMeansAbsent) {
  const Item item =
      With(With(With(PlainItem(), "createdByTool", "x"), "tenantId", Null{}), "rolloutPercentage", Null{});
  const auto flag = DecodeFlag(item);
  ASSERT_TRUE(flag.has_value());
  EXPECT_EQ(*flag, *DecodeFlag(PlainItem()));
}

TEST(CodecTest, ThreeDecimalsOfAForeignPercentageAreKept) {
  const auto rollout = [](const char* text) {
    return DecodeFlag(With(PlainItem(), "rolloutPercentage", Number{text}));
  };
  EXPECT_EQ((*rollout("33.3333333"))->rollout_percentage->thousandths(), 33333);
  EXPECT_EQ((*rollout("1E2"))->rollout_percentage->thousandths(), 100000);
  EXPECT_EQ((*rollout("0.001"))->rollout_percentage->thousandths(), 1);
  ExpectError(rollout("100.0001"), ErrorCode::kCorrupt, "rolloutPercentage");
  ExpectError(rollout("-0.0001"), ErrorCode::kCorrupt, "rolloutPercentage");
  ExpectError(DecodeFlag(With(PlainItem(), "rolloutPercentage", "10")), ErrorCode::kCorrupt, "rolloutPercentage");
}

TEST(CodecTest, TenantOverridesInTheFlagItemAreRead) {
  const auto flag = DecodeFlag(With(PlainItem(), "tenantOverrides", AttributeMap{{"acme", false}, {"globex", true}}));
  const std::map<std::string, bool> expected = {{"acme", false}, {"globex", true}};
  ASSERT_TRUE(flag.has_value());
  EXPECT_EQ((*flag)->tenant_overrides, expected);
}

TEST(CodecTest, OurRewriteOfAPlainItemRepairsItsIndexKeys) {
  auto fields = DecodeFlag(PlainItem())->fields();
  fields.version = 1;
  const Item item = EncodeFlag(*model::Flag::Create(std::move(fields)));
  EXPECT_EQ(*item.Find("GSI1PK"), AttributeValue("FLAGS#production"));
  EXPECT_EQ(*item.Find("GSI2PK"), AttributeValue("OWNER#production#ops"));
  EXPECT_EQ(item.Find("GSI3PK"), nullptr);
  EXPECT_EQ(*item.Find("version"), AttributeValue(Number{"1"}));
}

// ---- Items that must not be believed

TEST(CodecTest, FlagThatContradictsItsKeyIsCorrupt) {
  ExpectError(DecodeFlag(With(PlainItem(), "flagKey", "other")), ErrorCode::kCorrupt, "flagKey");
  ExpectError(DecodeFlag(With(PlainItem(), "environment", "staging")), ErrorCode::kCorrupt, "environment");
  ExpectError(DecodeFlag(With(PlainItem(), "SK", "OVERRIDE#acme")), ErrorCode::kCorrupt, "SK");
  ExpectError(DecodeFlag(With(PlainItem(), "PK", "FLAG#production")), ErrorCode::kCorrupt, "PK");
  ExpectError(DecodeFlag(With(PlainItem(), "PK", "FLAGS#production#legacy")), ErrorCode::kCorrupt, "PK");
  ExpectError(DecodeFlag(With(PlainItem(), "PK", Number{"1"})), ErrorCode::kCorrupt, "PK");
}

TEST(CodecTest, MissingAndWronglyTypedAttributesAreNamed) {
  for (const char* name : {"defaultEnabled", "owner", "createdAt"})
    ExpectError(DecodeFlag(Without(PlainItem(), name)), ErrorCode::kCorrupt, name);
  for (const char* name : {"description",
                           "owner",
                           "tenantId",
                           "state",
                           "type",
                           "defaultVariation",
                           "offVariation",
                           "killVariation",
                           "rolloutSalt",
                           "bucketBy",
                           "createdAt",
                           "updatedAt",
                           "expiresAt",
                           "updatedBy",
                           "defaultEnabled",
                           "clientVisible",
                           "tags",
                           "variations",
                           "targetingRules",
                           "prerequisites",
                           "tenantOverrides",
                           "rolloutPercentage",
                           "version",
                           "schema"})
    ExpectError(DecodeFlag(With(PlainItem(), name, Binary{"x"})), ErrorCode::kCorrupt, name);
}

TEST(CodecTest, PathsOfNestedAttributes) {
  const auto with = [](std::string_view name, AttributeValue value) {
    return DecodeFlag(With(PlainItem(), name, std::move(value)));
  };
  ExpectError(with("tags", AttributeList{"a", true}), ErrorCode::kCorrupt, "tags[1]");
  ExpectError(with("variations", AttributeMap{{"on", AttributeList{StringSet{"x"}}}}), ErrorCode::kCorrupt,
              "variations.on[0]");
  ExpectError(with("variations", AttributeMap{{"on", "yes"}, {"off", false}}), ErrorCode::kCorrupt, "variations.on");
  ExpectError(with("tenantOverrides", AttributeMap{{"acme", "yes"}}), ErrorCode::kCorrupt, "tenantOverrides.acme");
  ExpectError(with("targetingRules", AttributeList{AttributeMap{{"id", true}}}), ErrorCode::kCorrupt,
              "targetingRules[0].id");
  ExpectError(with("targetingRules", AttributeList{AttributeMap{{"id", "a"}, {"newer", true}}}), ErrorCode::kCorrupt,
              "targetingRules[0].newer");
  ExpectError(with("prerequisites", AttributeList{"x"}), ErrorCode::kCorrupt, "prerequisites[0]");
}

TEST(CodecTest, BadTimesVersionsAndNames) {
  const auto with = [](std::string_view name, AttributeValue value) {
    return DecodeFlag(With(PlainItem(), name, std::move(value)));
  };
  ExpectError(with("createdAt", "2026-02-30T00:00:00Z"), ErrorCode::kCorrupt, "createdAt");
  ExpectError(with("expiresAt", "tomorrow"), ErrorCode::kCorrupt, "expiresAt");
  ExpectError(with("version", Number{"0"}), ErrorCode::kCorrupt, "version");
  ExpectError(with("version", Number{"-1"}), ErrorCode::kCorrupt, "version");
  ExpectError(with("version", Number{"1.5"}), ErrorCode::kCorrupt, "version");
  ExpectError(with("state", "PAUSED"), ErrorCode::kCorrupt, "state");
  ExpectError(with("type", "integer"), ErrorCode::kCorrupt, "type");
  ExpectError(with("owner", "a#b"), ErrorCode::kCorrupt, "owner");
  ExpectError(with("tenantId", "a#b"), ErrorCode::kCorrupt, "tenantId");
  ExpectError(with("schema", Number{"0"}), ErrorCode::kCorrupt, "schema");
}

TEST(CodecTest, NewerLayoutsAreUnsupportedNotMisread) {
  ExpectError(DecodeFlag(With(PlainItem(), "schema", Number{"2"})), ErrorCode::kUnsupported, "schema");
  // Whatever else is new in it: the version is the message.
  ExpectError(DecodeFlag(With(With(PlainItem(), "schema", Number{"2"}), "owner", true)), ErrorCode::kUnsupported,
              "schema");
}

TEST(CodecTest, ExpressionsAreJsonText) {
  const auto flag = DecodeFlag(With(PlainItem(), "targeting", R"({"if":[{"var":"a"},"on"]})"));
  ASSERT_TRUE(flag) << flag.error().message;
  EXPECT_EQ(json::Write(*(*flag)->targeting), R"({"if":[{"var":"a"},"on"]})");
  EXPECT_EQ(*EncodeFlag(*flag).Find("targeting")->AsString(), R"({"if":[{"var":"a"},"on"]})");
  ExpectError(DecodeFlag(With(PlainItem(), "targeting", R"({"if":)")), ErrorCode::kCorrupt, "targeting");
  ExpectError(DecodeFlag(With(With(PlainItem(), "targeting", "{}"), "targetingEvaluators", "[]")), ErrorCode::kCorrupt,
              "targetingEvaluators");
}

TEST(CodecTest, OverrideThatContradictsItsKeyIsCorrupt) {
  const Item item{{"PK", "FLAG#production#f"}, {"SK", "OVERRIDE#acme"}, {"variation", "on"}};
  const auto plain = DecodeOverride(item);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->override->tenant_id, "acme");
  EXPECT_EQ(plain->override->version, 0U);
  EXPECT_EQ(plain->flag_created_at, std::nullopt);
  ExpectError(DecodeOverride(With(item, "tenantId", "acm")), ErrorCode::kCorrupt, "tenantId");
  ExpectError(DecodeOverride(With(item, "flagKey", "g")), ErrorCode::kCorrupt, "flagKey");
  ExpectError(DecodeOverride(With(item, "environment", "staging")), ErrorCode::kCorrupt, "environment");
  ExpectError(DecodeOverride(With(item, "SK", "OVERRIDE#a#b")), ErrorCode::kCorrupt, "tenantId");
  ExpectError(DecodeOverride(Without(item, "variation")), ErrorCode::kCorrupt, "variation");
}

TEST(CodecTest, KillSwitchIsEngagedHoweverItsItemLooks) {
  const Item bare{{"PK", "EMERGENCY#production"}, {"SK", "OWNER#team-payments"}};
  const Item broken =
      With(With(With(With(bare, "reason", true), "engagedAt", "never"), "version", "x"), "engagedBy", "a\nb");
  for (const Item& item : {bare, broken}) {
    const auto kill = DecodeKillSwitch(item);
    ASSERT_TRUE(kill.has_value()) << kill.error().message;
    EXPECT_EQ((*kill)->environment, "production");
    EXPECT_EQ((*kill)->scope.Text(), "owner:team-payments");
    EXPECT_EQ((*kill)->version, 0U);
    EXPECT_FALSE((*kill)->reason.empty());
  }
  const auto told = DecodeKillSwitch(With(broken, "reason", "on fire"));
  EXPECT_EQ((*told)->reason, "on fire");
  ExpectError(DecodeKillSwitch(With(bare, "SK", "OWNERS#x")), ErrorCode::kCorrupt, "SK");
  ExpectError(DecodeKillSwitch(With(bare, "SK", "TENANT#")), ErrorCode::kCorrupt, "SK");
  ExpectError(DecodeKillSwitch(With(bare, "SK", "GLOBAL#")), ErrorCode::kCorrupt, "SK");
}

TEST(CodecTest, RecordsThatContradictTheirKeys) {
  const Item audit = EncodeAudit({.at = At("2026-11-22T04:23:00.000Z"),
                                  .request_id = "r",
                                  .actor_id = "local",
                                  .actor_kind = "local",
                                  .action = "flag.create",
                                  .scope = "production",
                                  .resource = "f"});
  ASSERT_TRUE(DecodeAudit(audit).has_value());
  ExpectError(DecodeAudit(With(audit, "at", "2026-11-23T04:23:00.000Z")), ErrorCode::kCorrupt, "at");
  ExpectError(DecodeAudit(With(audit, "at", "2026-11-22T04:23:00.001Z")), ErrorCode::kCorrupt, "SK");
  const Item change{{"PK", "CHANGES#production"},
                    {"SK", "00000000000000000001"},
                    {"at", "2026-11-22T04:23:00Z"},
                    {"action", "a"},
                    {"kind", "put"},
                    {"entity", "flag"},
                    {"resource", "f"}};
  ASSERT_TRUE(DecodeChange(change).has_value());
  ExpectError(DecodeChange(With(change, "sequence", Number{"2"})), ErrorCode::kCorrupt, "sequence");
  ExpectError(DecodeChange(With(change, "SK", "1")), ErrorCode::kCorrupt, "SK");
  ExpectError(DecodeChange(With(change, "environment", "staging")), ErrorCode::kCorrupt, "environment");
  ExpectError(DecodeChange(With(change, "kind", "delete")), ErrorCode::kCorrupt, "kind");
  ExpectError(DecodeChangeHead({{"PK", "CHANGES#production"}, {"SK", "HEAD"}}), ErrorCode::kCorrupt, "sequence");
}

TEST(CodecTest, EvaluationAndExperimentItems) {
  const auto evaluation = DecodeEvaluation({{"PK", "FLAG#production#f"},
                                            {"SK", "EVAL#2026-11-22T04:23:00.123Z#acme"},
                                            {"variation", "on"},
                                            {"reason", "SPLIT"}});
  ASSERT_TRUE(evaluation.has_value());
  EXPECT_EQ(evaluation->environment + evaluation->flag_key + evaluation->tenant_id + evaluation->variation +
                evaluation->reason,
            "productionfacmeonSPLIT");
  EXPECT_EQ(evaluation->at, At("2026-11-22T04:23:00.123Z"));
  const auto test =
      DecodeAbTest({{"PK", "ABTEST#t1"}, {"SK", "METADATA"}, {"GSI1SK", "TEST#2026-11-22T04:23:00.123Z"}});
  ASSERT_TRUE(test.has_value());
  EXPECT_EQ(test->test_id, "t1");
  EXPECT_EQ(test->created_at, At("2026-11-22T04:23:00.123Z"));
  const auto assignment = DecodeAbAssignment({{"PK", "ABTEST#t1"},
                                              {"SK", "ASSIGN#user#1"},
                                              {"GSI1SK", "ABTEST#t1#2026-11-22T04:23:00.123Z"},
                                              {"variation", "b"}});
  ASSERT_TRUE(assignment.has_value());
  EXPECT_EQ(assignment->user_id, "user#1");
  EXPECT_EQ(assignment->at, At("2026-11-22T04:23:00.123Z"));
  ExpectError(DecodeEvaluation({{"PK", "FLAG#production#f"}, {"SK", "EVAL#soon#acme"}}), ErrorCode::kCorrupt, "SK");
}

// ---- What clients may send to the audit

TEST(CodecTest, AuditTextOfAnyKindCanBeStored) {
  AuditRecord record{.at = At("2026-11-22T04:23:00.000Z"),
                     .request_id = "r",
                     .actor_id = std::string(5000, 'a'),
                     .actor_kind = "anonymous",
                     .user_agent = "caf\xe9\r\n",
                     .action = "access.refused",
                     .scope = "production",
                     .resource = "/" + std::string(3000, '#')};
  record.tenant_id = "";
  const Item item = EncodeAudit(record);
  EXPECT_TRUE(ValidateItem(item).has_value());
  const auto read = DecodeAudit(item);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->user_agent, "caf???");
  EXPECT_EQ(read->resource, "/" + std::string(kAuditTextBytesMax - 1, '#'));
  EXPECT_EQ(read->actor_id, std::string(kAuditTextBytesMax, 'a'));
}

TEST(CodecTest, AuditTextIsCutBetweenCharacters) {
  const std::string text = std::string(kAuditTextBytesMax - 1, 'a') + "旗";
  EXPECT_EQ(CleanAuditText(text), std::string(kAuditTextBytesMax - 1, 'a'));
  EXPECT_EQ(CleanAuditText("旗"), "旗");
}

TEST(CodecTest, StatesTooLargeForOneAuditItemKeepTheNewOne) {
  AuditRecord record{.at = At("2026-11-22T04:23:00.000Z"),
                     .request_id = "r",
                     .actor_id = "local",
                     .actor_kind = "local",
                     .action = "segment.replace",
                     .scope = "production",
                     .resource = "segment:big"};
  record.before = std::string(300'000, 'b');
  record.after = std::string(300'000, 'a');
  const Item item = EncodeAudit(record);
  EXPECT_TRUE(ValidateItem(item).has_value());
  const auto read = DecodeAudit(item);
  EXPECT_EQ(read->after, record.after);
  EXPECT_EQ(read->before,
            R"({"leftOut":"too large to be kept twice; it is the state after the change before this one",)"
            R"("bytes":300000})");
}

// ---- Values

TEST(CodecTest, ValuesKeepTheirTypes) {
  const model::Value value(
      model::List{model::Value(), true, std::int64_t{9007199254740993}, 0.1, "text", model::List{}, model::Object{}});
  EXPECT_EQ(testing::ValueText(AttributeOf(value)),
            "L[NULL, BOOL true, N 9007199254740993, N 0.1, S \"text\", L[], M{}]");
  const auto back = ValueOf(AttributeOf(value), "value");
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, value);
  EXPECT_NE((*back->AsList())[2].AsInteger(), nullptr);
}

TEST(CodecTest, LargeWholeDoublesAreWrittenExactly) {
  const model::Value value(59074441754382792.0);  // shortest text: 5.907444175438279e16
  EXPECT_EQ(testing::ValueText(AttributeOf(value)), "N 59074441754382792");
  EXPECT_EQ(*ValueOf(AttributeOf(value), ""), value);
}

TEST(CodecTest, NumbersOfOtherPrograms) {
  EXPECT_EQ(*ValueOf(Number{"1E2"}, ""), model::Value(100));
  EXPECT_EQ(*ValueOf(Number{"123456789012345678901234567890"}, ""), model::Value(123456789012345678901234567890.0));
  ExpectError(ValueOf(Number{"ten"}, "n"), ErrorCode::kCorrupt, "n");
  ExpectError(ValueOf(AttributeMap{{"a", Binary{"x"}}}, "n"), ErrorCode::kCorrupt, "n.a");
}

}  // namespace
}  // namespace guidon::store
