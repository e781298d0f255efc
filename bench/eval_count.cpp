// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdlib>
#include <string>

#include "eval_cases.hpp"
#include "guidon/eval/evaluator.hpp"

// eval_count CASE TIMES: so that callgrind's difference between two runs is what the evaluations cost.
int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string flag_key = argv[1];
  const auto times = static_cast<std::size_t>(std::strtoul(argv[2], nullptr, 10));
  const guidon::bench::EvalCases cases =
      guidon::bench::LoadEvalCases("bench/eval_cases.json", flag_key == "segment_1m");
  std::size_t served = 0;
  for (std::size_t i = 0; i < times; ++i) {
    const auto& context = flag_key == "segment_1m" ? cases.users[i % cases.users.size()] : cases.context;
    const auto answer = guidon::eval::Evaluate(*cases.snapshot, flag_key, context, cases.now);
    served += answer.variation != nullptr ? 1U : 0U;
  }
  return served == times ? 0 : 1;
}
