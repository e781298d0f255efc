// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <set>
#include <span>
#include <utility>

#include "guidon/app/change.hpp"
#include "guidon/app/flag_checks.hpp"
#include "guidon/app/services.hpp"
#include "guidon/json/json.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using OptionalRecord = std::optional<store::IdempotencyRecord>;

constexpr std::size_t kBulkPortion = kChangeOperationsMax - 1;  // one operation checks the flag

std::string PathOf(const model::Environment& env, const model::FlagKey& flag) { return env.str() + "/" + flag.str(); }
std::string PathOf(const model::Environment& env, const model::FlagKey& flag, const model::TenantId& tenant) {
  return PathOf(env, flag) + "/" + tenant.str();
}

// The variation's name. Error: kInvalidArgument naming "enabled" or "variation".
Result<std::string> Resolve(const model::Flag& flag, const OverrideChoice& choice) {
  if (choice.enabled.has_value() == choice.variation.has_value())
    return base::Fail(ErrorCode::kInvalidArgument, "Give either enabled or variation.", "enabled");
  if (choice.enabled) return *choice.enabled ? flag->default_variation : flag->off_variation;
  if (flag->variations.contains(*choice.variation)) return *choice.variation;
  return base::Fail(ErrorCode::kInvalidArgument,
                    "The flag \"" + flag->flag_key + "\" has no variation \"" + *choice.variation + "\".", "variation");
}

base::Error NoOverride(const model::FlagKey& flag, const model::TenantId& tenant) {
  return {.code = ErrorCode::kNotFound,
          .message = "The flag \"" + flag.str() + "\" has no override for the tenant \"" + tenant.str() + "\"."};
}

// The flag for an override of this tenant. Another tenant than the principal's is not found, nor is its flag.
Result<model::Flag> FlagFor(const Services& services, const Principal& principal, const model::Environment& env,
                            const model::FlagKey& flag, const model::TenantId& tenant) {
  if (!Sees(principal, tenant.str())) return std::unexpected(NoOverride(flag, tenant));
  return VisibleFlag(services, principal, env, flag);
}

ChangeNote NoteOf(std::string_view action, const model::Override& override) {
  return {.action = action,
          .scope = override->environment,
          .entity = "override",
          .resource = override->flag_key,
          .tenant_id = override->tenant_id,
          .version = override->version};
}

// Why the check of the flag failed: it is gone, or another one by now.
base::Error FlagChanged(const model::FlagKey& flag, const std::optional<store::Item>& existing) {
  return existing ? LostRace("flag", existing) : NotFound("flag", flag.str());
}

struct SetRequest {
  const RequestInfo& request;
  const model::Environment& env;
  const model::FlagKey& flag;
  const model::TenantId& tenant;
  const OverrideChoice& choice;
};

Result<Changed<model::Override>> SetOnce(const Services& services, const SetRequest& set,
                                         const OptionalRecord& record) {
  GUIDON_ASSIGN(const model::Flag flag, FlagFor(services, set.request.principal, set.env, set.flag, set.tenant));
  GUIDON_ASSIGN(std::string variation, Resolve(flag, set.choice));
  GUIDON_ASSIGN(const auto current, services.repository.GetOverride(set.env, set.flag, set.tenant));
  // Under the same key there may be an override of a deleted flag, which is none any more but is replaced all the same.
  GUIDON_ASSIGN(const auto replaces, services.repository.OverrideItemVersion(set.env, set.flag, set.tenant));
  GUIDON_ASSIGN(model::Override override, model::Override::Create({.environment = set.env.str(),
                                                                   .flag_key = set.flag.str(),
                                                                   .tenant_id = set.tenant.str(),
                                                                   .variation = std::move(variation),
                                                                   .version = replaces.value_or(0) + 1,
                                                                   .updated_at = services.clock.Now(),
                                                                   .updated_by = set.request.principal.id}));
  ChangeNote note = NoteOf("override.set", override);
  if (current) note.before = TextOf(*current);
  note.after = TextOf(override);
  PreparedChange change = Prepare(set.request, note, record);
  change.change.tenants = {set.tenant.str()};
  change.operations.emplace_back(store::CheckFlagStands(flag));
  change.operations.emplace_back(store::PutOverride(override, flag->created_at, replaces));
  change.effect.overrides.push_back(override);
  change.explain = [flag_key = set.flag](std::size_t index, const auto& existing) {
    if (index == 0) return FlagChanged(flag_key, existing);
    base::Error error = LostRace("override", existing);
    // Removed in between: that too is a race to be tried again.
    if (!existing) error = {.code = ErrorCode::kConflict, .message = error.message, .current_version = 0};
    return error;
  };
  return Commit(services, std::move(change), std::move(override));
}

Result<Removed> UnsetOnce(const Services& services, const RequestInfo& request, const model::Environment& env,
                          const model::FlagKey& flag_key, const model::TenantId& tenant, const OptionalRecord& record) {
  GUIDON_ASSIGN(const model::Flag flag, FlagFor(services, request.principal, env, flag_key, tenant));
  GUIDON_ASSIGN(const auto current, services.repository.GetOverride(env, flag_key, tenant));
  if (!current) return std::unexpected(NoOverride(flag_key, tenant));
  ChangeNote note = NoteOf("override.unset", *current);
  note.before = TextOf(*current);
  note.removes = true;
  PreparedChange change = Prepare(request, note, record);
  change.change.tenants = {tenant.str()};
  change.operations.emplace_back(store::DeleteOverride(*current));
  change.effect.removed_overrides.emplace_back(flag_key.str(), tenant.str());
  change.explain = [](std::size_t, const auto& existing) { return LostRace("override", existing); };
  return CommitRemoval(services, std::move(change));
}

// Checks all entries before the first is written.
Result<std::vector<model::Override>> Prepared(const Services& services, const RequestInfo& request,
                                              const model::Flag& flag, const std::vector<BulkOverride>& entries) {
  const base::Timestamp now = services.clock.Now();
  // Nothing is read for each entry, so there is no version to count on from: the time is greater than any that was
  // counted, and differs from what anybody has read.
  const auto version = static_cast<std::uint64_t>(now.time_since_epoch().count());
  std::vector<model::Override> overrides;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string path = "overrides[" + std::to_string(i) + "].";
    const std::string& tenant = entries[i].tenant.str();
    if (!Sees(request.principal, tenant))
      return base::Fail(ErrorCode::kPermissionDenied, "This credential is for another tenant.", path + "tenantId");
    if (!seen.insert(tenant).second)
      return base::Fail(ErrorCode::kInvalidArgument, "The tenant \"" + tenant + "\" is named twice.",
                        path + "tenantId");
    auto variation = Resolve(flag, entries[i].choice);
    if (!variation) {
      variation.error().field.insert(0, path);
      return std::unexpected(std::move(variation).error());
    }
    GUIDON_ASSIGN(auto override, model::Override::Create({.environment = flag->environment,
                                                          .flag_key = flag->flag_key,
                                                          .tenant_id = tenant,
                                                          .variation = *std::move(variation),
                                                          .version = version,
                                                          .updated_at = now,
                                                          .updated_by = request.principal.id}));
    overrides.push_back(std::move(override));
  }
  return overrides;
}

std::string BulkText(std::span<const model::Override> overrides) {
  model::List list;
  for (const auto& override : overrides) {
    model::Object entry;
    entry.Set("tenantId", override->tenant_id);
    entry.Set("variation", override->variation);
    list.emplace_back(std::move(entry));
  }
  model::Object object;
  object.Set("overrides", std::move(list));
  return json::Write(object);
}

std::string OutcomeText(const BulkOutcome& outcome) {
  model::Object object;
  object.Set("applied", static_cast<std::int64_t>(outcome.applied));
  object.Set("transactions", static_cast<std::int64_t>(outcome.transactions));
  return json::Write(object);
}

BulkOutcome OutcomeFrom(const store::IdempotencyRecord& record) {
  BulkOutcome outcome{.sequence = record.sequence, .replayed = true};
  const auto document = json::Parse(record.result);
  if (!document || document->AsObject() == nullptr) return outcome;
  const auto number = [&](std::string_view name) -> std::size_t {
    const auto* value = document->AsObject()->Find(name);
    return value != nullptr && value->AsInteger() != nullptr ? static_cast<std::size_t>(*value->AsInteger()) : 0;
  };
  outcome.applied = number("applied");
  outcome.transactions = number("transactions");
  return outcome;
}

PreparedChange PortionChange(const RequestInfo& request, const model::Flag& flag, const model::Environment& env,
                             const model::FlagKey& flag_key, std::span<const model::Override> portion) {
  ChangeNote note{.action = "override.bulk",
                  .scope = env.str(),
                  .entity = "override",
                  .resource = flag_key.str(),
                  .tenant_id = request.principal.tenant_id,
                  .version = portion.front()->version,
                  .after = BulkText(portion)};
  PreparedChange change = Prepare(request, note, std::nullopt);
  change.operations.emplace_back(store::CheckFlagStands(flag));
  for (const auto& override : portion) {
    change.operations.emplace_back(store::PutOverrideAnyway(override, flag->created_at));
    change.change.tenants.push_back(override->tenant_id);
    change.effect.overrides.push_back(override);
  }
  change.explain = [flag_key](std::size_t, const auto& existing) { return FlagChanged(flag_key, existing); };
  return change;
}

Result<BulkOutcome> SetManyOnce(const Services& services, const RequestInfo& request, const model::Environment& env,
                                const model::FlagKey& flag_key, const std::vector<BulkOverride>& entries,
                                const OptionalRecord& record) {
  GUIDON_ASSIGN(const model::Flag flag, VisibleFlag(services, request.principal, env, flag_key));
  GUIDON_ASSIGN(const auto overrides, Prepared(services, request, flag, entries));
  BulkOutcome outcome;
  const std::span all(overrides);
  while (outcome.applied < all.size()) {
    const auto portion = all.subspan(outcome.applied, std::min(kBulkPortion, all.size() - outcome.applied));
    PreparedChange change = PortionChange(request, flag, env, flag_key, portion);
    if (outcome.applied + portion.size() == all.size() && record) {
      change.idempotency = record;
      change.idempotency->result =
          OutcomeText(BulkOutcome{.applied = all.size(), .transactions = outcome.transactions + 1});
    }
    auto committed = services.committer.Commit(std::move(change));
    if (!committed) {
      base::Error error = std::move(committed).error();
      error.message += " " + std::to_string(outcome.applied) + " of " + std::to_string(all.size()) +
                       " overrides were written; sending all again is safe.";
      return std::unexpected(std::move(error));
    }
    outcome.applied += portion.size();
    ++outcome.transactions;
    outcome.sequence = committed->sequence;
  }
  return outcome;
}

}  // namespace

Result<store::Page<model::Override>> OverrideService::List(const RequestInfo& request, const model::Environment& env,
                                                           const model::FlagKey& flag, const store::PageRequest& page) {
  GUIDON_TRY(CheckEnvironment(s_, env.str()));
  GUIDON_TRY(CheckFlagVisible(s_, request.principal, env, flag));
  GUIDON_ASSIGN(auto found, s_.repository.ListOverrides(env, flag, page));
  std::erase_if(found.items, [&](const auto& each) { return !Sees(request.principal, each->tenant_id); });
  return found;
}

Result<store::Page<model::Override>> OverrideService::ListOfTenant(const RequestInfo& request,
                                                                   const model::Environment& env,
                                                                   const model::TenantId& tenant,
                                                                   const store::PageRequest& page) {
  GUIDON_TRY(CheckEnvironment(s_, env.str()));
  if (!Sees(request.principal, tenant.str())) return store::Page<model::Override>{};
  return s_.repository.ListOverridesOfTenant(env, tenant, page);
}

Result<model::Override> OverrideService::Get(const RequestInfo& request, const model::Environment& env,
                                             const model::FlagKey& flag, const model::TenantId& tenant) {
  GUIDON_TRY(CheckEnvironment(s_, env.str()));
  if (!Sees(request.principal, tenant.str())) return std::unexpected(NoOverride(flag, tenant));
  GUIDON_TRY(CheckFlagVisible(s_, request.principal, env, flag));
  GUIDON_ASSIGN(auto found, s_.repository.GetOverride(env, flag, tenant));
  if (!found) return std::unexpected(NoOverride(flag, tenant));
  return *std::move(found);
}

Result<Changed<model::Override>> OverrideService::Set(const RequestInfo& request, const model::Environment& env,
                                                      const model::FlagKey& flag, const model::TenantId& tenant,
                                                      const OverrideChoice& choice) {
  const SetRequest set{.request = request, .env = env, .flag = flag, .tenant = tenant, .choice = choice};
  return Once(
      s_, request, "override.set", PathOf(env, flag, tenant),
      [&](const OptionalRecord& record) { return RetryRaces({}, [&](int) { return SetOnce(s_, set, record); }); },
      [&](const auto& record) {
        return Replay<model::Override>(record, OverrideFromText, [&] { return Get(request, env, flag, tenant); });
      });
}

Result<BulkOutcome> OverrideService::SetMany(const RequestInfo& request, const model::Environment& env,
                                             const model::FlagKey& flag, const std::vector<BulkOverride>& overrides) {
  if (overrides.empty()) return base::Fail(ErrorCode::kInvalidArgument, "Give at least one override.", "overrides");
  if (overrides.size() > kBulkOverridesMax)
    return base::Fail(ErrorCode::kTooLarge, "At most 10,000 overrides are taken at once.", "overrides");
  return Once(
      s_, request, "override.bulk", PathOf(env, flag),
      [&](const OptionalRecord& record) { return SetManyOnce(s_, request, env, flag, overrides, record); },
      [](const auto& record) -> Result<BulkOutcome> { return OutcomeFrom(record); });
}

Result<Removed> OverrideService::Unset(const RequestInfo& request, const model::Environment& env,
                                       const model::FlagKey& flag, const model::TenantId& tenant) {
  return Once(
      s_, request, "override.unset", PathOf(env, flag, tenant),
      [&](const OptionalRecord& record) {
        return RetryRaces({}, [&](int) { return UnsetOnce(s_, request, env, flag, tenant, record); });
      },
      ReplayRemoval);
}

}  // namespace guidon::app
