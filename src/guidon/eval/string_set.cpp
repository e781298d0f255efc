// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/string_set.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "guidon/eval/string_hash.hpp"

namespace guidon::eval {
namespace {

// Up to here comparing sizes and first bytes beats hashing.
constexpr std::size_t kLinearMax = 8;

std::uint32_t TagOf(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32U); }

}  // namespace

StringSet::StringSet(std::vector<std::string> members) : members_(std::move(members)) {
  if (members_.size() <= kLinearMax) return;
  cells_.resize(std::bit_ceil(members_.size() * 2));
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const std::uint64_t hash = StringHash{}(members_[i]);
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    while (cells_[at].position != 0) at = (at + 1) & mask;
    cells_[at] = {.tag = TagOf(hash), .position = static_cast<std::uint32_t>(i + 1)};
  }
}

bool StringSet::Contains(std::string_view text) const {
  if (cells_.empty()) return std::ranges::find(members_, text) != members_.end();
  const std::uint64_t hash = StringHash{}(text);
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t at = static_cast<std::size_t>(hash) & mask; cells_[at].position != 0; at = (at + 1) & mask) {
    if (cells_[at].tag == TagOf(hash) && members_[cells_[at].position - 1] == text) return true;
  }
  return false;
}

}  // namespace guidon::eval
