// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <utility>

#include "guidon/app/change.hpp"
#include "guidon/app/key_times.hpp"
#include "guidon/app/services.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using OptionalRecord = std::optional<store::IdempotencyRecord>;

Result<model::Tenant> VisibleTenant(const Services& services, const Principal& principal, const model::TenantId& id) {
  if (!Sees(principal, id.str())) return std::unexpected(NotFound("tenant", id.str()));
  GUIDON_ASSIGN(auto found, services.repository.GetTenant(id));
  if (!found) return std::unexpected(NotFound("tenant", id.str()));
  return *std::move(found);
}

base::Status RefuseTenantBound(const Principal& principal) {
  if (!principal.tenant_id) return {};
  return base::Fail(ErrorCode::kPermissionDenied, "This credential may neither make nor delete tenants.");
}

ChangeNote NoteOf(std::string_view action, const model::Tenant& tenant) {
  return {.action = action,
          .scope = std::string(store::kSystemScope),
          .entity = "tenant",
          .resource = tenant->tenant_id,
          .tenant_id = tenant->tenant_id,
          .version = tenant->version};
}

Result<Changed<model::Tenant>> ReplayTenant(const Services& services, const RequestInfo& request,
                                            const model::TenantId& id, const store::IdempotencyRecord& record) {
  return Replay<model::Tenant>(record, TenantFromText, [&] { return VisibleTenant(services, request.principal, id); });
}

Result<Changed<model::Tenant>> CreateOnce(const Services& services, const RequestInfo& request,
                                          model::TenantFields fields, const OptionalRecord& record) {
  GUIDON_TRY(RefuseTenantBound(request.principal));
  fields.version = 1;
  fields.created_at = fields.updated_at = services.clock.Now();
  fields.updated_by = request.principal.id;
  GUIDON_ASSIGN(model::Tenant tenant, model::Tenant::Create(std::move(fields)));
  ChangeNote note = NoteOf("tenant.create", tenant);
  note.after = TextOf(tenant);
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::PutTenant(tenant, std::nullopt));
  change.explain = [id = tenant->tenant_id](std::size_t, const auto&) { return AlreadyExists("tenant", id); };
  return Commit(services, std::move(change), std::move(tenant));
}

using MakeFields = std::function<Result<model::TenantFields>(const model::Tenant& current)>;

struct SaveRequest {
  const RequestInfo& request;
  std::string_view action;
  const model::TenantId& id;
  const IfMatch& if_match;
  const MakeFields& make;
};

Result<Changed<model::Tenant>> SaveOnce(const Services& services, const SaveRequest& save,
                                        const OptionalRecord& record) {
  GUIDON_ASSIGN(const model::Tenant current, VisibleTenant(services, save.request.principal, save.id));
  GUIDON_TRY(CheckIfMatch(save.if_match, current->version));
  GUIDON_ASSIGN(model::TenantFields fields, save.make(current));
  fields.tenant_id = current->tenant_id;
  fields.version = current->version + 1;
  fields.created_at = current->created_at;
  fields.updated_at = services.clock.Now();
  fields.updated_by = save.request.principal.id;
  GUIDON_ASSIGN(model::Tenant tenant, model::Tenant::Create(std::move(fields)));
  ChangeNote note = NoteOf(save.action, tenant);
  note.before = TextOf(current);
  note.after = TextOf(tenant);
  PreparedChange change = Prepare(save.request, note, record);
  change.operations.emplace_back(store::PutTenant(tenant, current->version));
  change.explain = [if_match = save.if_match](std::size_t, const auto& existing) {
    return LostRace("tenant", existing, if_match);
  };
  return Commit(services, std::move(change), std::move(tenant));
}

Result<Changed<model::Tenant>> Save(const Services& services, const SaveRequest& save) {
  return Once(
      services, save.request, save.action, save.id.str(),
      [&](const OptionalRecord& record) {
        return RetryRaces(save.if_match, [&](int) { return SaveOnce(services, save, record); });
      },
      [&](const auto& record) { return ReplayTenant(services, save.request, save.id, record); });
}

base::Status InUse(std::string_view by) {
  return base::Fail(ErrorCode::kConflict, "The tenant still has " + std::string(by) + ".");
}

base::Status RefuseWhileItHasKeys(const Services& services, const model::TenantId& id) {
  const base::Timestamp now = services.clock.Now();
  store::PageRequest next{.limit = store::kPageLimitMax, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(const auto page, services.repository.ListApiKeysOfTenant(id, next));
    if (std::ranges::any_of(page.items, [&](const auto& key) { return IsUsable(key, now); }))
      return InUse("API keys that work; revoke them first");
    if (!page.next_cursor) return {};
    next.cursor = *page.next_cursor;
  }
}

base::Status RefuseWhileInUse(const Services& services, const model::TenantId& id) {
  for (const auto& env : services.snapshots.environments()) {
    GUIDON_ASSIGN(const auto flags, services.repository.ListFlagsOfTenant(env, id, {.limit = 1, .cursor = {}}));
    if (!flags.items.empty()) return InUse("flags in the environment " + env.str() + "; delete them first");
    GUIDON_ASSIGN(const auto overrides, services.repository.ListOverridesOfTenant(env, id, {.limit = 1, .cursor = {}}));
    if (!overrides.items.empty()) return InUse("overrides in the environment " + env.str() + "; delete them first");
  }
  return RefuseWhileItHasKeys(services, id);
}

Result<Removed> DeleteOnce(const Services& services, const RequestInfo& request, const model::TenantId& id,
                           const IfMatch& if_match, const OptionalRecord& record) {
  GUIDON_TRY(RefuseTenantBound(request.principal));
  GUIDON_ASSIGN(const model::Tenant current, VisibleTenant(services, request.principal, id));
  GUIDON_TRY(CheckIfMatch(if_match, current->version));
  GUIDON_TRY(RefuseWhileInUse(services, id));
  ChangeNote note = NoteOf("tenant.delete", current);
  note.before = TextOf(current);
  note.removes = true;
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::DeleteTenant(current));
  change.explain = [if_match](std::size_t, const auto& existing) { return LostRace("tenant", existing, if_match); };
  return CommitRemoval(services, std::move(change));
}

}  // namespace

Result<store::Page<model::Tenant>> TenantService::List(const RequestInfo& request, const store::PageRequest& page) {
  if (!request.principal.tenant_id) return s_.repository.ListTenants(page);
  GUIDON_ASSIGN(const auto id, model::TenantId::Parse(*request.principal.tenant_id));
  GUIDON_ASSIGN(auto own, s_.repository.GetTenant(id));
  store::Page<model::Tenant> only;
  if (own) only.items.push_back(*std::move(own));
  return only;
}

Result<model::Tenant> TenantService::Get(const RequestInfo& request, const model::TenantId& tenant) {
  return VisibleTenant(s_, request.principal, tenant);
}

Result<Changed<model::Tenant>> TenantService::Create(const RequestInfo& request, model::TenantFields fields) {
  GUIDON_ASSIGN(const auto id, model::TenantId::Parse(fields.tenant_id));
  return Once(
      s_, request, "tenant.create", id.str(),
      [&](const OptionalRecord& record) { return CreateOnce(s_, request, fields, record); },
      [&](const auto& record) { return ReplayTenant(s_, request, id, record); });
}

Result<Changed<model::Tenant>> TenantService::Replace(const RequestInfo& request, model::TenantFields fields,
                                                      const IfMatch& if_match) {
  GUIDON_TRY(RequireIfMatch(if_match));
  GUIDON_ASSIGN(const auto id, model::TenantId::Parse(fields.tenant_id));
  const MakeFields make = [&](const model::Tenant&) -> Result<model::TenantFields> { return fields; };
  return Save(s_, {.request = request, .action = "tenant.replace", .id = id, .if_match = if_match, .make = make});
}

Result<Changed<model::Tenant>> TenantService::Patch(const RequestInfo& request, const model::TenantId& tenant,
                                                    const model::Value& patch, const IfMatch& if_match) {
  GUIDON_TRY(RequireIfMatch(if_match));
  if (patch.AsObject() == nullptr)
    return base::Fail(ErrorCode::kInvalidArgument, "A merge patch of a tenant is a JSON object.");
  const MakeFields make = [&](const model::Tenant& current) {
    return json::TenantFromJson(json::MergePatch(json::TenantToJson(current), patch),
                                {.environment = {}, .key = tenant.str()});
  };
  return Save(s_, {.request = request, .action = "tenant.patch", .id = tenant, .if_match = if_match, .make = make});
}

Result<Removed> TenantService::Delete(const RequestInfo& request, const model::TenantId& tenant,
                                      const IfMatch& if_match) {
  return Once(
      s_, request, "tenant.delete", tenant.str(),
      [&](const OptionalRecord& record) {
        return RetryRaces(if_match, [&](int) { return DeleteOnce(s_, request, tenant, if_match, record); });
      },
      ReplayRemoval);
}

}  // namespace guidon::app
