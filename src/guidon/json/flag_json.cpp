// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <variant>

#include "guidon/json/model_json.hpp"
#include "guidon/json/reader.hpp"

namespace guidon::json {
namespace {

using base::ErrorCode;
using base::Result;
using model::Flag;
using model::FlagFields;
using model::Percentage;
using model::Prerequisite;
using model::Rule;
using model::Split;
using model::Value;
using model::WeightedVariation;

constexpr std::size_t kFlagAttributes = 32;

Result<Percentage> AsPercentage(const Value& value) {
  GUIDON_ASSIGN(const double percent, AsDouble(value));
  return Percentage::Create(percent, "");
}

Result<WeightedVariation> WeightedFromValue(const Value& value) {
  WeightedVariation weighted;
  ObjectReader reader(value);
  reader.Require("variation", weighted.variation, AsString);
  reader.Require("weight", weighted.weight, AsInteger);
  return reader.Finish(std::move(weighted));
}

Value SplitToJson(const Split& split) {
  model::List list;
  list.reserve(split.size());
  for (const WeightedVariation& weighted : split) {
    ObjectBuilder builder;
    builder.Put("variation", weighted.variation).Put("weight", Value(weighted.weight));
    list.push_back(std::move(builder).Done());
  }
  return list;
}

Result<model::ConditionGroup> ConditionsFromValue(const Value& value) { return ConditionsFromJson(value, ""); }

Result<Rule> RuleFromValue(const Value& value) {
  Rule rule;
  ObjectReader reader(value);
  reader.Require("id", rule.id, AsString);
  reader.Read("description", rule.description, AsString);
  reader.Read("everyone", rule.everyone, AsBool);
  reader.Read("when", rule.when, ConditionsFromValue);
  reader.Read("variation", rule.serve, AsString);
  if (reader.Has("variation") && reader.Has("split"))
    reader.Refuse({.code = ErrorCode::kInvalidArgument,
                   .message = "must be left out where the rule serves one variation",
                   .field = "split"});
  reader.Read("split", rule.serve, ListOf(WeightedFromValue));
  reader.Read("startsAt", rule.starts_at, AsTime);
  reader.Read("endsAt", rule.ends_at, AsTime);
  return reader.Finish(std::move(rule));
}

Result<Prerequisite> PrerequisiteFromValue(const Value& value) {
  Prerequisite prerequisite;
  ObjectReader reader(value);
  reader.Require("flagKey", prerequisite.flag_key, AsString);
  reader.Require("variations", prerequisite.variations, ListOf(AsString));
  return reader.Finish(std::move(prerequisite));
}

void CheckLayout(ObjectReader& reader) {
  std::int64_t schema = model::kFlagSchema;
  reader.Read("schema", schema, AsInteger);
  if (schema > model::kFlagSchema)
    reader.Refuse({.code = ErrorCode::kUnsupported,
                   .message = "was written by a newer version of this program",
                   .field = "schema"});
}

void ReadIdentity(ObjectReader& reader, FlagFields& flag, const DocumentScope& scope) {
  reader.ReadScoped("flagKey", flag.flag_key, scope.key);
  reader.ReadScoped("environment", flag.environment, scope.environment);
  reader.Read("description", flag.description, AsString);
  reader.Read("owner", flag.owner, AsString);
  reader.Read("tenantId", flag.tenant_id, AsString);
  reader.Read("tags", flag.tags, ListOf(AsString));
  reader.Read("type", flag.type, EnumOf(model::FlagTypeFromName, "boolean, string, number and object"));
  reader.Read("state", flag.state, EnumOf(model::FlagStateFromName, "ENABLED, DISABLED and ARCHIVED"));
  reader.Read("clientVisible", flag.client_visible, AsBool);
}

void ReadServing(ObjectReader& reader, FlagFields& flag) {
  reader.Read("defaultEnabled", flag.default_enabled, AsBool);
  reader.Read("variations", flag.variations, MapOf(AsAnything));
  reader.Read("defaultVariation", flag.default_variation, AsString);
  reader.Read("offVariation", flag.off_variation, AsString);
  reader.Read("codeDefault", flag.code_default, AsBool);
  reader.Read("killVariation", flag.kill_variation, AsString);
  reader.Read("rolloutPercentage", flag.rollout_percentage, AsPercentage);
  reader.Read("rolloutSalt", flag.rollout_salt, AsString);
  reader.Read("bucketBy", flag.bucket_by, AsString);
  reader.Read("targetingRules", flag.targeting_rules, ListOf(RuleFromValue));
  reader.Read("targeting", flag.targeting, AsAnything);
  reader.Read("targetingEvaluators", flag.targeting_evaluators, MapOf(AsAnything));
  reader.Read("metadata", flag.metadata, MapOf(AsAnything));
  reader.Read("prerequisites", flag.prerequisites, ListOf(PrerequisiteFromValue));
  reader.Read("tenantOverrides", flag.tenant_overrides, MapOf(AsBool));
}

void ReadHistory(ObjectReader& reader, FlagFields& flag) {
  reader.Read("expiresAt", flag.expires_at, AsTime);
  reader.Read("version", flag.version, AsUnsigned);
  reader.Read("createdAt", flag.created_at, AsTime);
  reader.Read("updatedAt", flag.updated_at, AsTime);
  reader.Read("updatedBy", flag.updated_by, AsString);
}

template <class T, class Encoder>
Value ListToJson(const std::vector<T>& items, Encoder encode) {
  model::List list;
  list.reserve(items.size());
  for (const T& item : items) list.push_back(encode(item));
  return list;
}

template <class T>
Value MapToJson(const std::map<std::string, T>& items) {
  return *model::Object::FromEntries({items.begin(), items.end()});
}

}  // namespace

Value RuleToJson(const Rule& rule) {
  ObjectBuilder builder;
  builder.Put("id", rule.id).PutText("description", rule.description);
  if (rule.everyone) builder.Put("everyone", Value(true));
  if (rule.when) builder.Put("when", ConditionsToJson(*rule.when));
  if (const auto* split = std::get_if<Split>(&rule.serve)) {
    builder.Put("split", SplitToJson(*split));
  } else {
    builder.Put("variation", std::get<std::string>(rule.serve));
  }
  builder.PutOptional("startsAt", rule.starts_at).PutOptional("endsAt", rule.ends_at);
  return std::move(builder).Done();
}

Result<Rule> RuleFromJson(const Value& value, std::string_view field) {
  auto rule = RuleFromValue(value);
  if (!rule) return std::unexpected(model::Below(field, std::move(rule).error()));
  return rule;
}

Value PrerequisiteToJson(const Prerequisite& prerequisite) {
  ObjectBuilder builder;
  builder.Put("flagKey", prerequisite.flag_key).Put("variations", prerequisite.variations);
  return std::move(builder).Done();
}

Result<Prerequisite> PrerequisiteFromJson(const Value& value, std::string_view field) {
  auto prerequisite = PrerequisiteFromValue(value);
  if (!prerequisite) return std::unexpected(model::Below(field, std::move(prerequisite).error()));
  return prerequisite;
}

Result<FlagFields> FlagFromJson(const Value& document, const DocumentScope& scope) {
  FlagFields flag;
  ObjectReader reader(document);
  CheckLayout(reader);
  ReadIdentity(reader, flag, scope);
  ReadServing(reader, flag);
  ReadHistory(reader, flag);
  return reader.Finish(std::move(flag));
}

// In the order of the names, so that the object need not be sorted.
Value FlagToJson(const Flag& flag) {
  ObjectBuilder builder;
  builder.Reserve(kFlagAttributes)
      .PutOptional("bucketBy", flag->bucket_by)
      .Put("clientVisible", Value(flag->client_visible));
  if (flag->code_default) builder.Put("codeDefault", Value(true));
  builder.Put("createdAt", flag->created_at)
      .Put("defaultEnabled", Value(flag->default_enabled))
      .PutText("defaultVariation", flag->default_variation)
      .Put("description", flag->description)
      .Put("environment", flag->environment)
      .PutOptional("expiresAt", flag->expires_at)
      .Put("flagKey", flag->flag_key)
      .PutOptional("killVariation", flag->kill_variation);
  if (!flag->metadata.empty()) builder.Put("metadata", MapToJson(flag->metadata));
  builder.PutText("offVariation", flag->off_variation)
      .Put("owner", flag->owner)
      .Put("prerequisites", ListToJson(flag->prerequisites, PrerequisiteToJson));
  if (flag->rollout_percentage) builder.Put("rolloutPercentage", Value(flag->rollout_percentage->percent()));
  builder.PutOptional("rolloutSalt", flag->rollout_salt)
      .Put("schema", Value(model::kFlagSchema))
      .Put("state", NameOf(flag->state))
      .Put("tags", flag->tags)
      .PutOptional("targeting", flag->targeting);
  if (!flag->targeting_evaluators.empty()) builder.Put("targetingEvaluators", MapToJson(flag->targeting_evaluators));
  builder.Put("targetingRules", ListToJson(flag->targeting_rules, RuleToJson)).PutOptional("tenantId", flag->tenant_id);
  if (!flag->tenant_overrides.empty()) builder.Put("tenantOverrides", MapToJson(flag->tenant_overrides));
  builder.Put("type", NameOf(flag->type))
      .Put("updatedAt", flag->updated_at)
      .Put("updatedBy", flag->updated_by)
      .Put("variations", MapToJson(flag->variations))
      .Put("version", flag->version);
  return std::move(builder).Done();
}

}  // namespace guidon::json
