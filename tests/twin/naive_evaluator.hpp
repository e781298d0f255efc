// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coverage.hpp"
#include "guidon/base/time.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/evaluation.hpp"
#include "guidon/model/value.hpp"
#include "world.hpp"

namespace guidon::twin {

// Everything that an evaluation says, the metadata included.
struct Answer {
  std::optional<std::string> variation = std::nullopt;
  std::optional<model::Value> value = std::nullopt;
  model::Reason reason = model::Reason::kError;
  model::EvaluationError error = model::EvaluationError::kNone;
  std::string kill_switch = {};
  std::string rule_id = {};
  bool expired = false;
  bool stale = false;
  friend bool operator==(const Answer&, const Answer&) = default;
};

// Spec 3, step by step, on the definitions as they are: nothing compiled, nothing remembered, no code of the engine.
Answer EvaluateNaively(const World& world, const std::string& flag_key, const model::Context& context,
                       base::Timestamp now, Coverage& coverage);

}  // namespace guidon::twin
