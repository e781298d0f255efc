// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/principal.hpp"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>

namespace guidon::app {
namespace {

using base::ErrorCode;

using PermissionSet = std::array<bool, kPermissionCount>;

consteval PermissionSet Only(std::initializer_list<Permission> permissions) {
  PermissionSet set{};
  for (const Permission permission : permissions) set[static_cast<std::size_t>(permission)] = true;
  return set;
}

consteval PermissionSet Everything() {
  PermissionSet set{};
  set.fill(true);
  return set;
}

// What each sort of credential may do at all. Whoever is in no row may do nothing.
constexpr PermissionSet kNobody = Only({Permission::kPublic});
constexpr PermissionSet kAdministrator = Everything();
// Segments belong to no tenant and hold keys of everybody's users, so a tenant's administrator does not see them.
constexpr PermissionSet kTenantAdministrator =
    Only({Permission::kPublic, Permission::kEvaluate, Permission::kFlagsRead, Permission::kFlagsWrite,
          Permission::kOverridesRead, Permission::kOverridesWrite, Permission::kKillRead, Permission::kKillEngage,
          Permission::kKillRelease, Permission::kTenantsRead, Permission::kTenantsWrite, Permission::kKeysRead,
          Permission::kKeysWrite, Permission::kAuditRead});
constexpr PermissionSet kServerProgram =
    Only({Permission::kPublic, Permission::kEvaluate, Permission::kDefinitionsRead});
constexpr PermissionSet kBrowser = Only({Permission::kPublic, Permission::kEvaluate});

const PermissionSet& PermissionsOf(const Principal& principal) {
  switch (principal.kind) {
    case PrincipalKind::kAnonymous: return kNobody;
    case PrincipalKind::kLocal:
    case PrincipalKind::kAdmin: return principal.tenant_id ? kTenantAdministrator : kAdministrator;
    case PrincipalKind::kServer: return kServerProgram;
    case PrincipalKind::kClient: return kBrowser;
  }
  return kNobody;
}

bool IsEvaluator(const Principal& principal) {
  return principal.kind == PrincipalKind::kServer || principal.kind == PrincipalKind::kClient;
}

bool MayTouchEnvironment(const Principal& principal, Permission permission, std::string_view environment) {
  // An evaluator's key without an environment is a damaged key, not one for all of them.
  if (!principal.environment) return !IsEvaluator(principal);
  if (environment.empty()) return permission == Permission::kAuditRead;
  return environment == *principal.environment;
}

}  // namespace

std::string_view NameOf(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kAnonymous: return "anonymous";
    case PrincipalKind::kLocal: return "local";
    case PrincipalKind::kAdmin: return "admin";
    case PrincipalKind::kServer: return "server";
    case PrincipalKind::kClient: return "client";
  }
  return "unknown";
}

std::string_view NameOf(Permission permission) {
  switch (permission) {
    case Permission::kPublic: return "public";
    case Permission::kEvaluate: return "flags:evaluate";
    case Permission::kDefinitionsRead: return "definitions:read";
    case Permission::kFlagsRead: return "flags:read";
    case Permission::kFlagsWrite: return "flags:write";
    case Permission::kOverridesRead: return "overrides:read";
    case Permission::kOverridesWrite: return "overrides:write";
    case Permission::kKillRead: return "kill:read";
    case Permission::kKillEngage: return "kill:engage";
    case Permission::kKillRelease: return "kill:release";
    case Permission::kSegmentsRead: return "segments:read";
    case Permission::kSegmentsWrite: return "segments:write";
    case Permission::kTenantsRead: return "tenants:read";
    case Permission::kTenantsWrite: return "tenants:write";
    case Permission::kKeysRead: return "keys:read";
    case Permission::kKeysWrite: return "keys:write";
    case Permission::kAuditRead: return "audit:read";
    case Permission::kSystemRead: return "system:read";
    case Permission::kSystemWrite: return "system:write";
  }
  return "unknown";
}

base::Status Authorize(const Principal& principal, Permission permission, std::string_view environment) {
  if (permission == Permission::kPublic) return {};
  if (principal.kind == PrincipalKind::kAnonymous)
    return base::Fail(ErrorCode::kUnauthenticated, "A valid API key is required.");
  const auto index = static_cast<std::size_t>(permission);
  if (index >= kPermissionCount || !PermissionsOf(principal)[index])
    return base::Fail(ErrorCode::kPermissionDenied,
                      "This credential does not have the permission " + std::string(NameOf(permission)) + ".");
  if (!MayTouchEnvironment(principal, permission, environment))
    return base::Fail(ErrorCode::kPermissionDenied, "This credential is for another environment.");
  return {};
}

}  // namespace guidon::app
