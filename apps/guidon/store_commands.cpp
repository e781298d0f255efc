// SPDX-License-Identifier: Apache-2.0
// `guidon store`: all that a store holds, as a whole. These commands work on the store itself, without a server.
#include <cerrno>
#include <fstream>
#include <iostream>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "apps/guidon/client.hpp"
#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/progress_line.hpp"
#include "apps/guidon/setting_options.hpp"
#include "apps/guidon/store_target.hpp"
#include "apps/guidon/verify_commands.hpp"
#include "guidon/upkeep/transfer.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

const std::vector<std::string_view> kStoreSettings = {"profile", "store",  "data",
                                                      "table",   "region", "dynamodb_endpoint"};
constexpr std::size_t kChecksumShown = 16;  // of 64 digits, in the table
constexpr int kWritersMax = 64;

struct TransferCommand {
  std::shared_ptr<SettingFlags> flags = std::make_shared<SettingFlags>();
  std::string output = "table";
  std::string file = {};
  std::string from = {};
  std::string to = {};
  std::size_t segments = 0;  // 0: as is good for the store
  std::size_t writers = 0;
  upkeep::TransferOptions options = {};
};

struct Ends {
  std::string from;
  std::string to;
};

Value DocumentOf(const upkeep::TransferReport& report, const Ends& ends, bool dry_run) {
  List changed;
  for (const auto& scope : report.changed) changed.emplace_back(scope);
  Object document;
  document.Set("from", ends.from);
  document.Set("to", ends.to);
  document.Set("dryRun", dry_run);
  document.Set("resumed", report.resumed);
  document.Set("verified", report.verified);
  document.Set("entities", report.sums.ToValue());
  document.Set("items", static_cast<std::int64_t>(report.sums.Total().items));
  document.Set("shortLived", static_cast<std::int64_t>(report.short_lived));
  document.Set("expired", static_cast<std::int64_t>(report.expired));
  document.Set("changedMeanwhile", std::move(changed));
  document.Set("readUnits", report.consumed.read);
  document.Set("writeUnits", report.consumed.write);
  if (dry_run) document.Set("writeUnitsEstimate", report.write_units_estimate);
  return document;
}

std::string TextOf(const upkeep::TransferReport& report, const Ends& ends, bool dry_run, const Terminal& terminal) {
  TextTable table({"ENTITY", "ITEMS", "BYTES", "CHECKSUM"});
  for (const auto& [entity, sum] : report.sums.by_entity())
    table.Add({{upkeep::NameOf(entity), Style::kBold},
               std::to_string(sum.items),
               std::to_string(sum.bytes),
               sum.DigestText().substr(0, kChecksumShown)});
  std::string out = table.Render(terminal.colour, terminal.columns);
  if (report.short_lived > 0)
    out += fmt::format("{} more items expire within two days: moved, not compared.\n", report.short_lived);
  if (report.expired > 0) out += fmt::format("{} items have expired and were left out.\n", report.expired);
  if (!report.changed.empty())
    out += fmt::format("The source was written to meanwhile: {}.\n", fmt::join(report.changed, ", "));
  if (dry_run)
    return out + fmt::format("Nothing was written (dry run). Writing this to DynamoDB costs some {:.0f} write units.\n",
                             report.write_units_estimate);
  out += fmt::format("From {} to {}{}.\n", ends.from, ends.to, report.resumed ? ", going on where it had stopped" : "");
  return out + (report.verified ? "Verified: read back, item for item the same.\n"
                                : "Not verified: what went to standard output cannot be read back.\n");
}

void Show(const TransferCommand& command, const upkeep::TransferReport& report, const Ends& ends) {
  const Value document = DocumentOf(report, ends, command.options.dry_run);
  const std::string text = command.output == "json" ? ToPrettyJson(document)
                           : command.output == "yaml"
                               ? ToYaml(document)
                               : TextOf(report, ends, command.options.dry_run, Terminal::Detect());
  // Standard output may be the export itself.
  if (ends.to == "standard output" && !command.options.dry_run) {
    fmt::print(stderr, "{}", text);
  } else {
    Print(text);
  }
}

upkeep::TransferOptions OptionsOf(const TransferCommand& command, const StoreTarget* source, const StoreTarget* target,
                                  ProgressLine& line) {
  upkeep::TransferOptions options = command.options;
  if (source != nullptr) options.segments = command.segments > 0 ? command.segments : source->SegmentsOtherwise();
  if (target != nullptr) {
    options.target_segments = command.segments > 0 ? command.segments : target->SegmentsOtherwise();
    options.writers = command.writers > 0 ? command.writers : target->WritersOtherwise();
  }
  options.progress = [&line](const upkeep::TransferProgress& progress) {
    line.Show(progress.phase, progress.items, progress.bytes);
  };
  return options;
}

void NoteSecret() {
  fmt::print(
      stderr,
      "API keys can only be checked with the key hash secret they were made with: give the nodes of the new "
      "store the same one (the file key-hash-secret of the data folder, or GUIDON_KEY_HASH_SECRET). With another one "
      "the audit log of before looks changed, too.\n");
}

Outcome<void> Export(const TransferCommand& command) {
  GUIDON_ASSIGN(const auto source, StoreTarget::Open(*command.flags, "", StoreUse::kRead));
  const bool to_stream = command.file == "-";
  const Ends ends{.from = source->name(), .to = to_stream ? "standard output" : command.file};
  ProgressLine line(Terminal::Detect());
  const upkeep::TransferOptions options = OptionsOf(command, source.get(), nullptr, line);
  auto done = to_stream ? upkeep::ExportToStream(source->table(), source->name(), std::cout, source->clock(), options)
                        : upkeep::ExportToFile(source->table(), source->name(), command.file, source->clock(), options);
  line.Clear();
  GUIDON_ASSIGN(const auto report, Lift(std::move(done), fmt::format("The {} was not exported", ends.from)));
  Show(command, report, ends);
  return {};
}

Outcome<void> Import(const TransferCommand& command) {
  std::ifstream file;
  const bool from_stream = command.file == "-";
  if (!from_stream) {
    file.open(command.file, std::ios::binary);
    if (!file.is_open())
      return UsageError(fmt::format("{} cannot be read: {}", command.file, std::generic_category().message(errno)));
  }
  GUIDON_ASSIGN(const auto target, StoreTarget::Open(*command.flags, "", StoreUse::kFill));
  const Ends ends{.from = from_stream ? "standard input" : command.file, .to = target->name()};
  ProgressLine line(Terminal::Detect());
  const upkeep::TransferOptions options = OptionsOf(command, nullptr, target.get(), line);
  auto done = upkeep::Import(from_stream ? std::cin : file, target->table(), target->clock(), options);
  line.Clear();
  GUIDON_ASSIGN(const auto report,
                Lift(std::move(done), fmt::format("{} was not imported into the {}", ends.from, ends.to)));
  GUIDON_TRY(target->Finish());
  Show(command, report, ends);
  if (!options.dry_run) NoteSecret();
  return {};
}

Outcome<void> Copy(const TransferCommand& command) {
  GUIDON_ASSIGN(const auto source, StoreTarget::Open(*command.flags, command.from, StoreUse::kRead));
  GUIDON_ASSIGN(const auto target, StoreTarget::Open(*command.flags, command.to, StoreUse::kFill));
  const Ends ends{.from = source->name(), .to = target->name()};
  if (ends.from == ends.to) return UsageError("Both ends are the same store", "name two with --from and --to");
  ProgressLine line(Terminal::Detect());
  const upkeep::TransferOptions options = OptionsOf(command, source.get(), target.get(), line);
  auto done = upkeep::Copy(source->table(), source->name(), target->table(), target->clock(), options);
  line.Clear();
  GUIDON_ASSIGN(const auto report,
                Lift(std::move(done), fmt::format("The {} was not copied to the {}", ends.from, ends.to)));
  GUIDON_TRY(target->Finish());
  Show(command, report, ends);
  if (!options.dry_run) NoteSecret();
  return {};
}

enum class Sides : std::uint8_t { kReads, kWrites, kBoth };

void AddTransferOptions(CommandTree& tree, CLI::App& app, TransferCommand& command, Sides sides) {
  const CLI::Range segments(1, static_cast<int>(store::kScanSegmentsMax));
  app.add_flag("--dry-run", command.options.dry_run, "Read and check everything, write nothing");
  if (sides != Sides::kWrites)
    app.add_flag("--accept-changes", command.options.accept_changes,
                 "Go through with it although the source was written to meanwhile");
  app.add_option("--segments", command.segments, "Readers at the same time (default 4 on DynamoDB, else 1)")
      ->type_name("N")
      ->check(segments);
  app.add_option("--max-read-units", command.options.read_units_max, "Read units a second at most (default no limit)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  if (sides != Sides::kReads) {
    app.add_option("--writers", command.writers, "Batches written at the same time (default 8 on DynamoDB, else 2)")
        ->type_name("N")
        ->check(CLI::Range(1, kWritersMax));
    app.add_option("--max-write-units", command.options.write_units_max,
                   "Write units a second at most (default no limit)")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
  }
  tree.Restrict(app.add_option("-o,--output", command.output, "Form of the report"), {"table", "json", "yaml"});
}

void AddExport(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<TransferCommand>();
  CLI::App& command = tree.Command(group, "export", "Write everything a store holds to a file of JSON lines",
                                   {"guidon store export backup.jsonl --data /srv/guidon",
                                    "guidon store export --profile prod - | gzip > prod.jsonl.gz",
                                    "guidon store export prod.jsonl --profile prod --max-read-units 50"},
                                   [options] { return Export(*options); });
  tree.Describe(command,
                "The file holds secrets' hashes and everybody's data; it is made for its owner alone. An export that "
                "was interrupted goes on when it is begun again. An embedded store must not be in use.");
  command.add_option("file", options->file, "File to make, or - for standard output")->type_name("FILE")->required();
  AddTransferOptions(tree, command, *options, Sides::kReads);
  AddSettingOptions(tree, command, options->flags, kStoreSettings);
}

void AddImport(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<TransferCommand>();
  CLI::App& command =
      tree.Command(group, "import", "Fill an empty store from an export",
                   {"guidon store import backup.jsonl --data /srv/guidon",
                    "zcat prod.jsonl.gz | guidon store import - --store dynamodb --table feature-flags-2",
                    "guidon store import prod.jsonl --profile prod --max-write-units 100"},
                   [options] { return Import(*options); });
  tree.Describe(command,
                "Exports of DynamoDB to S3 in its JSON format can be imported too, unpacked. An import that was "
                "interrupted goes on when it is begun again with the same file.");
  command.add_option("file", options->file, "The export, or - for standard input")->type_name("FILE")->required();
  AddTransferOptions(tree, command, *options, Sides::kWrites);
  AddSettingOptions(tree, command, options->flags, kStoreSettings);
}

void AddCopy(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<TransferCommand>();
  CLI::App& command =
      tree.Command(group, "copy", "Copy everything from one store to another that is empty",
                   {"guidon store copy --from rocksdb:data/local --to dynamodb:feature-flags-prod --region eu-west-1",
                    "guidon store copy --from dynamodb:feature-flags-prod --to rocksdb:/srv/guidon --max-read-units 50",
                    "guidon store copy --from dynamodb:feature-flags-prod --to dynamodb:feature-flags-new --dry-run"},
                   [options] { return Copy(*options); });
  tree.Describe(
      command,
      "A store is rocksdb:DIR (the data folder of a server that is stopped) or dynamodb:TABLE. A copy that was "
      "interrupted goes on when it is begun again. At the end the target is read back and compared. Of a "
      "DynamoDB table, changes meanwhile are found by its change logs.");
  command.add_option("--from", options->from, "The store to read")->type_name("STORE")->required();
  command.add_option("--to", options->to, "The store to fill")->type_name("STORE")->required();
  AddTransferOptions(tree, command, *options, Sides::kBoth);
  AddSettingOptions(tree, command, options->flags, {"profile", "data", "table", "region", "dynamodb_endpoint"});
}

}  // namespace

void AddStoreCommands(CommandTree& tree) {
  CLI::App& group =
      tree.Group(tree.root(), "store", "Everything that a store holds: export, import, copy, verify, repair");
  AddExport(tree, group);
  AddImport(tree, group);
  AddCopy(tree, group);
  AddVerifyCommands(tree, group, VerifiedStore::kConfigured);
}

}  // namespace guidon::cli
