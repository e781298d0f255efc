// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "comparison.hpp"

namespace guidon::twin {

// The smallest difference that dropping flags, rules, conditions, operands, changes and attributes leads to.
Difference Shrink(Difference difference, const Faults& faults = {});

// For people and for conformance/eval: both answers, and a suite in which the twin's is what is expected. A case with
// changes has them behind the suite, since conformance data knows none.
std::string ToText(const Difference& difference);

}  // namespace guidon::twin
