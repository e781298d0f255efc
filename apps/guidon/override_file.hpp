// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "apps/guidon/failure.hpp"
#include "guidon/model/value.hpp"

namespace guidon::cli {

// Overrides in bulk as [{"tenantId", "enabled" | "variation"}, …], from JSON (that list, or {"overrides": list}) or
// from CSV with a head line tenantId,enabled or tenantId,variation (RFC 4180 quotes; CRLF or LF). Checks tenant ids,
// values and that no tenant is there twice. Errors: kUsage with the line or element at fault.
Outcome<model::List> ParseOverrides(std::string_view text);

}  // namespace guidon::cli
