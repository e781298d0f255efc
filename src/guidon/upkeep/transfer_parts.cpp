// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/transfer_parts.hpp"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "guidon/store/keys.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using store::Item;

// A table that leaves a batch unprocessed as often as this, each time after its own retries, is not coming back soon.
constexpr int kRoundsMax = 20;
constexpr std::chrono::milliseconds kRoundPause{500};
constexpr std::size_t kWriteUnitBytes = 1024;

}  // namespace

bool IsShortLived(const Item& item, base::Timestamp began) {
  return store::IsExpired(store::ExpiryOf(item), began + kShortLived);
}

void Watch::Begin(std::string_view phase) {
  const std::lock_guard lock(mutex_);
  progress_ = {.phase = phase};
  if (options_.progress) options_.progress(progress_);
}

void Watch::Add(const std::vector<Item>& items) {
  const std::lock_guard lock(mutex_);
  progress_.items += items.size();
  for (const Item& item : items) progress_.bytes += store::ItemSize(item);
  if (options_.progress) options_.progress(progress_);
}

Result<store::CapacityUnits> BatchWriter::WriteBatch(std::vector<store::BatchWriteOperation> open) {
  store::CapacityUnits consumed;
  for (int round = 1; !open.empty(); ++round) {
    GUIDON_ASSIGN(store::BatchWriteResult result, target_.BatchWrite(open));
    consumed += result.consumed;
    pace_.Spend(result.consumed.write);
    open = std::move(result.unprocessed);
    if (open.empty()) break;
    if (round == kRoundsMax)
      return base::Fail(ErrorCode::kUnavailable,
                        "the target goes on leaving writes unprocessed (throttled): limit the writes with "
                        "--max-write-units or give the table more capacity, then begin again to go on");
    std::this_thread::sleep_for(kRoundPause);
  }
  return consumed;
}

Result<store::CapacityUnits> BatchWriter::Write(std::vector<Item> items) {
  const std::size_t batches = (items.size() + store::kBatchWriteItemsMax - 1) / store::kBatchWriteItemsMax;
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  Result<store::CapacityUnits> total = store::CapacityUnits{};
  const auto write = [&] {
    for (std::size_t batch = next++; batch < batches; batch = next++) {
      const std::size_t begin = batch * store::kBatchWriteItemsMax;
      const std::size_t end = std::min(items.size(), begin + store::kBatchWriteItemsMax);
      std::vector<store::BatchWriteOperation> operations;
      for (std::size_t i = begin; i < end; ++i) operations.push_back({.put_or_delete = std::move(items[i])});
      const auto written = WriteBatch(std::move(operations));
      const std::lock_guard lock(mutex);
      if (!written) {
        total = std::unexpected(written.error());
        next = batches;
      } else if (total) {
        *total += *written;
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(writers_, batches); ++i) helpers.emplace_back(write);
    write();
  }
  return total;
}

double WriteUnits(const Item& item) {
  const auto entries = std::ranges::count_if(
      store::kSecondaryIndexes, [&](store::Index index) { return store::IndexKeyOf(item, index).has_value(); });
  const std::size_t units = (store::ItemSize(item) + kWriteUnitBytes - 1) / kWriteUnitBytes;
  return static_cast<double>(units) * static_cast<double>(1 + entries);
}

Status RequireEmpty(store::ScannableTable& target) {
  store::Scan scan{.limit = 2};
  do {
    GUIDON_ASSIGN(const store::ScanPage page, target.RunScan(scan));
    for (const Item& item : page.items) {
      const store::Key key = store::KeyOf(item);
      if (key == TransferKey()) continue;
      return base::Fail(ErrorCode::kConflict,
                        fmt::format("the target is not empty (it holds {} / {}), and nothing is ever overwritten: name "
                                    "an empty one, or delete what is there first",
                                    key.pk, key.sk));
    }
    scan.start_after = page.next;
  } while (scan.start_after);
  return {};
}

Status RequireWhole(store::Table& source) {
  GUIDON_ASSIGN(const auto state, LoadState(source));
  if (!state) return {};
  return base::Fail(ErrorCode::kConflict,
                    fmt::format("the source is itself the target of a transfer that has not ended "
                                "(a {} from {}): end that one first",
                                state->kind, state->source));
}

Result<std::map<std::string, std::uint64_t, std::less<>>> HeadsOf(store::Table& table) {
  store::Repository repository(table);
  GUIDON_ASSIGN(auto heads, repository.ChangeHeads());
  for (auto& [scope, sequence] : heads) {
    GUIDON_ASSIGN(sequence, repository.ChangeHead(scope));
  }
  return heads;
}

Result<std::vector<std::string>> ChangedSince(store::Table& table,
                                              const std::map<std::string, std::uint64_t, std::less<>>& before) {
  GUIDON_ASSIGN(auto after, HeadsOf(table));
  store::Repository repository(table);
  for (const auto& [scope, sequence] : before) {  // heads without index keys
    if (after.contains(scope)) continue;
    GUIDON_ASSIGN(after[scope], repository.ChangeHead(scope));
  }
  std::vector<std::string> changed;
  for (const auto& [scope, sequence] : after) {
    const auto found = before.find(scope);
    if (found == before.end() || found->second != sequence) changed.push_back(scope);
  }
  return changed;
}

Status JudgeChanges(const TransferReport& report, const TransferOptions& options) {
  if (report.changed.empty() || options.accept_changes) return {};
  return base::Fail(
      ErrorCode::kConflict,
      fmt::format("the source was written to meanwhile ({}): what was moved may mix states of before and after. Stop "
                  "its nodes from writing and begin again with an empty target, or take it as it is with "
                  "--accept-changes",
                  fmt::join(report.changed, ", ")));
}

Result<Sums> ReadBack(store::ScannableTable& target, base::Timestamp began, const TransferOptions& options,
                      Watch& watch, store::CapacityUnits& consumed) {
  watch.Begin("verifying");
  Pace pace(options.read_units_max, options.pace_clock);
  Sums sums;
  std::mutex mutex;
  GUIDON_TRY(ReadAll(target, Positions(options.target_segments), store::Consistency::kStrong, pace,
                     [&](std::size_t, const store::ScanPage& page) -> Status {
                       Sums of_page;
                       for (const Item& item : page.items) {
                         const Entity entity = EntityOf(store::KeyOf(item));
                         if (entity != Entity::kTransfer && !IsShortLived(item, began)) of_page.Add(entity, item);
                       }
                       watch.Add(page.items);
                       const std::lock_guard lock(mutex);
                       consumed += page.consumed;
                       sums += of_page;
                       return {};
                     }));
  return sums;
}

Status Compare(const Sums& expected, const Sums& found, std::string_view what) {
  if (expected == found) return {};
  std::set<Entity> entities;
  for (const auto& [entity, sum] : expected.by_entity()) entities.insert(entity);
  for (const auto& [entity, sum] : found.by_entity()) entities.insert(entity);
  const auto sum_in = [](const Sums& sums, Entity entity) {
    const auto at = sums.by_entity().find(entity);
    return at != sums.by_entity().end() ? at->second : Sum{};
  };
  std::vector<std::string> differences;
  for (const Entity entity : entities) {
    const Sum wanted = sum_in(expected, entity);
    const Sum there = sum_in(found, entity);
    if (wanted == there) continue;
    differences.push_back(wanted.items == there.items
                              ? fmt::format("{}: {} items, not all the same", NameOf(entity), wanted.items)
                              : fmt::format("{}: {} items and not {}", NameOf(entity), there.items, wanted.items));
  }
  return base::Fail(ErrorCode::kCorrupt, fmt::format("{} ({})", what, fmt::join(differences, "; ")));
}

void Take(TransferState& state, std::size_t segment, const SegmentPosition& position, const std::vector<Item>& items) {
  for (const Item& item : items) {
    const store::Key key = store::KeyOf(item);
    const Entity entity = EntityOf(key);
    if (IsShortLived(item, state.started_at)) {
      ++state.short_lived;
      continue;
    }
    state.sums.Add(entity, item);
    // Heads that no index told of: what is read now is what a change is told by later.
    const store::AttributeValue* sequence = entity == Entity::kChangeHead ? item.Find("sequence") : nullptr;
    if (sequence == nullptr || sequence->AsNumber() == nullptr) continue;
    const std::string scope = key.pk.substr(store::ChangesPartition("").size());
    state.heads.try_emplace(scope, static_cast<std::uint64_t>(sequence->AsNumber()->AsInt64().value_or(0)));
  }
  state.positions[segment] = position;
}

TransferState BeginState(std::string_view kind, std::string_view source, base::Timestamp now, std::size_t segments) {
  return {
      .kind = std::string(kind), .source = std::string(source), .started_at = now, .positions = Positions(segments)};
}

}  // namespace guidon::upkeep
