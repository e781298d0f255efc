// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace guidon::eval {

// A fixed set of strings, made once and asked often: a few are compared one by one, many are found in an open-addressed
// table. Immutable and thread-safe.
class StringSet {
 public:
  StringSet() = default;
  explicit StringSet(std::vector<std::string> members);

  bool Contains(std::string_view text) const;
  std::size_t size() const { return members_.size(); }
  bool empty() const { return members_.empty(); }

 private:
  struct Cell {
    std::uint32_t tag = 0;       // other bits of the hash than those that chose the cell: most misses need no compare
    std::uint32_t position = 0;  // in members_, from 1; 0: empty cell
  };

  std::vector<std::string> members_;
  std::vector<Cell> cells_;  // a power of two of them, at most half full; none for small sets
};

}  // namespace guidon::eval
