// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/usage_command.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "apps/guidon/client.hpp"
#include "apps/guidon/document.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Value;

constexpr std::size_t kBarColumns = 40;

struct Options : ListOptions {
  std::string key = {};
  std::string environment = {};
  std::string since = "24h";
  std::string by = {};
  std::string tenant = {};
  std::string unused = {};
};

std::int64_t AllOf(const Value& totals) { return NumberAt(totals, "evaluations") + NumberAt(totals, "bulk"); }

std::string Grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string LastText(const Value& usage, std::string_view path) { return TextAt(usage, path, "never"); }

std::string VariationsText(const Value& figures, bool colour, std::size_t columns) {
  TextTable table({"VARIATION", "ASKED FOR", "IN BULK", "SHARE"});
  const std::int64_t total = std::max<std::int64_t>(1, AllOf(*At(figures, "total")));
  for (const Value& one : ListAt(figures, "variations")) {
    table.Add({TextAt(one, "variation", "(caller's default)"), Grouped(NumberAt(one, "evaluations")),
               Grouped(NumberAt(one, "bulk")),
               fmt::format("{:.1f} %", 100.0 * static_cast<double>(AllOf(one)) / static_cast<double>(total))});
  }
  return table.empty() ? std::string() : table.Render(colour, columns);
}

std::string TenantsText(const Value& figures, bool colour, std::size_t columns) {
  TextTable table({"TENANT", "ASKED FOR", "IN BULK"});
  const auto add = [&](const std::string& name, const Value& totals) {
    table.Add({name, Grouped(NumberAt(totals, "evaluations")), Grouped(NumberAt(totals, "bulk"))});
  };
  for (const Value& one : ListAt(figures, "tenants")) add(TextAt(one, "tenantId", "(none)"), one);
  if (const Value* others = At(figures, "otherTenants")) add("(others)", *others);
  return table.empty() ? std::string() : table.Render(colour, columns);
}

// A bar a period, the busiest one full.
std::string PeriodsText(const Value& figures, bool colour, std::size_t columns) {
  std::vector<std::pair<std::string, std::int64_t>> periods;
  std::int64_t most = 1;
  for (const Value& period : ListAt(figures, "periods")) {
    std::int64_t count = 0;
    for (const Value& variation : ListAt(period, "variations")) count += AllOf(variation);
    periods.emplace_back(TextAt(period, "from"), count);
    most = std::max(most, count);
  }
  constexpr std::size_t kMinuteBytes = std::string_view("2026-11-23T15:00").size();
  constexpr std::size_t kDayBytes = std::string_view("2026-11-23").size();
  const bool days = TextAt(figures, "by") == "day";
  TextTable table({days ? "DAY" : "HOUR (UTC)", "COUNT", ""});
  for (const auto& [from, count] : periods) {
    std::string name = from.substr(0, days ? kDayBytes : kMinuteBytes);
    std::ranges::replace(name, 'T', ' ');
    const auto bar = static_cast<std::size_t>(count * static_cast<std::int64_t>(kBarColumns) / most);
    std::string text;
    for (std::size_t i = 0; i < std::max<std::size_t>(bar, count > 0 ? 1 : 0); ++i) text += "▇";
    table.Add({name, Grouped(count), {text, Style::kCyan}});
  }
  return table.empty() ? std::string() : table.Render(colour, columns);
}

std::string FiguresText(const Value& figures, const Terminal& terminal) {
  FieldList head;
  head.Add("flag", TextAt(figures, "flagKey"), Style::kBold);
  head.Add("environment", TextAt(figures, "environment"));
  head.Add("from", TextAt(figures, "from"));
  head.Add("to", TextAt(figures, "to"));
  head.Add("last asked for", LastText(figures, "lastEvaluatedAt"));
  head.Add("last in bulk", LastText(figures, "lastInBulkAt"));
  head.Add("evaluations", fmt::format("{} asked for, {} in bulk", Grouped(NumberAt(figures, "total.evaluations")),
                                      Grouped(NumberAt(figures, "total.bulk"))));
  std::string out = head.Render(terminal.colour);
  for (const std::string& part : {VariationsText(figures, terminal.colour, terminal.columns),
                                  TenantsText(figures, terminal.colour, terminal.columns),
                                  PeriodsText(figures, terminal.colour, terminal.columns)}) {
    if (!part.empty()) out += "\n" + part;
  }
  return out;
}

Outcome<void> ShowFlag(Client& client, const Options& options) {
  GUIDON_ASSIGN(const std::string from, ParseTimeOption("--since", options.since, true));
  GUIDON_ASSIGN(
      const Answer answer,
      client.Send(
          {.target = EnvironmentPath(options.environment, "flags/" + PercentEncode(options.key) + "/usage") +
                     QueryText({{"from", from}, {"by", options.by}, {"tenantId", options.tenant}}),
           .what = fmt::format("get the usage of flag {} in {}", options.key, options.environment),
           .hint = fmt::format("see which there are: guidon flag list --environment {}", options.environment)}));
  client.Show(answer.body, [&] { return FiguresText(answer.body, client.terminal()); });
  return {};
}

Outcome<void> ListFlags(Client& client, const Options& options) {
  std::string since;
  if (!options.unused.empty()) {
    GUIDON_ASSIGN(since, ParseTimeOption("--unused", options.unused, true));
  }
  GUIDON_ASSIGN(const ListAnswer list,
                client.List(EnvironmentPath(options.environment, "usage"), {{"unusedSince", since}}, options,
                            "list the usage of flags in " + options.environment));
  TextTable table({"FLAG", "LAST ASKED FOR", "LAST IN BULK"});
  for (const Value& one : list.items)
    table.Add(
        {{TextAt(one, "flagKey"), Style::kBold}, LastText(one, "lastEvaluatedAt"), LastText(one, "lastInBulkAt")});
  client.ShowList(list, table, options.unused.empty() ? "No flags." : "Every flag was asked for since then.");
  return {};
}

}  // namespace

void AddUsage(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<Options>();  // shared: the handler outlives the tree
  CLI::App& command = tree.Command(
      group, "usage", "How often a flag was evaluated, and which flags nobody asks for",
      {"guidon flag usage new-checkout --environment production", "guidon flag usage new-checkout --since 30d --by day",
       "guidon flag usage new-checkout --tenant acme --output json",
       "guidon flag usage --unused 30d --environment production --all"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        return options->key.empty() ? ListFlags(client, *options) : ShowFlag(client, *options);
      });
  tree.Describe(command,
                "With FLAG: counts by variation, tenant and hour (or day). Without: all flags of the environment with "
                "the hour in which they were last of use. 'Asked for' are evaluations of this flag by name and those "
                "that clients report; 'in bulk' are answers for all flags of a context, which say nothing about "
                "whether anybody looked.");
  command.add_option("FLAG", options->key, "Key of the flag");
  AddEnvironmentOption(command, options->environment);
  command.add_option("--since", options->since, "Beginning: a time, a date, or a span such as 24h or 30d")
      ->type_name("TIME");
  command.add_option("--by", options->by, "hour (up to 7 days) or day; the default is hour")->type_name("PERIOD");
  command.add_option("--tenant", options->tenant, "Only evaluations for this tenant")->type_name("TENANT");
  command.add_option("--unused", options->unused, "Without FLAG: only flags that nobody asked for since then")
      ->type_name("TIME");
  AddListOptions(tree, command, *options);
}

void AddEvaluations(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<Options>();  // shared: the handler outlives the tree
  CLI::App& command = tree.Command(
      group, "evaluations", "Single evaluations of a flag that were logged, newest first",
      {"guidon flag evaluations new-checkout --environment production --since 1h"}, [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        GUIDON_ASSIGN(const std::string from, ParseTimeOption("--since", options->since, true));
        GUIDON_ASSIGN(
            const ListAnswer list,
            client.List(EnvironmentPath(options->environment, "flags/" + PercentEncode(options->key) + "/evaluations"),
                        {{"from", from}}, *options, "list logged evaluations of flag " + options->key));
        TextTable table({"EVALUATED AT", "TENANT", "VARIATION", "REASON"});
        for (const Value& one : list.items) {
          table.Add({TextAt(one, "evaluatedAt"), TextAt(one, "tenantId", "-"),
                     TextAt(one, "variation", "(caller's default)"), TextAt(one, "reason")});
        }
        client.ShowList(
            list, table,
            "None. Evaluations are logged where the server's setting usage.log names the flag with a rate.");
        return {};
      });
  tree.Describe(
      command,
      "The server logs the share of each flag's evaluations that its setting usage.log says, none by default. "
      "Entries are kept for 30 days and name no user.");
  command.add_option("FLAG", options->key, "Key of the flag")->required();
  AddEnvironmentOption(command, options->environment);
  command.add_option("--since", options->since, "Beginning: a time, a date, or a span such as 24h or 30d")
      ->type_name("TIME");
  AddListOptions(tree, command, *options);
}

}  // namespace guidon::cli
