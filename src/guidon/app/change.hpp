// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/app/committer.hpp"
#include "guidon/app/principal.hpp"
#include "guidon/app/race_pause.hpp"
#include "guidon/app/services.hpp"
#include "guidon/base/result.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"
#include "guidon/store/records.hpp"

// What all use cases that change something share. Not for other modules.
namespace guidon::app {

// Times a change without If-Match is tried again when somebody else changed the same thing in between.
inline constexpr int kRaceAttemptsMax = 16;
// Results of idempotent requests up to this size are kept as they are; of larger ones, the entity is read again.
inline constexpr std::size_t kKeptResultBytesMax = 256UL * 1024;

// One change, in the words of change log and audit.
struct ChangeNote {
  std::string_view action;  // "flag.create"
  std::string scope;        // environment or store::kSystemScope
  std::string_view entity;  // "flag", "override", "segment", "kill", "tenant", "key"
  std::string resource;     // for the change log: flag key, segment key, scope text, tenant id or key id
  std::optional<std::string> tenant_id = std::nullopt;  // whose thing it is
  std::uint64_t version = 0;
  std::string before = {};  // JSON; empty: there was nothing
  std::string after = {};   // JSON; empty: nothing is left
  bool removes = false;
  std::string result = {};  // what an idempotent request is answered with when it comes again; empty: `after`
};
// "segment:KEY", "kill:SCOPE", "tenant:ID", "key:ID"; flags and overrides go by the flag's key.
std::string AuditResourceOf(std::string_view entity, std::string_view resource);
store::AuditRecord AuditOf(const RequestInfo& request, const ChangeNote& note);

// The change with everything but its operations, effect and explanation.
PreparedChange Prepare(const RequestInfo& request, const ChangeNote& note,
                       const std::optional<store::IdempotencyRecord>& idempotency);

// Nothing where the request has no idempotency key. Error: kInvalidArgument naming "Idempotency-Key".
base::Result<std::optional<store::IdempotencyRecord>> NewIdempotency(const RequestInfo& request,
                                                                     std::string_view action,
                                                                     std::string_view resource);
// What an earlier request with this key did. Error: kInvalidArgument when it was another request.
base::Result<std::optional<store::IdempotencyRecord>> FindEarlier(const Services& services,
                                                                  const store::IdempotencyRecord& idempotency);
// Whether the record holds the result, or only that there was one.
bool HasResult(const store::IdempotencyRecord& record);

// Carries a request out at most once for each idempotency key. `attempt(record)` does the work and puts the record into
// its change; `replay(record)` answers for what was done before.
template <class Attempt, class Replay>
auto Once(const Services& services, const RequestInfo& request, std::string_view action, std::string_view resource,
          Attempt attempt, Replay replay) -> decltype(replay(std::declval<const store::IdempotencyRecord&>())) {
  GUIDON_ASSIGN(const auto record, NewIdempotency(request, action, resource));
  if (!record) return attempt(record);
  GUIDON_ASSIGN(const auto earlier, FindEarlier(services, *record));
  if (earlier) return replay(*earlier);
  auto outcome = attempt(record);
  if (outcome) return outcome;
  // It may have been the same request on another connection that stood in the way.
  const auto meanwhile = FindEarlier(services, *record);
  if (meanwhile && *meanwhile) return replay(**meanwhile);
  if (!meanwhile && meanwhile.error().field == "Idempotency-Key") return std::unexpected(meanwhile.error());
  return outcome;
}

// Tries again as long as somebody else was faster and the caller did not insist on a version. Whoever loses more than
// once waits for a while: an attempt that takes long would else lose against each of many short ones.
template <class Attempt>
auto RetryRaces(const IfMatch& if_match, Attempt attempt) -> decltype(attempt(0)) {
  for (int round = 0;; ++round) {
    auto outcome = attempt(round);
    const bool lost = !outcome && outcome.error().code == base::ErrorCode::kConflict && outcome.error().current_version;
    if (!lost || if_match.kind == IfMatch::Kind::kVersion || round + 1 == kRaceAttemptsMax) return outcome;
    if (round > 0) PauseBefore(round);
  }
}

// Errors: kPreconditionRequired; kConflict naming "If-Match", with the current version.
base::Status RequireIfMatch(const IfMatch& if_match);
base::Status CheckIfMatch(const IfMatch& if_match, std::uint64_t version);

// What to answer when `existing` is not what a conditional write expected: kNotFound when there is nothing any more,
// else kConflict with the version that is there.
base::Error LostRace(std::string_view what, const std::optional<store::Item>& existing, const IfMatch& if_match = {});
base::Error NotFound(std::string_view what, std::string_view name);
base::Error AlreadyExists(std::string_view what, std::string_view name);

// Error: kInvalidArgument naming "environment" where there is no such environment.
base::Status CheckEnvironment(const Services& services, std::string_view environment);

// Whether the principal may know that a thing of this tenant exists at all.
bool Sees(const Principal& principal, const std::optional<std::string>& tenant_id);
// Makes a new thing the principal's tenant's. Error: kPermissionDenied where it names another.
base::Status BindTenant(const Principal& principal, std::optional<std::string>& tenant_id);

std::string TextOf(const model::Flag& flag);
std::string TextOf(const model::Segment& segment);
std::string TextOf(const model::Override& override);
std::string TextOf(const model::KillSwitch& kill_switch);
std::string TextOf(const model::Tenant& tenant);
std::string TextOf(const model::ApiKey& key);
base::Result<model::Flag> FlagFromText(std::string_view text);
base::Result<model::Segment> SegmentFromText(std::string_view text);
base::Result<model::Override> OverrideFromText(std::string_view text);
base::Result<model::KillSwitch> KillSwitchFromText(std::string_view text);
base::Result<model::Tenant> TenantFromText(std::string_view text);

// The answer to a repeated request: the entity as it was then, or as it is now where that was not kept.
template <class T, class FromText, class Read>
base::Result<Changed<T>> Replay(const store::IdempotencyRecord& record, FromText from_text, Read read) {
  if (HasResult(record)) {
    GUIDON_ASSIGN(T entity, from_text(record.result));
    return Changed<T>{.entity = std::move(entity), .sequence = record.sequence, .replayed = true};
  }
  GUIDON_ASSIGN(T entity, read());
  return Changed<T>{.entity = std::move(entity), .sequence = record.sequence, .replayed = true};
}

// Commits and gives the entity back.
template <class T>
base::Result<Changed<T>> Commit(const Services& services, PreparedChange change, T entity) {
  GUIDON_ASSIGN(const Committed committed, services.committer.Commit(std::move(change)));
  return Changed<T>{.entity = std::move(entity), .sequence = committed.sequence};
}
base::Result<Removed> CommitRemoval(const Services& services, PreparedChange change);
base::Result<Removed> ReplayRemoval(const store::IdempotencyRecord& record);

}  // namespace guidon::app
