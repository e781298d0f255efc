// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/keys.hpp"

#include <initializer_list>

#include "guidon/base/text.hpp"

namespace guidon::store {
namespace {

constexpr std::size_t kSequenceDigits = 20;  // 2^64 - 1 has as many
constexpr std::size_t kPartDigits = 6;       // more than any segment has parts

std::string Join(std::initializer_list<std::string_view> parts) {
  std::size_t size = parts.size();
  for (const std::string_view part : parts) size += part.size();
  std::string text;
  text.reserve(size);
  for (const std::string_view part : parts) {
    if (!text.empty()) text.push_back('#');
    text.append(part);
  }
  return text;
}

std::string Metadata() { return std::string(kMetadataSort); }

std::string KillSwitchSort(const model::KillScope& scope) {
  switch (scope.kind()) {
    case model::KillScope::Kind::kGlobal: return "GLOBAL";
    case model::KillScope::Kind::kFlag: return Join({"FLAG", scope.id()});
    case model::KillScope::Kind::kTenant: return Join({"TENANT", scope.id()});
    case model::KillScope::Kind::kOwner: return Join({"OWNER", scope.id()});
  }
  return {};
}

std::string CreationSort(base::Timestamp created_at) { return Join({"METADATA", base::FormatTimestamp(created_at)}); }

}  // namespace

Key FlagItemKey(const model::Environment& env, const model::FlagKey& flag) {
  return {FlagPartition(env, flag), Metadata()};
}

Key OverrideItemKey(const model::Environment& env, const model::FlagKey& flag, const model::TenantId& tenant) {
  return {FlagPartition(env, flag), Join({"OVERRIDE", tenant.str()})};
}

Key EvaluationLogItemKey(const model::Environment& env, const model::FlagKey& flag, base::Timestamp at,
                         const std::optional<model::TenantId>& tenant) {
  const std::string_view whose = tenant ? std::string_view(tenant->str()) : std::string_view();
  return {FlagPartition(env, flag), Join({"EVAL", base::FormatTimestamp(at), whose})};
}

Key UsageItemKey(const model::Environment& env, const model::FlagKey& flag, base::Timestamp hour,
                 std::string_view part) {
  return {UsagePartition(env, flag), Join({"HOUR", base::FormatTimestamp(hour), part})};
}

Key LastUsageItemKey(const model::Environment& env, const model::FlagKey& flag) {
  return {UsagePartition(env, flag), std::string(kLastUsageSort)};
}

Key SegmentItemKey(const model::Environment& env, const model::SegmentKey& segment) {
  return {SegmentPartition(env, segment), Metadata()};
}

Key SegmentPartKey(const model::Environment& env, const model::SegmentKey& segment, std::string_view revision,
                   std::uint32_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kPartDigits) digits.insert(0, kPartDigits - digits.size(), '0');
  return {SegmentPartition(env, segment), Join({"KEYS", revision, digits})};
}

Key SegmentWorkKey(const model::Environment& env, const model::SegmentKey& segment, std::string_view revision) {
  return {SegmentPartition(env, segment), Join({"PARTS", revision})};
}

Key KillSwitchItemKey(const model::Environment& env, const model::KillScope& scope) {
  return {KillSwitchPartition(env), KillSwitchSort(scope)};
}

Key TenantItemKey(const model::TenantId& tenant) { return {TenantIndexPartition(tenant), Metadata()}; }

Key ApiKeyItemKey(const model::KeyId& key) { return {Join({"APIKEY", key.str()}), Metadata()}; }

Key AuditItemKey(base::Timestamp at, unsigned shard, std::string_view request_id) {
  return {AuditPartition(base::FormatDate(at), shard), Join({base::FormatTimestamp(at), request_id})};
}

Key ChangeItemKey(std::string_view scope, std::uint64_t sequence) {
  return {ChangesPartition(scope), SequenceText(sequence)};
}

Key ChangeHeadKey(std::string_view scope) { return {ChangesPartition(scope), "HEAD"}; }

Key NodeItemKey(std::string_view node) { return {std::string(kNodesPartition), std::string(node)}; }

Key IdempotencyItemKey(std::string_view owner, std::string_view idempotency_key) {
  // The client's key is arbitrary text; encoded, it can neither hold a '#' nor break a limit on characters.
  return {Join({"IDEMPOTENCY", owner, base::ToBase64Url(idempotency_key)}), Metadata()};
}

std::string FlagPartition(const model::Environment& env, const model::FlagKey& flag) {
  return Join({"FLAG", env.str(), flag.str()});
}

std::string FlagsIndexPartition(const model::Environment& env) { return Join({"FLAGS", env.str()}); }

std::string OwnerIndexPartition(const model::Environment& env, const model::Owner& owner) {
  return Join({"OWNER", env.str(), owner.str()});
}

std::string TenantIndexPartition(const model::TenantId& tenant) { return Join({"TENANT", tenant.str()}); }

std::string SegmentsIndexPartition(const model::Environment& env) { return Join({"SEGMENTS", env.str()}); }

std::string SegmentPartition(const model::Environment& env, const model::SegmentKey& segment) {
  return Join({"SEGMENT", env.str(), segment.str()});
}

std::string EvaluationsIndexPartition(const model::Environment& env, std::string_view date) {
  return Join({"EVALS", env.str(), date});
}

std::string UsagePartition(const model::Environment& env, const model::FlagKey& flag) {
  return Join({"USAGE", env.str(), flag.str()});
}

std::string LastUsageIndexPartition(const model::Environment& env) { return Join({"USAGES", env.str()}); }

std::string KillSwitchPartition(const model::Environment& env) { return Join({"EMERGENCY", env.str()}); }

std::string AuditPartition(std::string_view date, unsigned shard) {
  return Join({"AUDIT", date, std::to_string(shard)});
}

std::string AuditResourcePartition(std::string_view scope, std::string_view resource) {
  return Join({"AUDIT#RESOURCE", scope, resource});
}

std::string AuditActorPartition(std::string_view actor_id) { return Join({"ACTOR", actor_id}); }

std::string ChangesPartition(std::string_view scope) { return Join({"CHANGES", scope}); }

std::string SequenceText(std::uint64_t sequence) {
  const std::string digits = std::to_string(sequence);
  return std::string(kSequenceDigits - digits.size(), '0') + digits;
}

std::string AbTestsIndexPartition(const model::Environment& env) { return Join({"ABTESTS", env.str()}); }

std::string UserIndexPartition(std::string_view user_id) { return Join({"USER", user_id}); }

IndexKey FlagByCreation(const model::Environment& env, base::Timestamp created_at) {
  return {FlagsIndexPartition(env), CreationSort(created_at)};
}

IndexKey FlagByOwner(const model::Environment& env, const model::Owner& owner, const model::FlagKey& flag) {
  return {OwnerIndexPartition(env, owner), Join({"FLAG", flag.str()})};
}

IndexKey FlagByTenant(const model::TenantId& tenant, const model::Environment& env, const model::FlagKey& flag) {
  return {TenantIndexPartition(tenant), Join({"FLAG", env.str(), flag.str()})};
}

IndexKey OverrideByTenant(const model::TenantId& tenant, const model::Environment& env, const model::FlagKey& flag) {
  return {TenantIndexPartition(tenant), Join({"OVERRIDE", env.str(), flag.str()})};
}

IndexKey SegmentByCreation(const model::Environment& env, base::Timestamp created_at) {
  return {SegmentsIndexPartition(env), CreationSort(created_at)};
}

IndexKey SegmentWorkByTime(const model::Environment& env, base::Timestamp started_at, std::string_view revision) {
  return {SegmentsIndexPartition(env), Join({"PARTS", base::FormatTimestamp(started_at), revision})};
}

IndexKey TenantByCreation(base::Timestamp created_at) {
  return {std::string(kTenantsIndexPartition), CreationSort(created_at)};
}

IndexKey ApiKeyByCreation(base::Timestamp created_at) {
  return {std::string(kApiKeysIndexPartition), CreationSort(created_at)};
}

IndexKey ApiKeyByTenant(const model::TenantId& tenant, const model::KeyId& key) {
  return {TenantIndexPartition(tenant), Join({"APIKEY", key.str()})};
}

IndexKey ChangeHeadByScope(std::string_view scope) {
  return {std::string(kChangeHeadsIndexPartition), std::string(scope)};
}

IndexKey EvaluationByDay(const model::Environment& env, const model::FlagKey& flag, base::Timestamp at) {
  return {EvaluationsIndexPartition(env, base::FormatDate(at)), Join({"FLAG", flag.str(), base::FormatTimestamp(at)})};
}

IndexKey LastUsageByFlag(const model::Environment& env, const model::FlagKey& flag) {
  return {LastUsageIndexPartition(env), Join({"FLAG", flag.str()})};
}

IndexKey AuditByTenant(std::string_view tenant, base::Timestamp at) {
  return {Join({"TENANT", tenant}), Join({"AUDIT", base::FormatTimestamp(at)})};
}

std::string FlagKeyPrefix(const model::Environment& env) { return Join({"FLAG", env.str()}) + "#"; }

std::string TenantOverridesSortPrefix(const model::Environment& env) { return Join({"OVERRIDE", env.str()}) + "#"; }

}  // namespace guidon::store
