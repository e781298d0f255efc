// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/base/result.hpp"

namespace guidon::base {

// A string that was checked once, when it was made. `Rule` gives `static Status Check(std::string_view,
// std::string_view field)`; two ids with different rules are different types and cannot be mixed up.
template <class Rule>
class StrongId {
 public:
  // Error: kInvalidArgument naming `field` (default: the rule's own name).
  static Result<StrongId> Parse(std::string_view text, std::string_view field = Rule::kField) {
    if (auto status = Rule::Check(text, field); !status) return std::unexpected(std::move(status).error());
    return StrongId(std::string(text));
  }

  const std::string& str() const { return text_; }

  friend auto operator<=>(const StrongId&, const StrongId&) = default;
  friend bool operator==(const StrongId&, const StrongId&) = default;

 private:
  explicit StrongId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace guidon::base

template <class Rule>
struct std::hash<guidon::base::StrongId<Rule>> {
  std::size_t operator()(const guidon::base::StrongId<Rule>& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};
