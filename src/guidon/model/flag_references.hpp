// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "guidon/model/flag.hpp"

namespace guidon::model {

// Segments that a flag's rules name, each once, in the order of their keys.
std::vector<std::string> SegmentsOf(const Flag& flag);

}  // namespace guidon::model
