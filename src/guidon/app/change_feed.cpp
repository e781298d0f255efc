// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/change_feed.hpp"

#include <algorithm>
#include <utility>

#include "guidon/app/snapshot_difference.hpp"
#include "guidon/model/entities.hpp"

namespace guidon::app {
namespace {

// Contexts that the flag as it is then exists for.
Audience OwnersOf(std::string_view flag_key, const FeedMoment& moment) {
  Audience audience;
  if (moment.snapshot.Find(flag_key) == nullptr) return audience;
  const auto tenant = moment.references.TenantOf(flag_key);
  if (tenant) {
    audience.Add(*tenant);
  } else {
    audience.everyone = true;
  }
  return audience;
}

Audience AudienceOfSwitch(std::string_view text, const FeedMoment& moment) {
  Audience audience;
  const auto scope = model::KillScope::Parse(text);
  if (scope && scope->kind() == model::KillScope::Kind::kFlag) return OwnersOf(scope->id(), moment);
  if (scope && scope->kind() == model::KillScope::Kind::kTenant) {
    audience.Add(scope->id());
  } else {
    audience.everyone = true;
  }
  return audience;
}

}  // namespace

void Audience::Add(std::string_view tenant) {
  const auto at = std::ranges::lower_bound(tenants, tenant);
  if (at == tenants.end() || *at != tenant) tenants.emplace(at, tenant);
}

void Audience::Add(const Audience& other) {
  everyone = everyone || other.everyone;
  for (const std::string& tenant : other.tenants) Add(tenant);
}

bool Audience::Names(std::string_view tenant) const {
  return std::ranges::binary_search(tenants, tenant, std::less<>());
}

std::size_t ChangeFeed::WeightOf(const FeedEntry& entry) {
  std::size_t weight = 1 + entry.audience.tenants.size();
  for (const FeedChange& change : entry.changes)
    weight += 1 + change.record.tenants.size() + change.audience.tenants.size();
  return weight;
}

void ChangeFeed::Start(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  floor_ = std::max(floor_, sequence);
  served_ = std::max(served_, sequence);
}

void ChangeFeed::Append(FeedEntry entry) {
  {
    const std::lock_guard lock(mutex_);
    entry.number = ++last_number_;
    served_ = entry.served;
    weight_ += WeightOf(entry);
    entries_.push_back(std::make_shared<const FeedEntry>(std::move(entry)));
    while (entries_.size() > 1 && (entries_.size() > kFeedEntriesMax || weight_ > kFeedWeightMax)) {
      floor_ = std::max(floor_, entries_.front()->sequence);
      weight_ -= WeightOf(*entries_.front());
      entries_.pop_front();
    }
  }
  const std::lock_guard lock(listeners_mutex_);
  for (const auto& [id, wake] : listeners_) wake();
}

ChangeFeed::Read ChangeFeed::After(std::uint64_t number, std::size_t entries_max) const {
  const std::lock_guard lock(mutex_);
  Read read;
  if (number >= last_number_) return read;
  const std::uint64_t first = entries_.front()->number;
  read.complete = number + 1 >= first;
  const auto skip = read.complete ? number + 1 - first : 0;
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(skip);
  const auto count = std::min(entries_max, entries_.size() - skip);
  read.entries.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  return read;
}

ChangeFeed::Position ChangeFeed::position() const {
  const std::lock_guard lock(mutex_);
  return {.number = last_number_, .served = served_};
}

std::uint64_t ChangeFeed::LastConcerning(std::string_view tenant) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t last = floor_;
  for (const auto& entry : entries_) {
    if (entry->sequence > last && entry->audience.Has(tenant)) last = entry->sequence;
  }
  return last;
}

std::optional<std::uint64_t> ChangeFeed::NumberAt(std::uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  if (sequence < floor_) return std::nullopt;
  // Entries may be out of order where a change came before its predecessors: what is newer must not be skipped.
  for (const auto& entry : entries_) {
    if (entry->sequence > sequence) return entry->number - 1;
  }
  return last_number_;
}

std::uint64_t ChangeFeed::Listen(std::function<void()> wake) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.emplace(++listener_ids_, std::move(wake));
  return listener_ids_;
}

void ChangeFeed::Unlisten(std::uint64_t listener) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.erase(listener);
}

Audience AudienceAt(const store::ChangeRecord& record, const FeedMoment& moment) {
  if (record.entity == "flag") return OwnersOf(record.resource, moment);
  if (record.entity == "kill") return AudienceOfSwitch(record.resource, moment);
  Audience audience;
  if (record.entity == "override" && !record.tenants.empty()) {
    for (const std::string& tenant : record.tenants) audience.Add(tenant);
  } else {
    audience.everyone = true;
  }
  return audience;
}

Audience AudienceOfDifference(const FeedMoment& before, const FeedMoment& after) {
  Audience audience;
  if (before.snapshot.sequence() != after.snapshot.sequence() || !SameKillSwitches(before.snapshot, after.snapshot)) {
    audience.everyone = true;
    return audience;
  }
  for (const std::string& key : DifferentFlags(before.snapshot, after.snapshot)) {
    audience.Add(OwnersOf(key, before));
    audience.Add(OwnersOf(key, after));
  }
  return audience;
}

}  // namespace guidon::app
