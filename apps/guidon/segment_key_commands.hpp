// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/guidon/command_tree.hpp"

namespace guidon::cli {

// `guidon segment keys …`, below the group of the segments.
void AddSegmentKeyCommands(CommandTree& tree, CLI::App& segment_group);

}  // namespace guidon::cli
