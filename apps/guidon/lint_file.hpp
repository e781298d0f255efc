// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "apps/guidon/failure.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/static_check.hpp"
#include "guidon/model/value.hpp"

namespace guidon::cli {

struct LintedFlag {
  std::string flag_key;
  std::string environment;
  std::vector<eval::Finding> findings;
};

// Checks the flags of a document as they would be in `environment` (where they name none): one flag, a list of flags
// (also `{"items": […]}`, as `flag list` writes it), or a whole environment `{"flags": […], "segments": […]}`, in which
// names of flags and segments must lead to something. A flag that is not valid has the finding "invalid".
// Error: kUsage where it is none of these.
Outcome<std::vector<LintedFlag>> LintDocument(const model::Value& document, const std::string& environment,
                                              base::Timestamp now);

}  // namespace guidon::cli
