// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace guidon::eval {

// MurmurHash3_x86_32 with seed 0 over `salt` followed by `unit`, without building the joined string (spec 3,
// "Bucketing").
std::uint32_t HashUnit(std::string_view salt, std::string_view unit);

// (uint64(hash) * total_weight) >> 32: 0 to total_weight - 1. `total_weight` is 1 to 2^31 - 1.
constexpr std::uint64_t BucketOf(std::uint32_t hash, std::uint64_t total_weight) {
  return (std::uint64_t{hash} * total_weight) >> 32U;
}

}  // namespace guidon::eval
