// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"
#include "apps/guidon/key_bootstrap.hpp"
#include "apps/guidon/setting_options.hpp"
#include "guidon/base/clock.hpp"

namespace guidon::cli {
namespace {

using model::Object;
using model::Value;

EntityRef RefOf(const std::string& key) {
  return {.path = "/api/v1/keys/" + PercentEncode(key),
          .noun = "API key " + key,
          .hint = "see which there are: guidon key list"};
}

std::string StateOf(const Value& key) {
  if (At(key, "revokedAt") != nullptr) return "revoked";
  const std::string expires = TextAt(key, "expiresAt");
  if (expires.empty()) return "active";
  // Times in answers are RFC 3339 in UTC with milliseconds, so their order is that of their text.
  const std::string now = base::FormatTimestamp(base::SystemClock{}.Now());
  return expires <= now ? "expired" : At(key, "replacedBy") != nullptr ? "rotating" : "active";
}

Style StyleOf(std::string_view state) {
  return state == "active" ? Style::kGreen : state == "rotating" ? Style::kYellow : Style::kDim;
}

void ShowIssued(const Client& client, std::string_view done, const Answer& answer) {
  client.Show(answer.body, [&] {
    const std::string token = TextAt(answer.body, "token");
    std::string out = fmt::format("{} (sequence {})\n", done, answer.sequence.value_or(0));
    if (token.empty())
      return out + "Its secret was shown when it was made; this repeated request does not show it again.\n";
    return out + "The key is shown this once:\n\n  " + Styled(token, Style::kBold, client.terminal().colour) + "\n\n";
  });
}

void AddCreate(CommandTree& tree, CLI::App& group) {
  struct Options : ChangeOptions {
    std::string kind = "server", name, environment, tenant, expires;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "create", "Create an API key",
      {"guidon key create --kind server --environment production --name checkout-service",
       "guidon key create --kind client --environment production --tenant acme --expires 90d",
       "guidon key create --kind admin --name ci --output json | jq -r .token"},
      [options]() -> Outcome<void> {
        Object body;
        body.Set("kind", options->kind);
        if (!options->name.empty()) body.Set("name", options->name);
        if (!options->tenant.empty()) body.Set("tenantId", options->tenant);
        if (!options->environment.empty()) body.Set("environment", options->environment);
        if (!options->expires.empty()) {
          GUIDON_ASSIGN(std::string expires, ParseTimeOption("--expires", options->expires, false));
          body.Set("expiresAt", std::move(expires));
        }
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        GUIDON_ASSIGN(const Answer answer, client.Send({.method = "POST",
                                                        .target = "/api/v1/keys",
                                                        .what = fmt::format("create a {} key", options->kind),
                                                        .body = Value(std::move(body)),
                                                        .idempotency_key = options->idempotency_key}));
        ShowIssued(client, fmt::format("Created the {} key {}", options->kind, TextAt(answer.body, "key.keyId")),
                   answer);
        return {};
      });
  tree.Describe(command,
                "admin: management. server: evaluates everything in one environment. client: evaluates the flags that "
                "are marked for clients, and is safe in a browser.");
  tree.Restrict(command.add_option("--kind", options->kind, "What it may do (default server)"),
                {"admin", "server", "client"});
  command.add_option("--name", options->name, "Name for people")->type_name("TEXT");
  command
      .add_option("-e,--environment", options->environment,
                  "Its one environment; server and client keys need it, an admin key without it covers all")
      ->type_name("NAME");
  command.add_option("-t,--tenant", options->tenant, "Its one tenant")->type_name("ID");
  command.add_option("--expires", options->expires, "When it ends: a time, a date or a span (90d)")->type_name("TIME");
  AddChangeOptions(tree, command, *options);
}

void AddList(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<ListOptions>();
  CLI::App& command =
      tree.Command(group, "list", "List the API keys", {"guidon key list"}, [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        GUIDON_ASSIGN(const ListAnswer list, client.List("/api/v1/keys", {}, *options, "list API keys"));
        TextTable table({"KEY", "KIND", "STATE", "ENVIRONMENT", "TENANT", "CREATED", "EXPIRES", "LAST USED", "NAME"});
        for (const Value& key : list.items) {
          const std::string state = StateOf(key);
          table.Add({{TextAt(key, "keyId"), Style::kBold},
                     TextAt(key, "kind"),
                     {state, StyleOf(state)},
                     TextAt(key, "environment", "all"),
                     TextAt(key, "tenantId", "all"),
                     TextAt(key, "createdAt"),
                     TextAt(key, "expiresAt", "never"),
                     TextAt(key, "lastUsedAt", "never"),
                     TextAt(key, "name")});
        }
        client.ShowList(list, table, "No API keys.");
        return {};
      });
  AddListOptions(tree, command, *options);
}

void AddGet(CommandTree& tree, CLI::App& group) {
  struct Options : ClientOptions {
    std::string key;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(group, "get", "Show an API key, without its secret",
                                   {"guidon key get 4k2c9v0d1m7p3x8a"}, [options]() -> Outcome<void> {
                                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                                     GUIDON_ASSIGN(const Answer answer, ReadEntity(client, RefOf(options->key)));
                                     client.Show(answer.body, [&] {
                                       FieldList list;
                                       for (const auto& [name, value] : *answer.body.AsObject())
                                         list.Add(name, ToCell(value));
                                       list.Add("state", StateOf(answer.body), StyleOf(StateOf(answer.body)));
                                       return list.Render(client.terminal().colour);
                                     });
                                     return {};
                                   });
  command.add_option("KEY", options->key, "Id of the key, the third part of its text")->required();
  AddClientOptions(tree, command, *options);
}

void AddRotate(CommandTree& tree, CLI::App& group) {
  struct Options : ChangeOptions {
    std::string key, overlap = "1d";
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "rotate", "Make a new key with the same rights; the old one goes on working for a while",
      {"guidon key rotate 4k2c9v0d1m7p3x8a --overlap 2h"}, [options]() -> Outcome<void> {
        const auto seconds = ParseSeconds(options->overlap);
        if (!seconds)
          return UsageError(fmt::format("--overlap '{}' is not a duration such as 2h or 1d", options->overlap));
        Object body;
        body.Set("overlapSeconds", *seconds);
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        const EntityRef entity = RefOf(options->key);
        GUIDON_ASSIGN(const Answer answer, client.Send({.method = "POST",
                                                        .target = entity.path + "/rotate",
                                                        .what = "rotate " + entity.noun,
                                                        .body = Value(std::move(body)),
                                                        .idempotency_key = options->idempotency_key,
                                                        .hint = entity.hint}));
        ShowIssued(client,
                   fmt::format("Created the key {} in place of {}, which works for {} more",
                               TextAt(answer.body, "key.keyId"), options->key, options->overlap),
                   answer);
        return {};
      });
  command.add_option("KEY", options->key, "Id of the key")->required();
  command.add_option("--overlap", options->overlap, "How long the old key goes on working (default 1d)")
      ->type_name("TIME");
  AddChangeOptions(tree, command, *options);
}

void AddRevoke(CommandTree& tree, CLI::App& group) {
  struct Options : ChangeOptions {
    std::string key;
    bool yes = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "revoke", "End an API key at once", {"guidon key revoke 4k2c9v0d1m7p3x8a --yes"},
                   [options]() -> Outcome<void> {
                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                     const EntityRef entity = RefOf(options->key);
                     GUIDON_TRY(Confirm(client.terminal(), options->yes,
                                        fmt::format("Revoke {}? Whoever uses it is refused at once.", entity.noun)));
                     GUIDON_ASSIGN(const Answer answer, client.Send({.method = "DELETE",
                                                                     .target = entity.path,
                                                                     .what = "revoke " + entity.noun,
                                                                     .idempotency_key = options->idempotency_key,
                                                                     .hint = entity.hint}));
                     client.ShowChange("Revoked " + entity.noun, answer);
                     return {};
                   });
  command.add_option("KEY", options->key, "Id of the key")->required();
  AddYesOption(command, options->yes);
  AddChangeOptions(tree, command, *options);
}

void AddBootstrap(CommandTree& tree, CLI::App& group) {
  struct Options {
    std::shared_ptr<SettingFlags> flags = std::make_shared<SettingFlags>();
    BootstrapOptions bootstrap;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "bootstrap",
      "Make the first admin key: in the embedded store of a server that is stopped, or in a DynamoDB table",
      {"guidon key bootstrap --store rocksdb --data /var/lib/guidon",
       "guidon key bootstrap --profile prod --config /etc/guidon/guidon.toml --output json | jq -r .token"},
      [options] { return BootstrapKey(SourcesOf(*options->flags), options->bootstrap); });
  tree.Describe(command,
                "A server outside the local profile, or on an address other than loopback, does not start without "
                "an admin key. With --force another one is made although there is one: when it was lost.");
  command.add_option("--name", options->bootstrap.name, "Name for people (default bootstrap)")->type_name("TEXT");
  command.add_flag("--force", options->bootstrap.force, "Make a key although an admin key is there");
  tree.Restrict(command.add_option("-o,--output", options->bootstrap.output, "Form of the output"),
                {"table", "json", "yaml"});
  AddSettingOptions(
      tree, command, options->flags,
      {"profile", "store", "data", "environments", "table", "region", "dynamodb_endpoint", "key_hash_secret_file"});
}

}  // namespace

void AddKeyCommands(CommandTree& tree) {
  CLI::App& group = tree.Group(tree.root(), "key", "API keys");
  AddCreate(tree, group);
  AddList(tree, group);
  AddGet(tree, group);
  AddRotate(tree, group);
  AddRevoke(tree, group);
  AddBootstrap(tree, group);
}

}  // namespace guidon::cli
