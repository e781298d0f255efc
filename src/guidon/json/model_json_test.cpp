// SPDX-License-Identifier: Apache-2.0
#include "guidon/json/model_json.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "guidon/json/json.hpp"
#include "guidon/model/testing/generators.hpp"

namespace guidon::json {
namespace {

using base::ErrorCode;
using base::Result;
using model::Value;

Value Parsed(std::string_view text) {
  const auto value = Parse(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value.value_or(Value());
}

constexpr std::string_view kFlag = R"({
  "flagKey": "checkout-colour", "environment": "prod", "description": "colour of the button", "owner": "payments",
  "tenantId": "acme", "tags": ["ui", "日本"], "type": "string", "state": "DISABLED", "clientVisible": true,
  "defaultEnabled": true,
  "variations": {"red": "#f00", "blue": "#00f"},
  "defaultVariation": "red", "offVariation": "blue", "killVariation": "blue",
  "rolloutPercentage": 12.345, "rolloutSalt": "s1", "bucketBy": "tenantId",
  "targetingRules": [
    {"id": "r1", "description": "gold", "when": {"all": [
       {"attribute": "plan", "operator": "in", "values": ["gold", 1, true]},
       {"any": [{"operator": "inSegment", "values": ["beta"]}, {"attribute": "a.b", "operator": "exists"}]}]},
     "variation": "blue", "startsAt": "2026-01-01T00:00:00.000Z", "endsAt": "2026-02-01T00:00:00.000Z"},
    {"id": "r2", "everyone": true,
     "split": [{"variation": "red", "weight": 1}, {"variation": "blue", "weight": 2}]}],
  "prerequisites": [{"flagKey": "base", "variations": ["on"]}],
  "tenantOverrides": {"acme": true, "globex": false},
  "expiresAt": "2027-01-01T00:00:00.000Z",
  "version": 7, "createdAt": "2026-11-22T04:23:00.123Z", "updatedAt": "2026-11-23T04:23:00.123Z",
  "updatedBy": "taro", "schema": 1})";

TEST(FlagJson, ReadsEveryAttribute) {
  const auto fields = FlagFromJson(Parsed(kFlag), {});
  ASSERT_TRUE(fields) << fields.error().field << ' ' << fields.error().message;
  EXPECT_EQ(fields->flag_key, "checkout-colour");
  EXPECT_EQ(fields->environment, "prod");
  EXPECT_EQ(fields->description, "colour of the button");
  EXPECT_EQ(fields->owner, "payments");
  EXPECT_EQ(fields->tenant_id, "acme");
  EXPECT_EQ(fields->tags, (std::vector<std::string>{"ui", "日本"}));
  EXPECT_EQ(fields->type, model::FlagType::kString);
  EXPECT_EQ(fields->state, model::FlagState::kDisabled);
  EXPECT_TRUE(fields->client_visible);
  EXPECT_TRUE(fields->default_enabled);
  EXPECT_EQ(fields->variations.at("red"), Value("#f00"));
  EXPECT_EQ(fields->default_variation, "red");
  EXPECT_EQ(fields->off_variation, "blue");
  EXPECT_EQ(fields->kill_variation, "blue");
  EXPECT_EQ(fields->rollout_percentage->thousandths(), 12'345);
  EXPECT_EQ(fields->rollout_salt, "s1");
  EXPECT_EQ(fields->bucket_by, "tenantId");
  EXPECT_EQ(fields->prerequisites, (std::vector<model::Prerequisite>{{.flag_key = "base", .variations = {"on"}}}));
  EXPECT_EQ(fields->tenant_overrides, (std::map<std::string, bool>{{"acme", true}, {"globex", false}}));
  EXPECT_EQ(base::FormatTimestamp(*fields->expires_at), "2027-01-01T00:00:00.000Z");
  EXPECT_EQ(fields->version, 7);
  EXPECT_EQ(base::FormatTimestamp(fields->created_at), "2026-11-22T04:23:00.123Z");
  EXPECT_EQ(base::FormatTimestamp(fields->updated_at), "2026-11-23T04:23:00.123Z");
  EXPECT_EQ(fields->updated_by, "taro");

  ASSERT_EQ(fields->targeting_rules.size(), 2);
  const model::Rule& first = fields->targeting_rules[0];
  EXPECT_EQ(first.id, "r1");
  EXPECT_EQ(first.description, "gold");
  EXPECT_FALSE(first.everyone);
  EXPECT_EQ(std::get<std::string>(first.serve), "blue");
  EXPECT_EQ(base::FormatTimestamp(*first.starts_at), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(base::FormatTimestamp(*first.ends_at), "2026-02-01T00:00:00.000Z");
  const model::ConditionGroup expected{
      .kind = model::GroupKind::kAll,
      .children = {
          model::Condition{.attribute = "plan", .op = model::Operator::kIn, .values = {"gold", 1, true}},
          model::ConditionGroup{
              .kind = model::GroupKind::kAny,
              .children = {model::Condition{.attribute = "", .op = model::Operator::kInSegment, .values = {"beta"}},
                           model::Condition{.attribute = "a.b", .op = model::Operator::kExists}}}}};
  EXPECT_EQ(first.when, expected);
  const model::Rule& second = fields->targeting_rules[1];
  EXPECT_TRUE(second.everyone);
  EXPECT_FALSE(second.when);
  EXPECT_EQ(std::get<model::Split>(second.serve),
            (model::Split{{.variation = "red", .weight = 1}, {.variation = "blue", .weight = 2}}));
}

TEST(FlagJson, WritesTheNamesOfTheSpecification) {
  const auto flag = model::Flag::Create(*FlagFromJson(Parsed(kFlag), {}));
  ASSERT_TRUE(flag) << flag.error().field << ' ' << flag.error().message;
  EXPECT_EQ(Write(FlagToJson(*flag)), Write(Parsed(kFlag)));
}

TEST(FlagJson, NeedsLittle) {
  const auto fields = FlagFromJson(Parsed(R"({"owner":"a"})"), {.environment = "dev", .key = "k"});
  ASSERT_TRUE(fields);
  const auto flag = model::Flag::Create(*fields);
  ASSERT_TRUE(flag);
  EXPECT_EQ((*flag)->flag_key, "k");
  EXPECT_EQ((*flag)->environment, "dev");
  EXPECT_FALSE((*flag)->default_enabled);
  EXPECT_EQ((*flag)->variations.size(), 2);
}

TEST(FlagJson, TakesNullForWhatIsOptional) {
  const auto fields = FlagFromJson(
      Parsed(R"({"expiresAt":null,"tenantId":null,"killVariation":null,"rolloutPercentage":null,"rolloutSalt":null,
                 "bucketBy":null,"targetingRules":[{"id":"r","when":null,"startsAt":null,"endsAt":null}]})"),
      {.environment = "dev", .key = "k"});
  ASSERT_TRUE(fields) << fields.error().field;
  EXPECT_FALSE(fields->expires_at || fields->tenant_id || fields->kill_variation || fields->rollout_percentage);
}

struct BadCase {
  std::string patch;  // merged into a good document
  std::string field;
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message = {};  // a part of it
};

void ExpectRefused(std::string_view good, const std::vector<BadCase>& cases,
                   const std::function<base::Status(const Value&)>& decode) {
  ASSERT_TRUE(decode(Parsed(good)));
  for (const auto& [patch, field, code, message] : cases) {
    const auto status = decode(MergePatch(Parsed(good), Parsed(patch)));
    ASSERT_FALSE(status) << patch;
    EXPECT_EQ(status.error().field, field) << patch << ": " << status.error().message;
    EXPECT_EQ(status.error().code, code) << patch;
    EXPECT_NE(status.error().message.find(message), std::string::npos) << patch << ": " << status.error().message;
  }
}

template <class Fields>
base::Status StatusOf(Result<Fields> result) {
  if (!result) return std::unexpected(std::move(result).error());
  return {};
}

base::Status DecodeFlag(const Value& value) {
  GUIDON_ASSIGN(auto fields, FlagFromJson(value, {}));
  return StatusOf(model::Flag::Create(std::move(fields)));
}

TEST(FlagJson, NamesWhatIsWrong) {
  constexpr auto kInvalid = ErrorCode::kInvalidArgument;
  ExpectRefused(
      kFlag,
      {{"1", "", kInvalid, "must be an object, not a number"},
       {"[]", "", kInvalid, "must be an object, not a list"},
       {R"({"flagKey":null})", "flagKey", kInvalid, "is missing"},
       {R"({"environment":null})", "environment", kInvalid, "is missing"},
       {R"({"flagKey":7})", "flagKey", kInvalid, "must be a string, not a number"},
       {R"({"flagKey":"a#b"})", "flagKey"},
       {R"({"flagKey":"a b"})", "flagKey"},
       {R"({"flagKey":"a\u0000"})", "flagKey"},
       {R"({"owner":true})", "owner", kInvalid, "must be a string, not a boolean"},
       {R"({"colour":1})", "colour", kInvalid, "is not a known name"},
       {R"({"a\nb":1})", "a?b", kInvalid, "is not a known name"},
       {R"({"FlagKey":"x"})", "FlagKey", kInvalid, "is not a known name"},
       {R"({"targetingRules":[{"id":"r","everyone":true,"variation":"red","x":1}]})", "targetingRules[0].x"},
       {R"({"defaultEnabled":"true"})", "defaultEnabled", kInvalid, "must be a boolean, not a string"},
       {R"({"defaultEnabled":1})", "defaultEnabled", kInvalid, "must be a boolean, not a number"},
       {R"({"type":"text"})", "type", kInvalid, "must be one of boolean, string, number and object"},
       {R"({"state":"enabled"})", "state", kInvalid, "must be one of ENABLED"},
       {R"({"tags":"ui"})", "tags", kInvalid, "must be a list, not a string"},
       {R"({"tags":["ui",3]})", "tags[1]", kInvalid, "must be a string, not a number"},
       {R"({"variations":["red"]})", "variations", kInvalid, "must be an object, not a list"},
       {R"({"variations":{"blue":1}})", "variations.blue", kInvalid, "must be of the flag's type string"},
       {R"({"rolloutPercentage":-1})", "rolloutPercentage", kInvalid, "from 0 to 100"},
       {R"({"rolloutPercentage":100.0001})", "rolloutPercentage", kInvalid, "from 0 to 100"},
       {R"({"rolloutPercentage":12.3456})", "rolloutPercentage", kInvalid, "three decimals"},
       {R"({"rolloutPercentage":"NaN"})", "rolloutPercentage", kInvalid, "must be a number, not a string"},
       {R"({"rolloutPercentage":1e300})", "rolloutPercentage"},
       {R"({"expiresAt":"2026-02-30T00:00:00Z"})", "expiresAt", kInvalid, "not a time that exists"},
       {R"({"expiresAt":"2025-02-29T00:00:00Z"})", "expiresAt", kInvalid, "not a time that exists"},
       {R"({"expiresAt":1766000000})", "expiresAt", kInvalid, "must be a string, not a number"},
       {R"({"createdAt":"yesterday"})", "createdAt"},
       {R"({"version":-1})", "version", kInvalid, "must not be negative"},
       {R"({"version":1.5})", "version", kInvalid, "must be a whole number"},
       {R"({"version":18446744073709551616})", "version"},
       {R"({"version":"1"})", "version", kInvalid, "must be a whole number, not a string"},
       {R"({"schema":2})", "schema", ErrorCode::kUnsupported},
       {R"({"targeting":"if"})", "targeting", kInvalid, "must be an object"},
       {R"({"targeting":{"if":[]},"targetingRules":[{"id":"r","everyone":true,"variation":"red"}]})", "targeting",
        kInvalid, "must be left out where the flag has targetingRules"},
       {R"({"targetingEvaluators":{"a":{}}})", "targetingEvaluators", kInvalid, "where there is no targeting"},
       {R"({"metadata":{"a":[]}})", "metadata.a", kInvalid, "must be a string, a number or a boolean"},
       {R"({"tenantOverrides":{"acme":"on"}})", "tenantOverrides.acme", kInvalid, "must be a boolean"},
       {R"({"prerequisites":[{"flagKey":"a","variations":["on"]},{"flagKey":"b"}]})", "prerequisites[1].variations",
        kInvalid, "is missing"},
       {R"({"prerequisites":[{"flagKey":"a","variations":["on",null]}]})", "prerequisites[0].variations[1]", kInvalid,
        "must be a string, not null"},
       {R"({"prerequisites":[{"variations":["on"]}]})", "prerequisites[0].flagKey", kInvalid, "is missing"},
       {R"({"targetingRules":{}})", "targetingRules", kInvalid, "must be a list, not an object"},
       {R"({"targetingRules":[null]})", "targetingRules[0]", kInvalid, "must be an object, not null"},
       {R"({"targetingRules":[{"everyone":true,"variation":"red"}]})", "targetingRules[0].id", kInvalid, "is missing"},
       {R"({"targetingRules":[{"id":"r","everyone":true}]})", "targetingRules[0].variation"},
       {R"({"targetingRules":[{"id":"r","everyone":false,"variation":"red"}]})", "targetingRules[0].when"},
       {R"({"targetingRules":[{"id":"r","everyone":true,"variation":"red","split":[]}]})", "targetingRules[0].split"},
       {R"({"targetingRules":[{"id":"r","everyone":true,"split":[{"variation":"red"}]}]})",
        "targetingRules[0].split[0].weight", kInvalid, "is missing"},
       {R"({"targetingRules":[{"id":"r","everyone":true,"split":[{"variation":"red","weight":0.5}]}]})",
        "targetingRules[0].split[0].weight"},
       {R"({"targetingRules":[{"id":"r","everyone":true,"split":[{"variation":"red","weight":-1}]}]})",
        "targetingRules[0].split[0].weight"},
       {R"({"targetingRules":[{"id":"r","everyone":"yes","variation":"red"}]})", "targetingRules[0].everyone"},
       {R"({"targetingRules":[{"id":"r","when":{},"variation":"red"}]})", "targetingRules[0].when", kInvalid,
        "all, any or none"},
       {R"({"targetingRules":[{"id":"r","when":{"all":[],"any":[]},"variation":"red"}]})",
        "targetingRules[0].when.any"},
       {R"({"targetingRules":[{"id":"r","when":{"all":{}},"variation":"red"}]})", "targetingRules[0].when.all"},
       {R"({"targetingRules":[{"id":"r","when":{"all":[1]},"variation":"red"}]})", "targetingRules[0].when.all[0]"},
       {R"({"targetingRules":[{"id":"r","when":{"any":[{"all":[]}]},"variation":"red"}]})",
        "targetingRules[0].when.any[0].all"},
       {R"({"targetingRules":[{"id":"r","when":{"all":[{"attribute":"a","operator":"is","values":[]}]},
          "variation":"red"}]})",
        "targetingRules[0].when.all[0].operator", kInvalid, "must be one of in, notIn"},
       {R"({"targetingRules":[{"id":"r","when":{"all":[{"attribute":"a","operator":"in"}]},"variation":"red"}]})",
        "targetingRules[0].when.all[0].values", kInvalid, "is missing"},
       {R"({"targetingRules":[{"id":"r","when":{"all":[{"operator":"in","values":[]}]},"variation":"red"}]})",
        "targetingRules[0].when.all[0].attribute"},
       {R"({"targetingRules":[{"id":"r","when":{"all":[{"attribute":"a","operator":"in","values":["x",[]]}]},
          "variation":"red"}]})",
        "targetingRules[0].when.all[0].values[1]", kInvalid, "not a list"},
       {R"({"targetingRules":[{"id":"r","everyone":true,"variation":"red","startsAt":"2026-02-01T00:00:00Z",
          "endsAt":"2026-01-01T00:00:00Z"}]})",
        "targetingRules[0].endsAt"}},
      DecodeFlag);
}

TEST(FlagJson, MustAgreeWithTheAddress) {
  const Value document = Parsed(kFlag);
  EXPECT_TRUE(FlagFromJson(document, {.environment = "prod", .key = "checkout-colour"}));
  EXPECT_EQ(FlagFromJson(document, {.environment = "dev", .key = ""}).error().field, "environment");
  const auto other = FlagFromJson(document, {.environment = "prod", .key = "other"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().field, "flagKey");
  EXPECT_EQ(other.error().message, "says 'checkout-colour', but the address says 'other'");
}

TEST(FlagJson, ReadsPartsBelowTheGivenPath) {
  EXPECT_EQ(RuleFromJson(Parsed(R"({"id":1})"), "targetingRules[3]").error().field, "targetingRules[3].id");
  EXPECT_EQ(PrerequisiteFromJson(Parsed("{}"), "prerequisites[0]").error().field, "prerequisites[0].flagKey");
  EXPECT_EQ(ConditionsFromJson(Parsed(R"({"all":[{}]})"), "when").error().field, "when.all[0].operator");
}

constexpr std::string_view kSegment = R"({"segmentKey":"beta","environment":"prod","description":"d",
  "included":["a"],"excluded":["b"],"when":{"any":[{"attribute":"x","operator":"lt","values":[3]}]},
  "version":2,"createdAt":"2026-11-22T04:23:00.123Z","updatedAt":"2026-11-22T04:23:00.123Z","updatedBy":"taro"})";

TEST(SegmentJson, WritesWhatItRead) {
  const auto segment = model::Segment::Create(*SegmentFromJson(Parsed(kSegment), {}));
  ASSERT_TRUE(segment);
  EXPECT_EQ((*segment)->included, (std::vector<std::string>{"a"}));
  EXPECT_EQ((*segment)->version, 2);
  EXPECT_EQ(Write(SegmentToJson(*segment)), Write(Parsed(kSegment)));
}

TEST(SegmentJson, OfOneWhoseKeysAreKeptApartSaysHowMany) {
  constexpr std::string_view kApart =
      R"({"createdAt":"2026-11-22T04:23:00.000Z","description":"","environment":"prod",)"
      R"("excludedCount":0,"includedCount":1000000,"segmentKey":"beta",)"
      R"("updatedAt":"2026-11-22T04:23:00.000Z","updatedBy":"","version":3})";
  const auto segment = model::Segment::Create(*SegmentFromJson(Parsed(kApart), {}));
  ASSERT_TRUE(segment.has_value()) << segment.error().message;
  EXPECT_EQ((*segment)->kept_apart, (model::SegmentKeyCounts{.included = 1'000'000, .excluded = 0}));
  EXPECT_EQ(Write(SegmentToJson(*segment)), kApart);
  const auto both =
      SegmentFromJson(Parsed(R"({"segmentKey":"b","environment":"e","included":["u"],"includedCount":1})"), {});
  EXPECT_EQ(model::Segment::Create(*both).error().field, "includedCount");
}

TEST(SegmentJson, ReadsWholeListsOfKeys) {
  const auto lists = SegmentKeysFromJson(R"({"included":["b","a","\u00e9"]})", 100);
  ASSERT_TRUE(lists.has_value());
  EXPECT_EQ(lists->included, (std::vector<std::string>{"b", "a", "é"}));
  EXPECT_FALSE(lists->excluded.has_value());
  EXPECT_TRUE(SegmentKeysFromJson(R"({"excluded":[]})", 100)->excluded->empty());
  const auto field = [](std::string_view text) { return SegmentKeysFromJson(text, 100).error().field; };
  EXPECT_EQ(field(R"({"included":["a",1]})"), "included[1]");
  EXPECT_EQ(field(R"({"excluded":"a"})"), "excluded");
  EXPECT_EQ(field(R"({"keys":[]})"), "keys");
  EXPECT_EQ(field(R"({"included":[],"included":[]})"), "included");
  EXPECT_EQ(SegmentKeysFromJson("[]", 100).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(SegmentKeysFromJson("{", 100).error().code, base::ErrorCode::kMalformed);
  EXPECT_EQ(SegmentKeysFromJson(R"({"included":["a"]})", 10).error().code, base::ErrorCode::kTooLarge);
}

TEST(SegmentJson, NamesWhatIsWrong) {
  ExpectRefused(kSegment,
                {{R"({"segmentKey":null})", "segmentKey"},
                 {R"({"included":"a"})", "included"},
                 {R"({"excluded":[1]})", "excluded[0]"},
                 {R"({"rules":[]})", "rules"},
                 {R"({"when":{"any":[{"operator":"inSegment","values":["x"]}]}})", "when.any[0].operator"},
                 {R"({"when":{"any":[{"attribute":"x","operator":"lt","values":["3"]}]}})", "when.any[0].values[0]"}},
                [](const Value& value) -> base::Status {
                  GUIDON_ASSIGN(auto fields, SegmentFromJson(value, {}));
                  return StatusOf(model::Segment::Create(std::move(fields)));
                });
}

TEST(TenantJson, NamesWhatIsWrong) {
  ExpectRefused(R"({"tenantId":"acme","name":"Acme","plan":"gold"})",
                {{R"({"tenantId":null})", "tenantId"},
                 {R"({"tenantId":"a#b"})", "tenantId"},
                 {R"({"name":1})", "name"},
                 {R"({"colour":1})", "colour"}},
                [](const Value& value) -> base::Status {
                  GUIDON_ASSIGN(auto fields, TenantFromJson(value, {}));
                  return StatusOf(model::Tenant::Create(std::move(fields)));
                });
}

TEST(OverrideJson, NamesWhatIsWrong) {
  ExpectRefused(R"({"environment":"prod","flagKey":"a","tenantId":"acme","variation":"on"})",
                {{R"({"environment":null})", "environment"},
                 {R"({"flagKey":null})", "flagKey"},
                 {R"({"tenantId":null})", "tenantId"},
                 {R"({"variation":null})", "variation"},
                 {R"({"variation":true})", "variation"},
                 {R"({"enabled":true})", "enabled"}},
                [](const Value& value) -> base::Status {
                  GUIDON_ASSIGN(auto fields, OverrideFromJson(value));
                  return StatusOf(model::Override::Create(std::move(fields)));
                });
}

TEST(KillSwitchJson, NamesWhatIsWrong) {
  ExpectRefused(R"({"environment":"prod","scope":"flag:a","reason":"r"})",
                {{R"({"environment":null})", "environment"},
                 {R"({"scope":null})", "scope"},
                 {R"({"scope":"flag:"})", "scope"},
                 {R"({"scope":["global"]})", "scope"},
                 {R"({"reason":null})", "reason"},
                 {R"({"reason":""})", "reason"},
                 {R"({"until":1})", "until"}},
                [](const Value& value) -> base::Status {
                  GUIDON_ASSIGN(auto fields, KillSwitchFromJson(value));
                  return StatusOf(model::KillSwitch::Create(std::move(fields)));
                });
}

TEST(ApiKeyJson, RequestNamesWhatIsWrong) {
  const auto request = ApiKeyRequestFromJson(Parsed(
      R"({"kind":"client","name":"web","environment":"prod","tenantId":"acme","expiresAt":"2027-01-01T00:00:00Z"})"));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->kind, model::KeyKind::kClient);
  EXPECT_EQ(request->name, "web");
  EXPECT_EQ(request->environment, "prod");
  EXPECT_EQ(request->tenant_id, "acme");
  EXPECT_EQ(base::FormatTimestamp(*request->expires_at), "2027-01-01T00:00:00.000Z");
  ExpectRefused(R"({"kind":"server"})",
                {{R"({"kind":null})", "kind"},
                 {R"({"kind":"root"})", "kind"},
                 {R"({"secretHash":"x"})", "secretHash"},
                 {R"({"keyId":"x"})", "keyId"},
                 {R"({"expiresAt":"2027-02-29T00:00:00Z"})", "expiresAt"}},
                [](const Value& value) { return StatusOf(ApiKeyRequestFromJson(value)); });
}

TEST(ApiKeyJson, NeverShowsTheHash) {
  const std::string hash(64, 'a');
  const auto key = model::ApiKey::Create({.key_id = "0123456789abcdef", .environment = "prod", .secret_hash = hash});
  ASSERT_TRUE(key);
  EXPECT_EQ(Write(ApiKeyToJson(*key)),
            R"({"createdAt":"1970-01-01T00:00:00.000Z","createdBy":"","environment":"prod","keyId":"0123456789abcdef",)"
            R"("kind":"server","name":"","updatedAt":"1970-01-01T00:00:00.000Z","updatedBy":"","version":1})");
}

RC_GTEST_PROP(RoundTrip, Flag, ()) {
  const model::Flag flag = *model::testing::AnyFlag();
  const auto fields = FlagFromJson(FlagToJson(flag), {});
  RC_ASSERT(fields.has_value());
  RC_ASSERT(model::Flag::Create(*fields).value() == flag);
  const auto through_text = FlagFromJson(Parse(Write(FlagToJson(flag))).value(), {});
  RC_ASSERT(through_text.has_value());
  RC_ASSERT(model::Flag::Create(*through_text).value() == flag);
}

RC_GTEST_PROP(RoundTrip, Segment, ()) {
  const model::Segment segment = *model::testing::AnySegment();
  const auto fields = SegmentFromJson(Parse(Write(SegmentToJson(segment))).value(), {});
  RC_ASSERT(fields.has_value());
  RC_ASSERT(model::Segment::Create(*fields).value() == segment);
}

RC_GTEST_PROP(RoundTrip, Tenant, ()) {
  const model::Tenant tenant = *model::testing::AnyTenant();
  const auto fields = TenantFromJson(Parse(Write(TenantToJson(tenant))).value(), {});
  RC_ASSERT(fields.has_value());
  RC_ASSERT(model::Tenant::Create(*fields).value() == tenant);
}

RC_GTEST_PROP(RoundTrip, Override, ()) {
  const model::Override override = *model::testing::AnyOverride();
  const auto fields = OverrideFromJson(Parse(Write(OverrideToJson(override))).value());
  RC_ASSERT(fields.has_value());
  RC_ASSERT(model::Override::Create(*fields).value() == override);
}

RC_GTEST_PROP(RoundTrip, KillSwitch, ()) {
  const model::KillSwitch kill_switch = *model::testing::AnyKillSwitch();
  const auto fields = KillSwitchFromJson(Parse(Write(KillSwitchToJson(kill_switch))).value());
  RC_ASSERT(fields.has_value());
  RC_ASSERT(model::KillSwitch::Create(*fields).value() == kill_switch);
}

RC_GTEST_PROP(RoundTrip, Parts, ()) {
  const model::Flag flag = *model::testing::AnyFlag();
  for (const auto& rule : flag->targeting_rules) RC_ASSERT(RuleFromJson(RuleToJson(rule), "r").value() == rule);
  for (const auto& prerequisite : flag->prerequisites)
    RC_ASSERT(PrerequisiteFromJson(PrerequisiteToJson(prerequisite), "p").value() == prerequisite);
}

TEST(ContextJson, ReadsAnOfrepBody) {
  const auto context = ContextFromOfrepBody(
      R"({"context":{"targetingKey":"user-1","tenantId":"acme","age":7,"paid":true,"tags":["a",1],"geo":{"country":"JP"},
          "gone":null},"other":{"ignored":true}})");
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(*context->targeting_key(), "user-1");
  EXPECT_EQ(*context->tenant_id(), "acme");
  EXPECT_EQ(Write(Value(context->attributes())), R"({"age":7,"geo":{"country":"JP"},"paid":true,"tags":["a",1]})");
}

TEST(ContextJson, TakesBodiesThatSayLittle) {
  for (const char* body :
       {"{}", R"({"context":{}})", R"({"other":1})", R"({"context":{"targetingKey":"","x":null,"tenantId":null}})",
        R"({"context":{"targetingKey":null}})"}) {
    const auto context = ContextFromOfrepBody(body);
    ASSERT_TRUE(context) << body << ' ' << context.error().message;
    EXPECT_EQ(context->targeting_key(), nullptr) << body;
    EXPECT_EQ(context->tenant_id(), nullptr) << body;
    EXPECT_TRUE(context->attributes().empty()) << body;
  }
}

TEST(ContextJson, NamesWhatIsWrong) {
  struct Case {
    std::string body;
    ErrorCode code;
    std::string field;
  };
  const std::string many = [] {
    std::string text = R"({"context":{"a":1)";
    for (int i = 0; i < 200; ++i) text += ",\"a" + std::to_string(i) + "\":1";
    return text + "}}";
  }();
  const std::vector<Case> cases = {
      {"", ErrorCode::kMalformed, ""},
      {"[]", ErrorCode::kMalformed, ""},
      {"null", ErrorCode::kMalformed, ""},
      {R"({"context":{)", ErrorCode::kMalformed, ""},
      {R"({"context":{"a":1,"a":2}})", ErrorCode::kMalformed, "context.a"},
      {R"({"context":{"targetingKey":"a","targetingKey":"b"}})", ErrorCode::kMalformed, "context.targetingKey"},
      {R"({"context":{},"context":{}})", ErrorCode::kMalformed, "context"},
      {"{\"context\":{\"a\":\"\xFF\"}}", ErrorCode::kMalformed, ""},
      {R"({"context":7})", ErrorCode::kInvalidArgument, "context"},
      {R"({"context":null})", ErrorCode::kInvalidArgument, "context"},
      {R"({"context":{"targetingKey":7}})", ErrorCode::kInvalidArgument, "context.targetingKey"},
      {R"({"context":{"tenantId":["acme"]}})", ErrorCode::kInvalidArgument, "context.tenantId"},
      {R"({"context":{"tenantId":"a#b"}})", ErrorCode::kInvalidArgument, "context.tenantId"},
      {R"({"context":{"tenantId":""}})", ErrorCode::kInvalidArgument, "context.tenantId"},
      {R"({"context":{"a":[[[[[[[[[1]]]]]]]]]}})", ErrorCode::kTooLarge, "context.a[0][0][0][0][0][0][0][0]"},
      {R"({"context":{"a":")" + std::string(8193, 'x') + R"("}})", ErrorCode::kTooLarge, "context.a"},
      {many, ErrorCode::kTooLarge, "context"},
      {std::string(1024UL * 1024 + 1, ' '), ErrorCode::kTooLarge, ""},
  };
  for (const auto& [body, code, field] : cases) {
    const auto context = ContextFromOfrepBody(body);
    ASSERT_FALSE(context) << body.substr(0, 100);
    EXPECT_EQ(context.error().code, code) << body.substr(0, 100);
    EXPECT_EQ(context.error().field, field) << context.error().message;
  }
  EXPECT_EQ(ContextFromJson(Value(1)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ContextFromJson(Parsed(R"({"tenantId":1})")).error().field, "tenantId");
}

std::optional<std::string> Copied(const std::string* text) {
  return text != nullptr ? std::optional(*text) : std::nullopt;
}

// Both ways in give the same context.
RC_GTEST_PROP(ContextJson, ReadsEveryContext, ()) {
  const model::Context context = *model::testing::AnyContext();
  model::Object document = context.attributes();
  if (context.targeting_key() != nullptr) document.Set("targetingKey", *context.targeting_key());
  if (context.tenant_id() != nullptr) document.Set("tenantId", *context.tenant_id());
  model::Object body;
  body.Set("context", document);
  const auto direct = ContextFromOfrepBody(Write(Value(body)));
  const auto by_value = ContextFromJson(Value(document));
  RC_ASSERT(direct.has_value() && by_value.has_value());
  model::Object expected;
  for (const auto& [name, value] : context.attributes())
    if (!value.IsNull()) expected.Set(name, value);
  for (const auto* read : {&*direct, &*by_value}) {
    RC_ASSERT(read->attributes() == expected);
    RC_ASSERT(Copied(read->targeting_key()) == Copied(context.targeting_key()));
    RC_ASSERT(Copied(read->tenant_id()) == Copied(context.tenant_id()));
  }
}

}  // namespace
}  // namespace guidon::json
