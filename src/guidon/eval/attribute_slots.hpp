// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "guidon/eval/attribute_path.hpp"
#include "guidon/eval/persistent_map.hpp"
#include "guidon/model/context.hpp"

namespace guidon::eval {

// Numbers the attributes that an environment's definitions name, so that one context's value of each is looked up once
// for all conditions of all flags. A copy shares the numbers given so far.
class AttributeSlots {
 public:
  static constexpr std::uint8_t kSlots = 64;  // one bit each of ResolvedAttributes' mask; most products use a dozen
  static constexpr std::uint8_t kNone = kSlots;

  // The number of the path as it is written; kNone once all are given away: such attributes are looked up each time.
  std::uint8_t NumberOf(std::string_view path) {
    if (const std::uint8_t* number = numbers_.Find(path)) return *number;
    if (numbers_.size() == kSlots) return kNone;
    const auto number = static_cast<std::uint8_t>(numbers_.size());
    numbers_.Set(std::string(path), number);
    return number;
  }

 private:
  PersistentMap<std::uint8_t> numbers_;
};

// One context's values of the numbered attributes. Not thread-safe.
class ResolvedAttributes {
 public:
  // `context` must outlive this. The cells are left as they are: their mask says which ones hold something.
  explicit ResolvedAttributes(const model::Context& context) : context_(context) {}

  const model::Context& context() const { return context_; }

  // Lives until the next call.
  const AttributeValue& Of(const AttributePath& path, std::uint8_t slot) {
    const bool is_known = slot < AttributeSlots::kSlots && (known_ >> slot & 1U) != 0;
    if (!is_known) [[unlikely]]
      LookUp(path, slot);
    return values_[slot];
  }

 private:
  // Out of line: it happens once for each attribute.
  [[gnu::noinline]] void LookUp(const AttributePath& path, std::uint8_t slot) {
    values_[slot] = path.Resolve(context_);
    if (slot < AttributeSlots::kSlots) known_ |= std::uint64_t{1} << slot;
  }

  const model::Context& context_;
  std::uint64_t known_ = 0;
  std::array<AttributeValue, AttributeSlots::kSlots + 1> values_;  // the last for attributes without a number
};

}  // namespace guidon::eval
