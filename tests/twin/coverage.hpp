// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/model/condition.hpp"

namespace guidon::twin {

// How often the twin came by each place of the specification. Agreement about answers that were never asked for would
// prove nothing.
class Coverage {
 public:
  enum class Outcome : std::uint8_t { kTrue, kFalse, kMissing, kList };
  // `place` must be a literal: it is kept.
  void At(std::string_view place) { ++places_[place]; }
  void Condition(model::Operator op, Outcome outcome) {
    ++conditions_[static_cast<std::size_t>(op)][static_cast<std::size_t>(outcome)];
  }

  // What was met fewer than `times` times, with its count; `places` lists all there are.
  std::vector<std::string> RarerThan(std::uint64_t times) const;
  std::string Report() const;

 private:
  std::map<std::string_view, std::uint64_t> places_;
  std::array<std::array<std::uint64_t, 4>, model::kOperatorCount> conditions_{};
};

}  // namespace guidon::twin
