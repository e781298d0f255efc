// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"
#include "guidon/json/json.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

std::string HealthText(const Client& client, const Value& health) {
  const bool colour = client.terminal().colour;
  FieldList list;
  const bool ready = TextAt(health, "ready") == "true";
  list.Add("server", client.url(), Style::kBold);
  list.Add("ready", ready ? "yes" : "no", ready ? Style::kGreen : Style::kRed);
  if (const std::string version = TextAt(health, "version"); !version.empty()) list.Add("version", version);
  if (At(health, "store") != nullptr) {
    const bool ok = TextAt(health, "store.ok") == "true";
    list.Add("store", ok ? "answers" : TextAt(health, "store.error", "does not answer"),
             ok ? Style::kGreen : Style::kRed);
  }
  std::string out = list.Render(colour);
  const Value* environments = At(health, "environments");
  if (environments == nullptr || environments->AsList() == nullptr) return out;
  TextTable table({"ENVIRONMENT", "FLAGS", "SEQUENCE", "LOADED", "PROBLEMS"});
  TextTable problems({"ENVIRONMENT", "FLAG", "SERVES", "PROBLEM"});
  for (const Value& environment : *environments->AsList()) {
    const std::string name = TextAt(environment, "environment");
    const Value* found = At(environment, "problems");
    const List none;
    const List& entries = found != nullptr && found->AsList() != nullptr ? *found->AsList() : none;
    table.Add({{name, Style::kBold},
               TextAt(environment, "flags"),
               TextAt(environment, "sequence"),
               TextAt(environment, "loadedAt"),
               {std::to_string(entries.size()), entries.empty() ? Style::kPlain : Style::kRed}});
    for (const Value& problem : entries)
      problems.Add({name,
                    {TextAt(problem, "flagKey"), Style::kBold},
                    TextAt(problem, "stale") == "true" ? "last good definition" : "nothing",
                    TextAt(problem, "detail")});
  }
  out += "\n" + table.Render(colour, client.terminal().columns);
  if (!problems.empty()) out += "\n" + problems.Render(colour, client.terminal().columns);
  return out;
}

void AddHealth(CommandTree& tree) {
  auto options = std::make_shared<ClientOptions>();
  CLI::App& command =
      tree.Command(tree.root(), "health", "Show whether the server is ready, with its store and environments",
                   {"guidon health", "guidon health --output json || echo not ready"}, [options]() -> Outcome<void> {
                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                     const Call call{.target = "/readyz", .what = "read the health"};
                     GUIDON_ASSIGN(const HttpAnswer http, client.SendRaw(call));
                     const auto health = json::Parse(http.body);
                     if (!health || At(*health, "ready") == nullptr) return Refuse(Refusal(call, http));
                     client.Show(*health, [&] { return HealthText(client, *health); });
                     if (TextAt(*health, "ready") == "true") return {};
                     return Refuse({.exit = ExitCode::kUnavailable,
                                    .what = fmt::format("{} is not ready", client.url()),
                                    .why = TextAt(*health, "store.error")});
                   });
  AddClientOptions(tree, command, *options);
}

void AddRefresh(CommandTree& tree) {
  auto options = std::make_shared<ClientOptions>();
  CLI::App& command = tree.Command(
      tree.root(), "refresh", "Load everything from the store again, now", {"guidon refresh"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        GUIDON_ASSIGN(const Answer answer,
                      client.Send({.method = "POST", .target = "/api/v1/refresh", .what = "refresh"}));
        client.Show(answer.body, [&] {
          const std::string differences = TextAt(answer.body, "differences", "0");
          return differences == "0" ? std::string("Loaded. Nothing had been edited behind the server's back.\n")
                                    : fmt::format("Loaded. {} had been edited behind the server's back.\n",
                                                  differences == "1" ? "1 flag" : fmt::format("{} flags", differences));
        });
        return {};
      });
  AddClientOptions(tree, command, *options);
}

void AddVersion(CommandTree& tree) {
  auto output = std::make_shared<std::string>("table");
  CLI::App& command = tree.Command(
      tree.root(), "version", "Show the version of this program", {"guidon version"}, [output]() -> Outcome<void> {
        Object document;
        document.Set("version", GUIDON_VERSION);
        document.Set("compiler", "clang " __clang_version__);
        document.Set("stores", List{"memory", "rocksdb", "dynamodb"});
        const Value value(std::move(document));
        Print(*output == "json"   ? ToPrettyJson(value)
              : *output == "yaml" ? ToYaml(value)
                                  : fmt::format("guidon {} (stores: memory, rocksdb, dynamodb)\n", GUIDON_VERSION));
        return {};
      });
  tree.Restrict(command.add_option("-o,--output", *output, "Form of the output"), {"table", "json", "yaml"});
}

}  // namespace

void AddSystemCommands(CommandTree& tree) {
  AddHealth(tree);
  AddRefresh(tree);
  AddVersion(tree);
}

}  // namespace guidon::cli
