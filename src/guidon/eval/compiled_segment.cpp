// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/compiled_segment.hpp"

#include <utility>

#include "guidon/model/field_path.hpp"

namespace guidon::eval {

base::Result<std::shared_ptr<const CompiledSegment>> CompileSegment(const model::Segment& segment,
                                                                    AttributeSlots& slots) {
  auto compiled = std::make_shared<CompiledSegment>();
  compiled->key = segment->segment_key;
  compiled->version = segment->version;
  compiled->included = StringSet(segment->included);
  compiled->excluded = StringSet(segment->excluded);
  if (segment->when) {
    auto when = CompileConditions(*segment->when, slots);
    if (!when) return std::unexpected(model::Below("when", std::move(when).error()));
    compiled->when = *std::move(when);
  }
  return compiled;
}

}  // namespace guidon::eval
