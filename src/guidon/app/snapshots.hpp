// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/change_feed.hpp"
#include "guidon/app/references.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/base/published.hpp"
#include "guidon/base/result.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/store/repositories.hpp"

namespace guidon::app {

// A node that is further behind loads the environment anew instead of reading change by change.
inline constexpr std::size_t kCatchUpChangesMax = 1000;

// The published snapshot of each environment. The set of environments is fixed at start. Thread-safe: one writer at a
// time for an environment, any number of readers (see base::Published).
class SnapshotRegistry {
 public:
  SnapshotRegistry(std::vector<model::Environment> environments, eval::CompileOptions options);

  // nullptr where there is no such environment.
  const base::Published<eval::Snapshot>* Find(std::string_view environment) const;
  const std::vector<model::Environment>& environments() const { return environments_; }

  // Loads everything of the environment from the store, by pages, and publishes it. What does not compile keeps its
  // last good definition. Changes that are applied meanwhile are not lost: they are applied again to what was loaded.
  base::Status Reload(store::Repository& repository, const model::Environment& environment, const base::Clock& clock);
  // Publishes the next snapshot. Called by the committer before a change is acknowledged.
  void Apply(std::string_view environment, eval::ChangeSet changes);
  // As Apply, for changes that follow `base` in the change log. Where the snapshot does not hold everything up to
  // `base`, the changes are published all the same, under the snapshot's old sequence: it does not claim what it has
  // not seen. `at`: the time of the change. `records`: what the change log says of them, for those who listen; without
  // any they are told that everything may have changed.
  void ApplyAfter(std::string_view environment, std::uint64_t base, eval::ChangeSet changes, base::Timestamp at,
                  std::vector<store::ChangeRecord> records = {});
  // Brings the snapshot up to the end of the change log by reading what changed since, or everything if that is too
  // much. Errors: those of the store.
  base::Status CatchUp(store::Repository& repository, const model::Environment& environment, const base::Clock& clock);

  // What was published lately. nullptr where there is no such environment.
  ChangeFeed* FeedOf(std::string_view environment) const;

  // Sequence of the published snapshot; nothing where there is no such environment.
  std::optional<std::uint64_t> SequenceOf(std::string_view environment) const;
  // Calls `inspect` with the snapshot and the references of the same moment; nothing is published meanwhile, so it must
  // be short. Precondition: the environment exists.
  base::Status Inspect(std::string_view environment,
                       const std::function<base::Status(const eval::Snapshot&, const References&)>& inspect) const;
  // Whose the flag is; absent for shared and unknown flags.
  std::optional<std::string> TenantOf(std::string_view environment, std::string_view flag_key) const;

  // When the environment was last loaded or changed; for readiness and metrics.
  base::Timestamp LoadedAt(std::string_view environment) const;
  // When the store last said that there is nothing newer than the snapshot, or was read whole.
  base::Timestamp ConfirmedAt(std::string_view environment) const;
  void Confirm(std::string_view environment, base::Timestamp at);

 private:
  struct Slot;
  Slot* SlotOf(std::string_view environment) const;
  base::Result<std::vector<store::ChangeRecord>> MissedChanges(store::Repository& repository, const Slot& slot,
                                                               const model::Environment& environment,
                                                               bool& too_many) const;

  std::vector<model::Environment> environments_;
  eval::CompileOptions options_;
  std::map<std::string, std::unique_ptr<Slot>, std::less<>> slots_;

 public:
  ~SnapshotRegistry();
};

}  // namespace guidon::app
