// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/guidon/command_tree.hpp"

namespace guidon::cli {

// `guidon flag lint`: of flags on a server, or in a file without one.
void AddLint(CommandTree& tree, CLI::App& group);

}  // namespace guidon::cli
