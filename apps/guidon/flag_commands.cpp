// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"
#include "apps/guidon/evaluation_text.hpp"
#include "apps/guidon/flag_document.hpp"
#include "apps/guidon/lint_command.hpp"
#include "apps/guidon/transfer_commands.hpp"
#include "apps/guidon/usage_command.hpp"

namespace guidon::cli {
namespace {

using model::Object;
using model::Value;

struct FlagName {
  std::string key = {};
  std::string environment = {};
};

void AddFlagName(CLI::App& command, FlagName& name) {
  command.add_option("FLAG", name.key, "Key of the flag")->required();
  AddEnvironmentOption(command, name.environment);
}

EntityRef RefOf(const FlagName& name) {
  return {.path = EnvironmentPath(name.environment, "flags/" + PercentEncode(name.key)),
          .noun = fmt::format("flag {} in {}", name.key, name.environment),
          .hint = fmt::format("see which there are: guidon flag list --environment {}", name.environment)};
}

Style StyleOf(std::string_view state) {
  return state == "ENABLED" ? Style::kGreen : state == "DISABLED" ? Style::kYellow : Style::kDim;
}

// "on", "off", "25 %", "rules + off" …: what most contexts get, in a few characters.
std::string ServesText(const Value& flag) {
  const bool enabled = TextAt(flag, "defaultEnabled") == "true";
  const std::string percent = TextAt(flag, "rolloutPercentage");
  std::string serves = TextAt(flag, enabled ? "defaultVariation" : "offVariation");
  if (enabled && !percent.empty()) serves += fmt::format(" {} %", percent);
  const Value* rules = At(flag, "targetingRules");
  const std::size_t count = rules != nullptr && rules->AsList() != nullptr ? rules->AsList()->size() : 0;
  if (count > 0) serves += fmt::format(", {} rule{}", count, count == 1 ? "" : "s");
  return serves;
}

std::string FlagFieldsText(const Client& client, const Value& flag) {
  FieldList list;
  const auto add = [&](std::string_view name, std::string_view path) {
    if (const std::string text = TextAt(flag, path); !text.empty() && text != "[]") list.Add(name, text);
  };
  list.Add("flag", TextAt(flag, "flagKey"), Style::kBold);
  add("environment", "environment");
  const std::string state = TextAt(flag, "state", "ENABLED");
  list.Add("state", state, StyleOf(state));
  list.Add("serves", ServesText(flag));
  add("description", "description");
  add("owner", "owner");
  add("tenant", "tenantId");
  add("tags", "tags");
  add("type", "type");
  add("variations", "variations");
  add("default variation", "defaultVariation");
  add("off variation", "offVariation");
  add("kill variation", "killVariation");
  add("rollout percentage", "rolloutPercentage");
  add("rollout salt", "rolloutSalt");
  add("bucket by", "bucketBy");
  const auto add_each = [&](std::string_view name, std::string_view path) {
    const Value* entries = At(flag, path);
    if (entries == nullptr || entries->AsList() == nullptr) return;
    std::string lines;
    for (const Value& entry : *entries->AsList()) lines += (lines.empty() ? "" : "\n") + ToCell(entry);
    if (!lines.empty()) list.Add(name, lines);
  };
  add_each("rules", "targetingRules");
  add_each("prerequisites", "prerequisites");
  add("client visible", "clientVisible");
  add("expires", "expiresAt");
  add("version", "version");
  add("created", "createdAt");
  list.Add("updated", fmt::format("{} by {}", TextAt(flag, "updatedAt"), TextAt(flag, "updatedBy", "?")));
  return list.Render(client.terminal().colour);
}

void AddCreate(CommandTree& tree, CLI::App& group) {
  struct Options : ChangeOptions {
    FlagName name;
    FlagEdit edit;
  };
  auto options = std::make_shared<Options>();  // shared: the handler outlives the tree
  CLI::App& command = tree.Command(
      group, "create", "Create a flag",
      {"guidon flag create new-checkout --owner payments --enabled true --rollout 25",
       "guidon flag create theme --owner web --type string --variation light=light --variation dark=dark \\\n"
       "    --default-variation light --off-variation light --enabled true",
       "guidon flag create beta --file beta.json --environment staging"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(const Value document, FlagDocument(options->edit, "boolean"));
        Object body = *document.AsObject();
        body.Set("flagKey", options->name.key);
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        const EntityRef entity = RefOf(options->name);
        GUIDON_ASSIGN(const Answer answer, client.Send({.method = "POST",
                                                        .target = EnvironmentPath(options->name.environment, "flags"),
                                                        .what = "create " + entity.noun,
                                                        .body = Value(std::move(body)),
                                                        .idempotency_key = options->idempotency_key}));
        client.ShowChange("Created " + entity.noun, answer);
        return {};
      });
  AddFlagName(command, options->name);
  AddFlagEditOptions(tree, command, options->edit);
  AddChangeOptions(tree, command, *options);
}

void AddGet(CommandTree& tree, CLI::App& group) {
  struct Options : ClientOptions {
    FlagName name;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "get", "Show a flag",
                   {"guidon flag get new-checkout", "guidon flag get new-checkout --environment production -o yaml"},
                   [options]() -> Outcome<void> {
                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                     GUIDON_ASSIGN(const Answer answer, ReadEntity(client, RefOf(options->name)));
                     client.Show(answer.body, [&] { return FlagFieldsText(client, answer.body); });
                     return {};
                   });
  AddFlagName(command, options->name);
  AddClientOptions(tree, command, *options);
}

void AddList(CommandTree& tree, CLI::App& group) {
  struct Options : ListOptions {
    std::string environment, owner, tag, tenant, state, query;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "list", "List the flags of an environment, newest first",
      {"guidon flag list", "guidon flag list --environment production --owner payments --state ENABLED",
       "guidon flag list --all --output json | jq -r '.items[].flagKey'"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        const Query query = {{"owner", options->owner},
                             {"tag", options->tag},
                             {"tenantId", options->tenant},
                             {"state", options->state},
                             {"q", options->query}};
        GUIDON_ASSIGN(const ListAnswer list, client.List(EnvironmentPath(options->environment, "flags"), query,
                                                         *options, "list flags of " + options->environment));
        TextTable table({"FLAG", "STATE", "TYPE", "SERVES", "OWNER", "VERSION", "UPDATED", "DESCRIPTION"});
        for (const Value& flag : list.items) {
          const std::string state = TextAt(flag, "state", "ENABLED");
          table.Add({{TextAt(flag, "flagKey"), Style::kBold},
                     {state, StyleOf(state)},
                     TextAt(flag, "type", "boolean"),
                     ServesText(flag),
                     TextAt(flag, "owner"),
                     VersionText(flag),
                     TextAt(flag, "updatedAt"),
                     TextAt(flag, "description")});
        }
        client.ShowList(list, table, "No flags.");
        return {};
      });
  AddEnvironmentOption(command, options->environment);
  command.add_option("--owner", options->owner, "Only of this owner")->type_name("NAME");
  command.add_option("--tag", options->tag, "Only with this tag")->type_name("TEXT");
  command.add_option("--tenant", options->tenant, "Only of this tenant")->type_name("ID");
  tree.Restrict(command.add_option("--state", options->state, "Only in this state"),
                {"ENABLED", "DISABLED", "ARCHIVED"});
  command.add_option("-q,--query", options->query, "Only with this text in key, description, owner or tags")
      ->type_name("TEXT");
  AddListOptions(tree, command, *options);
}

void AddUpdate(CommandTree& tree, CLI::App& group) {
  struct Options : VersionOptions {
    FlagName name;
    FlagEdit edit;
    bool replace = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "update", "Change a flag",
      {"guidon flag update new-checkout --rollout 50 --environment production",
       "guidon flag update new-checkout --unset rolloutPercentage --enabled true",
       "guidon flag update new-checkout --version 7 --state DISABLED",
       "guidon flag get new-checkout -o json | jq '.description=\"New\"' | guidon flag update new-checkout --replace "
       "--file -"},
      [options]() -> Outcome<void> {
        if (options->replace && options->edit.file.empty())
          return UsageError("--replace needs the whole flag in --file", "add --file FILE, or leave --replace out");
        return UpdateEntity(*options, RefOf(options->name), options->replace, [&](const Value& present) {
          return FlagDocument(options->edit, TextAt(present, "type", "boolean"));
        });
      });
  tree.Describe(command,
                "Attributes that are not named stay as they are. The flag is read first and changed only if nobody "
                "else changed it in between (exit code 4 then).");
  AddFlagName(command, options->name);
  AddFlagEditOptions(tree, command, options->edit);
  command.add_option("--unset", options->edit.unset, "Remove an attribute, or one variation (variations.NAME)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command.add_flag("--replace", options->replace, "The file is the whole flag, not a merge patch");
  AddVersionOption(command, options->version);
  AddChangeOptions(tree, command, *options);
}

void AddDelete(CommandTree& tree, CLI::App& group) {
  struct Options : VersionOptions {
    FlagName name;
    bool yes = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "delete", "Delete a flag with its overrides; callers then get the default in their code",
                   {"guidon flag delete old-banner --yes"},
                   [options] { return DeleteEntity(*options, RefOf(options->name), options->yes); });
  AddFlagName(command, options->name);
  AddYesOption(command, options->yes);
  AddVersionOption(command, options->version);
  AddChangeOptions(tree, command, *options);
}

void AddArchive(CommandTree& tree, CLI::App& group) {
  struct Options : VersionOptions {
    FlagName name;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "archive", "Archive a flag: it stays readable and no longer evaluates",
                   {"guidon flag archive old-banner"}, [options]() -> Outcome<void> {
                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                     const EntityRef entity = RefOf(options->name);
                     GUIDON_ASSIGN(const Answer present, ReadEntity(client, entity));
                     GUIDON_ASSIGN(const Answer answer, client.Send({.method = "POST",
                                                                     .target = entity.path + "/archive",
                                                                     .what = "archive " + entity.noun,
                                                                     .if_match = IfMatchOf(*options, present),
                                                                     .idempotency_key = options->idempotency_key,
                                                                     .hint = entity.hint}));
                     client.ShowChange("Archived " + entity.noun, answer);
                     return {};
                   });
  AddFlagName(command, options->name);
  AddVersionOption(command, options->version);
  AddChangeOptions(tree, command, *options);
}

void AddCopy(CommandTree& tree, CLI::App& group) {
  struct Options : ChangeOptions {
    FlagName name;
    std::string to_environment, to_key;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "copy", "Copy a flag, without its overrides, to another environment or key",
      {"guidon flag copy new-checkout --environment development --to-environment staging",
       "guidon flag copy new-checkout --to-key newer-checkout"},
      [options]() -> Outcome<void> {
        if (options->to_environment.empty() && options->to_key.empty())
          return UsageError("The copy would be the flag itself", "give --to-environment, --to-key or both");
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        const EntityRef entity = RefOf(options->name);
        Object body;
        if (!options->to_environment.empty()) body.Set("environment", options->to_environment);
        if (!options->to_key.empty()) body.Set("flagKey", options->to_key);
        GUIDON_ASSIGN(const Answer answer, client.Send({.method = "POST",
                                                        .target = entity.path + "/copy",
                                                        .what = "copy " + entity.noun,
                                                        .body = Value(std::move(body)),
                                                        .idempotency_key = options->idempotency_key,
                                                        .hint = entity.hint}));
        client.ShowChange(fmt::format("Copied {} to {} in {}", entity.noun, TextAt(answer.body, "flagKey"),
                                      TextAt(answer.body, "environment")),
                          answer);
        return {};
      });
  AddFlagName(command, options->name);
  command.add_option("--to-environment", options->to_environment, "Environment of the copy (default: the same)")
      ->type_name("NAME");
  command.add_option("--to-key", options->to_key, "Key of the copy (default: the same)")->type_name("FLAG");
  AddChangeOptions(tree, command, *options);
}

void AddExplain(CommandTree& tree, CLI::App& group) {
  struct Options : ClientOptions {
    FlagName name;
    ContextOptions context;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "explain", "Evaluate a flag and show each step that was taken",
      {"guidon flag explain new-checkout --environment production --tenant acme --key user-7 --attr plan=pro"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        return ExplainFlag(client, options->name.environment, options->name.key, options->context);
      });
  AddFlagName(command, options->name);
  AddContextOptions(command, options->context);
  AddClientOptions(tree, command, *options);
}

}  // namespace

void AddFlagCommands(CommandTree& tree) {
  CLI::App& group = tree.Group(tree.root(), "flag", "Flags");
  AddCreate(tree, group);
  AddGet(tree, group);
  AddList(tree, group);
  AddUpdate(tree, group);
  AddDelete(tree, group);
  AddArchive(tree, group);
  AddCopy(tree, group);
  AddExplain(tree, group);
  AddLint(tree, group);
  AddUsage(tree, group);
  AddEvaluations(tree, group);
  AddTransferCommands(tree, group);
}

}  // namespace guidon::cli
