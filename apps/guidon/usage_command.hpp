// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/guidon/command_tree.hpp"

namespace guidon::cli {

// `guidon flag usage`: how often a flag was evaluated, or which flags nobody asks for.
void AddUsage(CommandTree& tree, CLI::App& group);
// `guidon flag evaluations`: the entries of the evaluation log.
void AddEvaluations(CommandTree& tree, CLI::App& group);

}  // namespace guidon::cli
