// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/number.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace guidon::eval {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

bool IsNan(const Number& number) {
  const double* value = std::get_if<double>(&number);
  return value != nullptr && std::isnan(*value);
}

std::partial_ordering CompareMixed(std::int64_t integer, double number) {
  if (std::isnan(number)) return std::partial_ordering::unordered;
  if (number >= kTwoTo63) return std::partial_ordering::less;
  if (number < -kTwoTo63) return std::partial_ordering::greater;
  const double whole = std::trunc(number);
  const auto whole_integer = static_cast<std::int64_t>(whole);
  if (integer != whole_integer) return integer <=> whole_integer;
  return whole <=> number;
}

bool Less(const Number& a, const Number& b) { return Compare(a, b) < 0; }

}  // namespace

std::optional<Number> NumberOf(const model::Value& value) {
  if (const std::int64_t* integer = value.AsInteger()) return Number(*integer);
  if (const double* number = value.AsDouble()) return Number(*number);
  return std::nullopt;
}

std::partial_ordering Compare(const Number& a, const Number& b) {
  const std::int64_t* integer_a = std::get_if<std::int64_t>(&a);
  const std::int64_t* integer_b = std::get_if<std::int64_t>(&b);
  if (integer_a != nullptr && integer_b != nullptr) return *integer_a <=> *integer_b;
  if (integer_a != nullptr) return CompareMixed(*integer_a, *std::get_if<double>(&b));
  if (integer_b != nullptr) return 0 <=> CompareMixed(*integer_b, *std::get_if<double>(&a));
  return *std::get_if<double>(&a) <=> *std::get_if<double>(&b);
}

NumberSet::NumberSet(std::vector<Number> members) : members_(std::move(members)) {
  std::erase_if(members_, IsNan);
  std::ranges::sort(members_, Less);
}

bool NumberSet::Contains(const Number& number) const {
  return !IsNan(number) && std::ranges::binary_search(members_, number, Less);
}

}  // namespace guidon::eval
