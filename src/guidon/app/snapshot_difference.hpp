// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "guidon/eval/snapshot.hpp"

namespace guidon::app {

// Keys of flags whose definition or number of overrides is not the same in both.
std::vector<std::string> DifferentFlags(const eval::Snapshot& before, const eval::Snapshot& after);
bool SameKillSwitches(const eval::Snapshot& before, const eval::Snapshot& after);

}  // namespace guidon::app
