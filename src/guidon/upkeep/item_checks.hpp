// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guidon/store/table.hpp"
#include "guidon/upkeep/finding.hpp"

// What can be told from one item alone. Pure functions.
namespace guidon::upkeep {

// Codes: "unreadable", "newer", "unknown", "unfinished-transfer", "index-keys", "ttl-missing", "ttl-type",
// "ttl-forbidden".
std::vector<Finding> CheckItem(const store::Item& item);

// A write that mends an item, on condition that all it was concluded from is still so.
struct Fix {
  store::Update update;
  std::string what;  // "sets GSI1PK, GSI1SK"
};
// Nothing where there is nothing to mend. Index keys, and `ttl` where Guidon's items have one.
std::optional<Fix> FixFor(const store::Item& item);

}  // namespace guidon::upkeep
