// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/audit_check.hpp"
#include "guidon/app/audit_seal.hpp"
#include "guidon/app/committer.hpp"
#include "guidon/app/principal.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/base/result.hpp"
#include "guidon/eval/static_check.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"
#include "guidon/store/repositories.hpp"

// The management use cases. All functions may block on the store: never call them from an I/O thread. All are
// thread-safe. The caller has passed Authorize; tenant visibility is decided here: a thing of another tenant is
// kNotFound, exactly as if it did not exist.
namespace guidon::app {

// What a use case needs from its surroundings. All outlive the services.
struct Services {
  store::Repository& repository;
  SnapshotRegistry& snapshots;
  ChangeCommitter& committer;
  const base::Clock& clock;
};

// A change that happened. `replayed`: it had happened before under the same idempotency key, and nothing was repeated.
template <class T>
struct Changed {
  T entity;
  std::uint64_t sequence = 0;
  bool replayed = false;
};
struct Removed {
  std::uint64_t sequence = 0;
  bool replayed = false;
};

struct FlagFilter {
  std::string owner = {};
  std::string tag = {};
  std::string tenant_id = {};
  std::optional<model::FlagState> state = std::nullopt;
  std::string q = {};  // part of key, description, owner or tag, letters' case ignored; at most 200 bytes
};

// Common errors: kNotFound, kAlreadyExists, kConflict (with current_version), kPreconditionRequired (IfMatch missing),
// kInvalidArgument (unknown environment, variation, …: field names it), kTooLarge, kUnavailable, kCorrupt.
// Flags to be written together. `fields` of a flag that is there already are what replaces it.
struct ImportEntry {
  std::string flag_key;
  // Of the flag that is there, or of nullptr; may be asked more than once.
  std::function<base::Result<model::FlagFields>(const model::Flag* existing)> make;
};
struct ImportedFlag {
  enum class Action : std::uint8_t { kCreated, kUpdated, kUnchanged };
  std::string flag_key;
  Action action = Action::kUnchanged;
  std::uint64_t version = 0;  // afterwards
};
struct ImportOutcome {
  std::vector<ImportedFlag> flags;  // in the order of the entries
  std::size_t transactions = 0;
  std::uint64_t sequence = 0;  // 0: nothing changed
  bool replayed = false;       // then `flags` is empty
};
struct ImportOptions {
  bool dry_run = false;
  bool in_portions = false;  // more changes than one transaction holds may be written in several
};
inline constexpr std::size_t kImportFlagsMax = 10'000;

class FlagService {
 public:
  explicit FlagService(Services services) : s_(services) {}
  // Newest first. May return fewer than `limit`, or none, with a cursor: filters looked at a bounded number of flags.
  base::Result<store::Page<model::Flag>> List(const RequestInfo& request, const model::Environment& env,
                                              const FlagFilter& filter, const store::PageRequest& page);
  base::Result<model::Flag> Get(const RequestInfo& request, const model::Environment& env, const model::FlagKey& flag);
  // Server-set attributes (version, times, updatedBy) are overwritten. A tenant-bound principal's flags become its
  // tenant's. Prerequisites and segments that do not exist, and cycles, are refused.
  base::Result<Changed<model::Flag>> Create(const RequestInfo& request, model::FlagFields fields);
  base::Result<Changed<model::Flag>> Replace(const RequestInfo& request, model::FlagFields fields,
                                             const IfMatch& if_match);
  // What a static check finds in the flag as it is, or in one that was just saved; of others' flags and overrides only
  // what the principal may know.
  base::Result<std::vector<eval::Finding>> Lint(const RequestInfo& request, const model::Environment& env,
                                                const model::FlagKey& flag);
  std::vector<eval::Finding> Check(const RequestInfo& request, const model::Flag& flag) const;
  // RFC 7396 on the flag's JSON.
  base::Result<Changed<model::Flag>> Patch(const RequestInfo& request, const model::Environment& env,
                                           const model::FlagKey& flag, const model::Value& patch,
                                           const IfMatch& if_match);
  base::Result<Changed<model::Flag>> Archive(const RequestInfo& request, const model::Environment& env,
                                             const model::FlagKey& flag, const IfMatch& if_match);
  // IfMatch may be missing: then whatever is there. Refused (kConflict, naming them) while other flags have it as a
  // prerequisite. Its overrides go with it.
  base::Result<Removed> Delete(const RequestInfo& request, const model::Environment& env, const model::FlagKey& flag,
                               const IfMatch& if_match);
  // All or nothing: everything is checked, then written in one transaction of at most kChangeEntitiesMax flags that
  // change; more of them are kTooLarge, unless they may be written in portions: then each transaction is whole, and
  // after an error in the middle sending all again goes on. A dry run does all but write. Flags that would not change
  // are left alone.
  base::Result<ImportOutcome> Import(const RequestInfo& request, const model::Environment& env,
                                     const std::vector<ImportEntry>& entries, const ImportOptions& options);
  // As a new flag (version 1) in `to_env` under `to_key`, without overrides unless asked for.
  base::Result<Changed<model::Flag>> Copy(const RequestInfo& request, const model::Environment& env,
                                          const model::FlagKey& flag, const model::Environment& to_env,
                                          const model::FlagKey& to_key);

 private:
  Services s_;
};

// What an override says: a variation's name, or enabled (the flag's default) / disabled (its off variation).
struct OverrideChoice {
  std::optional<bool> enabled = std::nullopt;
  std::optional<std::string> variation = std::nullopt;
};
struct BulkOverride {
  model::TenantId tenant;
  OverrideChoice choice;
};
struct BulkOutcome {
  std::size_t applied = 0;
  std::size_t transactions = 0;
  std::uint64_t sequence = 0;  // of the last transaction
  bool replayed = false;
};
inline constexpr std::size_t kBulkOverridesMax = 10'000;

class OverrideService {
 public:
  explicit OverrideService(Services services) : s_(services) {}
  base::Result<store::Page<model::Override>> List(const RequestInfo& request, const model::Environment& env,
                                                  const model::FlagKey& flag, const store::PageRequest& page);
  base::Result<store::Page<model::Override>> ListOfTenant(const RequestInfo& request, const model::Environment& env,
                                                          const model::TenantId& tenant,
                                                          const store::PageRequest& page);
  base::Result<model::Override> Get(const RequestInfo& request, const model::Environment& env,
                                    const model::FlagKey& flag, const model::TenantId& tenant);
  base::Result<Changed<model::Override>> Set(const RequestInfo& request, const model::Environment& env,
                                             const model::FlagKey& flag, const model::TenantId& tenant,
                                             const OverrideChoice& choice);
  // In transactions of up to kChangeOperationsMax operations, each whole. All entries are checked before the first is
  // written. After an error in the middle, the message says how many were written; sending all again is safe.
  base::Result<BulkOutcome> SetMany(const RequestInfo& request, const model::Environment& env,
                                    const model::FlagKey& flag, const std::vector<BulkOverride>& overrides);
  base::Result<Removed> Unset(const RequestInfo& request, const model::Environment& env, const model::FlagKey& flag,
                              const model::TenantId& tenant);

 private:
  Services s_;
};

class KillSwitchService {
 public:
  explicit KillSwitchService(Services services) : s_(services) {}
  base::Result<std::vector<model::KillSwitch>> List(const RequestInfo& request, const model::Environment& env);
  // A principal bound to a tenant sees and sets those of its tenant and its flags only; the others of the environment
  // are kPermissionDenied (global, owner) or kNotFound. Engaging what is engaged changes nothing and succeeds (at three
  // in the morning twice is fine). The flag of a flag scope must exist; tenants and owners need not.
  base::Result<Changed<model::KillSwitch>> Engage(const RequestInfo& request, const model::Environment& env,
                                                  const model::KillScope& scope, std::string reason);
  base::Result<Removed> Release(const RequestInfo& request, const model::Environment& env,
                                const model::KillScope& scope, std::string reason);

 private:
  Services s_;
};

// Keys to put into and take out of the lists of a segment; at most kSegmentKeysPerChangeMax together.
struct SegmentKeysEdit {
  std::vector<std::string> add_included = {};
  std::vector<std::string> add_excluded = {};
  std::vector<std::string> remove_included = {};
  std::vector<std::string> remove_excluded = {};
};
inline constexpr std::size_t kSegmentKeysPerChangeMax = 10'000;
// Whole lists; one that is not given stays as it is.
struct SegmentKeysUpload {
  std::optional<std::vector<std::string>> included = std::nullopt;
  std::optional<std::vector<std::string>> excluded = std::nullopt;
};
// The lists after a change, and by how many keys they differ from those before.
struct SegmentKeysOutcome {
  std::string environment;
  std::string segment_key;
  std::uint64_t version = 0;
  model::SegmentKeyCounts count;
  model::SegmentKeyCounts added;
  model::SegmentKeyCounts removed;
};
// Which lists a replacement names. A large segment, whose keys no answer shows, is not replaced by one that says
// nothing of them.
struct SegmentListsGiven {
  bool included = true;
  bool excluded = true;
};

// Segments whose keys are kept apart come without them (`kept_apart` says how many there are).
class SegmentService {
 public:
  explicit SegmentService(Services services) : s_(services) {}
  base::Result<store::Page<model::Segment>> List(const RequestInfo& request, const model::Environment& env,
                                                 const store::PageRequest& page);
  base::Result<model::Segment> Get(const RequestInfo& request, const model::Environment& env,
                                   const model::SegmentKey& segment);
  // With all its keys, however many.
  base::Result<model::Segment> GetWhole(const RequestInfo& request, const model::Environment& env,
                                        const model::SegmentKey& segment);
  base::Result<Changed<model::Segment>> Create(const RequestInfo& request, model::SegmentFields fields);
  // Fields with `kept_apart` (as an answer showed them) leave the keys as they are.
  base::Result<Changed<model::Segment>> Replace(const RequestInfo& request, model::SegmentFields fields,
                                                const IfMatch& if_match, SegmentListsGiven given = {});
  base::Result<Changed<model::Segment>> Patch(const RequestInfo& request, const model::Environment& env,
                                              const model::SegmentKey& segment, const model::Value& patch,
                                              const IfMatch& if_match);
  // Refused (kConflict, naming them) while flags use it.
  base::Result<Removed> Delete(const RequestInfo& request, const model::Environment& env,
                               const model::SegmentKey& segment, const IfMatch& if_match);

  // One list in byte order.
  base::Result<store::Page<std::string>> ListKeys(const RequestInfo& request, const model::Environment& env,
                                                  const model::SegmentKey& segment, store::SegmentList list,
                                                  std::string_view prefix, const store::PageRequest& page);
  // IfMatch may be missing: sets may be added to and taken from whatever is there. Where nothing changes, nothing is
  // written. Errors: kTooLarge, kInvalidArgument naming "add" or "remove" and the list.
  base::Result<Changed<SegmentKeysOutcome>> EditKeys(const RequestInfo& request, const model::Environment& env,
                                                     const model::SegmentKey& segment, SegmentKeysEdit edit,
                                                     const IfMatch& if_match);
  // IfMatch is needed: it replaces. Heals a segment whose parts are damaged, where both lists are given.
  base::Result<Changed<SegmentKeysOutcome>> UploadKeys(const RequestInfo& request, const model::Environment& env,
                                                       const model::SegmentKey& segment, SegmentKeysUpload upload,
                                                       const IfMatch& if_match);

 private:
  // Changes of the keys of one segment go one after the other in this process: each reads what the one before has
  // written, and all but one would lose. Segments share a lock by chance.
  std::mutex& LockOf(const model::Environment& env, const model::SegmentKey& segment);

  Services s_;
  std::array<std::mutex, 16> locks_;
};

// A principal bound to a tenant sees and changes its own tenant only, and neither makes nor deletes one
// (kPermissionDenied).
class TenantService {
 public:
  explicit TenantService(Services services) : s_(services) {}
  base::Result<store::Page<model::Tenant>> List(const RequestInfo& request, const store::PageRequest& page);
  base::Result<model::Tenant> Get(const RequestInfo& request, const model::TenantId& tenant);
  base::Result<Changed<model::Tenant>> Create(const RequestInfo& request, model::TenantFields fields);
  base::Result<Changed<model::Tenant>> Replace(const RequestInfo& request, model::TenantFields fields,
                                               const IfMatch& if_match);
  base::Result<Changed<model::Tenant>> Patch(const RequestInfo& request, const model::TenantId& tenant,
                                             const model::Value& patch, const IfMatch& if_match);
  // Refused (kConflict) while it has flags, overrides, or keys that still work: delete or revoke them first. What is
  // made for the tenant while it is being deleted is not held back: tenants need not exist to be named.
  base::Result<Removed> Delete(const RequestInfo& request, const model::TenantId& tenant, const IfMatch& if_match);

 private:
  Services s_;
};

// More refusals than this wait to be written only where somebody is trying a great many doors: then they are counted.
inline constexpr std::size_t kRefusalsQueuedMax = 1000;

// What to verify, and what came of a portion of it.
struct AuditVerification {
  std::string scope = {};  // environment; "" = all
  base::Timestamp from = {};
  std::optional<base::Timestamp> to = std::nullopt;  // inclusive; absent: until now, and then nothing may be missing
  std::string cursor = {};                           // with it, `from` and `to` are those of the first portion
};
struct AuditReport {
  base::Timestamp from = {};
  base::Timestamp to = {};
  base::Timestamp checked_to = {};     // everything before it was looked at
  bool to_end = true;                  // nothing is missing at the end, either
  std::vector<AuditChain> chains;      // what is known of them by now
  std::vector<AuditProblem> problems;  // found in this portion; at most 100
  std::size_t problems_left_out = 0;
  std::optional<std::string> next_cursor = std::nullopt;  // absent: that was all
};

class AuditService {
 public:
  // `seal` outlives it.
  AuditService(Services services, const AuditSeal& seal);
  ~AuditService();
  // A tenant-bound principal sees entries of its tenant only, an environment-bound one those of its environment.
  base::Result<store::Page<store::AuditRecord>> List(const RequestInfo& request, store::AuditQuery query,
                                                     const store::PageRequest& page);
  // Records a refusal ("access.refused"): no change-log entry. Written in the background through a bounded queue; when
  // it is full the refusal is counted and logged instead.
  // The refusals of this process and scope are a chain of their own.
  void RecordRefusal(const RequestInfo& request, std::string scope, std::string resource, std::string detail);
  std::uint64_t dropped_refusals() const;
  // Writes the refusals that wait. Those that cannot be written now wait again. Error: that of the store.
  base::Status FlushRefusals();

  // Whether the chains of audit entries are whole (docs/adr/0023), in portions that take a few seconds at most. An
  // environment-bound principal has that environment verified. Errors: kPermissionDenied for a tenant-bound one;
  // kInvalidArgument naming "cursor"; those of the store.
  base::Result<AuditReport> Verify(const RequestInfo& request, AuditVerification wanted);
  // Verifies one portion of the newest day of all scopes; at the end of the day logs what is wrong, notices chains that
  // became shorter and counts the check. For one thread. Error: that of the store; then it begins anew.
  base::Status CheckNewest();
  struct CheckFigures {
    std::uint64_t checks = 0;
    std::uint64_t broken_chains = 0;  // at the last check
    std::uint64_t entries = 0;
    base::Timestamp checked_at = {};  // of the last check
  };
  CheckFigures check_figures() const;

 private:
  struct Queue;
  base::Result<AuditReport> VerifyPortion(const AuditVerification& wanted);
  base::Result<AuditReport> Continue(AuditCheck check, store::AuditPlace place);
  base::Status WriteRefusal(store::AuditRecord record);

  Services s_;
  const AuditSeal& seal_;
  mutable std::mutex figures_mutex_;
  CheckFigures figures_;
  std::map<std::string, std::uint64_t> heads_;  // at the last check
  std::unique_ptr<Queue> queue_;
};

}  // namespace guidon::app
