// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "guidon/base/result.hpp"
#include "guidon/json/json.hpp"
#include "guidon/model/value.hpp"

// The parser behind this module: the only header that shows it. Not for other modules.
namespace guidon::json {

// Parses `text` and hands its root to `use`; the root and all below it are gone afterwards. `use` must not parse.
// Errors: kMalformed, kTooLarge, and what `use` returns.
base::Status WithDocument(std::string_view text, const ParseLimits& limits,
                          const std::function<base::Status(simdjson::dom::element)>& use);

// The members of one object, sorted by name: sorting them before they become values moves no strings.
class SortedMembers {
 public:
  struct Member {
    std::string_view name;
    simdjson::dom::element value;
  };

  explicit SortedMembers(simdjson::dom::object object);
  SortedMembers(const SortedMembers&) = delete;
  SortedMembers& operator=(const SortedMembers&) = delete;

  // Error: kMalformed naming a member that is there twice.
  base::Status CheckUnique() const;
  std::size_t size() const { return members_.size(); }
  auto begin() const { return members_.begin(); }
  auto end() const { return members_.end(); }

 private:
  static constexpr std::size_t kInlineMax = 16;  // usual contexts and rules need no allocation
  std::array<Member, kInlineMax> inline_;
  std::vector<Member> large_;
  std::span<Member> members_;
};

// Errors: kMalformed with the path below `element` (too deep, duplicate name).
base::Result<model::Value> ToValue(simdjson::dom::element element, std::size_t depth_left);

}  // namespace guidon::json
