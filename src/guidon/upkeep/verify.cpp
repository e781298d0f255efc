// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/verify.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "guidon/store/codec.hpp"
#include "guidon/store/keys.hpp"
#include "guidon/store/segment_keys.hpp"
#include "guidon/store/table_rules.hpp"
#include "guidon/upkeep/item_checks.hpp"
#include "guidon/upkeep/verify_state.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using store::Consistency;
using store::Item;
using store::Key;

constexpr int kBatchRoundsMax = 20;
constexpr std::size_t kGapsNamed = 10;

std::string MetadataText() { return std::string(store::kMetadataSort); }

// The items of these keys, read strongly.
Result<std::map<Key, Item>> ReadStrongly(store::Table& table, const std::set<Key>& keys, Pace& pace) {
  std::map<Key, Item> found;
  std::vector<Key> open(keys.begin(), keys.end());
  for (int round = 0; !open.empty(); ++round) {
    const std::size_t count = std::min(open.size(), store::kBatchGetItemsMax);
    const std::vector<Key> batch(open.end() - static_cast<std::ptrdiff_t>(count), open.end());
    open.resize(open.size() - count);
    GUIDON_ASSIGN(store::BatchGetResult result, table.BatchGet(batch, Consistency::kStrong));
    pace.Spend(result.consumed.read);
    if (result.unprocessed.size() == count && round >= kBatchRoundsMax)
      return base::Fail(ErrorCode::kUnavailable, "the table goes on leaving reads unprocessed (throttled)");
    for (Item& item : result.items) {
      Key key = store::KeyOf(item);
      found.insert_or_assign(std::move(key), std::move(item));
    }
    open.insert(open.end(), result.unprocessed.begin(), result.unprocessed.end());
  }
  return found;
}

std::optional<std::uint64_t> SequenceOf(const Key& key) {
  std::uint64_t sequence = 0;
  const auto parsed = std::from_chars(key.sk.data(), key.sk.data() + key.sk.size(), sequence);
  if (parsed.ec != std::errc{} || store::SequenceText(sequence) != key.sk) return std::nullopt;
  return sequence;
}

std::string ScopeOf(const Key& key) { return key.pk.substr(store::ChangesPartition("").size()); }

std::optional<base::Timestamp> WrittenAt(const Item& item) {
  const store::AttributeValue* at = item.Find("writtenAt");
  if (at == nullptr || at->AsString() == nullptr) return std::nullopt;
  const auto time = base::ParseTimestamp(*at->AsString());
  return time ? std::optional(*time) : std::nullopt;
}

// Whether a part of a segment's keys may be removed: no item of a segment names it, and nobody can still be writing it.
bool IsLeftover(const Item& part, const Item* segment, base::Timestamp now) {
  const auto written = WrittenAt(part);
  if (!written || *written > now - store::kSegmentLeftoverAge) return false;
  if (segment == nullptr) return true;
  const auto head = store::DecodeSegment(*segment);
  if (!head) return false;  // what cannot be read may name anything
  const std::vector<Key> named = store::PartKeysOf(*head);
  return std::ranges::find(named, store::KeyOf(part)) == named.end();
}

// One check on its way. Lives for one call.
class Verifying {
 public:
  Verifying(store::ScannableTable& table, const base::Clock& clock, const VerifyOptions& options)
      : table_(table), clock_(clock), options_(options), pace_(options.read_units_max, options.pace_clock) {}

  Result<VerifyReport> Run() {
    GUIDON_TRY(Begin());
    GUIDON_TRY(ReadAll(table_, state_.positions, Consistency::kEventual, pace_,
                       [this](std::size_t segment, const store::ScanPage& page) { return Take(segment, page); }));
    for (const auto& [scope, log] : state_.logs) GUIDON_TRY(CheckLog(scope, log));
    std::error_code ignored;
    if (!options_.checkpoint.empty()) std::filesystem::remove(options_.checkpoint, ignored);
    return std::move(state_.report);
  }

 private:
  Status Begin() {
    state_.positions = Positions(options_.segments);
    std::error_code error;
    if (options_.checkpoint.empty() || !std::filesystem::exists(options_.checkpoint, error)) return {};
    std::ifstream in(options_.checkpoint, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    auto state = VerifyState::From(text, options_.table_name);
    if (!state) {
      base::Error problem = std::move(state).error();
      problem.message = fmt::format("{} {}: delete it to begin anew", options_.checkpoint, problem.message);
      return std::unexpected(std::move(problem));
    }
    state_ = *std::move(state);
    state_.report.resumed = true;
    return {};
  }

  Status Save() const {
    if (options_.checkpoint.empty()) return {};
    const std::string other = options_.checkpoint + ".new";
    std::ofstream out(other, std::ios::binary | std::ios::trunc);
    out << state_.ToText(options_.table_name);
    out.close();
    std::error_code error;
    if (out) std::filesystem::rename(other, options_.checkpoint, error);
    if (out && !error) return {};
    return base::Fail(ErrorCode::kUnavailable, fmt::format("the checkpoint {} cannot be written", options_.checkpoint));
  }

  Status Take(std::size_t segment, const store::ScanPage& page) {
    std::vector<Finding> findings;
    for (const Item& item : page.items) {
      for (Finding& finding : CheckItem(item)) findings.push_back(std::move(finding));
    }
    GUIDON_TRY(CheckOverrides(page.items, findings));
    GUIDON_TRY(CheckSegments(page.items, findings));
    const std::lock_guard lock(mutex_);
    for (Finding& finding : findings) state_.report.Add(std::move(finding), options_.findings_max);
    state_.report.read_units += page.consumed.read;
    Count(page.items);
    state_.positions[segment] = After(page);
    const auto now = std::chrono::steady_clock::now();
    if (now - saved_at_ < options_.save_interval) return {};
    saved_at_ = now;
    return Save();
  }

  void Count(const std::vector<Item>& items) {
    for (const Item& item : items) {
      const Key key = store::KeyOf(item);
      const Entity entity = EntityOf(key);
      ++state_.report.items[entity];
      ++progress_.items;
      progress_.bytes += store::ItemSize(item);
      if (entity != Entity::kChange && entity != Entity::kChangeHead) continue;
      LogSeen& log = state_.logs[ScopeOf(key)];
      if (entity == Entity::kChangeHead) {
        const auto head = store::DecodeChangeHead(item);
        if (head) log.head = head->sequence;
      } else if (const auto sequence = SequenceOf(key)) {
        log.first = log.entries == 0 ? *sequence : std::min(log.first, *sequence);
        log.last = std::max(log.last, *sequence);
        ++log.entries;
      }
    }
    progress_.phase = "verifying";
    if (options_.progress) options_.progress(progress_);
  }

  // Overrides whose flag is not there, or not the one they were made for. An item of a flag and its overrides mostly
  // come in one page; what does not fit together is looked at strongly before it is a finding.
  Status CheckOverrides(const std::vector<Item>& items, std::vector<Finding>& findings) {
    std::map<std::string, std::optional<base::Timestamp>> flags;
    for (const Item& item : items) {
      const Key key = store::KeyOf(item);
      if (EntityOf(key) == Entity::kFlag) flags[key.pk] = store::CreatedAtOf(item);
    }
    std::vector<const Item*> doubtful;
    std::set<Key> keys;
    for (const Item& item : items) {
      const Key key = store::KeyOf(item);
      if (EntityOf(key) != Entity::kOverride) continue;
      const auto stored = store::DecodeOverride(item);
      if (!stored) continue;  // reported as unreadable
      const auto flag = flags.find(key.pk);
      if (flag != flags.end() && (!stored->flag_created_at || stored->flag_created_at == flag->second)) continue;
      doubtful.push_back(&item);
      keys.insert({key.pk, MetadataText()});
      keys.insert(key);
    }
    GUIDON_ASSIGN(const auto now, ReadStrongly(table_, keys, pace_));
    for (const Item* item : doubtful) CheckOverride(store::KeyOf(*item), now, findings);
    return {};
  }

  static void CheckOverride(const Key& key, const std::map<Key, Item>& now, std::vector<Finding>& findings) {
    const auto item = now.find(key);
    if (item == now.end()) return;  // removed meanwhile
    const auto stored = store::DecodeOverride(item->second);
    const auto flag = now.find({key.pk, MetadataText()});
    if (!stored) return;
    std::string message;
    if (flag == now.end())
      message = "its flag does not exist, so it has no effect";
    else if (stored->flag_created_at && stored->flag_created_at != store::CreatedAtOf(flag->second))
      message = "was made for a former flag of this key, so it has no effect";
    if (message.empty()) return;
    findings.push_back({.severity = Severity::kWarning,
                        .code = "dangling-override",
                        .key = key,
                        .entity = Entity::kOverride,
                        .message = message + "; delete the item unless the flag is to come back"});
  }

  Status CheckSegments(const std::vector<Item>& items, std::vector<Finding>& findings) {
    std::set<Key> heads;
    std::vector<const Item*> parts;
    for (const Item& item : items) {
      const Key key = store::KeyOf(item);
      const Entity entity = EntityOf(key);
      if (entity == Entity::kSegment) GUIDON_TRY(CheckSegment(key, item, findings));
      if (entity != Entity::kSegmentKeys) continue;
      parts.push_back(&item);
      heads.insert({key.pk, MetadataText()});
    }
    GUIDON_ASSIGN(const auto segments, ReadStrongly(table_, heads, pace_));
    for (const Item* part : parts) {
      const Key key = store::KeyOf(*part);
      const auto segment = segments.find({key.pk, MetadataText()});
      if (!IsLeftover(*part, segment != segments.end() ? &segment->second : nullptr, clock_.Now())) continue;
      findings.push_back({.severity = Severity::kWarning,
                          .code = "segment-leftover",
                          .key = key,
                          .entity = Entity::kSegmentKeys,
                          .message = "holds keys of a segment that does not name it: what an interrupted write left",
                          .repairable = true});
    }
    return {};
  }

  // A segment whose keys are kept apart has all of them, or is not readable at all.
  Status CheckSegment(const Key& key, const Item& item, std::vector<Finding>& findings) {
    auto head = store::DecodeSegment(item);
    if (!head || !head->index) return {};
    auto loaded = store::LoadSegmentKeys(table_, *head);
    if (!loaded && loaded.error().code == ErrorCode::kCorrupt) {  // it may have changed since the scan
      GUIDON_ASSIGN(const auto again, table_.Get(key, Consistency::kStrong));
      if (!again.item) return {};
      head = store::DecodeSegment(*again.item);
      if (!head) return {};
      loaded = store::LoadSegmentKeys(table_, *head);
    }
    if (loaded) return {};
    if (loaded.error().code != ErrorCode::kCorrupt) return std::unexpected(loaded.error());
    findings.push_back({.severity = Severity::kProblem,
                        .code = "segment-damaged",
                        .key = key,
                        .entity = Entity::kSegment,
                        .message = fmt::format("parts of its keys are missing or damaged ({}): upload its keys again, "
                                               "or restore a backup",
                                               loaded.error().message)});
    return {};
  }

  // Nothing is missing between the first entry that has not expired and the head.
  Status CheckLog(const std::string& scope, const LogSeen& seen) {
    const bool whole =
        seen.head && (seen.entries == 0 || (seen.last == *seen.head && seen.entries == seen.last - seen.first + 1));
    return whole ? Status{} : WalkLog(scope);
  }

  Status WalkLog(const std::string& scope) {
    const Key head_key = store::ChangeHeadKey(scope);
    std::vector<std::string> gaps;
    std::size_t gap_count = 0;
    std::optional<std::uint64_t> last;
    const auto gap = [&](std::uint64_t from, std::uint64_t to) {
      if (gap_count++ < kGapsNamed)
        gaps.push_back(from == to ? fmt::format("{}", from) : fmt::format("{} to {}", from, to));
    };
    store::Query query{.partition = store::ChangesPartition(scope),
                       .sort = store::SortKeyBetween{"0", "9~"},
                       .limit = store::kQueryLimitMax,
                       .consistency = Consistency::kStrong};
    do {
      GUIDON_ASSIGN(store::QueryPage page, table_.RunQuery(query));
      pace_.Spend(page.consumed.read);
      for (const Item& item : page.items) {
        const auto sequence = SequenceOf(store::KeyOf(item));
        if (!sequence) continue;
        if (last && *sequence > *last + 1) gap(*last + 1, *sequence - 1);
        last = sequence;
      }
      query.start_after = std::move(page.next);
    } while (query.start_after);
    GUIDON_ASSIGN(const auto head_item, table_.Get(head_key, Consistency::kStrong));
    std::optional<std::uint64_t> head;
    if (head_item.item) {
      const auto decoded = store::DecodeChangeHead(*head_item.item);
      if (!decoded) return {};  // reported as unreadable
      head = decoded->sequence;
    }
    if (last && (!head || *head < *last)) {
      state_.report.Add(
          {.severity = Severity::kProblem,
           .code = "log-head",
           .key = head_key,
           .entity = Entity::kChangeHead,
           .message = fmt::format("the change log has entry {} and its head says {}: the next change will "
                                  "fail. Restore a backup, or put the head back with `sequence` = {}",
                                  *last, head ? fmt::format("{}", *head) : "nothing", *last)},
          options_.findings_max);
    }
    if (last && head && *head > *last) gap(*last + 1, *head);
    if (gap_count == 0) return {};
    state_.report.Add({.severity = Severity::kWarning,
                       .code = "log-gap",
                       .key = head_key,
                       .entity = Entity::kChange,
                       .message = fmt::format("entries are missing from the change log: {}{}. Nodes that come across a "
                                              "gap load everything anew; the audit says what the changes were",
                                              fmt::join(gaps, ", "), gap_count > gaps.size() ? ", …" : "")},
                      options_.findings_max);
    return {};
  }

  store::ScannableTable& table_;
  const base::Clock& clock_;
  const VerifyOptions& options_;
  Pace pace_;
  std::mutex mutex_;
  VerifyState state_;
  TransferProgress progress_;
  std::chrono::steady_clock::time_point saved_at_ = std::chrono::steady_clock::now();
};

// Removes what is left over of a segment's keys.
Result<std::optional<Repair>> RepairPart(store::Table& table, const Item& part, const base::Clock& clock, bool write) {
  const Key key = store::KeyOf(part);
  GUIDON_ASSIGN(const auto segment, table.Get({key.pk, MetadataText()}, Consistency::kStrong));
  if (!IsLeftover(part, segment.item ? &*segment.item : nullptr, clock.Now())) return std::optional<Repair>{};
  Repair repair{.key = key, .what = "deletes it"};
  if (!write) return std::optional(std::move(repair));
  // A part never changes and is never named again, so whatever is under this key can go.
  GUIDON_ASSIGN(const auto done, table.DeleteItem({.key = key, .condition = store::Condition::Present()}));
  repair.outcome = done.applied ? Repair::Outcome::kDone : Repair::Outcome::kChangedMeanwhile;
  return std::optional(std::move(repair));
}

Result<std::optional<Repair>> RepairItem(store::Table& table, const Key& key, const base::Clock& clock, bool write,
                                         Pace& pace) {
  GUIDON_ASSIGN(const auto read, table.Get(key, Consistency::kStrong));
  if (!read.item) return std::optional<Repair>{};
  if (EntityOf(key) == Entity::kSegmentKeys) return RepairPart(table, *read.item, clock, write);
  const auto fix = FixFor(*read.item);
  if (!fix) return std::optional<Repair>{};
  Repair repair{.key = key, .what = fix->what};
  if (!write) return std::optional(std::move(repair));
  GUIDON_ASSIGN(const auto done, table.UpdateItem(fix->update));
  pace.Spend(done.consumed.write);
  repair.outcome = done.applied ? Repair::Outcome::kDone : Repair::Outcome::kChangedMeanwhile;
  return std::optional(std::move(repair));
}

}  // namespace

void VerifyReport::Add(Finding finding, std::size_t findings_max) {
  ++counts[finding.code];
  ++severities[finding.severity];
  if (finding.repairable && repairable.size() < kRepairableMax &&
      (repairable.empty() || repairable.back() != finding.key))
    repairable.push_back(finding.key);
  if (findings.size() < findings_max) findings.push_back(std::move(finding));
}

Result<VerifyReport> Verify(store::ScannableTable& table, const base::Clock& clock, const VerifyOptions& options) {
  return Verifying(table, clock, options).Run();
}

std::string_view NameOf(Repair::Outcome outcome) {
  switch (outcome) {
    case Repair::Outcome::kPlanned: return "planned";
    case Repair::Outcome::kDone: return "done";
    case Repair::Outcome::kChangedMeanwhile: return "changed meanwhile";
  }
  return "";
}

Result<std::vector<Repair>> RepairItems(store::Table& table, const std::vector<Key>& keys, const base::Clock& clock,
                                        const RepairOptions& options) {
  Pace pace(options.write_units_max, options.pace_clock);
  std::vector<Repair> repairs;
  for (const Key& key : keys) {
    GUIDON_ASSIGN(auto repair, RepairItem(table, key, clock, options.write, pace));
    if (repair) repairs.push_back(*std::move(repair));
  }
  return repairs;
}

}  // namespace guidon::upkeep
