// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "guidon/json/model_json.hpp"
#include "guidon/store/codec.hpp"
#include "guidon/store/item_fields.hpp"
#include "guidon/store/item_reader.hpp"
#include "guidon/store/keys.hpp"

namespace guidon::store {
namespace {

using base::Result;

// Shown as the reason of a kill switch that somebody put into the table without one.
constexpr std::string_view kUnknownReason = "engaged directly in the table; no reason was given";

// The kind of scope and its id by the sort key of a kill switch.
Result<model::KillScope> ScopeOf(std::string_view sort) {
  using Kind = model::KillScope::Kind;
  if (sort == "GLOBAL") return model::KillScope::Create(Kind::kGlobal, "", "SK");
  const std::size_t hash = sort.find('#');
  const std::string_view kind = sort.substr(0, hash);
  const std::string_view id = hash == std::string_view::npos ? std::string_view{} : sort.substr(hash + 1);
  if (kind == "FLAG") return model::KillScope::Create(Kind::kFlag, id, "SK");
  if (kind == "TENANT") return model::KillScope::Create(Kind::kTenant, id, "SK");
  if (kind == "OWNER") return model::KillScope::Create(Kind::kOwner, id, "SK");
  return base::Fail(base::ErrorCode::kCorrupt, "names no scope of a kill switch", "SK");
}

// `value` where the domain accepts it in a kill switch of `scope`, else what is there already.
void Adopt(model::KillSwitchFields& fields, std::string model::KillSwitchFields::* member, std::string value) {
  model::KillSwitchFields tried = fields;
  tried.*member = std::move(value);
  if (model::KillSwitch::Create(tried)) fields = std::move(tried);
}

std::string LenientText(const Item& item, std::string_view name) {
  const AttributeValue* value = item.Find(name);
  return value != nullptr && value->AsString() != nullptr ? *value->AsString() : std::string{};
}

std::optional<model::ConditionGroup> ReadConditions(ItemReader& in, std::string_view name) {
  const AttributeValue* attribute = in.Find(name);
  if (attribute == nullptr) return std::nullopt;
  const auto value = in.Take(ValueOf(*attribute, name));
  return value ? in.Take(json::ConditionsFromJson(*value, name)) : std::nullopt;
}

AttributeMap ListAttribute(const SegmentKeyList& list) {
  AttributeMap map;
  map.Set("count", Number::From(static_cast<std::int64_t>(list.count())));
  map.Set("digest", list.digest);
  map.Set("parts", Binary{EncodeSegmentParts(list.parts)});
  return map;
}

// `count` is for people and other programs; the parts decide, and must agree with it.
SegmentKeyList ReadKeyList(ItemReader& in, std::string_view name) {
  SegmentKeyList list;
  const AttributeMap* map = in.Map(name);
  const AttributeValue* parts = map != nullptr ? map->Find("parts") : nullptr;
  const AttributeValue* count = map != nullptr ? map->Find("count") : nullptr;
  const AttributeValue* digest = map != nullptr ? map->Find("digest") : nullptr;
  if (parts == nullptr || parts->AsBinary() == nullptr || count == nullptr || count->AsNumber() == nullptr) {
    in.Problem(name, "must be a map with count and parts where the keys are kept apart");
    return list;
  }
  if (digest != nullptr && digest->AsString() != nullptr) list.digest = *digest->AsString();
  if (auto decoded = in.Take(DecodeSegmentParts(parts->AsBinary()->bytes, name))) list.parts = *std::move(decoded);
  if (count->AsNumber()->AsInt64() != static_cast<std::int64_t>(list.count()))
    in.Problem(name, "names parts with another number of keys than its count");
  return list;
}

model::KeyKind ReadKeyKind(ItemReader& in) {
  const auto kind = model::KeyKindFromName(in.Text("kind"));
  if (!kind) in.Problem("kind", "must be admin, server or client");
  return kind.value_or(model::KeyKind::kClient);
}

}  // namespace

Item EncodeOverride(const model::Override& override, base::Timestamp flag_created_at) {
  const auto env = *model::Environment::Parse(override->environment);
  const auto flag = *model::FlagKey::Parse(override->flag_key);
  const auto tenant = *model::TenantId::Parse(override->tenant_id);
  ItemBuilder item;
  SetKey(item, OverrideItemKey(env, flag, tenant));
  SetIndexKey(item, Index::kGsi3Tenant, OverrideByTenant(tenant, env, flag));
  item.Set("environment", override->environment);
  item.Set("flagKey", override->flag_key);
  item.Set("tenantId", override->tenant_id);
  item.Set("variation", override->variation);
  item.Set("flagCreatedAt", base::FormatTimestamp(flag_created_at));
  SetHistory(item, *override);
  return std::move(item).Done();
}

Result<StoredOverride> DecodeOverride(const Item& item) {
  ItemReader in(item);
  const auto flag = in.KeyParts("PK", "FLAG", 2);
  const auto tenant = in.KeyParts("SK", "OVERRIDE", 1);
  model::OverrideFields fields{.environment = in.SameText("environment", flag[0]),
                               .flag_key = in.SameText("flagKey", flag[1]),
                               .tenant_id = in.SameText("tenantId", tenant[0]),
                               .variation = in.Text("variation")};
  fields.version = in.Version();
  fields.updated_at = in.TimeOr("updatedAt", {});
  fields.updated_by = in.TextOr("updatedBy", "");
  const auto flag_created_at = in.OptionalTime("flagCreatedAt");
  auto override = in.Finish([&] { return model::Override::Create(std::move(fields)); });
  if (!override) return std::unexpected(std::move(override).error());
  return StoredOverride{.override = *std::move(override), .flag_created_at = flag_created_at};
}

Item EncodeSegment(const SegmentHead& segment) {
  const auto env = *model::Environment::Parse(segment->environment);
  ItemBuilder item;
  SetKey(item, SegmentItemKey(env, *model::SegmentKey::Parse(segment->segment_key)));
  SetIndexKey(item, Index::kGsi1Flags, SegmentByCreation(env, segment->created_at));
  item.Set("segmentKey", segment->segment_key);
  item.Set("environment", segment->environment);
  item.Set("description", segment->description);
  if (segment.index) {
    item.Set("keysRevision", segment.index->revision);
    item.Set("included", ListAttribute(segment.index->included));
    item.Set("excluded", ListAttribute(segment.index->excluded));
  } else {
    SetTexts(item, "included", segment->included);
    SetTexts(item, "excluded", segment->excluded);
  }
  if (segment->when) item.Set("when", AttributeOf(json::ConditionsToJson(*segment->when)));
  item.Set("createdAt", base::FormatTimestamp(segment->created_at));
  SetHistory(item, *segment.segment);
  return std::move(item).Done();
}

Result<SegmentHead> DecodeSegment(const Item& item) {
  ItemReader in(item);
  const auto key = in.KeyParts("PK", "SEGMENT", 2);
  in.ExpectKey("SK", kMetadataSort);
  model::SegmentFields fields{.segment_key = in.SameText("segmentKey", key[1]),
                              .environment = in.SameText("environment", key[0])};
  fields.description = in.TextOr("description", "");
  std::optional<SegmentIndex> index;
  if (in.Find("keysRevision") != nullptr) {
    index = SegmentIndex{.revision = in.Text("keysRevision"),
                         .included = ReadKeyList(in, "included"),
                         .excluded = ReadKeyList(in, "excluded")};
    fields.kept_apart = {.included = index->included.count(), .excluded = index->excluded.count()};
  } else {
    fields.included = in.TextList("included");
    fields.excluded = in.TextList("excluded");
  }
  fields.when = ReadConditions(in, "when");
  fields.version = in.Version();
  fields.created_at = in.Time("createdAt");
  fields.updated_at = in.TimeOr("updatedAt", fields.created_at);
  fields.updated_by = in.TextOr("updatedBy", "");
  auto segment = in.Finish([&] { return model::Segment::Create(std::move(fields)); });
  if (!segment) return std::unexpected(std::move(segment).error());
  return index ? SegmentHead(*std::move(segment), *std::move(index)) : SegmentHead(*std::move(segment));
}

Item EncodeKillSwitch(const model::KillSwitch& kill_switch) {
  ItemBuilder item;
  SetKey(item, KillSwitchItemKey(*model::Environment::Parse(kill_switch->environment), kill_switch->scope));
  item.Set("environment", kill_switch->environment);
  item.Set("scope", kill_switch->scope.Text());
  item.Set("reason", kill_switch->reason);
  item.Set("engagedAt", base::FormatTimestamp(kill_switch->engaged_at));
  SetUnlessEmpty(item, "engagedBy", kill_switch->engaged_by);
  SetVersion(item, kill_switch->version);
  return std::move(item).Done();
}

Result<model::KillSwitch> DecodeKillSwitch(const Item& item) {
  ItemReader key(item);
  const auto env = key.KeyParts("PK", "EMERGENCY", 1);
  auto scope = key.Finish([&] { return ScopeOf(LenientText(item, "SK")); });
  if (!scope) return std::unexpected(std::move(scope).error());

  model::KillSwitchFields fields{
      .environment = env[0], .scope = *std::move(scope), .reason = std::string(kUnknownReason)};
  fields.version = ItemReader(item).Version();
  fields.engaged_at = ItemReader(item).TimeOr("engagedAt", {});
  Adopt(fields, &model::KillSwitchFields::reason, LenientText(item, "reason"));
  Adopt(fields, &model::KillSwitchFields::engaged_by, LenientText(item, "engagedBy"));
  return key.Finish([&] { return model::KillSwitch::Create(std::move(fields)); });
}

Item EncodeTenant(const model::Tenant& tenant) {
  ItemBuilder item;
  SetKey(item, TenantItemKey(*model::TenantId::Parse(tenant->tenant_id)));
  SetIndexKey(item, Index::kGsi1Flags, TenantByCreation(tenant->created_at));
  item.Set("tenantId", tenant->tenant_id);
  SetUnlessEmpty(item, "name", tenant->name);
  SetUnlessEmpty(item, "plan", tenant->plan);
  item.Set("createdAt", base::FormatTimestamp(tenant->created_at));
  SetHistory(item, *tenant);
  return std::move(item).Done();
}

Result<model::Tenant> DecodeTenant(const Item& item) {
  ItemReader in(item);
  const auto key = in.KeyParts("PK", "TENANT", 1);
  in.ExpectKey("SK", kMetadataSort);
  model::TenantFields fields{.tenant_id = in.SameText("tenantId", key[0])};
  fields.name = in.TextOr("name", "");
  fields.plan = in.TextOr("plan", "");
  fields.version = in.Version();
  fields.created_at = in.Time("createdAt");
  fields.updated_at = in.TimeOr("updatedAt", fields.created_at);
  fields.updated_by = in.TextOr("updatedBy", "");
  return in.Finish([&] { return model::Tenant::Create(std::move(fields)); });
}

Item EncodeApiKey(const model::ApiKey& key) {
  const auto id = *model::KeyId::Parse(key->key_id);
  ItemBuilder item;
  SetKey(item, ApiKeyItemKey(id));
  SetIndexKey(item, Index::kGsi1Flags, ApiKeyByCreation(key->created_at));
  if (key->tenant_id)
    SetIndexKey(item, Index::kGsi3Tenant, ApiKeyByTenant(*model::TenantId::Parse(*key->tenant_id), id));
  item.Set("keyId", key->key_id);
  item.Set("kind", model::NameOf(key->kind));
  SetUnlessEmpty(item, "name", key->name);
  SetOptional(item, "environment", key->environment);
  SetOptional(item, "tenantId", key->tenant_id);
  item.Set("secretHash", key->secret_hash);
  item.Set("createdAt", base::FormatTimestamp(key->created_at));
  SetUnlessEmpty(item, "createdBy", key->created_by);
  SetOptional(item, "expiresAt", key->expires_at);
  SetOptional(item, "revokedAt", key->revoked_at);
  SetOptional(item, "replacedBy", key->replaced_by);
  SetOptional(item, "lastUsedAt", key->last_used_at);
  SetHistory(item, *key);
  return std::move(item).Done();
}

Result<model::ApiKey> DecodeApiKey(const Item& item) {
  ItemReader in(item);
  const auto key = in.KeyParts("PK", "APIKEY", 1);
  in.ExpectKey("SK", kMetadataSort);
  model::ApiKeyFields fields{.key_id = in.SameText("keyId", key[0]), .kind = ReadKeyKind(in)};
  fields.name = in.TextOr("name", "");
  fields.environment = in.OptionalText("environment");
  fields.tenant_id = in.OptionalText("tenantId");
  fields.secret_hash = in.Text("secretHash");
  fields.version = in.Version();
  fields.created_at = in.Time("createdAt");
  fields.created_by = in.TextOr("createdBy", "");
  fields.updated_at = in.TimeOr("updatedAt", fields.created_at);
  fields.updated_by = in.TextOr("updatedBy", "");
  fields.expires_at = in.OptionalTime("expiresAt");
  fields.revoked_at = in.OptionalTime("revokedAt");
  fields.replaced_by = in.OptionalText("replacedBy");
  fields.last_used_at = in.OptionalTime("lastUsedAt");
  return in.Finish([&] { return model::ApiKey::Create(std::move(fields)); });
}

}  // namespace guidon::store
