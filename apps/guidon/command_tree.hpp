// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/guidon/failure.hpp"

namespace guidon::cli {

// What a command does once its line is understood. Holds its options itself: it runs when the tree is gone.
using Handler = std::function<Outcome<void>()>;

struct ParsedCommand {
  Handler run;               // null: help was asked for and printed
  bool json_output = false;  // failures are JSON too
};

// The commands with their options, texts and examples: what is parsed, and what help, completion and the reference
// page are made from.
class CommandTree {
 public:
  CommandTree();

  CLI::App& root() { return root_; }
  const CLI::App& root() const { return root_; }

  // A command that only has commands below it.
  CLI::App& Group(CLI::App& parent, const std::string& name, const std::string& description);
  // `examples` are whole command lines, shown in the help and on the reference page.
  CLI::App& Command(CLI::App& parent, const std::string& name, const std::string& description,
                    std::vector<std::string> examples, Handler handler);
  // Gives a group something to do when it is called without a command below it.
  void SetDefault(CLI::App& group, std::vector<std::string> examples, Handler handler);
  // More about a command, as paragraphs of its help.
  void Describe(const CLI::App& command, std::string text);

  // Only these values, also offered by completion.
  void Restrict(CLI::Option* option, std::vector<std::string> choices);

  // Errors: kUsage.
  Outcome<ParsedCommand> Parse(int argc, const char* const* argv);

  std::string HelpOf(const CLI::App& command) const;
  const std::vector<std::string>& ExamplesOf(const CLI::App& command) const;
  const std::vector<std::string>& ChoicesOf(const CLI::Option& option) const;
  const std::string& TextOf(const CLI::App& command) const;

 private:
  Failure Explain(const CLI::ParseError& error) const;

  CLI::App root_;
  std::map<const CLI::App*, Handler> handlers_;
  std::map<const CLI::App*, std::vector<std::string>> examples_;
  std::map<const CLI::App*, std::string> texts_;
  std::map<const CLI::Option*, std::vector<std::string>> choices_;
};

// "guidon flag create" for that command.
std::string PathOf(const CLI::App& command);
// Commands below `command` in the order in which they were added, without hidden ones.
std::vector<const CLI::App*> ChildrenOf(const CLI::App& command);
// Its options with a name, without hidden ones; and its arguments.
std::vector<const CLI::Option*> OptionsOf(const CLI::App& command);
std::vector<const CLI::Option*> ArgumentsOf(const CLI::App& command);
// "guidon flag create FLAG [options]".
std::string UsageOf(const CLI::App& command);
// "--tag TEXT…", "-o, --output table|json|yaml".
std::string SynopsisOf(const CommandTree& tree, const CLI::Option& option);

// All commands of the program.
void AddAllCommands(CommandTree& tree);

}  // namespace guidon::cli
