// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "guidon/store/codec.hpp"
#include "guidon/store/repositories.hpp"

namespace guidon::store {
namespace {

Condition Replaces(std::optional<std::uint64_t> version) {
  if (!version) return Condition::Absent();
  if (*version == 0) {
    // Another program's item: it must still be there, and none of ours may have replaced it meanwhile.
    return {.existence = Condition::Existence::kPresent, .absent_attributes = {"version"}};
  }
  return Condition::Equals("version", Number::From(static_cast<std::int64_t>(*version)));
}

Condition WithKeys(Condition condition, const std::optional<SegmentIndex>& keys) {
  if (keys) condition.equals.push_back({.name = "keysRevision", .value = keys->revision});
  return condition;
}

model::Environment EnvironmentOf(const std::string& text) { return *model::Environment::Parse(text); }

}  // namespace

Put PutFlag(const model::Flag& flag, std::optional<std::uint64_t> replaces) {
  return {.item = EncodeFlag(flag), .condition = Replaces(replaces)};
}

Delete DeleteFlag(const model::Flag& flag) {
  return {.key = FlagItemKey(EnvironmentOf(flag->environment), *model::FlagKey::Parse(flag->flag_key)),
          .condition = Replaces(flag->version)};
}

Put PutOverride(const model::Override& override, base::Timestamp flag_created_at,
                std::optional<std::uint64_t> replaces) {
  return {.item = EncodeOverride(override, flag_created_at), .condition = Replaces(replaces)};
}

Put PutOverrideAnyway(const model::Override& override, base::Timestamp flag_created_at) {
  return {.item = EncodeOverride(override, flag_created_at)};
}

Delete DeleteOverride(const model::Override& override) {
  return {.key = OverrideItemKey(EnvironmentOf(override->environment), *model::FlagKey::Parse(override->flag_key),
                                 *model::TenantId::Parse(override->tenant_id)),
          .condition = Replaces(override->version)};
}

Put PutSegment(const SegmentHead& segment, std::optional<std::uint64_t> replaces,
               const std::optional<SegmentIndex>& replaces_keys) {
  return {.item = EncodeSegment(segment), .condition = WithKeys(Replaces(replaces), replaces_keys)};
}

Delete DeleteSegment(const SegmentHead& segment) {
  return {.key = SegmentItemKey(EnvironmentOf(segment->environment), *model::SegmentKey::Parse(segment->segment_key)),
          .condition = WithKeys(Replaces(segment->version), segment.index)};
}

Put PutKillSwitch(const model::KillSwitch& kill_switch, std::optional<std::uint64_t> replaces) {
  return {.item = EncodeKillSwitch(kill_switch), .condition = Replaces(replaces)};
}

Delete DeleteKillSwitch(const model::KillSwitch& kill_switch) {
  return {.key = KillSwitchItemKey(EnvironmentOf(kill_switch->environment), kill_switch->scope),
          .condition = Replaces(kill_switch->version)};
}

Put PutTenant(const model::Tenant& tenant, std::optional<std::uint64_t> replaces) {
  return {.item = EncodeTenant(tenant), .condition = Replaces(replaces)};
}

Delete DeleteTenant(const model::Tenant& tenant) {
  return {.key = TenantItemKey(*model::TenantId::Parse(tenant->tenant_id)), .condition = Replaces(tenant->version)};
}

Put PutApiKey(const model::ApiKey& key, std::optional<std::uint64_t> replaces) {
  return {.item = EncodeApiKey(key), .condition = Replaces(replaces)};
}

Update TouchApiKey(const model::KeyId& key, base::Timestamp last_used_at) {
  return {.key = ApiKeyItemKey(key),
          .set = {{"lastUsedAt", base::FormatTimestamp(last_used_at)}},
          .condition = Condition::Present()};
}

Put PutAudit(const AuditRecord& record) {
  // An audit entry is never replaced.
  return {.item = EncodeAudit(record), .condition = Condition::Absent()};
}

Put PutChange(const ChangeRecord& record) { return {.item = EncodeChange(record), .condition = Condition::Absent()}; }

Put PutChangeHead(std::string_view scope, const LogHead& head, const LogHead& replaces) {
  Condition condition = Condition::Absent();
  if (replaces.sequence > 0)
    condition = Condition::Equals("sequence", Number::From(static_cast<std::int64_t>(replaces.sequence)));
  // Another history of the same length (a table that was restored) is not gone on from.
  if (!replaces.audit_hash.empty()) condition.equals.push_back({.name = "auditHash", .value = replaces.audit_hash});
  return {.item = EncodeChangeHead(scope, head), .condition = std::move(condition)};
}

Put PutNode(const NodeRecord& record) { return {.item = EncodeNode(record)}; }

Put PutIdempotency(const IdempotencyRecord& record) {
  return {.item = EncodeIdempotency(record), .condition = Condition::Absent()};
}

ConditionCheck CheckFlagCreatedAt(const model::Environment& env, const model::FlagKey& flag,
                                  base::Timestamp created_at) {
  return {.key = FlagItemKey(env, flag),
          .condition = Condition::Equals("createdAt", base::FormatTimestamp(created_at))};
}

ConditionCheck CheckFlagStands(const model::Flag& flag) {
  const Key key = FlagItemKey(EnvironmentOf(flag->environment), *model::FlagKey::Parse(flag->flag_key));
  if (flag->version == 0) return {.key = key, .condition = Replaces(0)};
  return {.key = key, .condition = Condition::Equals("createdAt", base::FormatTimestamp(flag->created_at))};
}

}  // namespace guidon::store
