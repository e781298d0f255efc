// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/principal.hpp"

#include <array>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace guidon::app {
namespace {

using base::ErrorCode;

constexpr std::array kKinds = {PrincipalKind::kAnonymous, PrincipalKind::kLocal, PrincipalKind::kAdmin,
                               PrincipalKind::kServer, PrincipalKind::kClient};

std::vector<Permission> AllPermissions() {
  std::vector<Permission> all;
  for (std::size_t i = 0; i < kPermissionCount; ++i) all.push_back(static_cast<Permission>(i));
  return all;
}

// The whole policy once more, as a list of what a tenant's administrator has, written for people to compare.
const std::set<std::string_view> kTenantAdministrator = {
    "public",          "flags:evaluate", "flags:read",  "flags:write",  "overrides:read",
    "overrides:write", "kill:read",      "kill:engage", "kill:release", "tenants:read",
    "tenants:write",   "keys:read",      "keys:write",  "audit:read"};

enum class Answer : std::uint8_t { kYes, kUnauthenticated, kDenied };

// What spec 4 ("Keys") and principal.hpp say, decided case by case and without the table under test.
Answer Expected(const Principal& who, Permission permission, std::string_view environment) {
  if (permission == Permission::kPublic) return Answer::kYes;
  switch (who.kind) {
    case PrincipalKind::kAnonymous: return Answer::kUnauthenticated;
    case PrincipalKind::kServer:
    case PrincipalKind::kClient:
      return (permission == Permission::kEvaluate ||
              (permission == Permission::kDefinitionsRead && who.kind == PrincipalKind::kServer)) &&
                     who.environment && *who.environment == environment
                 ? Answer::kYes
                 : Answer::kDenied;
    case PrincipalKind::kLocal:
    case PrincipalKind::kAdmin: break;
  }
  if (who.tenant_id && !kTenantAdministrator.contains(NameOf(permission))) return Answer::kDenied;
  if (!who.environment || *who.environment == environment) return Answer::kYes;
  return environment.empty() && permission == Permission::kAuditRead ? Answer::kYes : Answer::kDenied;
}

TEST(Authorize, DecidesEveryKindPermissionAndBinding) {
  const std::vector<std::optional<std::string>> environments = {std::nullopt, "development"};
  const std::vector<std::optional<std::string>> tenants = {std::nullopt, "acme"};
  int allowed = 0;
  int refused = 0;
  for (const PrincipalKind kind : kKinds) {
    for (const auto& environment : environments) {
      for (const auto& tenant : tenants) {
        const Principal who{.kind = kind, .id = "k", .environment = environment, .tenant_id = tenant};
        for (const Permission permission : AllPermissions()) {
          for (const std::string_view about : {"", "development", "production"}) {
            SCOPED_TRACE(std::string(NameOf(kind)) + " " + environment.value_or("-") + " " + tenant.value_or("-") +
                         " " + std::string(NameOf(permission)) + " about '" + std::string(about) + "'");
            const base::Status status = Authorize(who, permission, about);
            const Answer expected = Expected(who, permission, about);
            EXPECT_EQ(status.has_value(), expected == Answer::kYes);
            (status ? allowed : refused) += 1;
            if (status) continue;
            EXPECT_EQ(status.error().code, expected == Answer::kUnauthenticated ? ErrorCode::kUnauthenticated
                                                                                : ErrorCode::kPermissionDenied);
          }
        }
      }
    }
  }
  EXPECT_EQ(allowed + refused, 5 * 2 * 2 * 19 * 3);
  EXPECT_GT(refused, allowed);
}

TEST(Authorize, SaysTheSameWhateverThePrincipalIsBoundTo) {
  const Principal server{.kind = PrincipalKind::kServer, .id = "a", .environment = "development"};
  const Principal bound{.kind = PrincipalKind::kServer, .id = "b", .environment = "production", .tenant_id = "acme"};
  EXPECT_EQ(Authorize(server, Permission::kFlagsRead, "development").error(),
            Authorize(bound, Permission::kFlagsRead, "production").error());
}

TEST(Authorize, RefusesAPermissionThatDoesNotExist) {
  const Principal admin{.kind = PrincipalKind::kAdmin, .id = "a"};
  EXPECT_FALSE(Authorize(admin, static_cast<Permission>(kPermissionCount), "").has_value());
}

TEST(Authorize, PermissionsHaveDistinctNames) {
  std::set<std::string_view> names;
  for (const Permission permission : AllPermissions()) names.insert(NameOf(permission));
  EXPECT_EQ(names.size(), kPermissionCount);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace guidon::app
