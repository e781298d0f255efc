// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "guidon/json/model_json.hpp"
#include "guidon/json/reader.hpp"

namespace guidon::json {
namespace {

using base::Result;
using model::Value;

Result<model::ConditionGroup> ConditionsFromValue(const Value& value) { return ConditionsFromJson(value, ""); }

Result<model::KillScope> AsKillScope(const Value& value) {
  GUIDON_ASSIGN(const std::string text, AsString(value));
  return model::KillScope::Parse(text, "");
}

}  // namespace

Result<model::SegmentFields> SegmentFromJson(const Value& document, const DocumentScope& scope) {
  model::SegmentFields segment;
  ObjectReader reader(document);
  reader.ReadScoped("segmentKey", segment.segment_key, scope.key);
  reader.ReadScoped("environment", segment.environment, scope.environment);
  reader.Read("description", segment.description, AsString);
  reader.Read("included", segment.included, ListOf(AsString));
  reader.Read("excluded", segment.excluded, ListOf(AsString));
  reader.Read("when", segment.when, ConditionsFromValue);
  reader.Read("version", segment.version, AsUnsigned);
  reader.Read("createdAt", segment.created_at, AsTime);
  reader.Read("updatedAt", segment.updated_at, AsTime);
  reader.Read("updatedBy", segment.updated_by, AsString);
  std::optional<std::uint64_t> included_count;
  std::optional<std::uint64_t> excluded_count;
  reader.Read("includedCount", included_count, AsUnsigned);
  reader.Read("excludedCount", excluded_count, AsUnsigned);
  if (included_count || excluded_count)
    segment.kept_apart = model::SegmentKeyCounts{.included = static_cast<std::size_t>(included_count.value_or(0)),
                                                 .excluded = static_cast<std::size_t>(excluded_count.value_or(0))};
  return reader.Finish(std::move(segment));
}

Value SegmentToJson(const model::Segment& segment) {
  ObjectBuilder builder;
  builder.Put("segmentKey", segment->segment_key)
      .Put("environment", segment->environment)
      .Put("description", segment->description)
      .Put("version", segment->version)
      .Put("createdAt", segment->created_at)
      .Put("updatedAt", segment->updated_at)
      .Put("updatedBy", segment->updated_by);
  if (segment->kept_apart) {
    builder.Put("includedCount", std::uint64_t{segment->kept_apart->included})
        .Put("excludedCount", std::uint64_t{segment->kept_apart->excluded});
  } else {
    builder.Put("included", segment->included).Put("excluded", segment->excluded);
  }
  if (segment->when) builder.Put("when", ConditionsToJson(*segment->when));
  return std::move(builder).Done();
}

Result<model::TenantFields> TenantFromJson(const Value& document, const DocumentScope& scope) {
  model::TenantFields tenant;
  ObjectReader reader(document);
  reader.ReadScoped("tenantId", tenant.tenant_id, scope.key);
  reader.Read("name", tenant.name, AsString);
  reader.Read("plan", tenant.plan, AsString);
  reader.Read("version", tenant.version, AsUnsigned);
  reader.Read("createdAt", tenant.created_at, AsTime);
  reader.Read("updatedAt", tenant.updated_at, AsTime);
  reader.Read("updatedBy", tenant.updated_by, AsString);
  return reader.Finish(std::move(tenant));
}

Value TenantToJson(const model::Tenant& tenant) {
  ObjectBuilder builder;
  builder.Put("tenantId", tenant->tenant_id)
      .Put("name", tenant->name)
      .Put("plan", tenant->plan)
      .Put("version", tenant->version)
      .Put("createdAt", tenant->created_at)
      .Put("updatedAt", tenant->updated_at)
      .Put("updatedBy", tenant->updated_by);
  return std::move(builder).Done();
}

Value OverrideToJson(const model::Override& override) {
  ObjectBuilder builder;
  builder.Put("environment", override->environment)
      .Put("flagKey", override->flag_key)
      .Put("tenantId", override->tenant_id)
      .Put("variation", override->variation)
      .Put("version", override->version)
      .Put("updatedAt", override->updated_at)
      .Put("updatedBy", override->updated_by);
  return std::move(builder).Done();
}

Result<model::OverrideFields> OverrideFromJson(const Value& document) {
  model::OverrideFields fields;
  ObjectReader reader(document);
  reader.Require("environment", fields.environment, AsString);
  reader.Require("flagKey", fields.flag_key, AsString);
  reader.Require("tenantId", fields.tenant_id, AsString);
  reader.Require("variation", fields.variation, AsString);
  reader.Read("version", fields.version, AsUnsigned);
  reader.Read("updatedAt", fields.updated_at, AsTime);
  reader.Read("updatedBy", fields.updated_by, AsString);
  return reader.Finish(std::move(fields));
}

Value KillSwitchToJson(const model::KillSwitch& kill_switch) {
  ObjectBuilder builder;
  builder.Put("environment", kill_switch->environment)
      .Put("scope", kill_switch->scope.Text())
      .Put("reason", kill_switch->reason)
      .Put("engagedAt", kill_switch->engaged_at)
      .Put("engagedBy", kill_switch->engaged_by)
      .Put("version", kill_switch->version);
  return std::move(builder).Done();
}

Result<model::KillSwitchFields> KillSwitchFromJson(const Value& document) {
  GUIDON_ASSIGN(auto global, model::KillScope::Create(model::KillScope::Kind::kGlobal, ""));
  model::KillSwitchFields fields{.environment = {}, .scope = std::move(global), .reason = {}};
  ObjectReader reader(document);
  reader.Require("environment", fields.environment, AsString);
  reader.Require("scope", fields.scope, AsKillScope);
  reader.Require("reason", fields.reason, AsString);
  reader.Read("engagedAt", fields.engaged_at, AsTime);
  reader.Read("engagedBy", fields.engaged_by, AsString);
  reader.Read("version", fields.version, AsUnsigned);
  return reader.Finish(std::move(fields));
}

Value ApiKeyToJson(const model::ApiKey& key) {
  ObjectBuilder builder;
  builder.Put("keyId", key->key_id)
      .Put("kind", NameOf(key->kind))
      .Put("name", key->name)
      .PutOptional("environment", key->environment)
      .PutOptional("tenantId", key->tenant_id)
      .Put("createdAt", key->created_at)
      .Put("createdBy", key->created_by)
      .Put("updatedAt", key->updated_at)
      .Put("updatedBy", key->updated_by)
      .PutOptional("expiresAt", key->expires_at)
      .PutOptional("revokedAt", key->revoked_at)
      .PutOptional("replacedBy", key->replaced_by)
      .PutOptional("lastUsedAt", key->last_used_at)
      .Put("version", key->version);
  return std::move(builder).Done();
}

Result<model::ApiKeyFields> ApiKeyRequestFromJson(const Value& document) {
  model::ApiKeyFields fields;
  ObjectReader reader(document);
  reader.Require("kind", fields.kind, EnumOf(model::KeyKindFromName, "admin, server and client"));
  reader.Read("name", fields.name, AsString);
  reader.Read("environment", fields.environment, AsString);
  reader.Read("tenantId", fields.tenant_id, AsString);
  reader.Read("expiresAt", fields.expires_at, AsTime);
  return reader.Finish(std::move(fields));
}

}  // namespace guidon::json
