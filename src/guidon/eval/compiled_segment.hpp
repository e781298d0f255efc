// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "guidon/base/result.hpp"
#include "guidon/eval/compiled_condition.hpp"
#include "guidon/eval/persistent_map.hpp"
#include "guidon/eval/string_set.hpp"
#include "guidon/model/entities.hpp"

namespace guidon::eval {

// A segment ready to be asked. Immutable and thread-safe.
struct CompiledSegment {
  std::string key;
  std::uint64_t version = 0;
  StringSet included;
  StringSet excluded;
  std::optional<CompiledNode> when;
};

// Shared by all snapshots in which the segment is the same.
using SegmentMap = PersistentMap<std::shared_ptr<const CompiledSegment>>;

// Error: kInvalidArgument with the JSON path.
base::Result<std::shared_ptr<const CompiledSegment>> CompileSegment(const model::Segment& segment,
                                                                    AttributeSlots& slots);

}  // namespace guidon::eval
