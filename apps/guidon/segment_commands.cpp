// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"
#include "apps/guidon/segment_key_commands.hpp"
#include "apps/guidon/settings.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

struct SegmentName {
  std::string key = {};
  std::string environment = {};
};

struct SegmentEdit {
  std::string file = {};
  std::optional<std::string> description, when;
  std::vector<std::string> included, excluded, unset;
};

void AddSegmentName(CLI::App& command, SegmentName& name) {
  command.add_option("SEGMENT", name.key, "Key of the segment")->required();
  AddEnvironmentOption(command, name.environment);
}

EntityRef RefOf(const SegmentName& name) {
  return {.path = EnvironmentPath(name.environment, "segments/" + PercentEncode(name.key)),
          .noun = fmt::format("segment {} in {}", name.key, name.environment),
          .hint = fmt::format("see which there are: guidon segment list --environment {}", name.environment)};
}

void AddEditOptions(CLI::App& command, SegmentEdit& edit) {
  command.add_option("--file", edit.file, "JSON document to start from; - is standard input")->type_name("FILE");
  command.add_option("--description", edit.description, "Who is in it")->type_name("TEXT");
  command.add_option("--include", edit.included, "Targeting keys that are in it; may be repeated")
      ->type_name("KEY[,KEY...]")
      ->allow_extra_args(false);
  command.add_option("--exclude", edit.excluded, "Targeting keys that are not, whatever else says so")
      ->type_name("KEY[,KEY...]")
      ->allow_extra_args(false);
  command.add_option("--when", edit.when, "Condition tree as JSON")->type_name("JSON");
}

List KeysOf(const std::vector<std::string>& options) {
  List keys;
  for (const auto& text : options)
    for (auto& key : SplitList(text)) keys.emplace_back(std::move(key));
  return keys;
}

Outcome<Value> Document(const SegmentEdit& edit) {
  Object document;
  if (!edit.file.empty()) {
    GUIDON_ASSIGN(const Value base, ReadJsonFile(edit.file));
    if (base.AsObject() == nullptr) return UsageError(edit.file + " does not hold a JSON object");
    document = *base.AsObject();
  }
  if (edit.description) document.Set("description", *edit.description);
  if (!edit.included.empty()) document.Set("included", KeysOf(edit.included));
  if (!edit.excluded.empty()) document.Set("excluded", KeysOf(edit.excluded));
  if (edit.when) {
    GUIDON_ASSIGN(Value when, ParseJsonOption("--when", *edit.when));
    document.Set("when", std::move(when));
  }
  UnsetNames(document, edit.unset);
  return Value(std::move(document));
}

// Of a large segment the server tells only how many there are.
std::string CountAt(const Value& segment, std::string_view path) {
  const Value* list = At(segment, path);
  if (list == nullptr) return TextAt(segment, std::string(path) + "Count", "0");
  return std::to_string(list != nullptr && list->AsList() != nullptr ? list->AsList()->size() : 0);
}

std::string FieldsText(const Client& client, const Value& segment) {
  FieldList list;
  list.Add("segment", TextAt(segment, "segmentKey"), Style::kBold);
  list.Add("environment", TextAt(segment, "environment"));
  if (const std::string text = TextAt(segment, "description"); !text.empty()) list.Add("description", text);
  for (const std::string_view name : {"included", "excluded"}) {
    const bool apart = At(segment, std::string(name) + "Count") != nullptr;
    list.Add(name, apart ? CountAt(segment, name) + " keys (guidon segment keys list)" : TextAt(segment, name));
  }
  if (At(segment, "when") != nullptr) list.Add("when", TextAt(segment, "when"));
  list.Add("version", VersionText(segment));
  list.Add("updated", fmt::format("{} by {}", TextAt(segment, "updatedAt"), TextAt(segment, "updatedBy", "?")));
  return list.Render(client.terminal().colour);
}

void AddCreate(CommandTree& tree, CLI::App& group) {
  struct Options : ChangeOptions {
    SegmentName name;
    SegmentEdit edit;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "create", "Create a segment",
                   {"guidon segment create beta-users --include user-1,user-2 --exclude user-9",
                    "guidon segment create pro --when "
                    "'{\"all\":[{\"attribute\":\"plan\",\"operator\":\"in\",\"values\":[\"pro\"]}]}'"},
                   [options]() -> Outcome<void> {
                     GUIDON_ASSIGN(const Value document, Document(options->edit));
                     Object body = *document.AsObject();
                     body.Set("segmentKey", options->name.key);
                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                     const EntityRef entity = RefOf(options->name);
                     GUIDON_ASSIGN(const Answer answer,
                                   client.Send({.method = "POST",
                                                .target = EnvironmentPath(options->name.environment, "segments"),
                                                .what = "create " + entity.noun,
                                                .body = Value(std::move(body)),
                                                .idempotency_key = options->idempotency_key}));
                     client.ShowChange("Created " + entity.noun, answer);
                     return {};
                   });
  AddSegmentName(command, options->name);
  AddEditOptions(command, options->edit);
  AddChangeOptions(tree, command, *options);
}

void AddGet(CommandTree& tree, CLI::App& group) {
  struct Options : ClientOptions {
    SegmentName name;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(group, "get", "Show a segment", {"guidon segment get beta-users -o yaml"},
                                   [options]() -> Outcome<void> {
                                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                                     GUIDON_ASSIGN(const Answer answer, ReadEntity(client, RefOf(options->name)));
                                     client.Show(answer.body, [&] { return FieldsText(client, answer.body); });
                                     return {};
                                   });
  AddSegmentName(command, options->name);
  AddClientOptions(tree, command, *options);
}

void AddList(CommandTree& tree, CLI::App& group) {
  struct Options : ListOptions {
    std::string environment;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "list", "List the segments of an environment", {"guidon segment list --environment production"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        GUIDON_ASSIGN(const ListAnswer list, client.List(EnvironmentPath(options->environment, "segments"), {},
                                                         *options, "list segments of " + options->environment));
        TextTable table({"SEGMENT", "INCLUDED", "EXCLUDED", "CONDITIONS", "VERSION", "UPDATED", "DESCRIPTION"});
        for (const Value& segment : list.items)
          table.Add({{TextAt(segment, "segmentKey"), Style::kBold},
                     CountAt(segment, "included"),
                     CountAt(segment, "excluded"),
                     At(segment, "when") != nullptr ? "yes" : "no",
                     VersionText(segment),
                     TextAt(segment, "updatedAt"),
                     TextAt(segment, "description")});
        client.ShowList(list, table, "No segments.");
        return {};
      });
  AddEnvironmentOption(command, options->environment);
  AddListOptions(tree, command, *options);
}

void AddUpdate(CommandTree& tree, CLI::App& group) {
  struct Options : VersionOptions {
    SegmentName name;
    SegmentEdit edit;
    bool replace = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(group, "update", "Change a segment",
                                   {"guidon segment update beta-users --include user-1,user-2,user-3",
                                    "guidon segment update beta-users --replace --file beta-users.json"},
                                   [options]() -> Outcome<void> {
                                     if (options->replace && options->edit.file.empty())
                                       return UsageError("--replace needs the whole segment in --file",
                                                         "add --file FILE, or leave --replace out");
                                     return UpdateEntity(*options, RefOf(options->name), options->replace,
                                                         [&](const Value&) { return Document(options->edit); });
                                   });
  AddSegmentName(command, options->name);
  AddEditOptions(command, options->edit);
  command.add_option("--unset", options->edit.unset, "Remove an attribute (description, included, excluded, when)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command.add_flag("--replace", options->replace, "The file is the whole segment, not a merge patch");
  AddVersionOption(command, options->version);
  AddChangeOptions(tree, command, *options);
}

void AddDelete(CommandTree& tree, CLI::App& group) {
  struct Options : VersionOptions {
    SegmentName name;
    bool yes = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "delete", "Delete a segment that no flag uses", {"guidon segment delete beta-users --yes"},
                   [options] { return DeleteEntity(*options, RefOf(options->name), options->yes); });
  AddSegmentName(command, options->name);
  AddYesOption(command, options->yes);
  AddVersionOption(command, options->version);
  AddChangeOptions(tree, command, *options);
}

}  // namespace

void AddSegmentCommands(CommandTree& tree) {
  CLI::App& group = tree.Group(tree.root(), "segment", "Audiences that flags share");
  AddCreate(tree, group);
  AddGet(tree, group);
  AddList(tree, group);
  AddUpdate(tree, group);
  AddDelete(tree, group);
  AddSegmentKeyCommands(tree, group);
}

}  // namespace guidon::cli
