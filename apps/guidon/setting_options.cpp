// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/setting_options.hpp"

#include <algorithm>

namespace guidon::cli {
namespace {

std::string TypeNameOf(const SettingSpec& spec) {
  if (spec.key == "data") return "DIR";
  if (spec.key == "dynamodb_endpoint") return "URL";
  if (spec.key == "table" || spec.key == "region") return "NAME";
  if (spec.key == "key_hash_secret_file") return "FILE";
  switch (spec.kind) {
    case SettingKind::kList: return "A,B";
    case SettingKind::kCount: return "N";
    case SettingKind::kBytes: return "SIZE";
    case SettingKind::kInterval:
    case SettingKind::kDuration: return "TIME";
    case SettingKind::kAddress: return "HOST:PORT";
    default: return "TEXT";
  }
}

void AddSwitch(CLI::App& command, const SettingSpec& spec, const std::shared_ptr<SettingFlags>& flags) {
  const std::string name = FlagOf(spec).substr(2);
  const auto add = [&](const std::string& flag, const std::string& value, const std::string& help) {
    return command
        .add_flag_callback(
            flag, [flags, key = std::string(spec.key), value] { flags->values[key] = value; }, help)
        ->group(std::string(spec.group));
  };
  CLI::Option* on = add("--" + name, "true", std::string(spec.help));
  on->excludes(add("--no-" + name, "false", "The opposite of --" + name));
}

std::string HelpOf(const SettingSpec& spec) {
  std::string help(spec.help);
  const bool same = spec.local == spec.dev && spec.dev == spec.prod;
  if (same && !spec.local.empty()) help += " (default " + std::string(spec.local) + ")";
  if (!same)
    help += " (default local " + std::string(spec.local) + ", dev " + std::string(spec.dev) + ", prod " +
            std::string(spec.prod) + ")";
  return help;
}

}  // namespace

void AddSettingOptions(CommandTree& tree, CLI::App& command, const std::shared_ptr<SettingFlags>& flags,
                       const std::vector<std::string_view>& only) {
  command.add_option("--config", flags->config, "TOML file with settings (also GUIDON_CONFIG)")
      ->type_name("FILE")
      ->group(std::string(AllSettings().front().group));
  for (const auto& spec : AllSettings()) {
    if (!only.empty() && std::ranges::find(only, spec.key) == only.end()) continue;
    if (spec.kind == SettingKind::kSecret) continue;
    if (spec.kind == SettingKind::kSwitch) {
      AddSwitch(command, spec, flags);
      continue;
    }
    CLI::Option* option = command.add_option_function<std::string>(
        FlagOf(spec), [flags, key = std::string(spec.key)](const std::string& value) { flags->values[key] = value; },
        HelpOf(spec));
    option->type_name(TypeNameOf(spec))->group(std::string(spec.group));
    // A script or alias that adds its own flag to given ones means the last.
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    if (spec.kind == SettingKind::kChoice) tree.Restrict(option, {spec.choices.begin(), spec.choices.end()});
  }
}

SettingSources SourcesOf(const SettingFlags& flags) {
  return {.flags = flags.values, .environment = ProcessEnvironment(), .file = flags.config};
}

}  // namespace guidon::cli
