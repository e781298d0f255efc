// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "guidon/model/value.hpp"

namespace guidon::eval {

// A number as it was written: 64-bit integers stay exact.
using Number = std::variant<std::int64_t, double>;

// Nothing where the value is no number.
std::optional<Number> NumberOf(const model::Value& value);

// By mathematical value, also between integers and doubles beyond 2^53, where converting one into the other would make
// different numbers equal. Unordered with NaN.
std::partial_ordering Compare(const Number& a, const Number& b);

// Sorted for Contains. NaN is in no set.
class NumberSet {
 public:
  NumberSet() = default;
  explicit NumberSet(std::vector<Number> members);
  bool Contains(const Number& number) const;
  bool empty() const { return members_.empty(); }

 private:
  std::vector<Number> members_;
};

}  // namespace guidon::eval
