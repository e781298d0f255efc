// SPDX-License-Identifier: Apache-2.0
#include "coverage.hpp"

#include <utility>

namespace guidon::twin {
namespace {

// Every place that the naive evaluator names, so that one it never came by is missed too.
constexpr std::string_view kPlaces[] = {"flag that is not there",
                                        "flag of another tenant",
                                        "archived flag",
                                        "broken flag",
                                        "kill switch on a broken flag",
                                        "stale flag",
                                        "kill variation",
                                        "kill switch without a kill variation",
                                        "global kill switch",
                                        "owner's kill switch",
                                        "tenant's kill switch",
                                        "flag's kill switch",
                                        "disabled flag",
                                        "expired flag",
                                        "prerequisite met",
                                        "prerequisite failed",
                                        "prerequisite that is not there",
                                        "prerequisite cycle",
                                        "prerequisites too deep",
                                        "prerequisites too many",
                                        "prerequisites that cannot be followed",
                                        "override",
                                        "override whose variation is gone",
                                        "override in the flag",
                                        "rule before its start",
                                        "rule within its period",
                                        "rule after its end",
                                        "rule",
                                        "rule for everyone",
                                        "rule that cannot be decided",
                                        "split with one share",
                                        "split by an attribute",
                                        "split by targeting key",
                                        "unit that is no text",
                                        "unit that is missing",
                                        "rollout",
                                        "static default",
                                        "default variation",
                                        "off variation",
                                        "empty group",
                                        "all: true",
                                        "all: false",
                                        "all: unknown",
                                        "any: true",
                                        "any: false",
                                        "any: unknown",
                                        "none: true",
                                        "none: false",
                                        "none: unknown",
                                        "excluded from a segment",
                                        "included in a segment",
                                        "STATIC",
                                        "DEFAULT",
                                        "TARGETING_MATCH",
                                        "SPLIT",
                                        "DISABLED",
                                        "STALE",
                                        "PREREQUISITE_FAILED",
                                        "ERROR",
                                        "FLAG_NOT_FOUND",
                                        "TARGETING_KEY_MISSING",
                                        "PARSE_ERROR"};

constexpr std::string_view kOutcomes[] = {"true", "false", "missing", "list"};

bool CanHappen(model::Operator op, std::size_t outcome) {
  // A segment is no attribute, and whether there is something does not depend on what.
  return outcome != static_cast<std::size_t>(Coverage::Outcome::kList) ||
         (op != model::Operator::kInSegment && op != model::Operator::kExists);
}

}  // namespace

std::vector<std::string> Coverage::RarerThan(std::uint64_t times) const {
  std::vector<std::string> rare;
  const auto check = [&](std::string name, std::uint64_t count) {
    if (count < times) rare.push_back(std::move(name += ": " + std::to_string(count)));
  };
  for (const std::string_view place : kPlaces) {
    const auto at = places_.find(place);
    check(std::string(place), at == places_.end() ? 0 : at->second);
  }
  for (std::size_t op = 0; op < conditions_.size(); ++op) {
    for (std::size_t outcome = 0; outcome < conditions_[op].size(); ++outcome) {
      const auto operation = static_cast<model::Operator>(op);
      if (!CanHappen(operation, outcome)) continue;
      check(std::string(NameOf(operation)) + " " + std::string(kOutcomes[outcome]), conditions_[op][outcome]);
    }
  }
  return rare;
}

std::string Coverage::Report() const {
  std::string text;
  for (const auto& [place, count] : places_) text += std::string(place) + ": " + std::to_string(count) + "\n";
  for (std::size_t op = 0; op < conditions_.size(); ++op) {
    text += NameOf(static_cast<model::Operator>(op));
    for (std::size_t outcome = 0; outcome < conditions_[op].size(); ++outcome)
      text += " " + std::string(kOutcomes[outcome]) + " " + std::to_string(conditions_[op][outcome]);
    text += "\n";
  }
  return text;
}

}  // namespace guidon::twin
