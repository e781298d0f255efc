// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>
#include <string>

#include "apps/guidon/client.hpp"
#include "apps/guidon/command_tree.hpp"
#include "apps/guidon/settings.hpp"

namespace guidon::cli {
namespace {

// The tree is gone before the command runs: a server keeps nothing of it.
Outcome<ParsedCommand> ParseCommandLine(int argc, const char* const* argv) {
  CommandTree tree;
  AddAllCommands(tree);
  return tree.Parse(argc, argv);
}

ExitCode Run(int argc, const char* const* argv) {
  bool json_output = false;
  const auto run = [&]() -> Outcome<void> {
    GUIDON_ASSIGN(const ParsedCommand command, ParseCommandLine(argc, argv));
    if (!command.run) return FlushOutput();
    json_output = command.json_output;
    GUIDON_TRY(CheckEnvironment(ProcessEnvironment()));
    const auto done = command.run();
    const auto written = FlushOutput();
    return done ? written : done;
  };
  const auto done = run();
  if (done) return ExitCode::kOk;
  PrintFailure(done.error(), json_output);
  return done.error().exit;
}

}  // namespace
}  // namespace guidon::cli

int main(int argc, char** argv) {
  using guidon::cli::ExitCode;
  try {
    return static_cast<int>(guidon::cli::Run(argc, argv));
  } catch (const std::exception& problem) {
    // Only a library, or memory that ran out, throws.
    std::fprintf(stderr, "error: unexpected failure: %s\n", problem.what());
    return static_cast<int>(ExitCode::kFailure);
  }
}
