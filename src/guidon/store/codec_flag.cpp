// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/field_path.hpp"
#include "guidon/store/codec.hpp"
#include "guidon/store/item_fields.hpp"
#include "guidon/store/item_reader.hpp"
#include "guidon/store/keys.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Result;

// ---- Writing

void SetKeys(ItemBuilder& item, const model::FlagFields& flag) {
  const auto env = *model::Environment::Parse(flag.environment);
  const auto key = *model::FlagKey::Parse(flag.flag_key);
  SetKey(item, FlagItemKey(env, key));
  SetIndexKey(item, Index::kGsi1Flags, FlagByCreation(env, flag.created_at));
  SetIndexKey(item, Index::kGsi2Owner, FlagByOwner(env, *model::Owner::Parse(flag.owner), key));
  if (!flag.tenant_id) return;
  SetIndexKey(item, Index::kGsi3Tenant, FlagByTenant(*model::TenantId::Parse(*flag.tenant_id), env, key));
}

void SetServing(ItemBuilder& item, const model::FlagFields& flag) {
  AttributeMap variations;
  for (const auto& [name, value] : flag.variations) variations.Set(name, AttributeOf(value));
  item.Set("variations", std::move(variations));
  if (!flag.default_variation.empty()) item.Set("defaultVariation", flag.default_variation);
  if (!flag.off_variation.empty()) item.Set("offVariation", flag.off_variation);
  if (flag.code_default) item.Set("codeDefault", true);
  SetOptional(item, "killVariation", flag.kill_variation);
  if (flag.rollout_percentage) item.Set("rolloutPercentage", Number::From(flag.rollout_percentage->percent()));
  SetOptional(item, "rolloutSalt", flag.rollout_salt);
  SetOptional(item, "bucketBy", flag.bucket_by);
}

model::Value ObjectOf(const std::map<std::string, model::Value>& members) {
  return *model::Object::FromEntries({members.begin(), members.end()});
}

void SetTargeting(ItemBuilder& item, const model::FlagFields& flag) {
  if (!flag.targeting_rules.empty()) {
    AttributeList rules;
    rules.reserve(flag.targeting_rules.size());
    for (const model::Rule& rule : flag.targeting_rules) rules.push_back(AttributeOf(json::RuleToJson(rule)));
    item.Set("targetingRules", std::move(rules));
  }
  // As text: expressions nest deeper than DynamoDB's values may.
  if (flag.targeting) item.Set("targeting", json::Write(*flag.targeting));
  if (!flag.targeting_evaluators.empty())
    item.Set("targetingEvaluators", json::Write(ObjectOf(flag.targeting_evaluators)));
  if (!flag.metadata.empty()) {
    AttributeMap metadata;
    for (const auto& [name, value] : flag.metadata) metadata.Set(name, AttributeOf(value));
    item.Set("metadata", std::move(metadata));
  }
  if (!flag.prerequisites.empty()) {
    AttributeList prerequisites;
    for (const auto& each : flag.prerequisites) prerequisites.push_back(AttributeOf(json::PrerequisiteToJson(each)));
    item.Set("prerequisites", std::move(prerequisites));
  }
  if (!flag.tenant_overrides.empty()) {
    AttributeMap overrides;
    for (const auto& [tenant, enabled] : flag.tenant_overrides) overrides.Set(tenant, enabled);
    item.Set("tenantOverrides", std::move(overrides));
  }
}

// ---- Reading

// A layout or a feature we do not know must not be read as if the rest were all there is.
void RefuseUnsupported(ItemReader& in) {
  const std::uint64_t schema = in.Unsigned("schema", model::kFlagSchema);
  if (schema > std::uint64_t{model::kFlagSchema}) {
    in.Problem({.code = ErrorCode::kUnsupported,
                .message = "the flag was written by a newer version (schema " + std::to_string(schema) +
                           "); upgrade this node",
                .field = "schema"});
  } else if (schema == 0) {
    in.Problem("schema", "must be at least 1");
  }
}

template <class Enum, class FromName>
Enum ReadEnum(ItemReader& in, std::string_view name, Enum fallback, FromName from_name) {
  const auto text = in.OptionalText(name);
  if (!text) return fallback;
  const std::optional<Enum> value = from_name(*text);
  if (!value) in.Problem(name, "'" + model::PathName(*text) + "' is not known");
  return value.value_or(fallback);
}

std::optional<model::Percentage> ReadPercentage(ItemReader& in, std::string_view name) {
  const AttributeValue* attribute = in.Find(name);
  if (attribute == nullptr) return std::nullopt;
  if (attribute->AsNumber() == nullptr) {
    in.Problem(name, "must be a number (N)");
    return std::nullopt;
  }
  const auto value = in.Take(ValueOf(*attribute, name));
  if (!value) return std::nullopt;
  double percent = value->AsInteger() != nullptr ? static_cast<double>(*value->AsInteger()) : *value->AsDouble();
  // Other programs may write more decimals; three are kept (spec 2).
  constexpr double kScale = static_cast<double>(model::kPercentageScale);
  if (percent >= 0 && percent <= 100) percent = std::round(percent * kScale) / kScale;
  return in.Take(model::Percentage::Create(percent, name));
}

template <class T>
std::vector<T> ReadParts(ItemReader& in, std::string_view name,
                         Result<T> (*from_json)(const model::Value&, std::string_view)) {
  std::vector<T> parts;
  const AttributeList* list = in.List(name);
  if (list == nullptr) return parts;
  for (std::size_t i = 0; i < list->size() && in.good(); ++i) {
    const std::string path = std::string(name) + "[" + std::to_string(i) + "]";
    const auto value = in.Take(ValueOf((*list)[i], path));
    if (!value) break;
    auto part = in.Take(from_json(*value, path));
    if (part) parts.push_back(*std::move(part));
  }
  return parts;
}

std::map<std::string, model::Value> ReadValues(ItemReader& in, const std::string& attribute_name) {
  std::map<std::string, model::Value> values;
  const AttributeMap* map = in.Map(attribute_name);
  if (map == nullptr) return values;
  for (const auto& [name, attribute] : *map) {
    auto value = in.Take(ValueOf(attribute, attribute_name + "." + model::PathName(name)));
    if (value) values.emplace_hint(values.end(), name, *std::move(value));
  }
  return values;
}

// A value that is kept as JSON text.
std::optional<model::Value> ReadJsonText(ItemReader& in, std::string_view name) {
  const auto text = in.OptionalText(name);
  if (!text) return std::nullopt;
  auto value = json::Parse(*text, {.depth_max = model::kTargetingDepthMax + 2});
  if (value) return *std::move(value);
  in.Problem(name, "is no JSON text: " + value.error().message);
  return std::nullopt;
}

std::map<std::string, model::Value> ReadEvaluators(ItemReader& in) {
  constexpr std::string_view kName = "targetingEvaluators";
  const auto value = ReadJsonText(in, kName);
  if (!value) return {};
  const model::Object* members = value->AsObject();
  if (members != nullptr) return {members->begin(), members->end()};
  in.Problem(kName, "must be the JSON text of an object");
  return {};
}

std::map<std::string, bool> ReadTenantOverrides(ItemReader& in) {
  std::map<std::string, bool> overrides;
  const AttributeMap* map = in.Map("tenantOverrides");
  if (map == nullptr) return overrides;
  for (const auto& [tenant, attribute] : *map) {
    if (const bool* enabled = attribute.AsBool()) {
      overrides.emplace_hint(overrides.end(), tenant, *enabled);
    } else {
      in.Problem("tenantOverrides." + model::PathName(tenant), "must be a boolean (BOOL)");
    }
  }
  return overrides;
}

void ReadServing(ItemReader& in, model::FlagFields& flag) {
  flag.type = ReadEnum(in, "type", model::FlagType::kBoolean, model::FlagTypeFromName);
  flag.state = ReadEnum(in, "state", model::FlagState::kEnabled, model::FlagStateFromName);
  flag.client_visible = in.BoolOr("clientVisible", false);
  flag.default_enabled = in.Bool("defaultEnabled");
  flag.variations = ReadValues(in, "variations");
  flag.default_variation = in.TextOr("defaultVariation", "");
  flag.off_variation = in.TextOr("offVariation", "");
  flag.code_default = in.BoolOr("codeDefault", false);
  flag.kill_variation = in.OptionalText("killVariation");
  flag.rollout_percentage = ReadPercentage(in, "rolloutPercentage");
  flag.rollout_salt = in.OptionalText("rolloutSalt");
  flag.bucket_by = in.OptionalText("bucketBy");
}

void ReadTargeting(ItemReader& in, model::FlagFields& flag) {
  flag.targeting_rules = ReadParts<model::Rule>(in, "targetingRules", json::RuleFromJson);
  flag.targeting = ReadJsonText(in, "targeting");
  flag.targeting_evaluators = ReadEvaluators(in);
  flag.metadata = ReadValues(in, "metadata");
  flag.prerequisites = ReadParts<model::Prerequisite>(in, "prerequisites", json::PrerequisiteFromJson);
  flag.tenant_overrides = ReadTenantOverrides(in);
}

}  // namespace

Item EncodeFlag(const model::Flag& flag) {
  ItemBuilder item;
  SetKeys(item, *flag);
  item.Set("flagKey", flag->flag_key);
  item.Set("environment", flag->environment);
  item.Set("description", flag->description);
  item.Set("owner", flag->owner);
  SetOptional(item, "tenantId", flag->tenant_id);
  SetTexts(item, "tags", flag->tags);
  item.Set("type", model::NameOf(flag->type));
  item.Set("state", model::NameOf(flag->state));
  item.Set("clientVisible", flag->client_visible);
  item.Set("defaultEnabled", flag->default_enabled);
  SetServing(item, *flag);
  SetTargeting(item, *flag);
  SetOptional(item, "expiresAt", flag->expires_at);
  SetHistory(item, *flag);
  item.Set("createdAt", base::FormatTimestamp(flag->created_at));
  item.Set("schema", Number::From(model::kFlagSchema));
  return std::move(item).Done();
}

Result<model::Flag> DecodeFlag(const Item& item) {
  ItemReader in(item);
  RefuseUnsupported(in);
  const auto key = in.KeyParts("PK", "FLAG", 2);
  in.ExpectKey("SK", kMetadataSort);
  model::FlagFields flag{.flag_key = in.SameText("flagKey", key[1]), .environment = in.SameText("environment", key[0])};
  flag.description = in.TextOr("description", "");
  flag.owner = in.Text("owner");
  flag.tenant_id = in.OptionalText("tenantId");
  flag.tags = in.TextList("tags");
  ReadServing(in, flag);
  ReadTargeting(in, flag);
  flag.expires_at = in.OptionalTime("expiresAt");
  flag.version = in.Version();
  flag.created_at = in.Time("createdAt");
  flag.updated_at = in.TimeOr("updatedAt", flag.created_at);
  flag.updated_by = in.TextOr("updatedBy", "");
  return in.Finish([&] { return model::Flag::Create(std::move(flag)); });
}

std::optional<base::Timestamp> CreatedAtOf(const Item& flag_item) {
  return ItemReader(flag_item).OptionalTime("createdAt");
}

}  // namespace guidon::store
