// SPDX-License-Identifier: Apache-2.0
// checkout DEFINITIONS: whether a large customer gets the new checkout, and why.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include <guidon/eval/evaluator.hpp>
#include <guidon/library/definitions_document.hpp>
#include <guidon/library/explanation.hpp>

int main(int argc, char** argv) {
  std::ifstream file(argc == 2 ? argv[1] : "");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto definitions = guidon::library::ParseDefinitions(text);
  if (!definitions) {
    std::cerr << definitions.error().field << ": " << definitions.error().message << '\n';
    return 1;
  }
  const auto flags = guidon::eval::Snapshot::Build(*std::move(definitions));

  guidon::model::Context::Fields customer{.targeting_key = "u2", .tenant_id = "globex"};
  customer.attributes.Set("plan", "enterprise");
  customer.attributes.Set("seats", 80);
  const auto context = guidon::model::Context::Create(std::move(customer)).value();

  guidon::eval::Trace trace;
  const guidon::base::Timestamp now{};
  const auto answer = guidon::eval::Evaluate(*flags, "new-checkout", context, now, &trace);
  std::cout << answer.variation->name << ' ' << NameOf(answer.reason) << ' ' << answer.rule_id << '\n';
  for (const auto& step : trace.steps) std::cout << "  " << step.step << ": " << step.outcome << '\n';
}
