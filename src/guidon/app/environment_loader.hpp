// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/store/repositories.hpp"

namespace guidon::app {

// Overrides are handed over in portions of this size, so that a million of them are never in memory as entities.
inline constexpr std::size_t kOverridePortion = 50'000;

// One incarnation of a flag: only overrides that were made for it count. Without a time, the flag item is asked.
struct Incarnation {
  std::string flag_key;
  std::optional<base::Timestamp> created_at = std::nullopt;
};

// Which state of their keys large segments have, by segment key: store::SegmentIndex::revision.
using KeysRevisions = std::map<std::string, std::string, std::less<>>;

struct LoadedEnvironment {
  eval::Definitions definitions;        // without overrides
  std::vector<Incarnation> overridden;  // flags that may have some
  KeysRevisions keys_revisions;
};

// What is there already: a large segment whose version and keys are still the same is not read again.
struct KnownSegments {
  const eval::Snapshot& snapshot;
  const KeysRevisions& keys_revisions;  // of the last load
};

// Everything of the environment but its overrides, with the sequence of the change log read first: whatever is
// committed while the rest is read has a greater one. While a page of flags is read, another thread looks which flags
// of the page before have overrides.
base::Result<LoadedEnvironment> LoadEnvironment(store::Repository& repository, const model::Environment& environment,
                                                const KnownSegments& known);

// All overrides of these flags, in portions; the last one may be empty.
base::Status LoadOverrides(store::Repository& repository, const model::Environment& environment,
                           const std::vector<Incarnation>& flags,
                           const std::function<void(std::vector<model::Override>)>& take);

// The present state of what the records name, as changes of a snapshot. Precondition: records of one environment in
// the order of their sequence, at least one.
base::Result<eval::ChangeSet> LoadChanged(store::Repository& repository, const model::Environment& environment,
                                          const std::vector<store::ChangeRecord>& records);

// Lists come from indexes, which may lag behind the table: after a load, what changed this shortly before it is read
// again, one by one and strongly. Far more than DynamoDB takes on a good day.
inline constexpr std::chrono::seconds kIndexLagMax{60};
inline constexpr std::size_t kRecentChangesMax = 1000;

// The present state of what the change log says was changed within kIndexLagMax before `now` (at most
// kRecentChangesMax entries), as changes of what was loaded, with its sequence; nothing where there was no such change.
base::Result<std::optional<eval::ChangeSet>> LoadRecent(store::Repository& repository,
                                                        const model::Environment& environment,
                                                        const eval::Snapshot& loaded, base::Timestamp now);
// The entries themselves, in order, of any scope and up to `head`.
base::Result<std::vector<store::ChangeRecord>> RecentChanges(store::Repository& repository, std::string_view scope,
                                                             std::uint64_t head, base::Timestamp now);

}  // namespace guidon::app
