// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/string_set.hpp"

#include <bit>

namespace guidon::eval {
namespace {

// Up to here comparing sizes and first bytes beats hashing.
constexpr std::size_t kLinearMax = 8;

std::uint32_t TagOf(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32U); }

}  // namespace

StringSet::StringSet(std::span<const std::string> members) {
  std::size_t bytes = 0;
  for (const std::string& member : members) bytes += member.size();
  Reserve(members.size(), bytes);
  for (const std::string& member : members) Add(member);
}

StringSet StringSet::With(std::span<const std::string> added, std::span<const std::string> removed) const {
  if (added.empty() && removed.empty()) return *this;
  std::size_t bytes = text_.size() - size_ * sizeof(Length);
  for (const std::string& member : added) bytes += member.size();
  for (const std::string& member : removed) bytes -= member.size();
  const StringSet gone(removed);
  StringSet next;
  next.Reserve(size_ + added.size() - removed.size(), bytes);
  for (std::size_t at = 0; at < text_.size();) {
    const std::string_view member = MemberAt(at);
    at += sizeof(Length) + member.size();
    if (gone.empty() || !gone.Contains(member)) next.Add(member);
  }
  for (const std::string& member : added) next.Add(member);
  return next;
}

void StringSet::Reserve(std::size_t members, std::size_t text_bytes) {
  size_ = members;
  text_.reserve(text_bytes + members * sizeof(Length));
  if (size_ > kLinearMax) cells_.resize(std::bit_ceil(size_ * 2));
}

void StringSet::Add(std::string_view member) {
  const auto start = static_cast<std::uint32_t>(text_.size());
  const auto length = static_cast<Length>(member.size());
  text_.resize(start + sizeof(length));
  std::memcpy(text_.data() + start, &length, sizeof(length));
  text_.insert(text_.end(), member.begin(), member.end());
  if (cells_.empty()) {
    few_.push_back({.head = HeadOf(member), .size = length, .start = start});
    return;
  }
  const std::size_t mask = cells_.size() - 1;
  const std::uint64_t hash = StringHash{}(member);
  std::size_t at = static_cast<std::size_t>(hash) & mask;
  while (cells_[at].start != 0) at = (at + 1) & mask;
  cells_[at] = {.tag = TagOf(hash), .start = start + 1};
}

bool StringSet::SameTail(const Short& one, std::string_view text) const { return MemberAt(one.start) == text; }

bool StringSet::IsInTable(std::string_view text) const {
  const std::uint64_t hash = StringHash{}(text);
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t at = static_cast<std::size_t>(hash) & mask; cells_[at].start != 0; at = (at + 1) & mask) {
    if (cells_[at].tag == TagOf(hash) && MemberAt(cells_[at].start - 1) == text) return true;
  }
  return false;
}

}  // namespace guidon::eval
