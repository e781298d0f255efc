// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"
#include "apps/guidon/override_file.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

// Small enough that progress moves and no request comes near a timeout, large enough to cost few round trips.
constexpr std::size_t kBulkRequestMax = 1000;

struct FlagName {
  std::string key = {};
  std::string environment = {};
};

std::string OverridesPath(const FlagName& name) {
  return EnvironmentPath(name.environment, "flags/" + PercentEncode(name.key) + "/overrides");
}

std::string HintFor(const FlagName& name) {
  return fmt::format("see which flags there are: guidon flag list --environment {}", name.environment);
}

struct SetOptions : ChangeOptions {
  FlagName name;
  std::string tenant = {};
  std::optional<bool> enabled = std::nullopt;
  std::optional<std::string> variation = std::nullopt;
  std::string file = {};
};

Outcome<void> SetOne(const SetOptions& options) {
  if (options.tenant.empty()) return UsageError("Whose override? --tenant or --file is missing");
  if (options.enabled.has_value() == options.variation.has_value())
    return UsageError("What does the tenant get?", "give either --enabled true|false or --variation NAME");
  Object body;
  if (options.enabled) body.Set("enabled", *options.enabled);
  if (options.variation) body.Set("variation", *options.variation);
  GUIDON_ASSIGN(Client client, Client::Open(options));
  const std::string noun = fmt::format("override of flag {} for tenant {} in {}", options.name.key, options.tenant,
                                       options.name.environment);
  GUIDON_ASSIGN(const Answer answer,
                client.Send({.method = "PUT",
                             .target = OverridesPath(options.name) + "/" + PercentEncode(options.tenant),
                             .what = "set the " + noun,
                             .body = Value(std::move(body)),
                             .idempotency_key = options.idempotency_key,
                             .hint = HintFor(options.name)}));
  client.ShowChange(fmt::format("Set the {}: {}", noun, TextAt(answer.body, "variation")), answer);
  return {};
}

// One line that is written over, on a terminal only.
class Progress {
 public:
  Progress(bool shown, std::size_t total) : shown_(shown), total_(total) {}
  void Show(std::size_t done) const {
    if (shown_) fmt::print(stderr, "\r{} of {} overrides ({} %)", done, total_, done * 100 / total_);
  }
  void End() const {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  bool shown_;
  std::size_t total_;
};

Outcome<void> SetMany(const SetOptions& options) {
  if (!options.tenant.empty() || options.enabled || options.variation)
    return UsageError("--file names tenants and values itself", "leave --tenant, --enabled and --variation out");
  GUIDON_ASSIGN(const std::string text, ReadInput(options.file));
  GUIDON_ASSIGN(const List overrides, ParseOverrides(text));
  GUIDON_ASSIGN(Client client, Client::Open(options));
  const std::string noun =
      fmt::format("{} overrides of flag {} in {}", overrides.size(), options.name.key, options.name.environment);
  const Progress progress(client.terminal().error, overrides.size());
  Answer last;
  for (std::size_t at = 0; at < overrides.size(); at += kBulkRequestMax) {
    const std::size_t end = std::min(at + kBulkRequestMax, overrides.size());
    Object body;
    body.Set("overrides", List(overrides.begin() + static_cast<std::ptrdiff_t>(at),
                               overrides.begin() + static_cast<std::ptrdiff_t>(end)));
    progress.Show(at);
    auto answer = client.Send(
        {.method = "PUT",
         .target = OverridesPath(options.name),
         .what = "set the " + noun,
         .body = Value(std::move(body)),
         .idempotency_key = options.idempotency_key.empty() ? "" : fmt::format("{}-{}", options.idempotency_key, at),
         .hint = HintFor(options.name)});
    if (!answer) {
      progress.End();
      Failure failure = std::move(answer).error();
      if (at > 0) failure.next = fmt::format("the first {} were set; sending the whole file again is safe", at);
      return Refuse(std::move(failure));
    }
    last = *std::move(answer);
  }
  progress.End();
  Object summary;
  summary.Set("applied", static_cast<std::int64_t>(overrides.size()));
  if (const Value* sequence = At(last.body, "sequence")) summary.Set("sequence", *sequence);
  const Value document(std::move(summary));
  client.Show(document, [&] { return fmt::format("Set {} (sequence {})\n", noun, TextAt(document, "sequence")); });
  return {};
}

void AddSet(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<SetOptions>();
  CLI::App& command =
      tree.Command(group, "set", "Give one tenant a variation, whatever the rules say; or many tenants from a file",
                   {"guidon override set new-checkout --tenant acme --enabled true",
                    "guidon override set theme --tenant acme --variation dark --environment production",
                    "guidon override set new-checkout --file tenants.csv     # lines of: tenantId,enabled",
                    "jq -c . overrides.json | guidon override set new-checkout --file -"},
                   [options] { return options->file.empty() ? SetOne(*options) : SetMany(*options); });
  tree.Describe(command,
                "The file is CSV with a head line (tenantId,enabled or tenantId,variation), or JSON: a list of "
                "{\"tenantId\", \"enabled\"} or {\"tenantId\", \"variation\"}. All lines are checked before the first "
                "is sent.");
  command.add_option("FLAG", options->name.key, "Key of the flag")->required();
  AddEnvironmentOption(command, options->name.environment);
  command.add_option("-t,--tenant", options->tenant, "Tenant")->type_name("ID");
  command.add_option("--enabled", options->enabled, "The flag's default variation (true) or off variation (false)")
      ->type_name("true|false");
  command.add_option("--variation", options->variation, "This variation")->type_name("NAME");
  command.add_option("--file", options->file, "CSV or JSON with many tenants; - is standard input")->type_name("FILE");
  AddChangeOptions(tree, command, *options);
}

void AddUnset(CommandTree& tree, CLI::App& group) {
  struct Options : ChangeOptions {
    FlagName name;
    std::string tenant;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "unset", "Remove a tenant's override: the rules decide again",
      {"guidon override unset new-checkout --tenant acme"}, [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        const std::string noun = fmt::format("override of flag {} for tenant {} in {}", options->name.key,
                                             options->tenant, options->name.environment);
        GUIDON_ASSIGN(const Answer answer,
                      client.Send({.method = "DELETE",
                                   .target = OverridesPath(options->name) + "/" + PercentEncode(options->tenant),
                                   .what = "remove the " + noun,
                                   .idempotency_key = options->idempotency_key,
                                   .hint = fmt::format("see which there are: guidon override list {} --environment {}",
                                                       options->name.key, options->name.environment)}));
        client.ShowChange("Removed the " + noun, answer);
        return {};
      });
  command.add_option("FLAG", options->name.key, "Key of the flag")->required();
  AddEnvironmentOption(command, options->name.environment);
  command.add_option("-t,--tenant", options->tenant, "Tenant")->type_name("ID")->required();
  AddChangeOptions(tree, command, *options);
}

void AddList(CommandTree& tree, CLI::App& group) {
  struct Options : ListOptions {
    FlagName name;
    std::string tenant;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "list", "List the overrides of a flag, or those of a tenant",
      {"guidon override list new-checkout", "guidon override list --tenant acme --environment production"},
      [options]() -> Outcome<void> {
        if (options->name.key.empty() == options->tenant.empty())
          return UsageError("Overrides of what?", "give either a flag's key or --tenant");
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        const bool of_flag = !options->name.key.empty();
        const std::string path =
            of_flag ? OverridesPath(options->name) : EnvironmentPath(options->name.environment, "overrides");
        GUIDON_ASSIGN(
            const ListAnswer list,
            client.List(path, {{"tenantId", options->tenant}}, *options,
                        fmt::format("list overrides of {} {} in {}", of_flag ? "flag" : "tenant",
                                    of_flag ? options->name.key : options->tenant, options->name.environment)));
        TextTable table({"FLAG", "TENANT", "VARIATION", "VERSION", "UPDATED", "BY"});
        for (const Value& entry : list.items)
          table.Add({{TextAt(entry, "flagKey"), Style::kBold},
                     TextAt(entry, "tenantId"),
                     TextAt(entry, "variation"),
                     VersionText(entry),
                     TextAt(entry, "updatedAt"),
                     TextAt(entry, "updatedBy")});
        client.ShowList(list, table, "No overrides.");
        return {};
      });
  command.add_option("FLAG", options->name.key, "Key of the flag");
  AddEnvironmentOption(command, options->name.environment);
  command.add_option("-t,--tenant", options->tenant, "All overrides of this tenant")->type_name("ID");
  AddListOptions(tree, command, *options);
}

}  // namespace

void AddOverrideCommands(CommandTree& tree) {
  CLI::App& group = tree.Group(tree.root(), "override", "What single tenants get from a flag");
  AddSet(tree, group);
  AddUnset(tree, group);
  AddList(tree, group);
}

}  // namespace guidon::cli
