// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/time.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/ids.hpp"
#include "guidon/store/table.hpp"

// The key schema of spec 2, and the only place that knows it. Builders take checked ids, so that no key can be made
// from text that holds '#'.
namespace guidon::store {

struct IndexKey {
  std::string partition;
  std::string sort;
};

// Table keys.
Key FlagItemKey(const model::Environment& env, const model::FlagKey& flag);
Key OverrideItemKey(const model::Environment& env, const model::FlagKey& flag, const model::TenantId& tenant);
// Without a tenant its part is empty.
Key EvaluationLogItemKey(const model::Environment& env, const model::FlagKey& flag, base::Timestamp at,
                         const std::optional<model::TenantId>& tenant);
IndexKey EvaluationByDay(const model::Environment& env, const model::FlagKey& flag, base::Timestamp at);  // GSI1
Key SegmentItemKey(const model::Environment& env, const model::SegmentKey& segment);
// (+) One part of the keys of a segment that has too many for its item; `revision` is that of the write that made it.
Key SegmentPartKey(const model::Environment& env, const model::SegmentKey& segment, std::string_view revision,
                   std::uint32_t number);
// (+) Says that a write of parts has begun, until it is cleaned up after.
Key SegmentWorkKey(const model::Environment& env, const model::SegmentKey& segment, std::string_view revision);
Key KillSwitchItemKey(const model::Environment& env, const model::KillScope& scope);
Key TenantItemKey(const model::TenantId& tenant);
Key ApiKeyItemKey(const model::KeyId& key);
Key AuditItemKey(base::Timestamp at, unsigned shard, std::string_view request_id);
// Scope of a change log: an environment, or kSystemScope for tenants and keys.
inline constexpr std::string_view kSystemScope = "_system";
Key ChangeItemKey(std::string_view scope, std::uint64_t sequence);
Key ChangeHeadKey(std::string_view scope);
// (+) What a node says of itself; `node` has no '#'.
Key NodeItemKey(std::string_view node);
// (+) Remembers that a request was carried out; `owner` is the id of the credential that sent it.
Key IdempotencyItemKey(std::string_view owner, std::string_view idempotency_key);

// (+) Counts of a flag's evaluations in one hour, and when it was last of use. `part`: [0-9a-zA-Z.-]
Key UsageItemKey(const model::Environment& env, const model::FlagKey& flag, base::Timestamp hour,
                 std::string_view part);
Key LastUsageItemKey(const model::Environment& env, const model::FlagKey& flag);

// Partitions and sort key prefixes for queries.
std::string FlagPartition(const model::Environment& env, const model::FlagKey& flag);
inline constexpr std::string_view kOverrideSortPrefix = "OVERRIDE#";
inline constexpr std::string_view kEvaluationSortPrefix = "EVAL#";
inline constexpr std::string_view kMetadataSort = "METADATA";
std::string FlagsIndexPartition(const model::Environment& env);                             // GSI1
std::string OwnerIndexPartition(const model::Environment& env, const model::Owner& owner);  // GSI2
std::string TenantIndexPartition(const model::TenantId& tenant);                            // GSI3
std::string SegmentsIndexPartition(const model::Environment& env);                          // GSI1
std::string SegmentPartition(const model::Environment& env, const model::SegmentKey& segment);
inline constexpr std::string_view kSegmentPartSortPrefix = "KEYS#";
inline constexpr std::string_view kSegmentWorkSortPrefix = "PARTS#";  // also in GSI1, before the time
std::string EvaluationsIndexPartition(const model::Environment& env, std::string_view date);  // GSI1
std::string UsagePartition(const model::Environment& env, const model::FlagKey& flag);
inline constexpr std::string_view kUsageHourSortPrefix = "HOUR#";
inline constexpr std::string_view kLastUsageSort = "LAST";
std::string LastUsageIndexPartition(const model::Environment& env);  // GSI1
std::string KillSwitchPartition(const model::Environment& env);
std::string AuditPartition(std::string_view date, unsigned shard);
std::string AuditResourcePartition(std::string_view scope, std::string_view resource);  // GSI1
std::string AuditActorPartition(std::string_view actor_id);                             // GSI2
std::string ChangesPartition(std::string_view scope);
inline constexpr std::string_view kNodesPartition = "NODES";           // all nodes together: one small query
std::string SequenceText(std::uint64_t sequence);                      // 20 digits
std::string AbTestsIndexPartition(const model::Environment& env);      // GSI1
std::string UserIndexPartition(std::string_view user_id);              // GSI1
inline constexpr std::string_view kTenantsIndexPartition = "TENANTS";  // GSI1
inline constexpr std::string_view kApiKeysIndexPartition = "APIKEYS";  // GSI1
// GSI1 (+): the head counters of all change logs together, so that asking for all of them is one small query.
inline constexpr std::string_view kChangeHeadsIndexPartition = "CHANGES";
// Audit entries of a day are spread over this many partitions (hot partition, spec 2).
inline constexpr unsigned kAuditShards = 4;

// Keys of entities in the indexes.
IndexKey FlagByCreation(const model::Environment& env, base::Timestamp created_at);                          // GSI1
IndexKey FlagByOwner(const model::Environment& env, const model::Owner& owner, const model::FlagKey& flag);  // GSI2
IndexKey FlagByTenant(const model::TenantId& tenant, const model::Environment& env,
                      const model::FlagKey& flag);  // GSI3
IndexKey OverrideByTenant(const model::TenantId& tenant, const model::Environment& env,
                          const model::FlagKey& flag);                                  // GSI3
IndexKey SegmentByCreation(const model::Environment& env, base::Timestamp created_at);  // GSI1
IndexKey SegmentWorkByTime(const model::Environment& env, base::Timestamp started_at,
                           std::string_view revision);                                // GSI1
IndexKey TenantByCreation(base::Timestamp created_at);                                // GSI1
IndexKey ApiKeyByCreation(base::Timestamp created_at);                                // GSI1
IndexKey ApiKeyByTenant(const model::TenantId& tenant, const model::KeyId& key);      // GSI3
IndexKey ChangeHeadByScope(std::string_view scope);                                   // GSI1
IndexKey LastUsageByFlag(const model::Environment& env, const model::FlagKey& flag);  // GSI1
IndexKey AuditByTenant(std::string_view tenant, base::Timestamp at);                  // GSI3

// Sort key prefixes within an index partition.
inline constexpr std::string_view kCreationSortPrefix = "METADATA#";
inline constexpr std::string_view kFlagSortPrefix = "FLAG#";
inline constexpr std::string_view kApiKeySortPrefix = "APIKEY#";
inline constexpr std::string_view kAbTestSortPrefix = "TEST#";
inline constexpr std::string_view kAssignmentIndexSortPrefix = "ABTEST#";
std::string FlagKeyPrefix(const model::Environment& env);              // "FLAG#{env}#", also of flag partitions
std::string TenantOverridesSortPrefix(const model::Environment& env);  // "OVERRIDE#{env}#"

}  // namespace guidon::store
