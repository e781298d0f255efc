// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/eval/large_allocator.hpp"
#include "guidon/eval/string_hash.hpp"

namespace guidon::eval {

// A fixed set of strings, made once and asked often: a few are compared one by one, many are found in an open-addressed
// table. The strings lie one after the other in one piece of memory, so a hit costs two cache lines however many there
// are. Immutable and thread-safe.
class StringSet {
 public:
  StringSet() = default;
  // At most 4 GiB of text.
  explicit StringSet(std::span<const std::string> members);
  // This set without `removed`, with `added`: costs a copy of the text, not of its members. Precondition: all of
  // `removed` and none of `added` are in it, each named once.
  StringSet With(std::span<const std::string> added, std::span<const std::string> removed) const;

  bool Contains(std::string_view text) const { return Contains(text, HeadOf(text)); }
  // For a text whose head (HeadOf) is at hand.
  bool Contains(std::string_view text, std::uint64_t head) const {
    for (const Short& one : few_) {
      if (one.head == head && one.size == text.size() && (text.size() <= 8 || SameTail(one, text))) return true;
    }
    return !cells_.empty() && IsInTable(text);
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Cell {
    std::uint32_t tag = 0;    // other bits of the hash than those that chose the cell: most misses need no compare
    std::uint32_t start = 0;  // of the member in text_, plus one; 0: empty cell
  };
  // What a small set is searched by.
  struct Short {
    std::uint64_t head = 0;
    std::uint32_t size = 0;
    std::uint32_t start = 0;  // of the member in text_
  };
  using Length = std::uint32_t;  // in front of each member, not aligned

  std::string_view MemberAt(std::size_t start) const {
    Length length;
    std::memcpy(&length, text_.data() + start, sizeof(length));
    return {text_.data() + start + sizeof(length), length};
  }
  void Reserve(std::size_t members, std::size_t text_bytes);
  void Add(std::string_view member);
  bool SameTail(const Short& one, std::string_view text) const;
  bool IsInTable(std::string_view text) const;

  std::size_t size_ = 0;
  std::vector<char, LargeAllocator<char>> text_;
  std::vector<Short> few_;                         // of small sets
  std::vector<Cell, LargeAllocator<Cell>> cells_;  // a power of two of them, at most half full; none for small sets
};

}  // namespace guidon::eval
