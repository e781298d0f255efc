// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "guidon/base/time.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/context.hpp"
#include "random.hpp"

namespace guidon::twin {

// One environment, how it came to be, and who asks about it.
struct Scenario {
  eval::Definitions last_good;
  eval::Definitions present;             // built with `last_good`
  std::vector<eval::ChangeSet> changes;  // then applied, one after the other
  std::vector<std::string> flag_keys;    // to ask for
  std::vector<std::pair<model::Context, base::Timestamp>> questions;
};

// Definitions with every feature of spec 3 over few names and few values, the same that contexts are made of: rules
// find their attributes, operands their twins and neighbours, overrides their tenants, prerequisites their flags.
Scenario AnyScenario(Random& random);

// Flags with nothing but rules over one attribute (and segments), so that rules have to do with each other: half of
// their conditions and pairs of rules mean something to a static check. Contexts hold that attribute, often as a list.
Scenario AnyRelatedRules(Random& random);

}  // namespace guidon::twin
