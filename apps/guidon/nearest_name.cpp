// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/nearest_name.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace guidon::cli {
namespace {

// Letters to add, take away, change, or swap with their neighbour (optimal string alignment), with three rows kept.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before;
  std::vector<std::size_t> above(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(above, std::move(row));
  }
  return above[b.size()];
}

}  // namespace

std::string NearestName(std::string_view wrong, const std::vector<std::string>& names) {
  std::string nearest;
  std::size_t nearest_distance = wrong.size() + 1;
  for (const auto& name : names) {
    const std::size_t distance = EditDistance(wrong, name);
    if (distance <= std::max<std::size_t>(1, name.size() / 3) && distance < nearest_distance) {
      nearest = name;
      nearest_distance = distance;
    }
  }
  return nearest;
}

}  // namespace guidon::cli
