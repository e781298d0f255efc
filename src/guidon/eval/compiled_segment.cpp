// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/compiled_segment.hpp"

#include <utility>

#include "guidon/model/field_path.hpp"

namespace guidon::eval {

namespace {

// All but the keys.
base::Result<std::shared_ptr<CompiledSegment>> CompileHead(const model::Segment& segment, AttributeSlots& slots) {
  auto compiled = std::make_shared<CompiledSegment>();
  compiled->key = segment->segment_key;
  compiled->version = segment->version;
  if (segment->when) {
    auto when = CompileConditions(*segment->when, slots);
    if (!when) return std::unexpected(model::Below("when", std::move(when).error()));
    compiled->when = *std::move(when);
  }
  return compiled;
}

}  // namespace

base::Result<std::shared_ptr<const CompiledSegment>> CompileSegment(const model::Segment& segment,
                                                                    AttributeSlots& slots) {
  if (segment->kept_apart)
    return base::Fail(base::ErrorCode::kInternal, "The keys of the segment were not loaded.", "included");
  GUIDON_ASSIGN(auto compiled, CompileHead(segment, slots));
  compiled->included = StringSet(segment->included);
  compiled->excluded = StringSet(segment->excluded);
  return compiled;
}

base::Result<std::shared_ptr<const CompiledSegment>> CompileSegment(const model::Segment& segment,
                                                                    const CompiledSegment& before,
                                                                    const KeyEdits& edits, AttributeSlots& slots) {
  GUIDON_ASSIGN(auto compiled, CompileHead(segment, slots));
  compiled->included = before.included.With(edits.included.added, edits.included.removed);
  compiled->excluded = before.excluded.With(edits.excluded.added, edits.excluded.removed);
  return compiled;
}

}  // namespace guidon::eval
