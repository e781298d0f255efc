// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "guidon/store/table.hpp"
#include "guidon/upkeep/entity.hpp"

namespace guidon::upkeep {

enum class Severity : std::uint8_t {
  kAdvice,   // nothing is wrong
  kWarning,  // nobody is served anything wrong by it yet
  kProblem,  // something is not served, not found, or will be lost
};
std::string_view NameOf(Severity severity);  // "advice", "warning", "problem"

// One thing that is not as it should be.
struct Finding {
  Severity severity = Severity::kProblem;
  std::string code;     // stable, "index-keys"
  store::Key key = {};  // of the item; empty where it is about the table
  Entity entity = Entity::kOther;
  std::string message;  // what it is, and what to do where nobody mends it
  bool repairable = false;
  friend bool operator==(const Finding&, const Finding&) = default;
};

}  // namespace guidon::upkeep
