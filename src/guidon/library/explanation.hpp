// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "guidon/eval/evaluator.hpp"

namespace guidon::library {

// Whether AppendMetadata has anything to say.
bool HasMetadata(const eval::Evaluation& evaluation);
// The members of an evaluation's metadata as JSON, without the braces: "killSwitch", "ruleId", "expired", "stale", as
// far as they apply, then those that the flag's definition brings, except under these four names.
void AppendMetadata(std::string& out, const eval::Evaluation& evaluation);

// An explained evaluation as one JSON object (spec 3, "Explain"): "flagKey", "value" and "variation" where there is
// one, "reason", "errorCode" where there is one, "metadata", and "trace" with "sequence" and "steps". What the
// management API, the CLI and the library show.
void AppendExplanation(std::string& out, std::string_view flag_key, const eval::Evaluation& evaluation,
                       const eval::Trace& trace);

}  // namespace guidon::library
