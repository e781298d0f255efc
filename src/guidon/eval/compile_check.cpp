// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/compile_check.hpp"

#include <utility>

#include "guidon/eval/compiled_segment.hpp"
#include "guidon/eval/flag_compiler.hpp"

namespace guidon::eval {

base::Status CheckCompiles(const model::Flag& flag) {
  AttributeSlots slots;
  std::shared_ptr<const Variations> booleans;
  if (auto compiled = CompileFlag(flag, {}, slots, booleans); !compiled)
    return std::unexpected(std::move(compiled).error());
  return {};
}

base::Status CheckCompiles(const model::Segment& segment) {
  AttributeSlots slots;
  // The keys cannot be wrong.
  auto compiled = CompileSegment(segment, CompiledSegment{}, {}, slots);
  if (!compiled) return std::unexpected(std::move(compiled).error());
  return {};
}

}  // namespace guidon::eval
