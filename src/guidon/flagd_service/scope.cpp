// SPDX-License-Identifier: Apache-2.0
#include "guidon/flagd_service/scope.hpp"

#include "guidon/model/ids.hpp"

namespace guidon::flagd_service {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr std::string_view kFlagSet = "flagSetId=";

}  // namespace

base::Result<Selector> ParseSelector(std::string_view text) {
  if (text.starts_with(kFlagSet)) text.remove_prefix(kFlagSet.size());
  if (text.empty()) return Selector{};
  const std::size_t slash = text.find('/');
  Selector selector{.environment = std::string(text.substr(0, slash)), .tenant = {}};
  if (slash != std::string_view::npos) selector.tenant = std::string(text.substr(slash + 1));
  const bool valid = model::Environment::Parse(selector.environment).has_value() &&
                     (slash == std::string_view::npos || model::TenantId::Parse(selector.tenant).has_value());
  if (!valid)
    return Fail(ErrorCode::kInvalidArgument,
                "A selector is flagSetId=ENVIRONMENT or flagSetId=ENVIRONMENT/TENANT, with nothing else.",
                std::string(kSelectorHeader));
  return selector;
}

Scope ScopeOf(const Selector& selector, const app::Principal& principal, std::string_view default_environment) {
  Scope scope;
  scope.environment = !selector.environment.empty() ? selector.environment
                      : principal.environment       ? *principal.environment
                                                    : std::string(default_environment);
  scope.tenant = !selector.tenant.empty() ? selector.tenant : principal.tenant_id.value_or("");
  return scope;
}

base::Status AuthorizeEvaluation(const app::Principal& principal, const Scope& scope) {
  GUIDON_TRY(app::Authorize(principal, app::Permission::kEvaluate, scope.environment));
  if (principal.tenant_id && *principal.tenant_id != scope.tenant)
    return Fail(ErrorCode::kPermissionDenied, "This key is bound to one tenant, and the selector names another.",
                std::string(kSelectorHeader));
  return {};
}

}  // namespace guidon::flagd_service
