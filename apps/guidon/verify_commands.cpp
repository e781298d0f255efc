// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/verify_commands.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "apps/guidon/client.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/progress_line.hpp"
#include "apps/guidon/setting_options.hpp"
#include "apps/guidon/store_target.hpp"
#include "guidon/store_dynamodb/table_admin.hpp"
#include "guidon/upkeep/verify.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;
using upkeep::Finding;
using upkeep::Severity;

constexpr std::string_view kTtlSetting = "table-ttl";

struct VerifyCommand {
  std::shared_ptr<SettingFlags> flags = std::make_shared<SettingFlags>();
  VerifiedStore which = VerifiedStore::kConfigured;
  std::string output = "table";
  bool yes = false;  // repair: write
  std::size_t segments = 0;
  double write_units_max = 0;
  upkeep::VerifyOptions options = {};
};

struct Checked {
  std::unique_ptr<StoreTarget> target;
  upkeep::VerifyReport report;
};

Finding AboutTable(Severity severity, std::string_view code, std::string message, bool repairable = false) {
  return {.severity = severity, .code = std::string(code), .message = std::move(message), .repairable = repairable};
}

// The table's own settings. What is advised costs money or is somebody's choice; what is needed is a problem.
void CheckSettings(const store_dynamodb::TableDescription& table, std::vector<Finding>& out) {
  for (const auto& problem : table.problems) {
    const bool ttl = problem.starts_with("time to live");
    out.push_back(AboutTable(ttl ? Severity::kWarning : Severity::kProblem, ttl ? kTtlSetting : "table-shape", problem,
                             ttl && table.ttl_attribute.empty()));
  }
  if (table.status != "ACTIVE")
    out.push_back(AboutTable(Severity::kProblem, "table-status", fmt::format("the table is {}", table.status)));
  for (const auto& index : table.indexes) {
    if (!index.status.empty() && index.status != "ACTIVE")
      out.push_back(
          AboutTable(Severity::kWarning, "index-status", fmt::format("the index {} is {}", index.name, index.status)));
  }
  if (table.point_in_time_recovery == "DISABLED")
    out.push_back(AboutTable(Severity::kAdvice, "table-recovery",
                             "point-in-time recovery is off: what is deleted by mistake is gone"));
  if (!table.deletion_protection)
    out.push_back(
        AboutTable(Severity::kAdvice, "table-protection", "deletion protection is off: one command deletes the table"));
  for (const auto& note : table.notes) out.push_back(AboutTable(Severity::kAdvice, "table-unknown", note));
}

// What the store says of itself, besides its items.
struct StoreFindings {
  std::vector<Finding> findings = {};
  bool has_items = true;  // a table with other keys has none that Guidon could read
};
Outcome<StoreFindings> CheckStore(StoreTarget& target) {
  StoreFindings out;
  std::vector<Finding>& findings = out.findings;
  if (DynamoConnection* connection = target.connection()) {
    GUIDON_ASSIGN(const auto table, Lift(store_dynamodb::DescribeTable(connection->client(), target.table_name()),
                                         fmt::format("Cannot describe the {}", target.name())));
    CheckSettings(table, findings);
    out.has_items = table.partition_key == "PK" && table.sort_key == "SK";
    return out;
  }
  GUIDON_ASSIGN(const auto integrity,
                Lift(target.rocks()->VerifyIndexes(), fmt::format("Cannot read the {}", target.name())));
  for (const auto& problem : integrity.problems)
    findings.push_back(AboutTable(Severity::kProblem, "index-entry", problem + "; restore a backup"));
  return out;
}

Outcome<Checked> Check(const VerifyCommand& command) {
  Checked checked;
  GUIDON_ASSIGN(
      checked.target,
      StoreTarget::Open(*command.flags, command.which == VerifiedStore::kDynamo ? "dynamodb" : "", StoreUse::kInspect));
  StoreTarget& target = *checked.target;
  GUIDON_ASSIGN(auto of_store, CheckStore(target));
  ProgressLine line(Terminal::Detect());
  upkeep::VerifyOptions options = command.options;
  options.segments = command.segments > 0 ? command.segments : target.SegmentsOtherwise();
  options.table_name = target.name();
  options.progress = [&line](const upkeep::TransferProgress& progress) {
    line.Show(progress.phase, progress.items, progress.bytes);
  };
  auto report = of_store.has_items ? upkeep::Verify(target.table(), target.clock(), options) : upkeep::VerifyReport{};
  line.Clear();
  GUIDON_ASSIGN(checked.report, Lift(std::move(report), fmt::format("The {} was not checked", target.name())));
  // What concerns the table comes first.
  upkeep::VerifyReport whole = checked.report;
  std::vector<Finding> of_items = std::exchange(whole.findings, {});
  for (Finding& finding : of_store.findings) {
    ++whole.counts[finding.code];
    ++whole.severities[finding.severity];
    whole.findings.push_back(std::move(finding));
  }
  for (Finding& finding : of_items) whole.findings.push_back(std::move(finding));
  checked.report = std::move(whole);
  return checked;
}

Value DocumentOf(const Finding& finding) {
  Object out;
  out.Set("severity", upkeep::NameOf(finding.severity));
  out.Set("code", finding.code);
  if (!finding.key.pk.empty()) {
    out.Set("pk", finding.key.pk);
    out.Set("sk", finding.key.sk);
    out.Set("entity", upkeep::NameOf(finding.entity));
  }
  out.Set("message", finding.message);
  out.Set("repairable", finding.repairable);
  return out;
}

Object DocumentOf(const Checked& checked) {
  Object items;
  for (const auto& [entity, count] : checked.report.items)
    items.Set(upkeep::NameOf(entity), static_cast<std::int64_t>(count));
  Object counts;
  for (const auto& [code, count] : checked.report.counts) counts.Set(code, static_cast<std::int64_t>(count));
  List findings;
  for (const Finding& finding : checked.report.findings) findings.push_back(DocumentOf(finding));
  Object document;
  document.Set("store", checked.target->name());
  document.Set("sound", checked.report.IsSound());
  document.Set("resumed", checked.report.resumed);
  document.Set("items", std::move(items));
  document.Set("counts", std::move(counts));
  document.Set("findings", std::move(findings));
  document.Set("readUnits", checked.report.read_units);
  return document;
}

Style StyleOf(Severity severity) {
  return severity == Severity::kProblem ? Style::kRed : severity == Severity::kWarning ? Style::kYellow : Style::kDim;
}

std::string WhereOf(const Finding& finding) {
  return finding.key.pk.empty() ? "the table" : finding.key.pk + " / " + finding.key.sk;
}

std::string TextOf(const Checked& checked, const Terminal& terminal) {
  TextTable items({"ENTITY", "ITEMS"});
  for (const auto& [entity, count] : checked.report.items)
    items.Add({{upkeep::NameOf(entity), Style::kBold}, std::to_string(count)});
  std::string out = items.Render(terminal.colour, terminal.columns);
  for (const Finding& finding : checked.report.findings)
    out += fmt::format("{} {}: {}{} [{}]\n",
                       Styled(upkeep::NameOf(finding.severity), StyleOf(finding.severity), terminal.colour),
                       Printable(WhereOf(finding)), Printable(finding.message),
                       finding.repairable ? " (repair mends it)" : "", finding.code);
  std::uint64_t all = 0;
  for (const auto& [code, count] : checked.report.counts) all += count;
  if (all > checked.report.findings.size())
    out += fmt::format("… and {} more of these.\n", all - checked.report.findings.size());
  if (checked.report.IsSound()) out += fmt::format("The {} is as it should be.\n", checked.target->name());
  return out;
}

void Show(const std::string& output, const Value& document, const std::string& text) {
  Print(output == "json" ? ToPrettyJson(document) : output == "yaml" ? ToYaml(document) : text);
}

std::string CountText(const upkeep::VerifyReport& report) {
  const auto count = [&](Severity severity) {
    const auto found = report.severities.find(severity);
    return found != report.severities.end() ? found->second : 0;
  };
  return fmt::format("{} problems, {} warnings", count(Severity::kProblem), count(Severity::kWarning));
}

Outcome<void> Verify(const VerifyCommand& command) {
  GUIDON_ASSIGN(const Checked checked, Check(command));
  Show(command.output, DocumentOf(checked), TextOf(checked, Terminal::Detect()));
  if (checked.report.IsSound()) return {};
  return Refuse({.what = fmt::format("The {} is not as it should be", checked.target->name()),
                 .why = CountText(checked.report),
                 .next = checked.report.repairable.empty()
                             ? "each finding says what to do"
                             : fmt::format("`guidon {} repair` shows what can be mended without asking, and does it "
                                           "with --yes; the other findings say what to do",
                                           command.which == VerifiedStore::kDynamo ? "table" : "store")});
}

// The time to live of the table, where nobody has set one.
Outcome<bool> RepairTtl(const Checked& checked, bool write) {
  const bool missing = std::ranges::any_of(checked.report.findings, [](const Finding& finding) {
    return finding.code == kTtlSetting && finding.repairable;
  });
  if (missing && write)
    GUIDON_TRY(
        Lift(store_dynamodb::EnableTimeToLive(checked.target->connection()->client(), checked.target->table_name()),
             "Time to live was not turned on"));
  return missing;
}

Value DocumentOf(const std::vector<upkeep::Repair>& repairs, bool ttl, const Checked& checked, bool write) {
  List list;
  if (ttl) {
    Object one;
    one.Set("what", "turns time to live on for the attribute `ttl`");
    one.Set("outcome", write ? "done" : "planned");
    list.emplace_back(std::move(one));
  }
  for (const upkeep::Repair& repair : repairs) {
    Object one;
    one.Set("pk", repair.key.pk);
    one.Set("sk", repair.key.sk);
    one.Set("what", repair.what);
    one.Set("outcome", upkeep::NameOf(repair.outcome));
    list.emplace_back(std::move(one));
  }
  Object document;
  document.Set("store", checked.target->name());
  document.Set("dryRun", !write);
  document.Set("repairs", std::move(list));
  return document;
}

std::string TextOf(const std::vector<upkeep::Repair>& repairs, bool ttl, bool write) {
  std::string out;
  if (ttl)
    out += fmt::format("the table: turns time to live on for the attribute `ttl` [{}]\n", write ? "done" : "planned");
  for (const upkeep::Repair& repair : repairs)
    out += fmt::format("{} / {}: {} [{}]\n", Printable(repair.key.pk), Printable(repair.key.sk), repair.what,
                       upkeep::NameOf(repair.outcome));
  if (out.empty()) return "There is nothing that can be mended without asking.\n";
  return write ? out : out + "Nothing was written (dry run): --yes does it.\n";
}

Outcome<void> RunRepair(const VerifyCommand& command) {
  GUIDON_ASSIGN(const Checked checked, Check(command));
  GUIDON_ASSIGN(const bool ttl, RepairTtl(checked, command.yes));
  GUIDON_ASSIGN(const auto repairs,
                Lift(upkeep::RepairItems(checked.target->table(), checked.report.repairable, checked.target->clock(),
                                         {.write = command.yes, .write_units_max = command.write_units_max}),
                     fmt::format("The {} was not mended to the end; what was done is done, begin again for the rest",
                                 checked.target->name())));
  GUIDON_TRY(checked.target->Finish());
  Show(command.output, DocumentOf(repairs, ttl, checked, command.yes), TextOf(repairs, ttl, command.yes));
  if (checked.report.repairable.size() == upkeep::kRepairableMax)
    fmt::print(stderr, "There may be more: begin again.\n");
  return {};
}

void AddSharedOptions(CommandTree& tree, CLI::App& app, VerifyCommand& command) {
  app.add_option("--segments", command.segments, "Readers at the same time (default 4 on DynamoDB, else 1)")
      ->type_name("N")
      ->check(CLI::Range(1, static_cast<int>(store::kScanSegmentsMax)));
  app.add_option("--max-read-units", command.options.read_units_max, "Read units a second at most (default no limit)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  app.add_option("--checkpoint", command.options.checkpoint,
                 "File to note how far it has come, and to go on from after an interruption")
      ->type_name("FILE");
  tree.Restrict(app.add_option("-o,--output", command.output, "Form of the output"), {"table", "json", "yaml"});
  if (command.which == VerifiedStore::kDynamo) {
    AddSettingOptions(tree, app, command.flags, {"profile", "table", "region", "dynamodb_endpoint"});
  } else {
    AddSettingOptions(tree, app, command.flags, {"profile", "store", "data", "table", "region", "dynamodb_endpoint"});
  }
}

void AddVerify(CommandTree& tree, CLI::App& group, VerifiedStore which) {
  auto options = std::make_shared<VerifyCommand>();
  options->which = which;
  const bool dynamo = which == VerifiedStore::kDynamo;
  CLI::App& command = tree.Command(
      group, "verify",
      dynamo ? "Check the table's settings and every item in it" : "Check a store and every item in it",
      dynamo
          ? std::vector<std::string>{"guidon table verify --profile prod",
                                     "guidon table verify --profile prod --max-read-units 50 --checkpoint verify.json",
                                     "guidon table verify --dynamodb-endpoint http://127.0.0.1:8000 -o json"}
          : std::vector<std::string>{"guidon store verify --data /srv/guidon",
                                     "guidon store verify --profile prod --max-read-units 50"},
      [options] { return Verify(*options); });
  tree.Describe(
      command,
      "Reads everything, with eventual consistency. Exit code 1 where there is a problem or a warning; advice "
      "alone is none. An embedded store must not be in use.");
  command
      .add_option("--limit", options->options.findings_max, "Findings of items shown (default 1000); all are counted")
      ->type_name("N");
  AddSharedOptions(tree, command, *options);
}

void AddRepair(CommandTree& tree, CLI::App& group, VerifiedStore which) {
  auto options = std::make_shared<VerifyCommand>();
  options->which = which;
  const std::string name = which == VerifiedStore::kDynamo ? "table" : "store";
  CLI::App& command = tree.Command(group, "repair", "Mend what can be mended without asking",
                                   {fmt::format("guidon {} repair --profile prod", name),
                                    fmt::format("guidon {} repair --profile prod --yes", name)},
                                   [options] { return RunRepair(*options); });
  tree.Describe(command,
                "Index keys that are missing or contradict their item, times to live of log entries and of the table, "
                "parts of segments that an interrupted write left. Without --yes it only says what it would do. Each "
                "write happens only if the item is still what was looked at.");
  command.add_flag("--yes", options->yes, "Do it");
  command.add_option("--max-write-units", options->write_units_max, "Write units a second at most (default no limit)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  AddSharedOptions(tree, command, *options);
}

}  // namespace

void AddVerifyCommands(CommandTree& tree, CLI::App& group, VerifiedStore which) {
  AddVerify(tree, group, which);
  AddRepair(tree, group, which);
}

}  // namespace guidon::cli
