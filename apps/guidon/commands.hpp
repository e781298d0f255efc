// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/guidon/command_tree.hpp"

// One function for each command group; each adds its commands with their options, examples and handlers.
namespace guidon::cli {

void AddServeCommand(CommandTree& tree);
void AddFlagCommands(CommandTree& tree);
void AddOverrideCommands(CommandTree& tree);
void AddKillCommands(CommandTree& tree);
void AddEvaluateCommand(CommandTree& tree);
void AddSegmentCommands(CommandTree& tree);
void AddTenantCommands(CommandTree& tree);
void AddKeyCommands(CommandTree& tree);
void AddAuditCommands(CommandTree& tree);
void AddWatchCommand(CommandTree& tree);
void AddPropagationCommand(CommandTree& tree);
void AddTableCommands(CommandTree& tree);   // the DynamoDB table
void AddStoreCommands(CommandTree& tree);   // what a store holds, whatever store it is
void AddSystemCommands(CommandTree& tree);  // health, refresh, version
void AddConfigCommands(CommandTree& tree);
void AddCompletionCommand(CommandTree& tree);
void AddDocsCommand(CommandTree& tree);  // hidden: makes docs/reference

}  // namespace guidon::cli
