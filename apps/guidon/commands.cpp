// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/commands.hpp"

namespace guidon::cli {

void AddAllCommands(CommandTree& tree) {
  tree.Describe(tree.root(),
                "The commands talk to a running server: GUIDON_URL says where (default http://127.0.0.1:3001), "
                "GUIDON_API_KEY with which key. Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 conflict, "
                "5 not allowed, 6 unavailable.");
  AddServeCommand(tree);
  AddFlagCommands(tree);
  AddOverrideCommands(tree);
  AddKillCommands(tree);
  AddEvaluateCommand(tree);
  AddSegmentCommands(tree);
  AddTenantCommands(tree);
  AddKeyCommands(tree);
  AddAuditCommands(tree);
  AddWatchCommand(tree);
  AddPropagationCommand(tree);
  AddTableCommands(tree);
  AddStoreCommands(tree);
  AddSystemCommands(tree);
  AddConfigCommands(tree);
  AddCompletionCommand(tree);
  AddDocsCommand(tree);
}

}  // namespace guidon::cli
