// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "apps/guidon/command_tree.hpp"

namespace guidon::cli {

// `flag export` and `flag import`.
void AddTransferCommands(CommandTree& tree, CLI::App& group);

}  // namespace guidon::cli
