// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/flag_references.hpp"

#include <set>
#include <variant>

namespace guidon::model {
namespace {

void CollectSegments(const ConditionGroup& group, std::set<std::string>& found) {
  for (const auto& child : group.children) {
    if (const auto* below = std::get_if<ConditionGroup>(&child)) {
      CollectSegments(*below, found);
      continue;
    }
    const auto& condition = std::get<Condition>(child);
    if (condition.op != Operator::kInSegment) continue;
    for (const auto& value : condition.values) {
      if (const auto* key = value.AsString()) found.insert(*key);
    }
  }
}

}  // namespace

std::vector<std::string> SegmentsOf(const Flag& flag) {
  std::set<std::string> found;
  for (const auto& rule : flag->targeting_rules) {
    if (rule.when) CollectSegments(*rule.when, found);
  }
  return {found.begin(), found.end()};
}

}  // namespace guidon::model
