// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/time.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/context.hpp"

namespace guidon::bench {

inline constexpr int kSegmentKeys = 1'000'000;

// What one evaluation is measured on: bench/eval_cases.json, with what is too long to be written down there (ten rules
// of five conditions, a segment of a million keys) added. The peers' benchmark reads the same file.
struct EvalCases {
  std::shared_ptr<const eval::Snapshot> snapshot;
  base::Timestamp now;
  model::Context context;
  // Users of whom every second is in the segment, in an order that no cache foresees.
  std::vector<model::Context> users;
};

// Ends the program with a message where the file cannot be used.
EvalCases LoadEvalCases(const std::string& path, bool with_segment = true);

}  // namespace guidon::bench
