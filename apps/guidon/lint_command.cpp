// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/lint_command.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "apps/guidon/client.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/lint_file.hpp"
#include "guidon/api_http/finding_json.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

struct Options : ListOptions {
  std::string key = {};
  std::string environment = {};
  std::string file = {};
  bool strict = false;
  bool flagd = false;
};

struct Report {
  List findings;  // with flagKey and environment
  std::size_t flags = 0;
  std::size_t errors = 0;
  std::size_t warnings = 0;

  void Add(const std::string& flag_key, const std::string& environment, const List& found) {
    ++flags;
    AddMore(flag_key, environment, found);
  }
  // More about a flag that is counted already.
  void AddMore(const std::string& flag_key, const std::string& environment, const List& found) {
    for (Value finding : found) {
      ++(TextAt(finding, "severity") == "error" ? errors : warnings);
      finding.MutableObject()->Set("flagKey", flag_key);
      finding.MutableObject()->Set("environment", environment);
      findings.push_back(std::move(finding));
    }
  }
  std::string Summary() const {
    const auto count = [](std::size_t number, std::string_view noun) {
      return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
    };
    return fmt::format("{} and {} in {}", count(errors, "error"), count(warnings, "warning"), count(flags, "flag"));
  }
  Value ToValue() const {
    Object document;
    document.Set("findings", findings);
    document.Set("flags", static_cast<std::int64_t>(flags));
    document.Set("errors", static_cast<std::int64_t>(errors));
    document.Set("warnings", static_cast<std::int64_t>(warnings));
    return document;
  }
};

Outcome<void> LintOnServer(Client& client, const Options& options, const std::string& key, Report& report) {
  GUIDON_ASSIGN(const Answer answer,
                client.Send({.target = EnvironmentPath(options.environment, "flags/" + PercentEncode(key) + "/lint"),
                             .what = fmt::format("lint flag {} in {}", key, options.environment),
                             .hint = fmt::format("see which there are: guidon flag list --environment {}",
                                                 options.environment)}));
  const Value* findings = At(answer.body, "findings");
  report.Add(key, options.environment,
             findings == nullptr || findings->AsList() == nullptr ? List() : *findings->AsList());
  return {};
}

Outcome<void> LintAll(Client& client, const Options& options, Report& report) {
  GUIDON_ASSIGN(const ListAnswer list, client.List(EnvironmentPath(options.environment, "flags"), {}, options,
                                                   "list flags of " + options.environment));
  for (const Value& flag : list.items) GUIDON_TRY(LintOnServer(client, options, TextAt(flag, "flagKey"), report));
  return {};
}

// What flagd's format cannot say of the flags, or says in another way, as the export has it.
Outcome<void> LintForFlagd(Client& client, const Options& options, Report& report) {
  GUIDON_ASSIGN(const Answer answer, client.Send({.target = EnvironmentPath(options.environment, "export") +
                                                            QueryText({{"format", "flagd"}}),
                                                  .what = "see what flagd's format says of " + options.environment}));
  const Value* exported = At(answer.body, "document");
  const Value* flags =
      exported == nullptr || exported->AsObject() == nullptr ? nullptr : exported->AsObject()->Find("flags");
  const Value* notes = At(answer.body, "notes");
  if (notes == nullptr || notes->AsList() == nullptr) return {};
  for (const Value& note : *notes->AsList()) {
    const std::string key = TextAt(note, "flagKey");
    if (key.empty() || (!options.key.empty() && key != options.key)) continue;
    const bool there = flags != nullptr && flags->AsObject() != nullptr && flags->AsObject()->Find(key) != nullptr;
    Object finding;
    finding.Set("severity", "warning");
    finding.Set("code", there ? "flagdDiffers" : "flagdLeftOut");
    finding.Set("field", "");
    finding.Set("message", TextAt(note, "message"));
    report.AddMore(key, options.environment, List{Value(std::move(finding))});
  }
  return {};
}

Outcome<void> LintFile(const Options& options, Report& report) {
  GUIDON_ASSIGN(const Value document, ReadJsonFile(options.file));
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  GUIDON_ASSIGN(const auto linted, LintDocument(document, options.environment, now));
  for (const LintedFlag& one : linted)
    report.Add(one.flag_key, one.environment, api_http::FindingsToJson(one.findings));
  return {};
}

std::string ReportText(const Report& report, const Terminal& terminal) {
  std::string summary = report.Summary() + ".\n";
  if (report.findings.empty()) return summary;
  TextTable table({"SEVERITY", "FLAG", "FIELD", "RULE", "CODE", "MESSAGE"});
  for (const Value& one : report.findings) {
    const std::string severity = TextAt(one, "severity");
    table.Add({{severity, severity == "error" ? Style::kRed : Style::kYellow},
               {TextAt(one, "flagKey"), Style::kBold},
               TextAt(one, "field"),
               TextAt(one, "ruleId"),
               TextAt(one, "code"),
               TextAt(one, "message")});
  }
  return table.Render(terminal.colour, terminal.columns) + summary;
}

Outcome<void> Lint(const Options& options) {
  const int sources = (options.key.empty() ? 0 : 1) + (options.all ? 1 : 0) + (options.file.empty() ? 0 : 1);
  if (sources != 1) return UsageError("Say what to look at", "give one of FLAG, --all and --file");
  if (options.flagd && !options.file.empty())
    return UsageError("What flagd's format can say of a file is not known here", "give FLAG or --all with --flagd");
  GUIDON_ASSIGN(Client client, Client::Open(options));
  Report report;
  if (!options.file.empty()) {
    GUIDON_TRY(LintFile(options, report));
  } else if (options.all) {
    GUIDON_TRY(LintAll(client, options, report));
  } else {
    GUIDON_TRY(LintOnServer(client, options, options.key, report));
  }
  if (options.flagd) GUIDON_TRY(LintForFlagd(client, options, report));
  client.Show(report.ToValue(), [&] { return ReportText(report, client.terminal()); });
  if (report.errors == 0 && !(options.strict && report.warnings > 0)) return {};
  return Refuse({.what = report.Summary(),
                 .next = "each finding says what and where; docs/reference/lint.md explains the codes"});
}

}  // namespace

void AddLint(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<Options>();  // shared: the handler outlives the tree
  CLI::App& command =
      tree.Command(group, "lint", "Look for what a flag's author hardly meant",
                   {"guidon flag lint new-checkout --environment production", "guidon flag lint --all --strict",
                    "guidon flag lint --all --flagd", "guidon flag lint --file flags.json --output json"},
                   [options] { return Lint(*options); });
  tree.Describe(command,
                "Rules that nobody reaches, conditions that can never be true, names of nothing, variations that "
                "nobody gets. Exit code 1 where there is an error, with --strict also where there is a warning.");
  command.add_option("FLAG", options->key, "Key of the flag");
  AddEnvironmentOption(command, options->environment);
  command.add_flag("--all", options->all, "All flags of the environment");
  command
      .add_option("--file", options->file,
                  "Flags in a JSON file instead ('-': standard input), without a server: one, a list, or a whole "
                  "environment {\"flags\": [], \"segments\": []}")
      ->type_name("FILE");
  command.add_flag("--strict", options->strict, "Warnings fail too");
  command.add_flag("--flagd", options->flagd,
                   "Also what flagd's format cannot say: such a flag is left out of flagd's definitions");
  AddClientOptions(tree, command, *options);
}

}  // namespace guidon::cli
