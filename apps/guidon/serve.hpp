// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/guidon/failure.hpp"
#include "apps/guidon/settings.hpp"

namespace guidon::cli {

// Runs the server until SIGINT or SIGTERM. A second one ends the process at once; SIGHUP reads the settings again.
// Errors: kUsage (settings), kNotAllowed (no keys where they are needed), kUnavailable (store, address).
Outcome<void> Serve(const SettingSources& sources);

}  // namespace guidon::cli
