// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/propagation_wait.hpp"

namespace guidon::cli {
namespace {

struct PropagationOptions : ClientOptions {
  std::string environment = {};
  std::string sequence = "latest";
  std::string wait = {};
};

Outcome<void> ShowPropagation(const PropagationOptions& options) {
  std::chrono::milliseconds wait{0};
  if (!options.wait.empty()) {
    GUIDON_ASSIGN(wait, ParseWait(options.wait));
  }
  GUIDON_ASSIGN(Client client, Client::Open(options));
  GUIDON_ASSIGN(const model::Value propagation,
                AwaitPropagation(client, {.environment = options.environment,
                                          .sequence = base::PercentEncode(options.sequence),
                                          .wait = wait}));
  client.Show(propagation, [&] { return PropagationText(propagation, client.terminal()); });
  if (options.wait.empty() || IsComplete(propagation)) return {};
  return Refuse({.exit = ExitCode::kUnavailable,
                 .what = fmt::format("After {} not everybody has it: {}", options.wait, CountText(propagation)),
                 .why = MissingText(propagation)});
}

}  // namespace

void AddPropagationCommand(CommandTree& tree) {
  auto options = std::make_shared<PropagationOptions>();
  CLI::App& command =
      tree.Command(tree.root(), "propagation", "Show which nodes and clients have a change, and who has not",
                   {"guidon propagation --environment production", "guidon propagation 1042 --environment production",
                    "guidon propagation 1042 --environment production --wait 10s --output json"},
                   [options] { return ShowPropagation(*options); });
  tree.Describe(
      command,
      "Changes show their sequence when they are made; 'guidon watch' shows those of others. Clients of event "
      "streams have a change once they have asked again or, where they are sent changes, once that was sent.");
  command.add_option("sequence", options->sequence, "Sequence of the change, or latest (default)")
      ->type_name("SEQUENCE");
  AddEnvironmentOption(command, options->environment);
  command.add_option("--wait", options->wait, "Wait so long until everybody has it (else exit code 6)")
      ->type_name("TIME");
  AddClientOptions(tree, command, *options);
}

}  // namespace guidon::cli
