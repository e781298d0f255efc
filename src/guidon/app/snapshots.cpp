// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/snapshots.hpp"

#include <utility>

#include "guidon/app/environment_loader.hpp"

namespace guidon::app {
namespace {

// Enough for any outage that somebody looks at; what does not fit is found by the next full load.
constexpr std::size_t kStepsAheadMax = 1000;

// Changes of one transaction, as they follow one another in the change log.
struct Step {
  std::uint64_t base = 0;
  eval::ChangeSet changes;
};

std::shared_ptr<const eval::Snapshot> Next(const eval::Snapshot& snapshot, Step step,
                                           const eval::CompileOptions& options) {
  // A gap before these changes stays a gap: whoever catches up later must find it.
  if (snapshot.sequence() < step.base) step.changes.sequence = snapshot.sequence();
  return snapshot.Apply(std::move(step.changes), options);
}

}  // namespace

struct SnapshotRegistry::Slot {
  explicit Slot(std::shared_ptr<const eval::Snapshot> empty) : published(std::move(empty)) {}

  base::Published<eval::Snapshot> published;
  std::mutex reload_mutex;       // one Reload at a time; taken before `mutex`, and guards:
  KeysRevisions keys_revisions;  // of the last one

  mutable std::mutex mutex;  // guards what follows, and is held while publishing
  References references;
  bool recording = false;  // a Reload reads the store: what is applied meanwhile is kept for it
  std::vector<Step> recorded;
  std::vector<Step> ahead;  // published before what precedes them was there: laid on top of that once it comes
  base::Timestamp loaded_at = {};
  bool loaded = false;
  ChangeFeed feed;  // appended to under `mutex`, so in the order of publication
  base::Timestamp confirmed_at = {};

  // Precondition: `mutex` is held. The next snapshot and its references.
  std::shared_ptr<const eval::Snapshot> Advance(const eval::Snapshot& from, Step step, References& to,
                                                const eval::CompileOptions& options);
};

std::shared_ptr<const eval::Snapshot> SnapshotRegistry::Slot::Advance(const eval::Snapshot& from, Step step,
                                                                      References& to,
                                                                      const eval::CompileOptions& options) {
  const bool gap = from.sequence() < step.base;
  if (gap && ahead.size() < kStepsAheadMax) ahead.push_back(step);
  to.Apply(step.changes);
  auto next = Next(from, std::move(step), options);
  if (gap) return next;
  for (Step& later : std::exchange(ahead, {})) {
    if (later.changes.sequence <= next->sequence()) continue;
    // Else what has just been laid over it would hide it.
    next = Advance(*next, std::move(later), to, options);
  }
  return next;
}

SnapshotRegistry::SnapshotRegistry(std::vector<model::Environment> environments, eval::CompileOptions options)
    : environments_(std::move(environments)), options_(std::move(options)) {
  for (const auto& environment : environments_) {
    slots_.emplace(environment.str(), std::make_unique<Slot>(eval::Snapshot::Build(
                                          eval::Definitions{.environment = environment.str()}, options_)));
  }
}

SnapshotRegistry::~SnapshotRegistry() = default;

SnapshotRegistry::Slot* SnapshotRegistry::SlotOf(std::string_view environment) const {
  const auto found = slots_.find(environment);
  return found != slots_.end() ? found->second.get() : nullptr;
}

const base::Published<eval::Snapshot>* SnapshotRegistry::Find(std::string_view environment) const {
  const Slot* slot = SlotOf(environment);
  return slot != nullptr ? &slot->published : nullptr;
}

base::Status SnapshotRegistry::Reload(store::Repository& repository, const model::Environment& environment,
                                      const base::Clock& clock) {
  Slot* slot = SlotOf(environment.str());
  if (slot == nullptr)
    return base::Fail(base::ErrorCode::kInvalidArgument, "There is no such environment.", "environment");
  const std::lock_guard one_reload(slot->reload_mutex);
  const base::Timestamp began = clock.Now();
  {
    const std::lock_guard lock(slot->mutex);
    slot->recording = true;
    slot->recorded.clear();
  }
  std::shared_ptr<const eval::Snapshot> built;
  References references;
  KeysRevisions keys_revisions;
  const auto load = [&]() -> base::Status {
    // One snapshot for both: what is not loaded is taken from it.
    const auto last_good = slot->published.Get();
    GUIDON_ASSIGN(
        LoadedEnvironment loaded,
        LoadEnvironment(repository, environment, {.snapshot = *last_good, .keys_revisions = slot->keys_revisions}));
    eval::Definitions& definitions = loaded.definitions;
    keys_revisions = std::move(loaded.keys_revisions);
    references.Load(definitions);
    // The first portion goes with the rest, the others are laid on top of it.
    const auto take = [&](std::vector<model::Override> portion) {
      if (!built) {
        definitions.overrides = std::move(portion);
        built = eval::Snapshot::Build(std::move(definitions), *last_good, options_);
      } else if (!portion.empty()) {
        built = built->Apply({.sequence = built->sequence(), .overrides = std::move(portion)}, options_);
      }
    };
    GUIDON_TRY(LoadOverrides(repository, environment, loaded.overridden, take));
    GUIDON_ASSIGN(auto recent, LoadRecent(repository, environment, *built, began));
    if (!recent) return {};
    references.Apply(*recent);
    built = built->Apply(*std::move(recent), options_);
    return {};
  };
  const base::Status status = load();

  const std::lock_guard lock(slot->mutex);
  slot->recording = false;
  std::vector<Step> recorded = std::exchange(slot->recorded, {});
  GUIDON_TRY(status);
  slot->keys_revisions = std::move(keys_revisions);
  slot->ahead.clear();
  for (Step& step : recorded) {
    // The head was read before the items, so everything up to it is in them.
    if (step.changes.sequence > built->sequence()) built = slot->Advance(*built, std::move(step), references, options_);
  }
  const auto before = slot->published.Get();
  FeedEntry entry{.sequence = built->sequence(), .served = built->sequence(), .at = clock.Now()};
  if (slot->loaded)
    entry.audience = AudienceOfDifference({.snapshot = *before, .references = slot->references},
                                          {.snapshot = *built, .references = references});
  slot->references = std::move(references);
  slot->published.Publish(std::move(built));
  slot->loaded_at = entry.at;
  slot->confirmed_at = began;
  if (!std::exchange(slot->loaded, true)) {
    slot->feed.Start(entry.sequence);
  } else if (!entry.audience.empty()) {
    entry.published = std::chrono::steady_clock::now();
    slot->feed.Append(std::move(entry));
  }
  return {};
}

void SnapshotRegistry::Apply(std::string_view environment, eval::ChangeSet changes) {
  Slot* slot = SlotOf(environment);
  if (slot == nullptr) return;
  const std::uint64_t base = changes.sequence == 0 ? 0 : changes.sequence - 1;
  ApplyAfter(environment, base, std::move(changes), LoadedAt(environment));
}

void SnapshotRegistry::ApplyAfter(std::string_view environment, std::uint64_t base, eval::ChangeSet changes,
                                  base::Timestamp at, std::vector<store::ChangeRecord> records) {
  Slot* slot = SlotOf(environment);
  if (slot == nullptr) return;
  const std::lock_guard lock(slot->mutex);
  Step step{.base = base, .changes = std::move(changes)};
  if (slot->recording) slot->recorded.push_back(step);
  const auto current = slot->published.Get();
  // A Reload that began after the commit and ended before this call has it already.
  if (step.changes.sequence <= current->sequence()) return;
  FeedEntry entry{.sequence = step.changes.sequence, .at = at};
  for (store::ChangeRecord& record : records) {
    Audience audience = AudienceAt(record, {.snapshot = *current, .references = slot->references});
    entry.changes.push_back({.record = std::move(record), .audience = std::move(audience)});
  }
  auto next = slot->Advance(*current, std::move(step), slot->references, options_);
  entry.served = next->sequence();
  if (entry.changes.empty()) entry.audience.everyone = true;
  for (FeedChange& change : entry.changes) {
    change.audience.Add(AudienceAt(change.record, {.snapshot = *next, .references = slot->references}));
    entry.audience.Add(change.audience);
    entry.urgent = entry.urgent || change.record.entity == "kill";
  }
  slot->published.Publish(std::move(next));
  slot->loaded_at = at;
  entry.published = std::chrono::steady_clock::now();
  slot->feed.Append(std::move(entry));
}

base::Result<std::vector<store::ChangeRecord>> SnapshotRegistry::MissedChanges(store::Repository& repository,
                                                                               const Slot& slot,
                                                                               const model::Environment& environment,
                                                                               bool& too_many) const {
  std::vector<store::ChangeRecord> missed;
  const std::uint64_t known = slot.published.Get()->sequence();
  std::uint64_t last = known;
  store::PageRequest request{.limit = store::kPageLimitMax, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(auto page, repository.ListChangesAfter(environment.str(), known, request));
    for (auto& record : page.items) {
      // A hole means that the log no longer reaches back as far as the snapshot.
      if (record.sequence != last + 1 || missed.size() == kCatchUpChangesMax) {
        too_many = true;
        return missed;
      }
      last = record.sequence;
      missed.push_back(std::move(record));
    }
    if (!page.next_cursor) return missed;
    request.cursor = *std::move(page.next_cursor);
  }
}

base::Status SnapshotRegistry::CatchUp(store::Repository& repository, const model::Environment& environment,
                                       const base::Clock& clock) {
  Slot* slot = SlotOf(environment.str());
  if (slot == nullptr)
    return base::Fail(base::ErrorCode::kInvalidArgument, "There is no such environment.", "environment");
  const base::Timestamp began = clock.Now();
  GUIDON_ASSIGN(const std::uint64_t head, repository.ChangeHead(environment.str()));
  bool too_many = false;
  GUIDON_ASSIGN(auto missed, MissedChanges(repository, *slot, environment, too_many));
  // The log forgets after its retention: then the head is all there is of it.
  const bool reaches_head = !missed.empty() ? missed.back().sequence >= head : head <= *SequenceOf(environment.str());
  if (too_many || !reaches_head) return Reload(repository, environment, clock);
  if (!missed.empty()) {
    GUIDON_ASSIGN(eval::ChangeSet changes, LoadChanged(repository, environment, missed));
    const std::uint64_t base = missed.front().sequence - 1;
    ApplyAfter(environment.str(), base, std::move(changes), clock.Now(), std::move(missed));
  }
  Confirm(environment.str(), began);
  return {};
}

ChangeFeed* SnapshotRegistry::FeedOf(std::string_view environment) const {
  Slot* slot = SlotOf(environment);
  return slot != nullptr ? &slot->feed : nullptr;
}

std::optional<std::uint64_t> SnapshotRegistry::SequenceOf(std::string_view environment) const {
  const Slot* slot = SlotOf(environment);
  if (slot == nullptr) return std::nullopt;
  return slot->published.Get()->sequence();
}

base::Status SnapshotRegistry::Inspect(
    std::string_view environment,
    const std::function<base::Status(const eval::Snapshot&, const References&)>& inspect) const {
  const Slot* slot = SlotOf(environment);
  if (slot == nullptr)
    return base::Fail(base::ErrorCode::kInvalidArgument, "There is no such environment.", "environment");
  const std::lock_guard lock(slot->mutex);
  return inspect(*slot->published.Get(), slot->references);
}

std::optional<std::string> SnapshotRegistry::TenantOf(std::string_view environment, std::string_view flag_key) const {
  const Slot* slot = SlotOf(environment);
  if (slot == nullptr) return std::nullopt;
  const std::lock_guard lock(slot->mutex);
  return slot->references.TenantOf(flag_key);
}

base::Timestamp SnapshotRegistry::LoadedAt(std::string_view environment) const {
  const Slot* slot = SlotOf(environment);
  if (slot == nullptr) return {};
  const std::lock_guard lock(slot->mutex);
  return slot->loaded_at;
}

base::Timestamp SnapshotRegistry::ConfirmedAt(std::string_view environment) const {
  const Slot* slot = SlotOf(environment);
  if (slot == nullptr) return {};
  const std::lock_guard lock(slot->mutex);
  return slot->confirmed_at;
}

void SnapshotRegistry::Confirm(std::string_view environment, base::Timestamp at) {
  Slot* slot = SlotOf(environment);
  if (slot == nullptr) return;
  const std::lock_guard lock(slot->mutex);
  slot->confirmed_at = at;
}

}  // namespace guidon::app
