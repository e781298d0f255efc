// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"
#include "guidon/store/keys.hpp"
#include "guidon/store/records.hpp"
#include "guidon/store/segment_keys.hpp"
#include "guidon/store/table.hpp"
#include "guidon/store/usage.hpp"

// One function for each access pattern of spec 2 (one request, or pages of it; never a scan), and the write operations
// that use cases put together into transactions. Reads check the tenant and environment of every item again before it
// leaves this layer.
//
// A page may be shorter than its limit, or empty, and still have a cursor. A broken item (hand-edited, damaged) is
// kCorrupt where it is asked for alone; in lists it is left out, logged and counted, so that it cannot keep a node from
// all others. Flags are not left out but UnreadableFlag, except where the item contradicts its own key.
namespace guidon::store {

inline constexpr std::size_t kPageLimitMax = 1000;
// A page of the whole audit looks at a quarter at most: each day costs a request for each shard.
inline constexpr int kAuditDaysPerPage = 92;

template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next_cursor = std::nullopt;  // absent: the last page
  std::size_t unreadable =
      0;  // items that were left out (and logged) since they cannot be read, or contradict the list
};

struct PageRequest {
  std::size_t limit = 100;  // 1 to kPageLimitMax; Error: kInvalidArgument naming "limit"
  std::string cursor = {};  // "" = from the start; Error: kInvalidArgument naming "cursor"
};

// A flag item that cannot be read as a flag (hand-edited, or from a newer version).
struct UnreadableFlag {
  std::string flag_key;
  base::Error error;
  std::optional<std::string> tenant_id;
};
using StoredFlag = std::variant<model::Flag, UnreadableFlag>;

class Repository {
 public:
  // Does not own the table, which must outlive it. Thread-safe as the table is.
  explicit Repository(Table& table) : table_(table) {}

  // Flags. Absent: no item. An unreadable item is kCorrupt (kUnsupported: of a newer version) where one is asked for.
  base::Result<std::optional<model::Flag>> GetFlag(const model::Environment& env, const model::FlagKey& flag);
  // In the order asked for, each once; what is not there is left out.
  base::Result<std::vector<StoredFlag>> GetFlags(const model::Environment& env, std::span<const model::FlagKey> flags);
  // Newest first.
  base::Result<Page<StoredFlag>> ListFlags(const model::Environment& env, const PageRequest& page);
  base::Result<Page<StoredFlag>> ListFlagsOfOwner(const model::Environment& env, const model::Owner& owner,
                                                  const PageRequest& page);
  base::Result<Page<StoredFlag>> ListFlagsOfTenant(const model::Environment& env, const model::TenantId& tenant,
                                                   const PageRequest& page);

  // Overrides of the flag's present incarnation: those made for a former flag of the same key do not count, nor do
  // those without a flag.
  base::Result<std::optional<model::Override>> GetOverride(const model::Environment& env, const model::FlagKey& flag,
                                                           const model::TenantId& tenant);
  // Version of the item under this override's key, whatever incarnation of the flag it was made for: what a write
  // replaces. Absent: no item.
  base::Result<std::optional<std::uint64_t>> OverrideItemVersion(const model::Environment& env,
                                                                 const model::FlagKey& flag,
                                                                 const model::TenantId& tenant);
  base::Result<Page<model::Override>> ListOverrides(const model::Environment& env, const model::FlagKey& flag,
                                                    const PageRequest& page);
  base::Result<Page<model::Override>> ListOverridesOfTenant(const model::Environment& env,
                                                            const model::TenantId& tenant, const PageRequest& page);

  // With all its keys, of one revision: a change meanwhile makes it read again. Errors: kCorrupt where a part of the
  // keys is missing or damaged; kUnavailable where it kept changing.
  base::Result<std::optional<model::Segment>> GetSegment(const model::Environment& env,
                                                         const model::SegmentKey& segment);
  // Without the keys that are kept apart.
  base::Result<std::optional<SegmentHead>> GetSegmentHead(const model::Environment& env,
                                                          const model::SegmentKey& segment);
  // Newest first; without the keys that are kept apart.
  base::Result<Page<SegmentHead>> ListSegments(const model::Environment& env, const PageRequest& page);
  // Keys of one list in byte order that begin with `prefix`; absent: no such segment. A cursor goes on behind the last
  // key, whatever has changed since. Costs the parts that are looked at.
  base::Result<std::optional<Page<std::string>>> ListSegmentKeys(const model::Environment& env,
                                                                 const model::SegmentKey& segment, SegmentList list,
                                                                 std::string_view prefix, const PageRequest& page);

  base::Result<std::optional<model::KillSwitch>> GetKillSwitch(const model::Environment& env,
                                                               const model::KillScope& scope);
  base::Result<Page<model::KillSwitch>> ListKillSwitches(const model::Environment& env, const PageRequest& page);

  base::Result<std::optional<model::Tenant>> GetTenant(const model::TenantId& tenant);
  base::Result<Page<model::Tenant>> ListTenants(const PageRequest& page);

  base::Result<std::optional<model::ApiKey>> GetApiKey(const model::KeyId& key);
  base::Result<Page<model::ApiKey>> ListApiKeys(const PageRequest& page);
  base::Result<Page<model::ApiKey>> ListApiKeysOfTenant(const model::TenantId& tenant, const PageRequest& page);

  // Audit, newest first. Without resource, actor and tenant the shards of the days between `from` and `to` are merged,
  // kAuditDaysPerPage days a page at most; then `to` is required. Errors: kInvalidArgument naming "to", or
  // "environment" where a resource is given without it.
  base::Result<Page<AuditRecord>> ListAudit(const AuditQuery& query, const PageRequest& page);

  // Change log.
  base::Result<std::uint64_t> ChangeHead(std::string_view scope);  // 0: no change yet
  base::Result<LogHead> ReadLogHead(std::string_view scope);
  // Of every scope that has changed, by scope, in one query of half a read unit. From an index: it may lag behind what
  // ChangeHead says by some milliseconds, and lacks heads that were written without index keys.
  base::Result<std::map<std::string, std::uint64_t, std::less<>>> ChangeHeads();
  base::Result<Page<ChangeRecord>> ListChangesAfter(std::string_view scope, std::uint64_t sequence,
                                                    const PageRequest& page);

  // What all nodes that share the table last said; half a read unit where it is eventually consistent and small.
  base::Result<std::vector<NodeRecord>> ListNodes(Consistency consistency = Consistency::kEventual);

  base::Result<std::optional<IdempotencyRecord>> GetIdempotency(std::string_view owner, std::string_view key);

  // Evaluation log (newest first within a flag) and experiments: the read patterns of spec 2 (their writers come with
  // their own features).
  base::Result<Page<EvaluationLogRecord>> ListEvaluationsOfFlag(const model::Environment& env,
                                                                const model::FlagKey& flag, base::Timestamp from,
                                                                base::Timestamp to, const PageRequest& page);
  base::Result<Page<EvaluationLogRecord>> ListEvaluationsOfDay(const model::Environment& env, base::Timestamp day,
                                                               const PageRequest& page);
  // Of entries of one flag, millisecond and tenant the last one stays: that is all that the key tells apart.
  base::Status PutEvaluations(std::span<const EvaluationLogRecord> records);

  // Counts of the hours that begin between `from` and `to` (inclusive), oldest first, as often as processes counted.
  base::Result<Page<UsageRecord>> ListUsage(const model::Environment& env, const model::FlagKey& flag,
                                            base::Timestamp from, base::Timestamp to, const PageRequest& page);
  // Of flags from `first` to `last` (inclusive, in byte order) that were ever evaluated. From an index.
  base::Result<Page<LastUsage>> ListLastUsage(const model::Environment& env, const model::FlagKey& first,
                                              const model::FlagKey& last, const PageRequest& page);
  // Writes each record whole, in place of what its part has said before. Error: kUnavailable where the store cannot.
  base::Status PutUsage(std::span<const UsageRecord> records);
  base::Result<std::optional<LastUsage>> GetLastUsage(const model::Environment& env, const model::FlagKey& flag);

  base::Result<Page<AbTestRecord>> ListAbTests(const model::Environment& env, const PageRequest& page);
  base::Result<Page<AbAssignmentRecord>> ListAssignmentsOfUser(std::string_view user_id, const PageRequest& page);

  Table& table() { return table_; }

 private:
  Table& table_;
};

// Write operations. `replaces` is the version that must be there now: nullopt = the entity must not be there yet;
// 0 = an item of another program, without a version.
Put PutFlag(const model::Flag& flag, std::optional<std::uint64_t> replaces);
Delete DeleteFlag(const model::Flag& flag);  // must still have this flag's version
// `flag_created_at` ties the override to this incarnation of its flag: overrides of a deleted flag never come back to
// life with a new flag of the same key.
Put PutOverride(const model::Override& override, base::Timestamp flag_created_at,
                std::optional<std::uint64_t> replaces);
// Whatever is there: for bulk.
Put PutOverrideAnyway(const model::Override& override, base::Timestamp flag_created_at);
Delete DeleteOverride(const model::Override& override);
// `replaces_keys`: the parts that must be named there now, where the new item goes on naming some of them (a segment
// that was deleted and made again may have the same version).
Put PutSegment(const SegmentHead& segment, std::optional<std::uint64_t> replaces,
               const std::optional<SegmentIndex>& replaces_keys = std::nullopt);
Delete DeleteSegment(const SegmentHead& segment);
Put PutKillSwitch(const model::KillSwitch& kill_switch, std::optional<std::uint64_t> replaces);
Delete DeleteKillSwitch(const model::KillSwitch& kill_switch);
Put PutTenant(const model::Tenant& tenant, std::optional<std::uint64_t> replaces);
Delete DeleteTenant(const model::Tenant& tenant);
Put PutApiKey(const model::ApiKey& key, std::optional<std::uint64_t> replaces);
Update TouchApiKey(const model::KeyId& key, base::Timestamp last_used_at);  // only lastUsedAt
Put PutAudit(const AuditRecord& record);
Put PutChange(const ChangeRecord& record);                                                // must be absent
Put PutChangeHead(std::string_view scope, const LogHead& head, const LogHead& replaces);  // one that was read
Put PutNode(const NodeRecord& record);                                                    // whatever is there
Put PutIdempotency(const IdempotencyRecord& record);                                      // must be absent

// The flag must still be there in this incarnation: for transactions that write only its overrides.
ConditionCheck CheckFlagCreatedAt(const model::Environment& env, const model::FlagKey& flag,
                                  base::Timestamp created_at);
// The same for a flag that was read: also where another program wrote it (version 0), whose `createdAt` may be
// formatted in another way.
ConditionCheck CheckFlagStands(const model::Flag& flag);

}  // namespace guidon::store
