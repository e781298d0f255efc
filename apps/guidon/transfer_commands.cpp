// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/transfer_commands.hpp"

#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/client.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/terminal.hpp"

namespace guidon::cli {
namespace {

using model::Value;

const std::vector<std::string> kFormats = {"guidon", "flagd"};

// What a conversion could not keep, to standard error: standard output is the document.
void ShowNotes(const Value& body) {
  const Value* notes = At(body, "notes");
  if (notes == nullptr || notes->AsList() == nullptr) return;
  for (const Value& note : *notes->AsList()) {
    const std::string flag = TextAt(note, "flagKey");
    fmt::print(stderr, "{}{}{}\n", flag, flag.empty() ? "" : ": ", TextAt(note, "message"));
  }
}

Outcome<void> WriteDocument(const std::string& file, const std::string& text) {
  if (file.empty() || file == "-") {
    Print(text);
    return {};
  }
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (out) return {};
  return Refuse({.what = "The file " + file + " could not be written"});
}

void AddExport(CommandTree& tree, CLI::App& group) {
  struct Options : ClientOptions {
    std::string environment, format = "guidon", file;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "export", "Write all flags of an environment as one document",
      {"guidon flag export --environment production --file flags.json",
       "guidon flag export --format flagd --file flagd.json"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        GUIDON_ASSIGN(const Answer answer, client.Send({.target = EnvironmentPath(options->environment, "export") +
                                                                  QueryText({{"format", options->format}}),
                                                        .what = "export the flags of " + options->environment}));
        ShowNotes(answer.body);
        const Value* document = At(answer.body, "document");
        return WriteDocument(options->file, ToPrettyJson(document == nullptr ? Value() : *document));
      });
  AddEnvironmentOption(command, options->environment);
  tree.Restrict(command.add_option("--format", options->format, "Guidon's own documents, or flagd's definitions")
                    ->capture_default_str(),
                kFormats);
  command.add_option("--file", options->file, "Where to write (default: standard output)")->type_name("FILE");
  AddClientOptions(tree, command, *options);
}

std::string OutcomeText(const Client& client, const Value& body) {
  TextTable table({"FLAG", "ACTION", "VERSION"});
  const Value* flags = At(body, "flags");
  if (flags != nullptr && flags->AsList() != nullptr) {
    for (const Value& flag : *flags->AsList())
      table.Add({{TextAt(flag, "flagKey"), Style::kBold}, TextAt(flag, "action"), TextAt(flag, "version")});
  }
  const bool dry_run = TextAt(body, "dryRun") == "true";
  return table.Render(client.terminal().colour, client.terminal().columns) +
         (dry_run ? "Nothing was written (dry run).\n" : "");
}

void AddImport(CommandTree& tree, CLI::App& group) {
  struct Options : ChangeOptions {
    std::string environment, format = "guidon", file, owner;
    bool dry_run = false;
    bool portions = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "import", "Create and update flags from one document, all or nothing",
      {"guidon flag import --file flags.json --environment staging --dry-run",
       "guidon flag import --format flagd --file flagd.json --owner web"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Value document, ReadJsonFile(options->file));
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        const Query query = {{"format", options->format},
                             {"owner", options->owner},
                             {"dryRun", options->dry_run ? "true" : ""},
                             {"portions", options->portions ? "true" : ""}};
        GUIDON_ASSIGN(const Answer answer,
                      client.Send({.method = "POST",
                                   .target = EnvironmentPath(options->environment, "import") + QueryText(query),
                                   .what = "import flags into " + options->environment,
                                   .body = std::move(document),
                                   .idempotency_key = options->idempotency_key}));
        ShowNotes(answer.body);
        client.Show(answer.body, [&] { return OutcomeText(client, answer.body); });
        return {};
      });
  AddEnvironmentOption(command, options->environment);
  tree.Restrict(command.add_option("--format", options->format, "Guidon's own documents, or flagd's definitions")
                    ->capture_default_str(),
                kFormats);
  command.add_option("--file", options->file, "The document, - for standard input")->type_name("FILE")->required();
  command.add_option("--owner", options->owner, "Owner of new flags from flagd's definitions")->type_name("NAME");
  command.add_flag("--dry-run", options->dry_run, "Show what would be done, and write nothing");
  command.add_flag("--portions", options->portions,
                   "Write more flags than one unit holds in several; after an error, import again to go on");
  AddChangeOptions(tree, command, *options);
}

}  // namespace

void AddTransferCommands(CommandTree& tree, CLI::App& group) {
  AddExport(tree, group);
  AddImport(tree, group);
}

}  // namespace guidon::cli
