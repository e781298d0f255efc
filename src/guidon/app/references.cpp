// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/references.hpp"

#include <algorithm>
#include <utility>

#include "guidon/model/flag_references.hpp"

namespace guidon::app {
void References::Set(const model::Flag& flag) {
  Entry entry{.tenant_id = flag->tenant_id, .prerequisites = {}, .segments = model::SegmentsOf(flag)};
  for (const auto& prerequisite : flag->prerequisites) entry.prerequisites.push_back(prerequisite.flag_key);
  if (entry.tenant_id || !entry.prerequisites.empty() || !entry.segments.empty()) {
    flags_.insert_or_assign(flag->flag_key, std::move(entry));
  } else {
    flags_.erase(flag->flag_key);
  }
}

// What it refers to cannot be read, but its last good definition may still be evaluated: that stays in use.
void References::Set(const eval::BrokenFlag& flag) {
  if (flag.tenant_id) flags_[flag.flag_key].tenant_id = flag.tenant_id;
}

void References::Load(const eval::Definitions& definitions) {
  std::map<std::string, Entry, std::less<>> before;
  before.swap(flags_);
  segments_.clear();
  for (const auto& flag : definitions.flags) Set(flag);
  for (const auto& flag : definitions.broken_flags) {
    if (const auto found = before.find(flag.flag_key); found != before.end())
      flags_.insert_or_assign(flag.flag_key, std::move(found->second));
    Set(flag);
  }
  for (const auto& segment : definitions.segments) segments_.insert(segment->segment_key);
  for (const auto& edit : definitions.segment_edits) segments_.insert(edit.segment->segment_key);
  for (const auto& segment : definitions.broken_segments) segments_.insert(segment.segment_key);
}

void References::Apply(const eval::ChangeSet& changes) {
  for (const auto& key : changes.removed_flags) flags_.erase(key);
  for (const auto& key : changes.removed_segments) segments_.erase(key);
  for (const auto& flag : changes.flags) Set(flag);
  for (const auto& flag : changes.broken_flags) Set(flag);
  for (const auto& segment : changes.segments) segments_.insert(segment->segment_key);
  for (const auto& edit : changes.segment_edits) segments_.insert(edit.segment->segment_key);
  for (const auto& segment : changes.broken_segments) segments_.insert(segment.segment_key);
}

std::optional<std::string> References::TenantOf(std::string_view flag_key) const {
  const auto found = flags_.find(flag_key);
  return found != flags_.end() ? found->second.tenant_id : std::nullopt;
}

std::vector<std::string> References::DependentsOf(std::string_view flag_key) const {
  std::vector<std::string> found;
  for (const auto& [key, entry] : flags_) {
    if (std::ranges::find(entry.prerequisites, flag_key) != entry.prerequisites.end()) found.push_back(key);
  }
  return found;
}

std::vector<std::string> References::UsersOfSegment(std::string_view segment_key) const {
  std::vector<std::string> found;
  for (const auto& [key, entry] : flags_) {
    if (std::ranges::find(entry.segments, segment_key) != entry.segments.end()) found.push_back(key);
  }
  return found;
}

}  // namespace guidon::app
