// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <utility>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/api_http/openapi_document.hpp"
#include "guidon/base/time.hpp"

namespace guidon::api_http::handlers {
namespace {

using base::Result;

model::Value ProblemsToJson(const std::vector<eval::CompileProblem>& problems) {
  model::List list;
  for (const eval::CompileProblem& problem : problems) {
    model::Object out;
    out.Set("flagKey", problem.flag_key);
    out.Set("code", base::Name(problem.error.code));
    out.Set("detail", problem.error.message);
    if (!problem.error.field.empty()) out.Set("field", problem.error.field);
    out.Set("stale", problem.stale);
    list.emplace_back(std::move(out));
  }
  return list;
}

model::Value EnvironmentToJson(const app::EnvironmentHealth& health, base::Timestamp now) {
  model::Object out;
  out.Set("environment", health.environment);
  out.Set("sequence", static_cast<std::int64_t>(health.sequence));
  out.Set("flags", static_cast<std::int64_t>(health.flags));
  out.Set("loadedAt", base::FormatTimestamp(health.loaded_at));
  const auto age = std::max(now - health.loaded_at, std::chrono::milliseconds(0));
  out.Set("ageSeconds", std::chrono::duration<double>(age).count());
  if (health.confirmed_at != base::Timestamp{}) out.Set("confirmedAt", base::FormatTimestamp(health.confirmed_at));
  out.Set("problems", ProblemsToJson(health.problems));
  return out;
}

// Permissions for things of no environment; the others are for things of one.
constexpr bool IsOfTheSystem(app::Permission permission) {
  switch (permission) {
    case app::Permission::kTenantsRead:
    case app::Permission::kTenantsWrite:
    case app::Permission::kKeysRead:
    case app::Permission::kKeysWrite:
    case app::Permission::kSystemRead:
    case app::Permission::kSystemWrite: return true;
    default: return false;
  }
}

model::List PermissionsToJson(const app::Principal& principal) {
  model::List out;
  for (std::size_t i = 0; i < app::kPermissionCount; ++i) {
    const auto permission = static_cast<app::Permission>(i);
    if (permission == app::Permission::kPublic) continue;
    const std::string environment = IsOfTheSystem(permission) ? "" : principal.environment.value_or("");
    if (app::Authorize(principal, permission, environment)) out.emplace_back(std::string(app::NameOf(permission)));
  }
  return out;
}

}  // namespace

Result<Response> LandingPage(const Call& call) { return call.api.site().Page(); }

Result<Response> Liveness(const Call&) {
  return Response{.body = R"({"status":"ok","version":")" GUIDON_VERSION R"("})"};
}

// What the credential of this request may do, so that a UI offers nothing that would be refused. Says of no thing
// whether it exists but of the environments in the configuration.
Result<Response> GetAccess(const Call& call) {
  const app::Principal& principal = call.info.principal;
  model::Object out;
  out.Set("kind", app::NameOf(principal.kind));
  out.Set("keyless", call.api.gate().local_profile());
  if (!principal.id.empty()) out.Set("id", principal.id);
  if (principal.environment) out.Set("environment", *principal.environment);
  if (principal.tenant_id) out.Set("tenantId", *principal.tenant_id);
  out.Set("permissions", PermissionsToJson(principal));
  model::List environments;
  if (principal.kind != app::PrincipalKind::kAnonymous) {
    for (const model::Environment& environment : call.app.snapshots().environments()) {
      if (!principal.environment || *principal.environment == environment.str())
        environments.emplace_back(environment.str());
    }
  }
  out.Set("environments", std::move(environments));
  return Response{.body = json::Write(out)};
}

Result<Response> GetConfiguration(const Call& call) {
  model::List settings;
  for (const EffectiveSetting& setting : call.api.settings()) {
    model::Object entry;
    entry.Set("name", setting.name);
    entry.Set("value", setting.value);
    entry.Set("origin", setting.origin);
    if (!setting.source.empty()) entry.Set("source", setting.source);
    settings.emplace_back(std::move(entry));
  }
  model::Object out;
  out.Set("settings", std::move(settings));
  return Response{.body = json::Write(out)};
}

Result<Response> Readiness(const Call& call) {
  const app::Health health = call.app.health();
  model::Object out;
  out.Set("ready", health.ready);
  if (call.tells_details) {
    model::Object store;
    store.Set("ok", health.store_error.empty());
    if (!health.store_error.empty()) store.Set("error", health.store_error);
    if (health.snapshot_age)
      store.Set("snapshotAgeSeconds", std::chrono::duration<double>(*health.snapshot_age).count());
    model::List environments;
    const base::Timestamp now = call.app.clock().Now();
    for (const app::EnvironmentHealth& environment : health.environments)
      environments.push_back(EnvironmentToJson(environment, now));
    out.Set("version", GUIDON_VERSION);
    out.Set("node", call.app.node());
    out.Set("store", std::move(store));
    out.Set("environments", std::move(environments));
  }
  return Response{.status = health.ready ? 200 : 503, .body = json::Write(out)};
}

Result<Response> MetricsText(const Call& call) {
  return Response{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = call.api.metrics().Serialize()};
}

Result<Response> OpenApi(const Call&) { return Response{.body = std::string(OpenApiDocument())}; }

Result<Response> Refresh(const Call& call) {
  GUIDON_ASSIGN(const std::size_t differences, call.app.Refresh());
  return Response{.body = "{\"differences\":" + std::to_string(differences) + '}'};
}

}  // namespace guidon::api_http::handlers
