// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/model/ids.hpp"

namespace guidon::app {

enum class PrincipalKind : std::uint8_t {
  kAnonymous,  // no credential, or one that does not hold
  kLocal,      // the local profile on loopback: an administrator without a key
  kAdmin,
  kServer,
  kClient
};
std::string_view NameOf(PrincipalKind kind);

// Who sends a request, as its credential says.
struct Principal {
  PrincipalKind kind = PrincipalKind::kAnonymous;
  std::string id = {};                                    // key id, or "local"
  std::optional<std::string> environment = std::nullopt;  // the only environment it may touch
  std::optional<std::string> tenant_id = std::nullopt;    // the only tenant it may touch
};

enum class Permission : std::uint8_t {
  kPublic,  // no credential needed: liveness, the contract
  kEvaluate,
  kDefinitionsRead,  // whole definitions, to evaluate in a process of one's own
  kFlagsRead,
  kFlagsWrite,
  kOverridesRead,
  kOverridesWrite,
  kKillRead,
  kKillEngage,
  kKillRelease,
  kSegmentsRead,
  kSegmentsWrite,
  kTenantsRead,
  kTenantsWrite,
  kKeysRead,
  kKeysWrite,
  kAuditRead,
  kSystemRead,  // readiness details, metrics
  kSystemWrite  // refresh
};
inline constexpr std::size_t kPermissionCount = 19;
std::string_view NameOf(Permission permission);  // "flags:read" …

// The one place that decides whether a credential may do a thing at all (spec 6: denied by default). Which things a
// tenant-bound credential sees, the use cases decide (what it may not see is not found).
//   anonymous: kPublic only (kUnauthenticated otherwise)
//   local, admin: everything, in its environment if it is bound to one
//   admin bound to a tenant: evaluation, flags, overrides, kill switches, audit, keys and tenant of that tenant; no
//     segments and so no definitions (segments belong to no tenant, and hold keys of everybody's users), no system
//   server: kEvaluate and kDefinitionsRead in its environment
//   client: kEvaluate in its environment
// `environment`: what the request is about, "" where it is about none (tenants, keys): an admin bound to an environment
// may then do nothing but read audit of its environment.
// Errors: kUnauthenticated, kPermissionDenied. The same whether or not the thing exists.
base::Status Authorize(const Principal& principal, Permission permission, std::string_view environment);

// What goes with a request into its audit entry and change.
struct RequestInfo {
  Principal principal;
  std::string request_id;
  std::string address = {};
  std::string user_agent = {};
  std::string idempotency_key = {};  // "" = none; 1 to 255 printable ASCII characters
  std::string request_body = {};     // what the fingerprint of an idempotent request covers
};

// Which version a change replaces: from If-Match.
struct IfMatch {
  enum class Kind : std::uint8_t { kMissing, kAny, kVersion };
  Kind kind = Kind::kMissing;
  std::uint64_t version = 0;
};

}  // namespace guidon::app
