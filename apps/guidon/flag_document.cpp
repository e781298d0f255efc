// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/flag_document.hpp"

#include <utility>

#include <fmt/format.h>

#include "apps/guidon/client.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/settings.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

constexpr std::string_view kAttributes = "Attributes of the flag";

struct NameAndText {
  std::string name;
  std::string text;
};

Outcome<NameAndText> SplitAt(std::string_view option, std::string_view text, std::string_view form) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos)
    return UsageError(fmt::format("{} '{}' must be {}", option, text, form));
  return NameAndText{.name = std::string(text.substr(0, equals)), .text = std::string(text.substr(equals + 1))};
}

Outcome<Value> Variations(const std::vector<std::string>& variations, std::string_view type) {
  Object object;
  for (const auto& text : variations) {
    GUIDON_ASSIGN(NameAndText variation, SplitAt("--variation", text, "NAME=VALUE"));
    if (type == "string") {
      object.Set(variation.name, std::move(variation.text));
    } else {
      GUIDON_ASSIGN(Value value, ParseJsonOption(fmt::format("--variation {}", variation.name), variation.text));
      object.Set(variation.name, std::move(value));
    }
  }
  return object;
}

Outcome<Value> Prerequisites(const std::vector<std::string>& prerequisites) {
  List list;
  for (const auto& text : prerequisites) {
    GUIDON_ASSIGN(NameAndText parts, SplitAt("--prerequisite", text, "FLAG=VARIATION[,VARIATION]"));
    List names;
    for (auto& name : SplitList(parts.text)) names.emplace_back(std::move(name));
    Object object;
    object.Set("flagKey", std::move(parts.name));
    object.Set("variations", std::move(names));
    list.emplace_back(std::move(object));
  }
  return list;
}

Outcome<Value> Rules(const std::vector<std::string>& rules) {
  List list;
  for (const auto& text : rules) {
    GUIDON_ASSIGN(Value rule, ParseJsonOption("--rule", text));
    list.push_back(std::move(rule));
  }
  return list;
}

// null at `path`, which is an attribute or one name below it.
void Unset(Object& document, const std::string& path) {
  const std::size_t dot = path.find('.');
  if (dot == std::string::npos) {
    document.Set(path, Value());
    return;
  }
  const std::string head = path.substr(0, dot);
  const Value* present = document.Find(head);
  Object below = present != nullptr && present->AsObject() != nullptr ? *present->AsObject() : Object();
  below.Set(path.substr(dot + 1), Value());
  document.Set(head, std::move(below));
}

}  // namespace

void AddFlagEditOptions(CommandTree& tree, CLI::App& command, FlagEdit& edit) {
  const std::string group(kAttributes);
  const auto add = [&](const std::string& name, auto& target, const std::string& help, const std::string& type) {
    return command.add_option(name, target, help)->type_name(type)->group(group);
  };
  command.add_option("--file", edit.file, "JSON document to start from; - is standard input")->type_name("FILE");
  add("--description", edit.description, "What it is for", "TEXT");
  add("--owner", edit.owner, "Person or team that answers for it", "NAME");
  add("--tag", edit.tags, "Tag; may be repeated, all together replace those of the flag", "TEXT")
      ->allow_extra_args(false);
  add("--tenant", edit.tenant, "Only this tenant can evaluate it", "ID");
  tree.Restrict(add("--type", edit.type, "Type of its values (default boolean)", "TYPE"),
                {"boolean", "string", "number", "object"});
  add("--variation", edit.variations, "Variation; text for string flags, else JSON; may be repeated", "NAME=VALUE")
      ->allow_extra_args(false);
  add("--enabled", edit.enabled, "Serve the default variation (true) or the off variation (false)", "true|false");
  add("--default-variation", edit.default_variation, "Variation that is served when it is on", "NAME");
  add("--off-variation", edit.off_variation, "Variation that is served when it is off", "NAME");
  add("--kill-variation", edit.kill_variation, "Variation under a kill switch (default: the off variation)", "NAME");
  tree.Restrict(add("--state", edit.state, "DISABLED answers without a value", "STATE"),
                {"ENABLED", "DISABLED", "ARCHIVED"});
  add("--rollout", edit.rollout, "Percentage that gets the default variation, three decimals", "PERCENT");
  add("--bucket-by", edit.bucket_by, "Attribute that keeps a rollout sticky (default targetingKey)", "ATTRIBUTE");
  add("--salt", edit.salt, "Text in place of the flag's key in the hash of rollouts", "TEXT");
  add("--rule", edit.rules, "Targeting rule as JSON; may be repeated, all together replace those of the flag", "JSON")
      ->allow_extra_args(false);
  add("--prerequisite", edit.prerequisites, "Flag that must serve one of the variations; may be repeated",
      "FLAG=VARIATION[,...]")
      ->allow_extra_args(false);
  add("--expires", edit.expires, "When it falls back to its off variation: a time, a date or a span (30d)", "TIME");
  add("--client-visible", edit.client_visible, "Browsers' keys may evaluate it", "true|false");
}

Outcome<Value> FlagDocument(const FlagEdit& edit, std::string_view known_type) {
  Object document;
  if (!edit.file.empty()) {
    GUIDON_ASSIGN(const Value base, ReadJsonFile(edit.file));
    if (base.AsObject() == nullptr) return UsageError(fmt::format("{} does not hold a JSON object", edit.file));
    document = *base.AsObject();
  }
  const auto set = [&](std::string_view name, const auto& value) {
    if (value) document.Set(name, *value);
  };
  set("description", edit.description);
  set("owner", edit.owner);
  set("tenantId", edit.tenant);
  set("type", edit.type);
  set("state", edit.state);
  set("defaultVariation", edit.default_variation);
  set("offVariation", edit.off_variation);
  set("killVariation", edit.kill_variation);
  set("rolloutSalt", edit.salt);
  set("bucketBy", edit.bucket_by);
  set("defaultEnabled", edit.enabled);
  set("clientVisible", edit.client_visible);
  set("rolloutPercentage", edit.rollout);
  if (!edit.tags.empty()) document.Set("tags", List(edit.tags.begin(), edit.tags.end()));
  if (!edit.variations.empty()) {
    const std::string type = TextAt(document, "type", known_type);
    GUIDON_ASSIGN(Value variations, Variations(edit.variations, type));
    document.Set("variations", std::move(variations));
  }
  if (!edit.rules.empty()) {
    GUIDON_ASSIGN(Value rules, Rules(edit.rules));
    document.Set("targetingRules", std::move(rules));
  }
  if (!edit.prerequisites.empty()) {
    GUIDON_ASSIGN(Value prerequisites, Prerequisites(edit.prerequisites));
    document.Set("prerequisites", std::move(prerequisites));
  }
  if (edit.expires) {
    GUIDON_ASSIGN(std::string expires, ParseTimeOption("--expires", *edit.expires, false));
    document.Set("expiresAt", std::move(expires));
  }
  for (const auto& path : edit.unset) Unset(document, path);
  return Value(std::move(document));
}

}  // namespace guidon::cli
