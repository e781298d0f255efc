// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "apps/guidon/client.hpp"

// Evaluating from the command line: context options and how answers and traces are shown.
namespace guidon::cli {

struct ContextOptions {
  std::string key = {};
  std::string tenant = {};
  std::vector<std::string> attributes = {};
  std::string file = {};
};
void AddContextOptions(CLI::App& command, ContextOptions& options);

// The evaluation context as JSON. Attribute values are JSON where they parse as such, else text. Errors: kUsage.
Outcome<model::Value> ContextDocument(const ContextOptions& options);

// Evaluates with trace and shows it. Errors: as of the server; an evaluation that ended in an error is one too.
Outcome<void> ExplainFlag(Client& client, const std::string& environment, const std::string& flag,
                          const ContextOptions& context);

// Failure for an evaluation's error code.
Failure EvaluationFailure(std::string_view flag, std::string_view code, std::string_view details);

}  // namespace guidon::cli
