// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "guidon/app/change.hpp"
#include "guidon/app/flag_checks.hpp"
#include "guidon/app/services.hpp"
#include "guidon/base/text.hpp"
#include "guidon/json/json.hpp"
#include "guidon/model/limits.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using model::KillScope;
using OptionalRecord = std::optional<store::IdempotencyRecord>;

std::string PathOf(const model::Environment& env, const KillScope& scope) { return env.str() + "/" + scope.Text(); }

base::Error NotEngaged(const KillScope& scope) {
  return {.code = ErrorCode::kNotFound, .message = "The kill switch \"" + scope.Text() + "\" is not engaged."};
}

// Whose kill switch it is; nothing for those of the whole environment.
std::optional<std::string> TenantOf(const Services& services, const model::Environment& env, const KillScope& scope) {
  if (scope.kind() == KillScope::Kind::kTenant) return scope.id();
  if (scope.kind() == KillScope::Kind::kFlag) return services.snapshots.TenantOf(env.str(), scope.id());
  return std::nullopt;
}

// Errors: kPermissionDenied for scopes that are nobody's own, the same whether or not a switch is engaged; kNotFound
// for another tenant's, and for a flag that is not there while `must_exist`.
base::Status CheckScope(const Services& services, const Principal& principal, const model::Environment& env,
                        const KillScope& scope, bool must_exist) {
  GUIDON_TRY(CheckEnvironment(services, env.str()));
  switch (scope.kind()) {
    case KillScope::Kind::kGlobal:
    case KillScope::Kind::kOwner:
      if (!principal.tenant_id) return {};
      return base::Fail(ErrorCode::kPermissionDenied, "This credential may turn off only what is its tenant's.",
                        "scope");
    case KillScope::Kind::kTenant:
      if (Sees(principal, scope.id())) return {};
      return std::unexpected(must_exist ? NotFound("tenant", scope.id()) : NotEngaged(scope));
    case KillScope::Kind::kFlag: break;
  }
  // The switch of a deleted flag can be released by whoever may release any.
  if (!must_exist && !principal.tenant_id) return {};
  GUIDON_ASSIGN(const auto key, model::FlagKey::Parse(scope.id(), "scope"));
  base::Status visible = CheckFlagVisible(services, principal, env, key);
  if (!visible && !must_exist && visible.error().code == ErrorCode::kNotFound)
    return std::unexpected(NotEngaged(scope));
  return visible;
}

ChangeNote NoteOf(const Services& services, std::string_view action, const model::Environment& env,
                  const model::KillSwitch& kill_switch) {
  return {.action = action,
          .scope = env.str(),
          .entity = "kill",
          .resource = kill_switch->scope.Text(),
          .tenant_id = TenantOf(services, env, kill_switch->scope),
          .version = kill_switch->version};
}

Result<Changed<model::KillSwitch>> EngageOnce(const Services& services, const RequestInfo& request,
                                              const model::Environment& env, const KillScope& scope,
                                              const std::string& reason, const OptionalRecord& record) {
  GUIDON_TRY(CheckScope(services, request.principal, env, scope, true));
  GUIDON_ASSIGN(model::KillSwitch wanted, model::KillSwitch::Create({.environment = env.str(),
                                                                     .scope = scope,
                                                                     .reason = reason,
                                                                     .version = 1,
                                                                     .engaged_at = services.clock.Now(),
                                                                     .engaged_by = request.principal.id}));
  GUIDON_ASSIGN(auto engaged, services.repository.GetKillSwitch(env, scope));
  if (engaged) {
    // Another node may have done it: whoever is told that it is engaged must find it so here.
    GUIDON_TRY(services.snapshots.CatchUp(services.repository, env, services.clock));
    return Changed<model::KillSwitch>{.entity = *std::move(engaged),
                                      .sequence = services.snapshots.SequenceOf(env.str()).value_or(0)};
  }
  ChangeNote note = NoteOf(services, "kill.engage", env, wanted);
  note.after = TextOf(wanted);
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::PutKillSwitch(wanted, std::nullopt));
  change.effect.kill_switches.push_back(wanted);
  change.explain = [](std::size_t, const auto& existing) { return LostRace("kill switch", existing); };
  return Commit(services, std::move(change), std::move(wanted));
}

// The reason of a release is kept in the audit entry, as all that is left of the switch.
std::string ReleaseText(const KillScope& scope, const std::string& reason) {
  if (reason.empty()) return {};
  model::Object object;
  object.Set("scope", scope.Text());
  object.Set("releaseReason", reason);
  return json::Write(object);
}

Result<Removed> ReleaseOnce(const Services& services, const RequestInfo& request, const model::Environment& env,
                            const KillScope& scope, const std::string& reason, const OptionalRecord& record) {
  GUIDON_TRY(CheckScope(services, request.principal, env, scope, false));
  GUIDON_ASSIGN(const auto engaged, services.repository.GetKillSwitch(env, scope));
  if (!engaged) return std::unexpected(NotEngaged(scope));
  ChangeNote note = NoteOf(services, "kill.release", env, *engaged);
  note.before = TextOf(*engaged);
  note.after = ReleaseText(scope, reason);
  note.removes = true;
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::DeleteKillSwitch(*engaged));
  change.effect.released_kill_switches.push_back(scope);
  change.explain = [scope](std::size_t, const auto& existing) {
    return existing ? LostRace("kill switch", existing) : NotEngaged(scope);
  };
  return CommitRemoval(services, std::move(change));
}

bool SeesSwitch(const Services& services, const Principal& principal, const model::Environment& env,
                const model::KillSwitch& kill_switch) {
  if (!principal.tenant_id) return true;
  return TenantOf(services, env, kill_switch->scope) == principal.tenant_id;
}

}  // namespace

Result<std::vector<model::KillSwitch>> KillSwitchService::List(const RequestInfo& request,
                                                               const model::Environment& env) {
  GUIDON_TRY(CheckEnvironment(s_, env.str()));
  std::vector<model::KillSwitch> found;
  store::PageRequest next{.limit = store::kPageLimitMax, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(auto page, s_.repository.ListKillSwitches(env, next));
    for (auto& each : page.items) {
      if (SeesSwitch(s_, request.principal, env, each)) found.push_back(std::move(each));
    }
    if (!page.next_cursor) return found;
    next.cursor = *std::move(page.next_cursor);
  }
}

Result<Changed<model::KillSwitch>> KillSwitchService::Engage(const RequestInfo& request, const model::Environment& env,
                                                             const model::KillScope& scope, std::string reason) {
  return Once(
      s_, request, "kill.engage", PathOf(env, scope),
      [&](const OptionalRecord& record) {
        return RetryRaces({}, [&](int) { return EngageOnce(s_, request, env, scope, reason, record); });
      },
      [&](const auto& record) {
        return Replay<model::KillSwitch>(record, KillSwitchFromText, [&]() -> Result<model::KillSwitch> {
          GUIDON_ASSIGN(auto engaged, s_.repository.GetKillSwitch(env, scope));
          if (!engaged) return std::unexpected(NotEngaged(scope));
          return *std::move(engaged);
        });
      });
}

Result<Removed> KillSwitchService::Release(const RequestInfo& request, const model::Environment& env,
                                           const model::KillScope& scope, std::string reason) {
  if (reason.size() > model::kReasonBytesMax)
    return base::Fail(ErrorCode::kTooLarge, "A reason has at most 1,024 bytes.", "reason");
  if (!base::IsUtf8(reason)) return base::Fail(ErrorCode::kInvalidArgument, "A reason is valid UTF-8.", "reason");
  return Once(
      s_, request, "kill.release", PathOf(env, scope),
      [&](const OptionalRecord& record) {
        return RetryRaces({}, [&](int) { return ReleaseOnce(s_, request, env, scope, reason, record); });
      },
      ReplayRemoval);
}

}  // namespace guidon::app
