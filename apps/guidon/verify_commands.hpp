// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "apps/guidon/command_tree.hpp"

namespace guidon::cli {

// Which store `verify` and `repair` of a group work on.
enum class VerifiedStore : std::uint8_t {
  kConfigured,  // whatever store the settings choose
  kDynamo,      // the DynamoDB table, whatever store they choose
};

// `verify` and `repair`, of a store's settings and items.
void AddVerifyCommands(CommandTree& tree, CLI::App& group, VerifiedStore which);

}  // namespace guidon::cli
