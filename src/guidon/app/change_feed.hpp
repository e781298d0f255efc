// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/references.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/store/records.hpp"

namespace guidon::app {

// In place of a tenant: hears of everything, whomever it concerns. No tenant's id.
inline constexpr std::string_view kEveryTenant = "*";

// Whom a change may concern: what evaluation answers to contexts of these tenants, or to any. A context without a
// tenant is concerned only by what concerns everyone.
struct Audience {
  bool everyone = false;
  std::vector<std::string> tenants = {};  // by name, also where it is everyone; sorted, each once

  void Add(std::string_view tenant);
  void Add(const Audience& other);
  bool Has(std::string_view tenant) const { return everyone || tenant == kEveryTenant || Names(tenant); }
  // The thing is, or was, this tenant's own.
  bool Names(std::string_view tenant) const;
  // Nobody can tell that anything changed (a kill switch of a flag that is not there).
  bool empty() const { return !everyone && tenants.empty(); }
};

// One entry of the change log with whose business it is.
struct FeedChange {
  store::ChangeRecord record;
  Audience audience;
};

// One publication of a snapshot, as those who listen are told.
struct FeedEntry {
  std::uint64_t number = 0;    // 1, 2, 3… of this feed; other nodes and other runs number differently
  std::uint64_t sequence = 0;  // highest of the change log that is in it
  std::uint64_t served = 0;    // what the snapshot claims: lower while an earlier change is still missing
  base::Timestamp at = {};
  std::chrono::steady_clock::time_point published = {};
  Audience audience = {};
  bool urgent = false;                   // a kill switch
  std::vector<FeedChange> changes = {};  // empty: everything was loaded anew, and something differs
};

// Beyond these the oldest entries are forgotten, and whoever has not seen them begins anew. A thousand changes are more
// than a minute's outage misses; the weight (an entry, its changes and its tenants) bounds memory to some megabytes.
inline constexpr std::size_t kFeedEntriesMax = 1024;
inline constexpr std::size_t kFeedWeightMax = 32'768;

// The latest publications of one environment on this node, for streams. Thread-safe. Appending costs a lock and a call
// of each listener, so a publication stays fast whoever listens.
class ChangeFeed {
 public:
  // What was loaded at the start: everything up to `sequence` is known to whoever comes from now on.
  void Start(std::uint64_t sequence);
  // Numbers the entry and calls the listeners.
  void Append(FeedEntry entry);

  struct Read {
    std::vector<std::shared_ptr<const FeedEntry>> entries;  // in the order of their numbers
    bool complete = true;                                   // false: some between `after` and the first are forgotten
  };
  Read After(std::uint64_t number, std::size_t entries_max = kFeedEntriesMax) const;
  struct Position {
    std::uint64_t number = 0;  // of the last entry
    std::uint64_t served = 0;  // what the last published snapshot claims
  };
  Position position() const;
  // The last change log sequence that concerned contexts of `tenant` ("" = no tenant), or the oldest that the feed can
  // speak of.
  std::uint64_t LastConcerning(std::string_view tenant) const;
  // Number of the entry after which everything follows `sequence`; nothing where that is forgotten.
  std::optional<std::uint64_t> NumberAt(std::uint64_t sequence) const;

  // `wake` is called after each Append, on the appending thread, with locks held: it must be short and must not call
  // back. Until Unlisten with the number that is returned.
  std::uint64_t Listen(std::function<void()> wake);
  void Unlisten(std::uint64_t listener);

 private:
  static std::size_t WeightOf(const FeedEntry& entry);

  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const FeedEntry>> entries_;
  std::size_t weight_ = 0;
  std::uint64_t last_number_ = 0;
  std::uint64_t floor_ = 0;  // of the change log: later ones are in entries_
  std::uint64_t served_ = 0;
  std::mutex listeners_mutex_;  // held while they are called, so that Unlisten waits for a call under way
  std::map<std::uint64_t, std::function<void()>> listeners_;
  std::uint64_t listener_ids_ = 0;
};

// One moment of an environment, before or after a change.
struct FeedMoment {
  const eval::Snapshot& snapshot;
  const References& references;
};
// Whom the change concerns as far as this moment shows: the moments before and after it together say it all.
Audience AudienceAt(const store::ChangeRecord& record, const FeedMoment& moment);
// Whom the difference between two loads of the same sequence concerns: flags, their overrides by number, kill switches.
Audience AudienceOfDifference(const FeedMoment& before, const FeedMoment& after);

}  // namespace guidon::app
