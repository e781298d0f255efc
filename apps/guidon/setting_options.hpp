// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/guidon/command_tree.hpp"
#include "apps/guidon/settings.hpp"

namespace guidon::cli {

// Server settings that were given as flags.
struct SettingFlags {
  std::map<std::string, std::string> values = {};  // by setting key
  std::string config = {};
};

// One flag for each setting (only those named, if any are) and --config. Shared: the options' callbacks and the
// command's handler both hold it.
void AddSettingOptions(CommandTree& tree, CLI::App& command, const std::shared_ptr<SettingFlags>& flags,
                       const std::vector<std::string_view>& only = {});

// The flags with this process's environment.
SettingSources SourcesOf(const SettingFlags& flags);

}  // namespace guidon::cli
