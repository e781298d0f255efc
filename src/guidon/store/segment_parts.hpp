// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "guidon/store/segment_keys.hpp"

// What reading and planning share. Not for other modules.
namespace guidon::store {

// One list of one segment.
struct SegmentPlace {
  model::Environment environment;
  model::SegmentKey segment;
  SegmentList list;
};

std::uint64_t SegmentPartChecksum(SegmentList list, const std::vector<std::string>& keys);

// Puts the keys of all `parts` into the cache. Error: kCorrupt naming "keys" where one is missing or damaged.
base::Status ReadSegmentParts(Table& table, const SegmentPlace& place, std::span<const SegmentPart* const> parts,
                              SegmentPartCache& cache);
// Precondition: ReadSegmentParts put it there.
const std::vector<std::string>& KeysOfPart(const SegmentPlace& place, const SegmentPart& part,
                                           const SegmentPartCache& cache);

}  // namespace guidon::store
