// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "apps/guidon/client.hpp"
#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/setting_options.hpp"

namespace guidon::cli {
namespace {

using model::Object;
using model::Value;

Value DocumentOf(const Settings& settings) {
  Object entries;
  for (const Setting& setting : settings.all()) {
    Object entry;
    entry.Set("value", setting.Shown());
    entry.Set("origin", NameOf(setting.origin));
    if (!setting.source.empty()) entry.Set("source", setting.source);
    entries.Set(setting.spec->key, std::move(entry));
  }
  Object document;
  document.Set("settings", std::move(entries));
  if (!settings.file().empty()) document.Set("file", settings.file());
  return document;
}

std::string TableOf(const Settings& settings) {
  const Terminal terminal = Terminal::Detect();
  TextTable table({"SETTING", "VALUE", "FROM"});
  for (const Setting& setting : settings.all()) {
    const bool chosen = setting.origin > Origin::kProfile;
    table.Add({{setting.spec->key, chosen ? Style::kBold : Style::kPlain},
               setting.Shown(),
               {setting.Where(), chosen ? Style::kCyan : Style::kDim}});
  }
  return table.Render(terminal.colour, terminal.columns);
}

}  // namespace

void AddConfigCommands(CommandTree& tree) {
  CLI::App& group = tree.Group(tree.root(), "config", "Settings of the server");
  struct Options {
    std::shared_ptr<SettingFlags> flags = std::make_shared<SettingFlags>();
    std::string output = "table";
  };
  auto options = std::make_shared<Options>();
  CLI::App& show =
      tree.Command(group, "show", "Show the value of each setting and where it comes from",
                   {"guidon config show --profile prod", "guidon config show --config guidon.toml -o yaml"},
                   [options]() -> Outcome<void> {
                     GUIDON_ASSIGN(const Settings settings, Settings::Load(SourcesOf(*options->flags)));
                     Print(options->output == "json"   ? ToPrettyJson(DocumentOf(settings))
                           : options->output == "yaml" ? ToYaml(DocumentOf(settings))
                                                       : TableOf(settings));
                     return {};
                   });
  tree.Describe(show,
                "Takes the flags of `guidon serve`. A flag wins over the environment, that over the file, that over "
                "the profile's default. Secrets are masked.");
  tree.Restrict(show.add_option("-o,--output", options->output, "Form of the output"), {"table", "json", "yaml"});
  AddSettingOptions(tree, show, options->flags);
}

}  // namespace guidon::cli
