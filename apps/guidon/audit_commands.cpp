// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"

namespace guidon::cli {
namespace {

using model::Value;

struct FilterOptions {
  std::string environment = {}, resource = {}, actor = {}, tenant = {}, from = {}, to = {};
};

void AddFilterOptions(CLI::App& command, FilterOptions& filter) {
  const std::string group = "Filter";
  const auto add = [&](const std::string& name, std::string& target, const std::string& help, const std::string& type) {
    command.add_option(name, target, help)->type_name(type)->group(group);
  };
  add("-e,--environment", filter.environment, "Only of this flag environment (default: all)", "NAME");
  add("--resource", filter.resource, "Only about this: a flag's key, segment:KEY, kill:SCOPE, tenant:ID, key:ID",
      "TEXT");
  add("--actor", filter.actor, "Only by this one: a key's id, local or system", "ID");
  add("-t,--tenant", filter.tenant, "Only about things of this tenant", "ID");
  add("--from", filter.from, "From then on: a time, a date, or a span before now (2h)", "TIME");
  add("--to", filter.to, "Until then", "TIME");
}

Outcome<Query> QueryOf(const FilterOptions& filter) {
  Query query = {{"environment", filter.environment},
                 {"resource", filter.resource},
                 {"actor", filter.actor},
                 {"tenantId", filter.tenant}};
  if (!filter.from.empty()) {
    GUIDON_ASSIGN(std::string from, ParseTimeOption("--from", filter.from, true));
    query.emplace_back("from", std::move(from));
  }
  if (!filter.to.empty()) {
    GUIDON_ASSIGN(std::string to, ParseTimeOption("--to", filter.to, true));
    query.emplace_back("to", std::move(to));
  }
  return query;
}

struct ListAuditOptions : ListOptions {
  FilterOptions filter = {};
};

Outcome<void> List(const ListAuditOptions& options) {
  GUIDON_ASSIGN(const Query query, QueryOf(options.filter));
  GUIDON_ASSIGN(Client client, Client::Open(options));
  GUIDON_ASSIGN(const ListAnswer list, client.List("/api/v1/audit", query, options, "read the audit log"));
  TextTable table({"TIME", "ACTOR", "ADDRESS", "ACTION", "ENVIRONMENT", "RESOURCE", "SEQUENCE", "REQUEST"});
  for (const Value& entry : list.items) {
    const std::string action = TextAt(entry, "action");
    table.Add({TextAt(entry, "at"),
               fmt::format("{} ({})", TextAt(entry, "actor.id", "-"), TextAt(entry, "actor.kind")),
               TextAt(entry, "address"),
               {action, action == "access.refused" || action == "kill.engage" ? Style::kRed : Style::kPlain},
               TextAt(entry, "environment", "-"),
               {TextAt(entry, "resource"), Style::kBold},
               TextAt(entry, "sequence"),
               TextAt(entry, "requestId")});
  }
  client.ShowList(list, table, "No audit entries.");
  return {};
}

void AddList(CommandTree& tree, CLI::App& command, const std::shared_ptr<ListAuditOptions>& options) {
  AddFilterOptions(command, options->filter);
  AddListOptions(tree, command, *options);
}

void AddExport(CommandTree& tree, CLI::App& group) {
  struct Options : ClientOptions {
    FilterOptions filter;
    std::string format = "jsonl", file = "-";
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "export", "Write audit entries with their states before and after, one a line",
      {"guidon audit export --from 2026-11-01 --to 2026-12-01 --file november.jsonl",
       "guidon audit export --environment production --format csv > audit.csv"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Query query, QueryOf(options->filter));
        query.emplace_back("format", options->format);
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        std::ofstream file;
        if (options->file != "-") {
          file.open(options->file, std::ios::binary | std::ios::trunc);
          if (!file.is_open()) return UsageError(fmt::format("The file {} cannot be written", options->file));
        }
        std::ostream& out = options->file == "-" ? std::cout : file;
        const auto write = [&](std::string_view bytes) {
          return static_cast<bool>(out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())));
        };
        std::string cursor;
        do {
          Query page = query;
          page.emplace_back("cursor", cursor);
          const Call call{.target = "/api/v1/audit/export" + QueryText(page), .what = "export the audit log"};
          auto answer = client.SendRaw(call, write);
          if (!out) return Refuse({.what = "The export could not be written whole", .next = "check the disk"});
          if (!answer) return std::unexpected(std::move(answer).error());
          if (answer->status != 200) return Refuse(Refusal(call, *answer));
          const auto next = answer->headers.find("guidon-next-cursor");
          cursor = next == answer->headers.end() ? "" : next->second;
        } while (!cursor.empty());
        out.flush();
        if (!out) return Refuse({.what = "The export could not be written whole", .next = "check the disk"});
        return {};
      });
  tree.Restrict(command.add_option("--format", options->format, "One JSON object a line (default), or CSV"),
                {"jsonl", "csv"});
  command.add_option("--file", options->file, "Where to (default: standard output)")->type_name("FILE");
  AddFilterOptions(command, options->filter);
  AddClientOptions(tree, command, *options);
}

}  // namespace

void AddAuditCommands(CommandTree& tree) {
  CLI::App& group = tree.Group(tree.root(), "audit", "Who did what, newest first");
  // `guidon audit` alone lists, with the options of `guidon audit list`.
  auto direct = std::make_shared<ListAuditOptions>();
  tree.SetDefault(group, {"guidon audit --environment production --from 2h"}, [direct] { return List(*direct); });
  AddList(tree, group, direct);
  auto options = std::make_shared<ListAuditOptions>();
  CLI::App& list = tree.Command(group, "list", "List audit entries, newest first",
                                {"guidon audit list --environment production --resource new-checkout",
                                 "guidon audit list --actor 4k2c9v0d1m7p3x8a --from 2026-11-01 --all -o json"},
                                [options] { return List(*options); });
  AddList(tree, list, options);
  AddExport(tree, group);
}

}  // namespace guidon::cli
