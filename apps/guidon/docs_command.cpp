// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "apps/guidon/backend.hpp"
#include "apps/guidon/client.hpp"
#include "apps/guidon/commands.hpp"
#include "apps/guidon/dynamo_metrics.hpp"
#include "apps/guidon/flagd_metrics.hpp"
#include "apps/guidon/settings.hpp"

// Makes the pages of docs/reference from the program itself, so that they cannot say anything else than it does.
namespace guidon::cli {
namespace {

constexpr std::string_view kSharedGroup = "Connection and output";
constexpr std::string_view kNote = "Made by `tools/generate-docs` from the program; do not edit.\n";

// As the content of a table cell.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : c == '\n' ? std::string(" ") : std::string(1, c);
  return out;
}

std::string OptionRow(const CommandTree& tree, const CLI::Option& option) {
  std::string text = option.get_description();
  if (!option.get_envname().empty()) text += fmt::format(" [`{}`]", option.get_envname());
  if (option.get_required()) text += " (required)";
  return fmt::format("| `{}` | {} |\n", Cell(SynopsisOf(tree, option)), Cell(text));
}

std::string CommandSection(const CommandTree& tree, const CLI::App& command) {
  std::string out = fmt::format("\n## {}\n\n{}.", PathOf(command), command.get_description());
  if (!tree.TextOf(command).empty()) out += " " + tree.TextOf(command);
  out += fmt::format("\n\n```sh\n{}\n```\n", UsageOf(command));
  std::string rows;
  for (const CLI::Option* argument : ArgumentsOf(command))
    rows += fmt::format("| `{}` | {} |\n", argument->get_name(true), Cell(argument->get_description()));
  bool shared = false;
  for (const CLI::Option* option : OptionsOf(command)) {
    if (option->get_lnames() == std::vector<std::string>{"help"}) continue;
    shared = shared || option->get_group() == kSharedGroup;
    if (option->get_group() != kSharedGroup) rows += OptionRow(tree, *option);
  }
  if (!rows.empty()) out += "\n| argument, option | |\n|---|---|\n" + rows;
  if (shared) out += "\nAnd the [options of every command](#options-of-every-command).\n";
  if (!tree.ExamplesOf(command).empty()) {
    out += "\n```sh\n";
    for (const auto& example : tree.ExamplesOf(command)) out += example + "\n";
    out += "```\n";
  }
  return out;
}

void AppendCommands(const CommandTree& tree, const CLI::App& command, std::string& out) {
  const auto children = ChildrenOf(command);
  if (children.empty() || !tree.ExamplesOf(command).empty()) out += CommandSection(tree, command);
  for (const CLI::App* child : children) AppendCommands(tree, *child, out);
}

std::string CliPage() {
  CommandTree tree;
  AddAllCommands(tree);
  std::string out = fmt::format("# Commands\n\n{}\n{}\n", kNote, tree.TextOf(tree.root()));
  out +=
      "\nErrors say what happened, why, what to do next, and the request id, on standard error; with `--output json` "
      "as one JSON object.\n";
  out += "\n## Options of every command\n\nThat talks to a server.\n\n| option | |\n|---|---|\n";
  const CLI::App* health = tree.root().get_subcommand("health");
  for (const CLI::Option* option : OptionsOf(*health))
    if (option->get_group() == kSharedGroup) out += OptionRow(tree, *option);
  AppendCommands(tree, tree.root(), out);
  return out;
}

std::string DefaultText(const SettingSpec& spec) {
  const auto shown = [](std::string_view value) {
    return value.empty() ? std::string("–") : fmt::format("`{}`", value);
  };
  if (spec.local == spec.dev && spec.dev == spec.prod) return shown(spec.local);
  return fmt::format("local {}, dev {}, prod {}", shown(spec.local), shown(spec.dev), shown(spec.prod));
}

std::string ConfigurationPage() {
  std::string out = fmt::format("# Configuration\n\n{}\n", kNote);
  out +=
      "A flag wins over the environment, that over the file (`--config` or `GUIDON_CONFIG`, TOML), that over the "
      "profile's default. `guidon config show` prints each value and where it came from. Unknown names are refused. "
      "An empty variable counts as absent.\n";
  std::string_view group;
  for (const SettingSpec& spec : AllSettings()) {
    if (spec.group != group) {
      group = spec.group;
      out += fmt::format("\n## {}\n\n| in the file | flag | variable | default | |\n|---|---|---|---|---|\n", group);
    }
    std::string text(spec.help);
    if (!spec.choices.empty()) text += fmt::format("; one of {}", fmt::join(spec.choices, ", "));
    if (spec.reloadable) text += "; taken over on SIGHUP";
    const std::string flag = spec.kind == SettingKind::kSecret ? "–"
                             : spec.kind == SettingKind::kSwitch
                                 ? fmt::format("`{0}`, `--no-{1}`", FlagOf(spec), spec.key)
                                 : fmt::format("`{}`", FlagOf(spec));
    out += fmt::format("| `{}` | {} | `{}` | {} | {} |\n", spec.key, flag, VariableOf(spec), DefaultText(spec),
                       Cell(text));
  }
  out +=
      "\n## Example\n\n```toml\nprofile = \"prod\"\nstore = \"rocksdb\"\ndata = \"/var/lib/guidon\"\n"
      "listen = \"0.0.0.0:3001\"\nenvironments = [\"development\", \"staging\", \"production\"]\n\n[log]\n"
      "level = \"warn\"\n\n[limits]\nbody_bytes = \"2MiB\"\n```\n";
  return out;
}

struct Metric {
  std::string type, help;
  std::set<std::string> labels;
};

// Names of the labels in `{a="x",b="y"}`; values may hold anything but are quoted.
void AddLabels(std::string_view sample, std::set<std::string>& labels) {
  const std::size_t open = sample.find('{');
  if (open == std::string_view::npos) return;
  std::string name;
  bool quoted = false;
  for (std::size_t at = open + 1; at < sample.size() && (quoted || sample[at] != '}'); ++at) {
    const char c = sample[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '=') {
      labels.insert(std::exchange(name, ""));
    } else if (!quoted && c != ',') {
      name += c;
    }
  }
}

std::map<std::string, Metric> ParseMetrics(const std::string& text) {
  std::map<std::string, Metric> metrics;
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    const bool help = line.starts_with("# HELP ");
    if (help || line.starts_with("# TYPE ")) {
      const std::size_t space = line.find(' ', 7);
      last = line.substr(7, space - 7);
      (help ? metrics[last].help : metrics[last].type) = line.substr(space + 1);
    } else if (!line.empty() && !line.starts_with('#') && line.starts_with(last)) {
      AddLabels(line, metrics[last].labels);
    }
  }
  for (auto& [name, metric] : metrics) metric.labels.erase("le");
  return metrics;
}

// Of parts that the server in memory does not have.
std::vector<api_http::MetricGroup> MetricsOfParts() {
  auto groups = DynamoMetrics({}, {});
  const api_grpc::Figures none;
  std::ranges::move(FlagdMetrics(none), std::back_inserter(groups));
  return groups;
}

// Metrics of a server in memory that has answered a few requests, so that every family has samples.
Outcome<std::string> ScrapeMetrics() {
  GUIDON_ASSIGN(const Settings settings,
                Settings::Load({.flags = {{"profile", "local"}, {"store", "memory"}, {"listen", "127.0.0.1:0"}}}));
  GUIDON_ASSIGN(const Configuration configuration, Interpret(settings));
  GUIDON_ASSIGN(const std::unique_ptr<Backend> backend, OpenBackend(configuration, MissingSecret::kMake));
  // As a node on DynamoDB shows them.
  backend->application().contact().Follow(std::chrono::hours{1});
  GUIDON_ASSIGN(const auto server,
                Lift(api_http::Server::Start(
                         backend->application(), backend->table(),
                         {.address = "127.0.0.1", .port = 0, .local_profile = true, .more_metrics = MetricsOfParts}),
                     "Cannot start a server to read its metrics"));
  GUIDON_ASSIGN(const auto client,
                HttpClient::Create({.url = fmt::format("http://127.0.0.1:{}", server->port()), .api_key = ""}));
  GUIDON_TRY(client->Send({.method = "POST",
                           .target = "/ofrep/v1/evaluate/flags/none",
                           .body = "{}",
                           .headers = {"Content-Type: application/json"}}));
  GUIDON_TRY(client->Send({.target = "/api/v1/tenants"}));
  GUIDON_ASSIGN(HttpAnswer answer, client->Send({.target = "/metrics"}));
  return std::move(answer.body);
}

Outcome<std::string> MetricsPage() {
  GUIDON_ASSIGN(const std::string text, ScrapeMetrics());
  std::string out = fmt::format("# Metrics\n\n{}\nAt `/metrics`, in Prometheus' text format.\n", kNote);
  out += "\n| metric | type | labels | |\n|---|---|---|---|\n";
  for (const auto& [name, metric] : ParseMetrics(text)) {
    std::string labels;
    for (const auto& label : metric.labels) labels += fmt::format("{}`{}`", labels.empty() ? "" : ", ", label);
    out += fmt::format("| `{}` | {} | {} | {} |\n", name, metric.type, labels, Cell(metric.help));
  }
  return out;
}

}  // namespace

void AddDocsCommand(CommandTree& tree) {
  auto page = std::make_shared<std::string>();
  CLI::App& command = tree.Command(tree.root(), "docs", "Print a page of docs/reference", {"guidon docs cli"},
                                   [page]() -> Outcome<void> {
                                     if (*page == "metrics") {
                                       GUIDON_ASSIGN(const std::string text, MetricsPage());
                                       Print(text);
                                     } else {
                                       Print(*page == "cli" ? CliPage() : ConfigurationPage());
                                     }
                                     return {};
                                   });
  command.group("");  // hidden
  tree.Restrict(command.add_option("PAGE", *page, "Which page")->required(), {"cli", "configuration", "metrics"});
}

}  // namespace guidon::cli
