// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/command_tree.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "apps/guidon/nearest_name.hpp"
#include "apps/guidon/terminal.hpp"

namespace guidon::cli {
namespace {

constexpr std::size_t kHelpColumns = 100;
constexpr std::size_t kHelpIndent = 2;

const std::vector<std::string>& None() {
  static const std::vector<std::string> kNone;
  return kNone;
}

// `text` in lines of at most `width` columns.
std::vector<std::string> Wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (!line.empty() && DisplayWidth(line) + 1 + DisplayWidth(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
    at = end + 1;
  }
  lines.push_back(std::move(line));
  return lines;
}

bool WantsJson(const CLI::App& command) {
  const CLI::Option* output = command.get_option_no_throw("--output");
  return output != nullptr && output->count() > 0 && output->results().back() == "json";
}

struct HelpRow {
  std::string left;
  std::string right;
};

std::string Section(std::string_view title, const std::vector<HelpRow>& rows) {
  if (rows.empty()) return "";
  constexpr std::size_t kLeftMax = 34;
  std::size_t left = 0;
  for (const auto& row : rows)
    if (const std::size_t width = DisplayWidth(row.left); width <= kLeftMax) left = std::max(left, width);
  const std::size_t start = kHelpIndent + left + 2;
  std::string out = fmt::format("\n{}:\n", title);
  for (const auto& row : rows) {
    out += std::string(kHelpIndent, ' ') + row.left;
    std::size_t used = kHelpIndent + DisplayWidth(row.left);
    if (used + 2 > start) {
      out += '\n';
      used = 0;
    }
    for (const auto& line : Wrap(row.right, kHelpColumns - start)) {
      out += std::string(start - used, ' ') + line + '\n';
      used = 0;
    }
  }
  return out;
}

}  // namespace

CommandTree::CommandTree()
    : root_("Feature flags for SaaS teams: one program that serves and operates them", "guidon") {
  root_.require_subcommand(0, 1);
  root_.set_help_flag("-h,--help", "Show this help");
  root_.formatter_fn([this](const CLI::App* app, const std::string&, CLI::AppFormatMode) { return HelpOf(*app); });
}

CLI::App& CommandTree::Group(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App& group = *parent.add_subcommand(name, description);
  group.require_subcommand(0, 1);
  return group;
}

CLI::App& CommandTree::Command(CLI::App& parent, const std::string& name, const std::string& description,
                               std::vector<std::string> examples, Handler handler) {
  CLI::App& command = *parent.add_subcommand(name, description);
  SetDefault(command, std::move(examples), std::move(handler));
  return command;
}

void CommandTree::SetDefault(CLI::App& group, std::vector<std::string> examples, Handler handler) {
  examples_[&group] = std::move(examples);
  handlers_[&group] = std::move(handler);
}

void CommandTree::Describe(const CLI::App& command, std::string text) { texts_[&command] = std::move(text); }

void CommandTree::Restrict(CLI::Option* option, std::vector<std::string> choices) {
  // The validator's own text would come to stand beside the type name; SynopsisOf shows the choices.
  CLI::IsMember check{choices};
  check.description("");
  option->check(check);
  choices_[option] = std::move(choices);
}

Outcome<ParsedCommand> CommandTree::Parse(int argc, const char* const* argv) {
  try {
    root_.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* command = &root_;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    fmt::print("{}", HelpOf(*command));
    return ParsedCommand{};
  } catch (const CLI::ParseError& error) {
    return Refuse(Explain(error));
  }
  const CLI::App* command = &root_;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  const auto found = handlers_.find(command);
  if (found != handlers_.end()) return ParsedCommand{.run = found->second, .json_output = WantsJson(*command)};
  if (command == &root_ && argc <= 1) {
    fmt::print("{}", HelpOf(root_));
    return ParsedCommand{};
  }
  std::vector<std::string> names;
  for (const CLI::App* child : ChildrenOf(*command)) names.push_back(child->get_name());
  return UsageError(fmt::format("`{}` needs a command", PathOf(*command)),
                    fmt::format("one of {}; see `{} --help`", fmt::join(names, ", "), PathOf(*command)));
}

Failure CommandTree::Explain(const CLI::ParseError& error) const {
  const CLI::App* command = &root_;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  Failure failure{
      .exit = ExitCode::kUsage, .what = error.what(), .next = fmt::format("see `{} --help`", PathOf(*command))};
  const std::vector<std::string> extras = command->remaining();
  if (extras.empty()) return failure;
  const std::string& wrong = extras.front();
  failure.what = fmt::format("`{}` does not know '{}'", PathOf(*command), wrong);
  std::vector<std::string> names;
  for (const CLI::App* child : ChildrenOf(*command)) names.push_back(child->get_name());
  for (const CLI::Option* option : OptionsOf(*command))
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  const std::string near = NearestName(wrong.substr(0, wrong.find('=')), names);
  if (!near.empty()) failure.next = fmt::format("did you mean '{}'? See `{} --help`", near, PathOf(*command));
  return failure;
}

std::string CommandTree::HelpOf(const CLI::App& command) const {
  std::string out = command.get_description() + "\n";
  if (const std::string& text = TextOf(command); !text.empty())
    for (const auto& line : Wrap(text, kHelpColumns)) out += line + "\n";
  out += fmt::format("\nUsage: {}\n", UsageOf(command));

  std::vector<HelpRow> rows;
  for (const CLI::App* child : ChildrenOf(command)) rows.push_back({child->get_name(), child->get_description()});
  out += Section("Commands", rows);

  rows.clear();
  for (const CLI::Option* argument : ArgumentsOf(command))
    rows.push_back({argument->get_name(true), argument->get_description()});
  out += Section("Arguments", rows);

  for (const auto& group : command.get_groups()) {
    rows.clear();
    for (const CLI::Option* option : OptionsOf(command)) {
      if (option->get_group() != group) continue;
      std::string text = option->get_description();
      if (!option->get_envname().empty()) text += fmt::format(" [{}]", option->get_envname());
      if (option->get_required()) text += " (required)";
      rows.push_back({SynopsisOf(*this, *option), text});
    }
    out += Section(group, rows);
  }
  if (!ExamplesOf(command).empty()) {
    out += "\nExamples:\n";
    for (const auto& example : ExamplesOf(command)) out += "  " + example + "\n";
  }
  return out;
}

const std::vector<std::string>& CommandTree::ExamplesOf(const CLI::App& command) const {
  const auto found = examples_.find(&command);
  return found == examples_.end() ? None() : found->second;
}

const std::vector<std::string>& CommandTree::ChoicesOf(const CLI::Option& option) const {
  const auto found = choices_.find(&option);
  return found == choices_.end() ? None() : found->second;
}

const std::string& CommandTree::TextOf(const CLI::App& command) const {
  static const std::string kNone;
  const auto found = texts_.find(&command);
  return found == texts_.end() ? kNone : found->second;
}

std::string PathOf(const CLI::App& command) {
  if (command.get_parent() == nullptr) return command.get_name();
  return PathOf(*command.get_parent()) + " " + command.get_name();
}

std::vector<const CLI::App*> ChildrenOf(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App* child) { return !child->get_group().empty(); });
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& command) {
  return command.get_options(
      [](const CLI::Option* option) { return option->nonpositional() && !option->get_group().empty(); });
}

std::vector<const CLI::Option*> ArgumentsOf(const CLI::App& command) {
  return command.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

std::string UsageOf(const CLI::App& command) {
  std::string usage = PathOf(command);
  if (!ChildrenOf(command).empty()) return usage + " COMMAND";
  for (const CLI::Option* argument : ArgumentsOf(command)) {
    std::string name = argument->get_name(true);
    if (argument->get_items_expected_max() > 1) name += "...";
    usage += argument->get_required() ? " " + name : " [" + name + "]";
  }
  return usage + " [options]";
}

std::string SynopsisOf(const CommandTree& tree, const CLI::Option& option) {
  std::string out;
  for (const auto& name : option.get_snames()) out += (out.empty() ? "-" : ", -") + name;
  for (const auto& name : option.get_lnames()) out += (out.empty() ? "--" : ", --") + name;
  if (option.get_items_expected_max() == 0) return out;
  const auto& choices = tree.ChoicesOf(option);
  out += " " + (choices.empty() ? option.get_type_name() : fmt::format("{}", fmt::join(choices, "|")));
  return option.get_expected_max() > 1 ? out + " ..." : out;
}

}  // namespace guidon::cli
