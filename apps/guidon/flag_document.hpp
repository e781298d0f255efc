// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/guidon/command_tree.hpp"
#include "guidon/model/value.hpp"

namespace guidon::cli {

// A flag's attributes as options of `flag create` and `flag update`.
struct FlagEdit {
  std::string file = {};
  std::optional<std::string> description, owner, tenant, type, state, default_variation, off_variation, kill_variation,
      salt, bucket_by, expires;
  std::optional<bool> enabled, client_visible;
  std::optional<double> rollout;
  std::vector<std::string> tags, variations, rules, prerequisites, unset;
};
void AddFlagEditOptions(CommandTree& tree, CLI::App& command, FlagEdit& edit);

// The JSON (for `update`: the merge patch) that the options mean, on top of the document in `edit.file`. `known_type`
// is the flag's type where it is there already: values of string flags are taken as they are, all others are JSON.
// Errors: kUsage naming the option.
Outcome<model::Value> FlagDocument(const FlagEdit& edit, std::string_view known_type);

}  // namespace guidon::cli
