// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "apps/guidon/failure.hpp"
#include "guidon/app/application.hpp"

namespace guidon::cli {

// Whether nothing was ever written to the store.
bool IsEmpty(app::Application& application);

// Writes the demo: a small bookshop platform with three tenants on two plans, a segment, and flags that show every
// feature, in each environment that the application has. Through the use cases, so it is checked and audited like any
// other change. Returns how many flags were made. Errors: those of the use cases.
Outcome<std::size_t> WriteDemoData(app::Application& application);

}  // namespace guidon::cli
