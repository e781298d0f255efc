// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/definitions_keeper.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "guidon/app/environment_loader.hpp"
#include "guidon/app/snapshots.hpp"
#include "guidon/base/text.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/flag_references.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Fail;
using model::Object;
using model::Value;

// Reading what changed takes less than a millisecond most often; so many changes in a row between two readings are a
// store that is being filled.
constexpr int kReadingsMax = 8;

// What no evaluator looks at, and what the document says once for all.
constexpr std::array<std::string_view, 6> kFlagNoise = {"createdAt", "description",     "environment",
                                                        "tags",      "tenantOverrides", "updatedAt"};
constexpr std::array<std::string_view, 4> kSegmentNoise = {"createdAt", "description", "environment", "updatedAt"};

std::string TextWithout(Value document, std::span<const std::string_view> names) {
  Object& object = *document.MutableObject();
  for (const std::string_view name : names) object.Erase(name);
  object.Erase("updatedBy");
  return json::Write(document);
}

KeptFlag Keep(const model::Flag& flag, std::uint64_t sequence) {
  KeptFlag kept{.text = TextWithout(json::FlagToJson(flag), kFlagNoise),
                .tenant_overrides = flag->tenant_overrides,
                .tenant_id = flag->tenant_id,
                .owner = flag->owner,
                .segments = model::SegmentsOf(flag),
                .changed_at = sequence};
  for (const model::Prerequisite& one : flag->prerequisites) kept.prerequisites.push_back(one.flag_key);
  return kept;
}

KeptFlag Keep(const eval::BrokenFlag& broken, std::uint64_t sequence) {
  Object text;
  text.Set("flagKey", broken.flag_key);
  if (broken.tenant_id) text.Set("tenantId", *broken.tenant_id);
  return {.text = json::Write(text), .tenant_id = broken.tenant_id, .readable = false, .changed_at = sequence};
}

KeptSegment Keep(const model::Segment& segment, std::uint64_t sequence) {
  return {.text = TextWithout(json::SegmentToJson(segment), kSegmentNoise), .changed_at = sequence};
}

KeptSegment Keep(const eval::BrokenSegment& broken, std::uint64_t sequence) {
  Object text;
  text.Set("segmentKey", broken.segment_key);
  return {.text = json::Write(text), .readable = false, .changed_at = sequence};
}

KeptKillSwitch Keep(const model::KillSwitch& one) {
  Object text;
  text.Set("scope", one->scope.Text());
  text.Set("reason", one->reason);
  return {.scope = one->scope, .text = json::Write(text)};
}

// Whose the flag is and was, as far as anybody may have heard of it.
std::set<Ownership> OwnersOf(const KeptFlag& flag) {
  std::set<Ownership> owners = flag.former_tenants;
  owners.insert(flag.tenant_id);
  return owners;
}

void Put(KeptDefinitions& kept, const std::string& key, KeptFlag flag) {
  const auto before = kept.flags.find(key);
  if (before != kept.flags.end()) {
    flag.former_tenants = OwnersOf(before->second);
    flag.former_tenants.erase(flag.tenant_id);
    // Who uses it goes on with the last good definition, and so with what that refers to.
    if (!flag.readable) {
      flag.owner = before->second.owner;
      flag.prerequisites = before->second.prerequisites;
      flag.segments = before->second.segments;
    }
  }
  kept.flags.insert_or_assign(key, std::move(flag));
}

void Put(KeptDefinitions& kept, const model::Override& one, std::uint64_t sequence) {
  KeptOverrides& overrides = kept.overrides[one->flag_key];
  overrides.of[one->tenant_id] = {.variation = one->variation, .changed_at = sequence};
  overrides.changed_at = sequence;
}

void Forget(KeptDefinitions& kept, KeptRemoval removal) {
  kept.removed.push_back(std::move(removal));
  if (kept.removed.size() <= kKeptRemovalsMax) return;
  kept.floor = std::max(kept.floor, kept.removed.front().sequence);
  kept.removed.pop_front();
}

void RemoveFlag(KeptDefinitions& kept, const std::string& key, std::uint64_t sequence) {
  kept.overrides.erase(key);
  const auto flag = kept.flags.find(key);
  if (flag == kept.flags.end()) return;
  Forget(kept, {.kind = KeptRemoval::Kind::kFlag, .key = key, .owners = OwnersOf(flag->second), .sequence = sequence});
  kept.flags.erase(flag);
}

void RemoveOverride(KeptDefinitions& kept, const std::string& key, const std::string& tenant, std::uint64_t sequence) {
  const auto overrides = kept.overrides.find(key);
  if (overrides == kept.overrides.end() || overrides->second.of.erase(tenant) == 0) return;
  if (overrides->second.of.empty()) kept.overrides.erase(overrides);
  Forget(kept, {.kind = KeptRemoval::Kind::kOverride, .key = key, .tenant = tenant, .sequence = sequence});
}

void RemoveSegment(KeptDefinitions& kept, const std::string& key, std::uint64_t sequence) {
  if (kept.segments.erase(key) == 0) return;
  Forget(kept, {.kind = KeptRemoval::Kind::kSegment, .key = key, .sequence = sequence});
}

// Over all texts, so that two nodes that found the same say the same.
std::string DigestOf(const KeptDefinitions& kept) {
  std::string all;
  const auto add = [&](std::string_view key, std::string_view text) {
    const std::array<std::uint64_t, 2> hashes = {base::Fnv1a64(key), base::Fnv1a64(text)};
    for (const std::uint64_t hash : hashes) all += std::to_string(hash) + '/';
  };
  for (const auto& [key, flag] : kept.flags) add(key, flag.text);
  for (const auto& [key, segment] : kept.segments) add(key, segment.text);
  for (const auto& [key, overrides] : kept.overrides) {
    for (const auto& [tenant, one] : overrides.of) add(std::string(key).append("/").append(tenant), one.variation);
  }
  for (const auto& [scope, one] : kept.kill_switches) add(scope, one.text);
  return std::to_string(base::Fnv1a64(all));
}

bool IsSame(const KeptFlag& a, const KeptFlag& b) {
  return a.text == b.text && a.tenant_overrides == b.tenant_overrides && a.readable == b.readable;
}

// Each returns whether anything differs.
bool CarryFlags(const KeptDefinitions& before, KeptDefinitions& loaded) {
  bool differs = false;
  for (auto& [key, flag] : loaded.flags) {
    const auto old = before.flags.find(key);
    if (old == before.flags.end()) {
      differs = true;
      continue;
    }
    flag.former_tenants = OwnersOf(old->second);
    flag.former_tenants.erase(flag.tenant_id);
    if (IsSame(old->second, flag)) {
      flag.changed_at = old->second.changed_at;
    } else {
      differs = true;
    }
  }
  for (const auto& [key, flag] : before.flags) {
    if (loaded.flags.contains(key)) continue;
    differs = true;
    Forget(loaded,
           {.kind = KeptRemoval::Kind::kFlag, .key = key, .owners = OwnersOf(flag), .sequence = loaded.sequence});
  }
  return differs;
}

bool CarrySegments(const KeptDefinitions& before, KeptDefinitions& loaded) {
  bool differs = false;
  for (auto& [key, segment] : loaded.segments) {
    const auto old = before.segments.find(key);
    if (old != before.segments.end() && old->second.text == segment.text && old->second.readable == segment.readable) {
      segment.changed_at = old->second.changed_at;
    } else {
      differs = true;
    }
  }
  for (const auto& [key, segment] : before.segments) {
    if (loaded.segments.contains(key)) continue;
    differs = true;
    Forget(loaded, {.kind = KeptRemoval::Kind::kSegment, .key = key, .sequence = loaded.sequence});
  }
  return differs;
}

bool CarryOverridesOf(const std::string& key, const KeptOverrides& before, KeptDefinitions& loaded) {
  bool differs = false;
  const auto present = loaded.overrides.find(key);
  if (present != loaded.overrides.end()) {
    std::uint64_t last = 0;
    for (auto& [tenant, one] : present->second.of) {
      const auto old = before.of.find(tenant);
      if (old != before.of.end() && old->second.variation == one.variation) {
        one.changed_at = old->second.changed_at;
      } else {
        differs = true;
      }
      last = std::max(last, one.changed_at);
    }
    present->second.changed_at = last;
  }
  for (const auto& [tenant, one] : before.of) {
    if (present != loaded.overrides.end() && present->second.of.contains(tenant)) continue;
    differs = true;
    Forget(loaded, {.kind = KeptRemoval::Kind::kOverride, .key = key, .tenant = tenant, .sequence = loaded.sequence});
  }
  return differs;
}

bool CarryOverrides(const KeptDefinitions& before, KeptDefinitions& loaded) {
  bool differs =
      std::ranges::any_of(loaded.overrides, [&](const auto& entry) { return !before.overrides.contains(entry.first); });
  for (const auto& [key, overrides] : before.overrides) differs = CarryOverridesOf(key, overrides, loaded) || differs;
  return differs;
}

bool SameSwitches(const KeptDefinitions& a, const KeptDefinitions& b) {
  return std::ranges::equal(a.kill_switches, b.kill_switches, [](const auto& one, const auto& other) {
    return one.first == other.first && one.second.text == other.second.text;
  });
}

}  // namespace

void ApplyToKept(const eval::ChangeSet& changes, KeptDefinitions& kept) {
  const std::uint64_t sequence = changes.sequence;
  for (const std::string& key : changes.removed_flags) RemoveFlag(kept, key, sequence);
  for (const auto& [key, tenant] : changes.removed_overrides) RemoveOverride(kept, key, tenant, sequence);
  for (const std::string& key : changes.removed_segments) RemoveSegment(kept, key, sequence);
  for (const model::KillScope& scope : changes.released_kill_switches) kept.kill_switches.erase(scope.Text());
  for (const model::Segment& segment : changes.segments)
    kept.segments.insert_or_assign(segment->segment_key, Keep(segment, sequence));
  for (const eval::BrokenSegment& broken : changes.broken_segments)
    kept.segments.insert_or_assign(broken.segment_key, Keep(broken, sequence));
  for (const model::Flag& flag : changes.flags) Put(kept, flag->flag_key, Keep(flag, sequence));
  for (const eval::BrokenFlag& broken : changes.broken_flags) Put(kept, broken.flag_key, Keep(broken, sequence));
  for (const model::Override& one : changes.overrides) Put(kept, one, sequence);
  for (const model::KillSwitch& one : changes.kill_switches)
    kept.kill_switches.insert_or_assign(one->scope.Text(), Keep(one));
  if (sequence > kept.sequence) kept.revision.clear();
  kept.sequence = std::max(kept.sequence, sequence);
}

void CarryOver(const KeptDefinitions& before, KeptDefinitions& loaded) {
  // A log that went back is another table: nothing of what was known holds.
  if (loaded.sequence < before.sequence) {
    loaded.revision = DigestOf(loaded);
    return;
  }
  loaded.floor = before.floor;
  loaded.removed = before.removed;
  bool differs = CarryFlags(before, loaded);
  differs = CarrySegments(before, loaded) || differs;
  differs = CarryOverrides(before, loaded) || differs;
  differs = !SameSwitches(before, loaded) || differs;
  if (loaded.sequence > before.sequence) return;
  loaded.revision = before.revision;
  if (!differs) return;
  // Past the change log: the sequence does not tell the states apart, so nobody's may be taken for this one.
  loaded.revision = DigestOf(loaded);
  loaded.floor = loaded.sequence + 1;
}

struct DefinitionsKeeper::Slot {
  std::mutex mutex;
  KeptDefinitions kept;
  bool loaded = false;
  bool settled = false;      // else something may have come while it was read
  std::uint64_t number = 0;  // of the feed: all up to it is in
};

DefinitionsKeeper::DefinitionsKeeper(Services services,
                                     std::function<base::Status(std::string_view, std::uint64_t)> catch_up)
    : s_(services), catch_up_(std::move(catch_up)) {
  for (const auto& environment : s_.snapshots.environments())
    slots_.emplace(environment.str(), std::make_unique<Slot>());
}

DefinitionsKeeper::~DefinitionsKeeper() = default;

base::Status DefinitionsKeeper::Read(const model::Environment& environment,
                                     const std::function<base::Status(const KeptDefinitions&)>& use) {
  const auto found = slots_.find(environment.str());
  if (found == slots_.end()) return Fail(ErrorCode::kNotFound, "There is no such environment.", "environment");
  Slot& slot = *found->second;
  const std::lock_guard lock(slot.mutex);
  GUIDON_TRY(BringUp(environment, slot));
  return use(slot.kept);
}

base::Status DefinitionsKeeper::BringUp(const model::Environment& environment, Slot& slot) {
  const ChangeFeed& feed = *s_.snapshots.FeedOf(environment.str());
  for (int reading = 0; reading < kReadingsMax; ++reading) {
    if (slot.settled && feed.position().number == slot.number) return {};
    slot.settled = false;
    GUIDON_TRY(ReadChanges(environment, slot));
    GUIDON_ASSIGN(const std::uint64_t head, s_.repository.ChangeHead(environment.str()));
    slot.settled = head == slot.kept.sequence;
    // Somebody's change was there already when things were read, but not in the feed yet.
    if (head > slot.kept.sequence) GUIDON_TRY(catch_up_(environment.str(), head));
    if (head < slot.kept.sequence) slot.loaded = false;
  }
  if (slot.settled) return {};
  return Fail(ErrorCode::kUnavailable,
              "The definitions change faster than they can be read; what was answered before still holds. Try again.");
}

base::Status DefinitionsKeeper::ReadChanges(const model::Environment& environment, Slot& slot) {
  const ChangeFeed& feed = *s_.snapshots.FeedOf(environment.str());
  // Before anything is read: what is published meanwhile is read once more.
  const auto position = feed.position();
  const auto missed = feed.After(slot.number);
  const bool whole = !slot.loaded || !missed.complete ||
                     std::ranges::any_of(missed.entries, [](const auto& entry) { return entry->changes.empty(); });
  if (whole) {
    GUIDON_ASSIGN(KeptDefinitions loaded, Load(environment));
    if (slot.kept.sequence > 0 || slot.loaded) CarryOver(slot.kept, loaded);
    slot.kept = std::move(loaded);
    slot.loaded = true;
    slot.number = position.number;
    return {};
  }
  std::vector<store::ChangeRecord> records;
  for (const auto& entry : missed.entries) {
    for (const FeedChange& change : entry->changes) records.push_back(change.record);
  }
  if (!records.empty()) {
    std::ranges::sort(records, {}, &store::ChangeRecord::sequence);
    GUIDON_ASSIGN(eval::ChangeSet changes, LoadChanged(s_.repository, environment, records));
    // One that was published late may be of before: its things changed now, as far as those know who were told.
    changes.sequence = std::max(changes.sequence, slot.kept.sequence);
    ApplyToKept(changes, slot.kept);
  }
  if (!missed.entries.empty()) slot.number = missed.entries.back()->number;
  return {};
}

base::Result<KeptDefinitions> DefinitionsKeeper::Load(const model::Environment& environment) {
  const base::Timestamp began = s_.clock.Now();
  const auto nothing = eval::Snapshot::Build({.environment = environment.str()});
  const KeysRevisions no_revisions;
  GUIDON_ASSIGN(LoadedEnvironment loaded,
                LoadEnvironment(s_.repository, environment, {.snapshot = *nothing, .keys_revisions = no_revisions}));
  eval::Definitions& all = loaded.definitions;
  KeptDefinitions kept;
  kept.sequence = all.sequence;
  kept.floor = all.sequence;
  eval::ChangeSet everything{.sequence = all.sequence,
                             .flags = std::move(all.flags),
                             .broken_flags = std::move(all.broken_flags),
                             .segments = std::move(all.segments),
                             .broken_segments = std::move(all.broken_segments),
                             .kill_switches = std::move(all.kill_switches)};
  ApplyToKept(everything, kept);
  GUIDON_TRY(
      LoadOverrides(s_.repository, environment, loaded.overridden, [&](const std::vector<model::Override>& portion) {
        for (const model::Override& one : portion) Put(kept, one, kept.sequence);
      }));
  // Of what is there by now, only the sequence matters to what is read again.
  const auto at_head = eval::Snapshot::Build({.environment = environment.str(), .sequence = kept.sequence});
  GUIDON_ASSIGN(auto recent, LoadRecent(s_.repository, environment, *at_head, began));
  if (recent) ApplyToKept(*recent, kept);
  kept.removed.clear();
  return kept;
}

}  // namespace guidon::app
