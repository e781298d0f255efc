// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "apps/guidon/settings.hpp"

namespace guidon::cli {

struct BootstrapOptions {
  std::string name = "bootstrap";
  std::string output = "table";
  bool force = false;
};

// Makes an admin key directly in the embedded store and shows it. Errors: kUsage, kUnavailable (a server has the store
// open), kConflict (an admin key is there, without `force`).
Outcome<void> BootstrapKey(const SettingSources& sources, const BootstrapOptions& options);

}  // namespace guidon::cli
