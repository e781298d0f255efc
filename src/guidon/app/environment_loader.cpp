// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/environment_loader.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <future>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "guidon/base/log.hpp"
#include "guidon/store/codec.hpp"

namespace guidon::app {
namespace {

// Calls `list(page)` for page after page and `take(item)` for each item.
template <class List, class Take>
base::Status ForEach(List list, Take take) {
  store::PageRequest request{.limit = store::kPageLimitMax, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(auto page, list(request));
    for (auto& item : page.items) take(std::move(item));
    if (!page.next_cursor) return {};
    request.cursor = *std::move(page.next_cursor);
  }
}

// As Repository::ListOverrides, without reading the flag's own item again for each page.
template <class Take>
base::Status ForEachOverrideOf(store::Table& table, const model::Environment& environment, const model::FlagKey& flag,
                               base::Timestamp created_at, Take take) {
  store::Query query{.partition = store::FlagPartition(environment, flag),
                     .sort = store::SortKeyBeginsWith{std::string(store::kOverrideSortPrefix)},
                     .limit = store::kPageLimitMax,
                     .consistency = store::Consistency::kStrong};
  while (true) {
    GUIDON_ASSIGN(auto page, table.RunQuery(query));
    for (const auto& item : page.items) {
      auto stored = store::DecodeOverride(item);
      if (!stored) {
        base::Log(base::LogLevel::kWarn, "An override cannot be read and has no effect.",
                  {{"environment", environment.str()}, {"flagKey", flag.str()}, {"error", stored.error().message}});
      } else if (!stored->flag_created_at || stored->flag_created_at == created_at) {
        take(std::move(stored->override));
      }
    }
    if (!page.next) return {};
    query.start_after = std::move(page.next);
  }
}

// Finds out which flags have overrides at all, beside the thread that reads the flags: nearly all have none, and asking
// is a good part of the time that a start takes.
class OverrideProbe {
 public:
  OverrideProbe(store::Table& table, const model::Environment& environment)
      : table_(table), environment_(environment) {}

  // Error: of an earlier portion.
  base::Status Begin(std::vector<Incarnation> flags) {
    GUIDON_TRY(Collect(kProbesMax - 1));
    // Where no thread can be had, the work is done when it is asked for.
    running_.push_back(
        std::async(std::launch::async | std::launch::deferred, Ask, std::ref(table_), environment_, std::move(flags)));
    return {};
  }
  base::Result<std::vector<Incarnation>> Finish() {
    GUIDON_TRY(Collect(0));
    return std::move(found_);
  }

 private:
  using Found = base::Result<std::vector<Incarnation>>;
  static constexpr std::size_t kProbesMax = 2;  // at a time: one more than is needed to keep a second core busy

  static Found Ask(store::Table& table, const model::Environment& environment, std::vector<Incarnation> flags) {
    std::vector<Incarnation> found;
    for (Incarnation& flag : flags) {
      GUIDON_ASSIGN(const auto key, model::FlagKey::Parse(flag.flag_key));
      GUIDON_ASSIGN(const auto page,
                    table.RunQuery({.partition = store::FlagPartition(environment, key),
                                    .sort = store::SortKeyBeginsWith{std::string(store::kOverrideSortPrefix)},
                                    .limit = 1,
                                    .consistency = store::Consistency::kStrong}));
      if (!page.items.empty() || page.next) found.push_back(std::move(flag));
    }
    return found;
  }

  // Waits until at most `left` portions are being asked about.
  base::Status Collect(std::size_t left) {
    while (running_.size() > left) {
      GUIDON_ASSIGN(auto found, running_.front().get());
      running_.pop_front();
      std::ranges::move(found, std::back_inserter(found_));
    }
    return {};
  }

  store::Table& table_;
  const model::Environment& environment_;
  std::deque<std::future<Found>> running_;
  std::vector<Incarnation> found_;
};

eval::BrokenFlag AsBroken(store::UnreadableFlag flag) {
  return {.flag_key = std::move(flag.flag_key), .error = std::move(flag.error), .tenant_id = std::move(flag.tenant_id)};
}

template <class Target>
void Take(Target& target, store::StoredFlag flag) {
  if (auto* readable = std::get_if<model::Flag>(&flag)) {
    target.flags.push_back(std::move(*readable));
  } else {
    target.broken_flags.push_back(AsBroken(std::get<store::UnreadableFlag>(std::move(flag))));
  }
}

// A segment that cannot be read: conditions that name it hold for nobody, or go on with its last good definition.
eval::BrokenSegment AsBroken(std::string_view key, base::Error error) {
  base::Log(base::LogLevel::kError, "A segment cannot be read.",
            {{"segmentKey", key}, {"error", std::string_view(error.message)}});
  return {.segment_key = std::string(key), .error = std::move(error)};
}

bool IsUnreadable(const base::Error& error) {
  return error.code == base::ErrorCode::kCorrupt || error.code == base::ErrorCode::kUnsupported;
}

template <class Target>
base::Status LoadSegment(store::Repository& repository, const model::Environment& environment, const std::string& key,
                         Target& target, const std::function<void()>& gone) {
  GUIDON_ASSIGN(const auto segment_key, model::SegmentKey::Parse(key));
  auto found = repository.GetSegment(environment, segment_key);
  if (!found && !IsUnreadable(found.error())) return std::unexpected(std::move(found).error());
  if (!found) {
    target.broken_segments.push_back(AsBroken(key, std::move(found).error()));
  } else if (*found) {
    target.segments.push_back(**std::move(found));
  } else {
    gone();
  }
  return {};
}

// Parts never change, so the same revision is the same keys; the version says that the snapshot has none that came
// after the last load.
bool HasKeysOf(const KnownSegments& known, const store::SegmentHead& head) {
  const auto revision = known.keys_revisions.find(head->segment_key);
  return revision != known.keys_revisions.end() && revision->second == head.index->revision &&
         known.snapshot.SegmentVersion(head->segment_key) == head->version;
}

base::Status LoadSegments(store::Repository& repository, const model::Environment& environment,
                          const KnownSegments& known, LoadedEnvironment& loaded) {
  eval::Definitions& definitions = loaded.definitions;
  std::vector<store::SegmentHead> apart;
  GUIDON_TRY(ForEach([&](const auto& page) { return repository.ListSegments(environment, page); },
                     [&](store::SegmentHead head) {
                       if (head.index) {
                         apart.push_back(std::move(head));
                       } else {
                         definitions.segments.push_back(std::move(head.segment));
                       }
                     }));
  for (const store::SegmentHead& head : apart) {
    if (HasKeysOf(known, head)) {
      loaded.keys_revisions.emplace(head->segment_key, head.index->revision);
      definitions.segment_edits.push_back({.segment = head.segment, .from_version = head->version});
      continue;
    }
    auto whole = store::LoadSegmentKeys(repository.table(), head);
    if (whole) {
      loaded.keys_revisions.emplace(head->segment_key, head.index->revision);
      definitions.segments.push_back(*std::move(whole));
      continue;
    }
    if (!IsUnreadable(whole.error())) return std::unexpected(std::move(whole).error());
    // It may have changed since the list was read.
    GUIDON_TRY(LoadSegment(repository, environment, head->segment_key, definitions, [] {}));
  }
  return {};
}

// Entities that the records name, each once: `removed` where the store no longer has them.
struct Touched {
  std::set<std::string> flags, segments, switches;
  std::set<std::pair<std::string, std::string>> overrides;
};

Touched TouchedBy(const std::vector<store::ChangeRecord>& records) {
  Touched touched;
  for (const auto& record : records) {
    if (record.entity == "flag") touched.flags.insert(record.resource);
    if (record.entity == "segment") touched.segments.insert(record.resource);
    if (record.entity == "kill") touched.switches.insert(record.resource);
    if (record.entity == "override") {
      for (const auto& tenant : record.tenants) touched.overrides.emplace(record.resource, tenant);
    }
  }
  return touched;
}

// A flag that was deleted and made again is removed with its overrides first, and its overrides are loaded anew.
base::Status LoadFlags(store::Repository& repository, const model::Environment& environment, const Touched& touched,
                       const std::set<std::string>& deleted, eval::ChangeSet& changes) {
  std::vector<model::FlagKey> keys;
  for (const auto& key : touched.flags) {
    GUIDON_ASSIGN(auto parsed, model::FlagKey::Parse(key));
    keys.push_back(std::move(parsed));
  }
  GUIDON_ASSIGN(auto flags, repository.GetFlags(environment, keys));
  for (auto& flag : flags) Take(changes, std::move(flag));
  for (const auto& key : touched.flags) {
    const bool there =
        std::ranges::any_of(changes.flags, [&](const auto& flag) { return flag->flag_key == key; }) ||
        std::ranges::any_of(changes.broken_flags, [&](const auto& flag) { return flag.flag_key == key; });
    if (!there || deleted.contains(key)) changes.removed_flags.push_back(key);
    if (!there || !deleted.contains(key)) continue;
    GUIDON_ASSIGN(const auto parsed, model::FlagKey::Parse(key));
    GUIDON_TRY(ForEach([&](const auto& page) { return repository.ListOverrides(environment, parsed, page); },
                       [&](model::Override item) { changes.overrides.push_back(std::move(item)); }));
  }
  return {};
}

base::Status LoadTouchedOverrides(store::Repository& repository, const model::Environment& environment,
                                  const Touched& touched, eval::ChangeSet& changes) {
  for (const auto& [flag, tenant] : touched.overrides) {
    GUIDON_ASSIGN(const auto flag_key, model::FlagKey::Parse(flag));
    GUIDON_ASSIGN(const auto tenant_id, model::TenantId::Parse(tenant));
    GUIDON_ASSIGN(auto found, repository.GetOverride(environment, flag_key, tenant_id));
    if (found) {
      changes.overrides.push_back(*std::move(found));
    } else {
      changes.removed_overrides.emplace_back(flag, tenant);
    }
  }
  return {};
}

base::Status LoadSegmentsAndSwitches(store::Repository& repository, const model::Environment& environment,
                                     const Touched& touched, eval::ChangeSet& changes) {
  for (const auto& key : touched.segments) {
    GUIDON_TRY(LoadSegment(repository, environment, key, changes, [&] { changes.removed_segments.push_back(key); }));
  }
  for (const auto& text : touched.switches) {
    GUIDON_ASSIGN(const auto scope, model::KillScope::Parse(text));
    GUIDON_ASSIGN(auto found, repository.GetKillSwitch(environment, scope));
    if (found) {
      changes.kill_switches.push_back(*std::move(found));
    } else {
      changes.released_kill_switches.push_back(scope);
    }
  }
  return {};
}

}  // namespace

base::Result<LoadedEnvironment> LoadEnvironment(store::Repository& repository, const model::Environment& environment,
                                                const KnownSegments& known) {
  LoadedEnvironment loaded{.definitions = {.environment = environment.str()}, .overridden = {}, .keys_revisions = {}};
  eval::Definitions& definitions = loaded.definitions;
  GUIDON_ASSIGN(definitions.sequence, repository.ChangeHead(environment.str()));
  GUIDON_TRY(ForEach([&](const auto& page) { return repository.ListKillSwitches(environment, page); },
                     [&](model::KillSwitch item) { definitions.kill_switches.push_back(std::move(item)); }));
  GUIDON_TRY(LoadSegments(repository, environment, known, loaded));

  OverrideProbe probe(repository.table(), environment);
  store::PageRequest request{.limit = store::kPageLimitMax, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(auto page, repository.ListFlags(environment, request));
    std::vector<Incarnation> readable;
    for (auto& stored : page.items) {
      if (const auto* flag = std::get_if<model::Flag>(&stored))
        readable.push_back({.flag_key = (*flag)->flag_key, .created_at = (*flag)->created_at});
      Take(definitions, std::move(stored));
    }
    GUIDON_TRY(probe.Begin(std::move(readable)));
    if (!page.next_cursor) break;
    request.cursor = *std::move(page.next_cursor);
  }
  GUIDON_ASSIGN(loaded.overridden, probe.Finish());
  for (const auto& flag : definitions.broken_flags) loaded.overridden.push_back({.flag_key = flag.flag_key});
  return loaded;
}

base::Status LoadOverrides(store::Repository& repository, const model::Environment& environment,
                           const std::vector<Incarnation>& flags,
                           const std::function<void(std::vector<model::Override>)>& take) {
  std::vector<model::Override> portion;
  const auto add = [&](model::Override item) {
    portion.push_back(std::move(item));
    if (portion.size() == kOverridePortion) take(std::exchange(portion, {}));
  };
  for (const Incarnation& flag : flags) {
    GUIDON_ASSIGN(const auto key, model::FlagKey::Parse(flag.flag_key));
    if (flag.created_at) {
      GUIDON_TRY(ForEachOverrideOf(repository.table(), environment, key, *flag.created_at, add));
    } else {
      GUIDON_TRY(ForEach([&](const auto& page) { return repository.ListOverrides(environment, key, page); }, add));
    }
  }
  take(std::move(portion));
  return {};
}

base::Result<eval::ChangeSet> LoadChanged(store::Repository& repository, const model::Environment& environment,
                                          const std::vector<store::ChangeRecord>& records) {
  eval::ChangeSet changes{.sequence = records.back().sequence};
  std::set<std::string> deleted;
  for (const auto& record : records) {
    if (record.entity == "flag" && record.kind == store::ChangeKind::kRemove) deleted.insert(record.resource);
  }
  const Touched touched = TouchedBy(records);
  GUIDON_TRY(LoadFlags(repository, environment, touched, deleted, changes));
  GUIDON_TRY(LoadTouchedOverrides(repository, environment, touched, changes));
  GUIDON_TRY(LoadSegmentsAndSwitches(repository, environment, touched, changes));
  return changes;
}

base::Result<std::vector<store::ChangeRecord>> RecentChanges(store::Repository& repository, std::string_view scope,
                                                             std::uint64_t head, base::Timestamp now) {
  constexpr std::size_t kWindow = 20;  // most often there is nothing, and the first window says so for one unit or two
  std::vector<store::ChangeRecord> recent;
  std::uint64_t end = head;
  while (end > 0 && recent.size() < kRecentChangesMax) {
    const std::uint64_t begin = end > kWindow ? end - kWindow : 0;
    GUIDON_ASSIGN(auto page, repository.ListChangesAfter(scope, begin, {.limit = kWindow, .cursor = {}}));
    std::erase_if(page.items,
                  [&](const auto& record) { return record.sequence > end || record.at + kIndexLagMax < now; });
    const bool whole = page.items.size() == end - begin;
    recent.insert(recent.begin(), std::make_move_iterator(page.items.begin()),
                  std::make_move_iterator(page.items.end()));
    if (!whole) break;
    end = begin;
  }
  return recent;
}

base::Result<std::optional<eval::ChangeSet>> LoadRecent(store::Repository& repository,
                                                        const model::Environment& environment,
                                                        const eval::Snapshot& loaded, base::Timestamp now) {
  const std::uint64_t head = loaded.sequence();
  GUIDON_ASSIGN(auto records, RecentChanges(repository, environment.str(), head, now));
  // A segment may be large, and its version says that it came as it is; one that was made again starts over.
  std::set<std::string> removed;
  for (const auto& record : records) {
    if (record.entity == "segment" && record.kind == store::ChangeKind::kRemove) removed.insert(record.resource);
  }
  std::erase_if(records, [&](const auto& record) {
    const auto version = loaded.SegmentVersion(record.resource);
    return record.entity == "segment" && !removed.contains(record.resource) && version && *version >= record.version;
  });
  if (records.empty()) return std::nullopt;
  GUIDON_ASSIGN(eval::ChangeSet changes, LoadChanged(repository, environment, records));
  changes.sequence = head;
  return std::optional<eval::ChangeSet>(std::move(changes));
}

}  // namespace guidon::app
