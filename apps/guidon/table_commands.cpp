// SPDX-License-Identifier: Apache-2.0
// `guidon table`: the DynamoDB table itself. These commands talk to DynamoDB, not to a server.
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/client.hpp"
#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/dynamo_connection.hpp"
#include "apps/guidon/entity_commands.hpp"
#include "apps/guidon/setting_options.hpp"
#include "apps/guidon/verify_commands.hpp"
#include "guidon/store_dynamodb/table_admin.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;
using store_dynamodb::TableDescription;

struct TableOptions {
  std::shared_ptr<SettingFlags> flags = std::make_shared<SettingFlags>();
  std::string output = "table";
  bool yes = false;
  std::string billing = "on-demand";
  std::vector<std::string> tags = {};
  store_dynamodb::TableSettings settings = {};
};

// The table that the settings name, whatever store they choose.
class TableTarget {
 public:
  static Outcome<std::unique_ptr<TableTarget>> Open(const SettingFlags& flags) {
    GUIDON_ASSIGN(const Settings settings, Settings::Load(SourcesOf(flags)));
    GUIDON_ASSIGN(DynamoConfiguration configuration, InterpretDynamo(settings));
    auto target = std::unique_ptr<TableTarget>(new TableTarget);
    target->name_ = configuration.table;
    GUIDON_ASSIGN(target->connection_, DynamoConnection::Open(configuration, target->clock_));
    return target;
  }
  aws::Client& client() { return connection_->client(); }
  const std::string& name() const { return name_; }
  std::string Describe() const { return connection_->Describe(); }

 private:
  TableTarget() = default;
  base::SystemClock clock_;
  std::string name_;
  std::unique_ptr<DynamoConnection> connection_;
};

List ListOf(const std::vector<std::string>& texts) {
  List list;
  for (const auto& text : texts) list.emplace_back(text);
  return list;
}

Value DocumentOf(const TableDescription& table) {
  List indexes;
  for (const auto& index : table.indexes) {
    Object entry;
    entry.Set("name", index.name);
    entry.Set("status", index.status);
    entry.Set("partitionKey", index.partition_key);
    entry.Set("sortKey", index.sort_key);
    entry.Set("projection", index.projection);
    entry.Set("items", index.items);
    entry.Set("bytes", index.bytes);
    indexes.emplace_back(std::move(entry));
  }
  Object tags;
  for (const auto& [key, value] : table.tags) tags.Set(key, value);
  Object document;
  document.Set("name", table.name);
  document.Set("arn", table.arn);
  document.Set("status", table.status);
  document.Set("billing", table.billing);
  document.Set("readUnits", table.read_units);
  document.Set("writeUnits", table.write_units);
  document.Set("items", table.items);
  document.Set("bytes", table.bytes);
  document.Set("ttlAttribute", table.ttl_attribute);
  document.Set("pointInTimeRecovery", table.point_in_time_recovery);
  document.Set("encryption", table.encryption);
  document.Set("deletionProtection", table.deletion_protection);
  document.Set("stream", table.stream);
  document.Set("tags", std::move(tags));
  document.Set("indexes", std::move(indexes));
  document.Set("problems", ListOf(table.problems));
  document.Set("notes", ListOf(table.notes));
  return document;
}

std::string TextOf(const TableDescription& table, const Terminal& terminal) {
  FieldList list;
  list.Add("table", table.name, Style::kBold);
  list.Add("status", table.status, table.status == "ACTIVE" ? Style::kGreen : Style::kRed);
  list.Add("billing", table.billing == "PROVISIONED"
                          ? fmt::format("PROVISIONED, {} read and {} write units", table.read_units, table.write_units)
                          : table.billing);
  list.Add("size", fmt::format("{} items, {} bytes at DynamoDB's last count", table.items, table.bytes));
  list.Add("time to live", table.ttl_attribute.empty() ? "off" : table.ttl_attribute);
  list.Add("point-in-time recovery", table.point_in_time_recovery);
  list.Add("encryption", table.encryption);
  list.Add("deletion protection", table.deletion_protection ? "on" : "off");
  list.Add("stream", table.stream.empty() ? "off" : table.stream);
  for (const auto& [key, value] : table.tags) list.Add("tag " + key, value);
  TextTable indexes({"INDEX", "STATUS", "KEYS", "PROJECTION", "ITEMS"});
  for (const auto& index : table.indexes)
    indexes.Add({{index.name, Style::kBold},
                 index.status,
                 index.partition_key + ", " + index.sort_key,
                 index.projection,
                 std::to_string(index.items)});
  std::string out = list.Render(terminal.colour) + "\n" + indexes.Render(terminal.colour, terminal.columns);
  for (const auto& problem : table.problems) out += "\nproblem: " + problem;
  for (const auto& note : table.notes) out += "\nnote: " + note;
  if (out.back() != '\n') out += '\n';
  return out;
}

void Show(const TableDescription& table, const std::string& output) {
  const Value document = DocumentOf(table);
  Print(output == "json"   ? ToPrettyJson(document)
        : output == "yaml" ? ToYaml(document)
                           : TextOf(table, Terminal::Detect()));
}

Outcome<void> ReadTags(TableOptions& options) {
  for (const auto& tag : options.tags) {
    const std::size_t equals = tag.find('=');
    if (equals == 0 || equals == std::string::npos)
      return UsageError(fmt::format("'{}' is not a tag", tag), "give tags as --tag NAME=VALUE");
    options.settings.tags[tag.substr(0, equals)] = tag.substr(equals + 1);
  }
  return {};
}

Outcome<void> Create(TableOptions& options) {
  GUIDON_TRY(ReadTags(options));
  options.settings.billing =
      options.billing == "provisioned" ? store_dynamodb::Billing::kProvisioned : store_dynamodb::Billing::kOnDemand;
  GUIDON_ASSIGN(const auto target, TableTarget::Open(*options.flags));
  GUIDON_ASSIGN(const TableDescription table,
                Lift(store_dynamodb::CreateTable(target->client(), target->name(), options.settings),
                     fmt::format("Cannot make the {}", target->Describe())));
  Show(table, options.output);
  return {};
}

Outcome<void> Describe(const TableOptions& options) {
  GUIDON_ASSIGN(const auto target, TableTarget::Open(*options.flags));
  GUIDON_ASSIGN(const TableDescription table, Lift(store_dynamodb::DescribeTable(target->client(), target->name()),
                                                   fmt::format("Cannot describe the {}", target->Describe())));
  Show(table, options.output);
  if (table.problems.empty()) return {};
  return Refuse({.what = fmt::format("The {} is not what Guidon needs", target->Describe()),
                 .why = fmt::format("{}", fmt::join(table.problems, "\n")),
                 .next = "make another one with `guidon table create --table NAME`, or mend this one's settings"});
}

Outcome<void> Delete(const TableOptions& options) {
  GUIDON_ASSIGN(const auto target, TableTarget::Open(*options.flags));
  GUIDON_TRY(Confirm(Terminal::Detect(), options.yes,
                     fmt::format("Delete the {} with everything in it?", target->Describe())));
  GUIDON_TRY(Lift(store_dynamodb::DeleteTable(target->client(), target->name()),
                  fmt::format("Cannot delete the {}", target->Describe())));
  Print(fmt::format("Deleted the {}.\n", target->Describe()));
  return {};
}

void AddSharedOptions(CommandTree& tree, CLI::App& command, TableOptions& options, bool shows) {
  if (shows)
    tree.Restrict(command.add_option("-o,--output", options.output, "Form of the output"), {"table", "json", "yaml"});
  AddSettingOptions(tree, command, options.flags, {"profile", "table", "region", "dynamodb_endpoint"});
}

void AddCreate(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<TableOptions>();
  CLI::App& command = tree.Command(
      group, "create", "Make the table with its three indexes and time to live",
      {"guidon table create --dynamodb-endpoint http://127.0.0.1:8000",
       "guidon table create --profile prod --pitr --deletion-protection --kms-key alias/guidon --tag team=platform",
       "guidon table create --profile dev --billing provisioned --read-units 10 --write-units 5"},
      [options] { return Create(*options); });
  auto& settings = options->settings;
  tree.Restrict(command.add_option("--billing", options->billing, "How DynamoDB bills"), {"on-demand", "provisioned"});
  command.add_option("--read-units", settings.read_units, "Provisioned read units of table and each index (default 5)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  command
      .add_option("--write-units", settings.write_units, "Provisioned write units of table and each index (default 5)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  command.add_option("--kms-key", settings.kms_key, "KMS key for encryption at rest (default DynamoDB's own key)")
      ->type_name("KEY");
  command.add_flag("--pitr", settings.point_in_time_recovery, "Point-in-time recovery");
  command.add_flag("--deletion-protection", settings.deletion_protection, "Refuse to delete the table");
  command.add_flag("--stream", settings.stream, "Stream of old and new images");
  command.add_option("--tag", options->tags, "A tag, NAME=VALUE; may be given several times")->type_name("NAME=VALUE");
  AddSharedOptions(tree, command, *options, true);
}

void AddDescribe(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<TableOptions>();
  CLI::App& command =
      tree.Command(group, "describe", "Show the table, its settings, and what differs from what Guidon needs",
                   {"guidon table describe --profile prod",
                    "guidon table describe --dynamodb-endpoint http://127.0.0.1:8000 -o json"},
                   [options] { return Describe(*options); });
  tree.Describe(command, "Exit code 1 where the table is not what Guidon needs.");
  AddSharedOptions(tree, command, *options, true);
}

void AddDelete(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<TableOptions>();
  CLI::App& command =
      tree.Command(group, "delete", "Delete the table with everything in it",
                   {"guidon table delete --table feature-flags-trial --yes"}, [options] { return Delete(*options); });
  AddYesOption(command, options->yes);
  AddSharedOptions(tree, command, *options, false);
}

}  // namespace

void AddTableCommands(CommandTree& tree) {
  CLI::App& group = tree.Group(tree.root(), "table", "The DynamoDB table");
  AddCreate(tree, group);
  AddDescribe(tree, group);
  AddVerifyCommands(tree, group, VerifiedStore::kDynamo);
  AddDelete(tree, group);
}

}  // namespace guidon::cli
