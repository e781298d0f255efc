// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"
#include "apps/guidon/propagation_wait.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

struct ScopeOptions {
  std::string flag = {};
  std::string tenant = {};
  std::string owner = {};
  bool global = false;
};

void AddScopeOptions(CLI::App& command, ScopeOptions& scope) {
  const std::string group = "Scope (exactly one)";
  command.add_option("-f,--flag", scope.flag, "One flag")->type_name("FLAG")->group(group);
  command.add_option("-t,--tenant", scope.tenant, "Every flag, for one tenant")->type_name("ID")->group(group);
  command.add_option("--owner", scope.owner, "Every flag of one owner")->type_name("NAME")->group(group);
  command.add_flag("--global", scope.global, "Every flag of the environment")->group(group);
}

struct Scope {
  std::string text;   // "flag:new-checkout"
  std::string words;  // "flag new-checkout"
};

Outcome<Scope> ScopeOf(const ScopeOptions& options) {
  const int given = static_cast<int>(!options.flag.empty()) + static_cast<int>(!options.tenant.empty()) +
                    static_cast<int>(!options.owner.empty()) + static_cast<int>(options.global);
  if (given != 1)
    return UsageError(given == 0 ? "What is the kill switch for?" : "A kill switch has one scope",
                      "give exactly one of --flag, --tenant, --owner and --global");
  if (!options.flag.empty()) return Scope{"flag:" + options.flag, "flag " + options.flag};
  if (!options.tenant.empty()) return Scope{"tenant:" + options.tenant, "all flags for tenant " + options.tenant};
  if (!options.owner.empty()) return Scope{"owner:" + options.owner, "all flags of owner " + options.owner};
  return Scope{"global", "ALL flags"};
}

struct SwitchOptions : ChangeOptions {
  std::string environment = {};
  ScopeOptions scope = {};
  std::string reason = {};
  bool yes = false;
  std::string wait = {};  // "" = no waiting
};

void AddSwitchOptions(CommandTree& tree, CLI::App& command, SwitchOptions& options, bool reason_required) {
  AddEnvironmentOption(command, options.environment);
  AddScopeOptions(command, options.scope);
  command.add_option("-r,--reason", options.reason, "Why; kept in the audit log")
      ->type_name("TEXT")
      ->required(reason_required);
  AddYesOption(command, options.yes);
  command
      .add_option("--wait", options.wait,
                  "Wait so long until all nodes and connected clients have it, and name who has not (exit code 6)")
      ->type_name("TIME");
  AddChangeOptions(tree, command, options);
}

// Shows the change, and with --wait what becomes of it.
Outcome<void> ShowSwitched(Client& client, const SwitchOptions& options, const std::string& done,
                           const Answer& answer) {
  if (options.wait.empty() || !answer.sequence) {
    client.ShowChange(done, answer);
    return {};
  }
  GUIDON_ASSIGN(const auto wait, ParseWait(options.wait));
  // On a screen it is said at once that it is done; a document is written when it is whole.
  if (client.IsTable()) client.ShowChange(done, answer);
  if (client.IsTable()) GUIDON_TRY(FlushOutput());
  const std::string sequence = std::to_string(*answer.sequence);
  auto propagation = AwaitPropagation(client, {.environment = options.environment, .sequence = sequence, .wait = wait});
  if (!propagation) {
    if (!client.IsTable()) client.ShowChange(done, answer);
    Failure failure = std::move(propagation).error();
    failure.exit = ExitCode::kUnavailable;
    failure.what = fmt::format("{}, but who has it is not known: {}", done, failure.what);
    return Refuse(std::move(failure));
  }
  if (!client.IsTable()) client.ShowChange(done, answer, *propagation);
  if (IsComplete(*propagation)) {
    if (client.IsTable()) Print(fmt::format("{}{}\n", CountText(*propagation), CurveText(*propagation)));
    return {};
  }
  return Refuse(
      {.exit = ExitCode::kUnavailable,
       .what = fmt::format("{}, but after {} not everybody has it: {}", done, options.wait, CountText(*propagation)),
       .why = MissingText(*propagation),
       .next = fmt::format("nothing has to be done again; see who has it: guidon propagation {} "
                           "--environment {}",
                           sequence, options.environment)});
}

std::string SwitchPath(const std::string& environment, const Scope& scope) {
  return EnvironmentPath(environment, "kill-switches/" + PercentEncode(scope.text));
}

Outcome<void> Engage(const SwitchOptions& options) {
  GUIDON_ASSIGN(const Scope scope, ScopeOf(options.scope));
  if (!options.wait.empty()) GUIDON_TRY(ParseWait(options.wait));  // before anything is changed
  GUIDON_ASSIGN(Client client, Client::Open(options));
  GUIDON_TRY(Confirm(client.terminal(), options.yes,
                     fmt::format("Turn off {} in {} now, on {}?", scope.words, options.environment, client.url())));
  Object body;
  body.Set("reason", options.reason);
  GUIDON_ASSIGN(const Answer answer,
                client.Send({.method = "PUT",
                             .target = SwitchPath(options.environment, scope),
                             .what = fmt::format("engage the kill switch {} in {}", scope.text, options.environment),
                             .body = Value(std::move(body)),
                             .idempotency_key = options.idempotency_key,
                             .hint = fmt::format("see which flags there are: guidon flag list --environment {}",
                                                 options.environment)}));
  return ShowSwitched(client, options,
                      fmt::format("Engaged the kill switch {} in {} since {}", scope.text, options.environment,
                                  TextAt(answer.body, "engagedAt")),
                      answer);
}

Outcome<void> Release(const SwitchOptions& options) {
  GUIDON_ASSIGN(const Scope scope, ScopeOf(options.scope));
  if (!options.wait.empty()) GUIDON_TRY(ParseWait(options.wait));
  GUIDON_ASSIGN(Client client, Client::Open(options));
  GUIDON_TRY(Confirm(client.terminal(), options.yes,
                     fmt::format("Turn {} in {} back on, on {}?", scope.words, options.environment, client.url())));
  GUIDON_ASSIGN(const Answer answer,
                client.Send({.method = "DELETE",
                             .target = SwitchPath(options.environment, scope) + QueryText({{"reason", options.reason}}),
                             .what = fmt::format("release the kill switch {} in {}", scope.text, options.environment),
                             .idempotency_key = options.idempotency_key,
                             .hint = fmt::format("see what is engaged: guidon kill status --environment {}",
                                                 options.environment)}));
  return ShowSwitched(client, options,
                      fmt::format("Released the kill switch {} in {}", scope.text, options.environment), answer);
}

void AddStatus(CommandTree& tree, CLI::App& group) {
  struct Options : ClientOptions {
    std::string environment;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "status", "Show what is turned off", {"guidon kill status --environment production"},
                   [options]() -> Outcome<void> {
                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                     GUIDON_ASSIGN(const Answer answer,
                                   client.Send({.target = EnvironmentPath(options->environment, "kill-switches"),
                                                .what = "list kill switches of " + options->environment}));
                     TextTable table({"SCOPE", "SINCE", "BY", "REASON"});
                     const Value* items = At(answer.body, "items");
                     if (items != nullptr && items->AsList() != nullptr)
                       for (const Value& entry : *items->AsList())
                         table.Add({{TextAt(entry, "scope"), Style::kRed},
                                    TextAt(entry, "engagedAt"),
                                    TextAt(entry, "engagedBy"),
                                    TextAt(entry, "reason")});
                     client.Show(answer.body, [&] {
                       return table.empty() ? fmt::format("No kill switch is engaged in {}.\n", options->environment)
                                            : table.Render(client.terminal().colour, client.terminal().columns);
                     });
                     return {};
                   });
  AddEnvironmentOption(command, options->environment);
  AddClientOptions(tree, command, *options);
}

}  // namespace

void AddKillCommands(CommandTree& tree) {
  CLI::App& group = tree.Group(tree.root(), "kill", "Kill switches: turn off at once");
  auto engage = std::make_shared<SwitchOptions>();
  CLI::App& on = tree.Command(
      group, "engage", "Turn off a flag, a tenant, an owner or everything, at once",
      {"guidon kill engage --environment production --flag new-checkout --reason 'payments fail'",
       "guidon kill engage --environment production --tenant acme --reason 'data incident 4711' --yes",
       "guidon kill engage --environment production --flag new-checkout --reason 'payments fail' --wait 5s",
       "guidon kill engage --environment staging --global --reason drill --yes"},
      [engage] { return Engage(*engage); });
  tree.Describe(on,
                "What is turned off serves its kill variation, or its off variation, from the next evaluation on. "
                "Engaging what is engaged succeeds and changes nothing. With --wait the command ends when all nodes "
                "and connected clients have it, or says who has not: the switch is engaged all the same.");
  AddSwitchOptions(tree, on, *engage, true);
  auto release = std::make_shared<SwitchOptions>();
  CLI::App& off =
      tree.Command(group, "release", "Turn it back on",
                   {"guidon kill release --environment production --flag new-checkout --reason 'fixed in 2.4.1'"},
                   [release] { return Release(*release); });
  AddSwitchOptions(tree, off, *release, false);
  AddStatus(tree, group);
}

}  // namespace guidon::cli
