// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "guidon/app/principal.hpp"
#include "guidon/base/result.hpp"

namespace guidon::flagd_service {

// The header or metadata entry that chooses whose flags a call is about.
inline constexpr std::string_view kSelectorHeader = "Flagd-Selector";

// What a selector names: `flagSetId=ENV`, `flagSetId=ENV/TENANT`, or the same without the name. Both empty for "".
struct Selector {
  std::string environment;
  std::string tenant;
};
// Errors: kInvalidArgument.
base::Result<Selector> ParseSelector(std::string_view text);

// Whose flags a call is about.
struct Scope {
  std::string environment;
  std::string tenant;  // the only one whose answers it gets; "" = any
};
// The selector decides, then the key, then the default.
Scope ScopeOf(const Selector& selector, const app::Principal& principal, std::string_view default_environment);

// Whether the principal may evaluate there. The environment need not exist. Errors: kUnauthenticated,
// kPermissionDenied.
base::Status AuthorizeEvaluation(const app::Principal& principal, const Scope& scope);

}  // namespace guidon::flagd_service
