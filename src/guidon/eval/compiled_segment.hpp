// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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

// Errors: kInvalidArgument with the JSON path; kInternal where the segment comes without its keys.
base::Result<std::shared_ptr<const CompiledSegment>> CompileSegment(const model::Segment& segment,
                                                                    AttributeSlots& slots);

struct KeyEdit {
  std::span<const std::string> added;
  std::span<const std::string> removed;
};
struct KeyEdits {
  KeyEdit included;
  KeyEdit excluded;
};
// `segment` with the keys of `before` after `edits`. Error: kInvalidArgument with the JSON path.
base::Result<std::shared_ptr<const CompiledSegment>> CompileSegment(const model::Segment& segment,
                                                                    const CompiledSegment& before,
                                                                    const KeyEdits& edits, AttributeSlots& slots);

}  // namespace guidon::eval
