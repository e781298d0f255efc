// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "generator.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/snapshot.hpp"
#include "naive_evaluator.hpp"

namespace guidon::twin {

// One question about one environment.
struct Case {
  eval::Definitions last_good = {};
  eval::Definitions present = {};
  std::vector<eval::ChangeSet> changes = {};
  std::string flag_key = {};
  model::Context context = {};
  base::Timestamp now = {};
};

// Makes the engine's definitions out of those that the twin reads. Only a test of the test gives one that differs.
using Faults = std::function<void(Case&)>;

// Two answers to one question.
struct Difference {
  Case question;
  Answer naive;
  Answer engine;
  std::string where;  // "built", "applied" or "with a trace"
};

Answer AnswerOf(const eval::Evaluation& evaluation);
std::string Describe(const Answer& answer);

// Both evaluators on one question: as built, after the changes, with a trace and without.
std::optional<Difference> Compare(const Case& question, const Faults& faults = {});

// All questions of a scenario about all its flags; adds the number of pairs of definition and context to `pairs`.
std::optional<Difference> CompareAll(const Scenario& scenario, Coverage& coverage, std::uint64_t& pairs,
                                     const Faults& faults = {});

}  // namespace guidon::twin
