// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/time.hpp"
#include "guidon/upkeep/transfer.hpp"
#include "guidon/upkeep/transfer_state.hpp"

// What exports, imports and copies share. Not for other modules.
namespace guidon::upkeep {

bool IsShortLived(const store::Item& item, base::Timestamp began);

// Counts, and tells whoever watches. Thread-safe.
class Watch {
 public:
  explicit Watch(const TransferOptions& options) : options_(options) {}
  void Begin(std::string_view phase);
  void Add(const std::vector<store::Item>& items);

 private:
  const TransferOptions& options_;
  std::mutex mutex_;
  TransferProgress progress_;
};

// Writes items in batches, several at a time; what the table leaves unprocessed is sent again.
class BatchWriter {
 public:
  BatchWriter(store::Table& target, const TransferOptions& options)
      : target_(target), writers_(options.writers), pace_(options.write_units_max, options.pace_clock) {}
  // Returns when all are written. Thread-safe.
  base::Result<store::CapacityUnits> Write(std::vector<store::Item> items);

 private:
  base::Result<store::CapacityUnits> WriteBatch(std::vector<store::BatchWriteOperation> open);

  store::Table& target_;
  const std::size_t writers_;
  Pace pace_;
};

// Units of writing it where nothing is there, with its index entries.
double WriteUnits(const store::Item& item);

// Ok where nothing is there but the note of a transfer. Error: kConflict.
base::Status RequireEmpty(store::ScannableTable& target);
// Error: kConflict, where this is the target of a transfer that has not ended.
base::Status RequireWhole(store::Table& source);

// Heads of all change logs, read strongly.
base::Result<std::map<std::string, std::uint64_t, std::less<>>> HeadsOf(store::Table& table);
// Scopes whose head is not what it was.
base::Result<std::vector<std::string>> ChangedSince(store::Table& table,
                                                    const std::map<std::string, std::uint64_t, std::less<>>& before);
// Error: kConflict where something changed and that is not accepted.
base::Status JudgeChanges(const TransferReport& report, const TransferOptions& options);

// What the target holds of what a transfer that began then compares.
base::Result<Sums> ReadBack(store::ScannableTable& target, base::Timestamp began, const TransferOptions& options,
                            Watch& watch, store::CapacityUnits& consumed);
// Error: kCorrupt naming the entities that differ.
base::Status Compare(const Sums& expected, const Sums& found, std::string_view what);

// Adds a page of a source to the state.
void Take(TransferState& state, std::size_t segment, const SegmentPosition& position,
          const std::vector<store::Item>& items);

TransferState BeginState(std::string_view kind, std::string_view source, base::Timestamp now, std::size_t segments);

}  // namespace guidon::upkeep
