// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/client.hpp"
#include "apps/guidon/commands.hpp"

namespace guidon::cli {
namespace {

void ForEachCommand(const CLI::App& command, const std::function<void(const CLI::App&)>& visit) {
  visit(command);
  for (const CLI::App* child : ChildrenOf(command)) ForEachCommand(*child, visit);
}

std::vector<std::string> NamesOf(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  return names;
}

// In single quotes for a shell.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// "'guidon flag'|'guidon flag create'|…": every path below the root, for a case label.
std::string PathLabels(const CommandTree& tree) {
  std::vector<std::string> labels;
  ForEachCommand(tree.root(), [&](const CLI::App& command) {
    if (command.get_parent() != nullptr) labels.push_back(Quoted(PathOf(command)));
  });
  return fmt::format("{}", fmt::join(labels, "|"));
}

// One case for each option that takes a value: what may follow it. `choose(choices)` and `files` are shell code.
std::string ValueCases(const CommandTree& tree,
                       const std::function<std::string(const std::vector<std::string>&)>& choose,
                       std::string_view files) {
  std::string out;
  ForEachCommand(tree.root(), [&](const CLI::App& command) {
    for (const CLI::Option* option : OptionsOf(command)) {
      if (option->get_items_expected_max() == 0) continue;
      std::vector<std::string> labels;
      for (const auto& name : NamesOf(*option)) labels.push_back(Quoted(PathOf(command) + " " + name));
      const auto& choices = tree.ChoicesOf(*option);
      const std::string type = option->get_type_name();
      const std::string code = !choices.empty()                  ? choose(choices)
                               : type == "FILE" || type == "DIR" ? std::string(files)
                               : type == "true|false"            ? choose({"true", "false"})
                                                                 : "";
      out += fmt::format("    {}) {}{}return ;;\n", fmt::join(labels, "|"), code, code.empty() ? "" : "; ");
    }
  });
  return out;
}

std::string BashScript(const CommandTree& tree) {
  std::string out = R"sh(# bash completion of guidon. To use it: eval "$(guidon completion bash)"
_guidon() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command_path=guidon words='' i
  # bash splits --option=value into three words.
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $previous == '=' ]]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command_path ${COMP_WORDS[i]}" in
)sh";
  out += fmt::format("      {}) command_path=\"$command_path ${{COMP_WORDS[i]}}\" ;;\n", PathLabels(tree));
  out += R"sh(    esac
  done
  COMPREPLY=()
  case "$command_path $previous" in
)sh";
  out += ValueCases(
      tree,
      [](const std::vector<std::string>& choices) {
        return fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\")", fmt::join(choices, " "));
      },
      "compopt -o default");
  out += "  esac\n  case \"$command_path\" in\n";
  ForEachCommand(tree.root(), [&](const CLI::App& command) {
    std::vector<std::string> words;
    for (const CLI::App* child : ChildrenOf(command)) words.push_back(child->get_name());
    for (const CLI::Option* option : OptionsOf(command))
      for (const auto& name : option->get_lnames()) words.push_back("--" + name);
    out +=
        fmt::format("    {}) words={} ;;\n", Quoted(PathOf(command)), Quoted(fmt::format("{}", fmt::join(words, " "))));
  });
  out += R"sh(  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _guidon guidon
)sh";
  return out;
}

// "name:description" for zsh's _describe.
std::string Described(const std::string& name, const std::string& description) {
  std::string escaped;
  for (const char c : description) escaped += c == ':' ? std::string("\\:") : std::string(1, c);
  return Quoted(name + ":" + escaped);
}

std::string ZshScript(const CommandTree& tree) {
  std::string out = R"sh(#compdef guidon
# zsh completion of guidon. To use it: eval "$(guidon completion zsh)", or save it as _guidon in a folder of $fpath
_guidon() {
  local command_path=guidon previous=${words[CURRENT-1]} i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    case "$command_path ${words[i]}" in
)sh";
  out += fmt::format("      {}) command_path=\"$command_path ${{words[i]}}\" ;;\n", PathLabels(tree));
  out += R"sh(    esac
  done
  case "$command_path $previous" in
)sh";
  out += ValueCases(
      tree,
      [](const std::vector<std::string>& choices) { return fmt::format("compadd -- {}", fmt::join(choices, " ")); },
      "_files");
  out += "  esac\n  case \"$command_path\" in\n";
  ForEachCommand(tree.root(), [&](const CLI::App& command) {
    out += fmt::format("    {})\n", Quoted(PathOf(command)));
    std::vector<std::string> entries;
    for (const CLI::App* child : ChildrenOf(command))
      entries.push_back(Described(child->get_name(), child->get_description()));
    if (!entries.empty()) out += fmt::format("      commands=({})\n", fmt::join(entries, " "));
    entries.clear();
    for (const CLI::Option* option : OptionsOf(command))
      for (const auto& name : option->get_lnames())
        entries.push_back(Described("--" + name, option->get_description()));
    out += fmt::format("      options=({}) ;;\n", fmt::join(entries, " "));
  });
  out += R"sh(  esac
  (( ${#commands} )) && _describe 'command' commands
  _describe 'option' options
}
if [[ ${funcstack[1]} == _guidon ]]; then
  _guidon "$@"
else
  compdef _guidon guidon
fi
)sh";
  return out;
}

}  // namespace

void AddCompletionCommand(CommandTree& tree) {
  auto shell = std::make_shared<std::string>();
  CLI::App& command = tree.Command(tree.root(), "completion", "Print the completion script for a shell",
                                   {"eval \"$(guidon completion bash)\"", "guidon completion zsh > ~/.zfunc/_guidon"},
                                   [shell]() -> Outcome<void> {
                                     CommandTree all;
                                     AddAllCommands(all);
                                     Print(*shell == "bash" ? BashScript(all) : ZshScript(all));
                                     return {};
                                   });
  tree.Restrict(command.add_option("SHELL", *shell, "bash or zsh")->required(), {"bash", "zsh"});
}

}  // namespace guidon::cli
