// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"
#include "apps/guidon/progress_line.hpp"

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

// Problems shown in a table; all are in the other forms.
constexpr std::size_t kProblemsShownMax = 50;

struct VerifyAuditOptions : ClientOptions {
  std::string environment = {}, from = {}, to = {};
};

Outcome<Query> QueryOf(const VerifyAuditOptions& options) {
  Query query = {{"environment", options.environment}};
  if (!options.from.empty()) {
    GUIDON_ASSIGN(std::string from, ParseTimeOption("--from", options.from, true));
    query.emplace_back("from", std::move(from));
  }
  if (!options.to.empty()) {
    GUIDON_ASSIGN(std::string to, ParseTimeOption("--to", options.to, true));
    query.emplace_back("to", std::move(to));
  }
  return query;
}

// All portions as one: the last one's chains, everybody's problems.
Outcome<Value> VerifyAll(Client& client, const Query& query) {
  model::List problems;
  std::int64_t left_out = 0;
  std::string cursor;
  ProgressLine line(client.terminal());
  while (true) {
    Query portion = query;
    portion.emplace_back("cursor", cursor);
    GUIDON_ASSIGN(Answer answer,
                  client.Send({.target = "/api/v1/audit/verify" + QueryText(portion), .what = "verify the audit log"}));
    const model::Object* body = answer.body.AsObject();
    if (body == nullptr || body->Find("chains") == nullptr)
      return Refuse({.what = "The server's answer is not that of a Guidon server", .next = "check --url"});
    for (const Value& problem : ListAt(answer.body, "problems")) problems.push_back(problem);
    left_out += NumberAt(answer.body, "problemsLeftOut");
    cursor = TextAt(answer.body, "nextCursor");
    if (!cursor.empty()) {
      std::uint64_t entries = 0;
      for (const Value& chain : ListAt(answer.body, "chains"))
        entries += static_cast<std::uint64_t>(NumberAt(chain, "entries"));
      line.Show(fmt::format("verified until {}", TextAt(answer.body, "checkedTo")), entries, 0);
      continue;
    }
    model::Object whole;
    for (const auto& [name, value] : *body) {
      if (name != "problems" && name != "problemsLeftOut") whole.Set(name, value);
    }
    whole.Set("problems", std::move(problems));
    if (left_out > 0) whole.Set("problemsLeftOut", left_out);
    return Value(std::move(whole));
  }
}

std::string ChainName(const Value& of) { return TextAt(of, "environment", "(tenants and keys)"); }

std::string RangeText(const Value& chain) {
  const std::string first = TextAt(chain, "first.at");
  if (first.empty()) return "-";
  const std::string number = TextAt(chain, "first.sequence");
  if (number.empty()) return fmt::format("{} to {}", first, TextAt(chain, "last.at"));
  return fmt::format("{} ({}) to {} ({})", first, number, TextAt(chain, "last.at"), TextAt(chain, "last.sequence"));
}

std::string ReportText(const Value& report, std::string chains, std::size_t problems) {
  std::string out = std::move(chains);
  if (problems == 0) return out;
  out += '\n';
  std::size_t shown = 0;
  for (const Value& problem : ListAt(report, "problems")) {
    if (++shown > kProblemsShownMax) break;
    const std::string run = TextAt(problem, "run");
    out += fmt::format("{}: {}{}{}{}\n", Printable(ChainName(problem)), Printable(TextAt(problem, "message")),
                       run.empty() ? "" : fmt::format(" Run {}.", Printable(run)),
                       TextAt(problem, "at").empty() ? "" : fmt::format(" At {}.", TextAt(problem, "at")),
                       TextAt(problem, "requestId").empty()
                           ? ""
                           : fmt::format(" Request {}.", Printable(TextAt(problem, "requestId"))));
  }
  if (problems > kProblemsShownMax)
    out += fmt::format("… and {} more: --output json shows them\n", problems - kProblemsShownMax);
  return out;
}

Outcome<void> VerifyChains(const VerifyAuditOptions& options) {
  GUIDON_ASSIGN(const Query query, QueryOf(options));
  GUIDON_ASSIGN(Client client, Client::Open(options));
  GUIDON_ASSIGN(const Value report, VerifyAll(client, query));
  TextTable table({"CHAIN", "KIND", "STATE", "ENTRIES", "NOT CHAINED", "FROM AND TO"});
  bool broken = false;
  bool unchained = false;
  for (const Value& chain : ListAt(report, "chains")) {
    const std::string state = TextAt(chain, "state");
    broken = broken || state == "broken";
    unchained = unchained || state == "unchained";
    table.Add({{ChainName(chain), Style::kBold},
               TextAt(chain, "kind"),
               {state, state == "broken" ? Style::kRed : Style::kPlain},
               TextAt(chain, "entries"),
               TextAt(chain, "unchained"),
               RangeText(chain)});
  }
  const std::size_t problems = ListAt(report, "problems").size();
  client.Show(report, [&] {
    const Terminal& terminal = client.terminal();
    return ReportText(report, table.Render(terminal.colour, terminal.columns), problems);
  });
  if (unchained)
    fmt::print(stderr,
               "Entries that are not chained are from before this version: they prove nothing. If this chain was ok "
               "before, somebody took its hashes away.\n");
  if (!broken && problems == 0) return {};
  return Refuse({.what = "The audit chain is broken",
                 .why = "somebody changed, removed or added entries past Guidon; or a backup was restored; or the node "
                        "has another key hash secret than those that wrote them; or an older version wrote between",
                 .next = "keep the store as it is, compare with a backup or an export of before, and look in the "
                         "cloud's own log for who wrote to the table; docs/operations/audit.md says how"});
}

void AddVerify(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<VerifyAuditOptions>();
  CLI::App& command = tree.Command(group, "verify", "Check that no audit entry was changed, removed or added",
                                   {"guidon audit verify", "guidon audit verify --environment production --from 365d",
                                    "guidon audit verify --from 2026-11-01 --to 2026-12-01 --output json"},
                                   [options] { return VerifyChains(*options); });
  tree.Describe(command,
                "Each entry carries a keyed hash of itself and the one before. Without --from the last 31 days are "
                "checked, without --to the newest entries must be there, too. Exit code 1 where a chain is broken.");
  command.add_option("-e,--environment", options->environment, "Only of this flag environment (default: all)")
      ->type_name("NAME");
  command.add_option("--from", options->from, "From then on: a time, a date, or a span before now (90d)")
      ->type_name("TIME");
  command.add_option("--to", options->to, "Until then")->type_name("TIME");
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
  AddVerify(tree, group);
}

}  // namespace guidon::cli
