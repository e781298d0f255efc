// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/scan.hpp"
#include "guidon/upkeep/pace.hpp"

namespace guidon::upkeep {

// How far one segment has been read.
struct SegmentPosition {
  std::optional<store::Key> after = std::nullopt;  // absent: from its beginning
  bool done = false;
  friend bool operator==(const SegmentPosition&, const SegmentPosition&) = default;
};
using Positions = std::vector<SegmentPosition>;  // one for each segment

model::Value PositionsToValue(const Positions& positions);
base::Result<Positions> PositionsFrom(const model::Value& value);  // Error: kCorrupt

// What one segment reads next stands after this page.
SegmentPosition After(const store::ScanPage& page);

// Reads the rest of every segment, a thread each, within the pace. `take` gets each page, from several threads, those
// of one segment in order; whoever wants to go on later keeps After(page). The first error ends all.
base::Status ReadAll(store::ScannableTable& table, const Positions& from, store::Consistency consistency, Pace& pace,
                     const std::function<base::Status(std::size_t segment, const store::ScanPage& page)>& take);

}  // namespace guidon::upkeep
