// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/time.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/flag.hpp"

namespace guidon::eval {

enum class Severity : std::uint8_t { kWarning, kError };
std::string_view NameOf(Severity severity);  // "warning", "error"

// Something about a flag that its author hardly meant.
struct Finding {
  Severity severity = Severity::kWarning;
  std::string_view code = {};  // stable, one of FindingCodes()
  std::string field = {};      // JSON path in the flag
  std::string rule_id = {};    // of the rule it lies in; empty outside of rules
  std::string message = {};    // a sentence for a person
};

// All codes there are; docs/reference/lint.md explains them.
std::span<const std::string_view> FindingCodes();

// What the check may look at around the flag. A function that is empty leaves its questions unasked.
struct Surroundings {
  struct Segment {
    bool has_members = true;  // somebody could be in it
  };
  struct Flag {
    bool readable = true;  // else nothing is known but that it is there
    std::vector<std::string> variations = {};
    model::FlagState state = model::FlagState::kEnabled;
  };
  base::Timestamp now = {};
  // nullopt: there is none.
  std::function<std::optional<Segment>(std::string_view key)> segment = {};
  std::function<std::optional<Flag>(std::string_view key)> flag = {};
  // Variations that override items of the flag name.
  std::vector<std::string> overridden_to = {};
  // The flag is, over others, a prerequisite of itself.
  bool leads_back = false;
};

// What `snapshot` says about the surroundings of the flag, which need not be in it as it is here. With `tenant_id`,
// other tenants' flags and overrides are as if they were not there, and every segment could have members. `snapshot`
// must outlive the result.
Surroundings SurroundingsIn(const Snapshot& snapshot, const model::Flag& flag, base::Timestamp now,
                            const std::optional<std::string>& tenant_id = std::nullopt);

// Looks at a definition without a context: rules that cannot be reached, conditions that cannot hold, names of nothing,
// variations that nobody gets … In the order of the flag's attributes and rules. What it claims about rules and
// conditions holds for every context from `now` on (property-tested against the engine); where it cannot tell within
// bounded work, it is silent. Pure and thread-safe.
std::vector<Finding> CheckFlag(const model::Flag& flag, const Surroundings& surroundings);

}  // namespace guidon::eval
