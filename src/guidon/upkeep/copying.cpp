// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <fmt/format.h>

#include "guidon/store/table_rules.hpp"
#include "guidon/upkeep/transfer.hpp"
#include "guidon/upkeep/transfer_parts.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

// One copy on its way. Lives for one call.
class Copying {
 public:
  Copying(store::ScannableTable& source, store::ScannableTable& target, const TransferOptions& options)
      : source_(source), target_(target), options_(options), watch_(options), writer_(target, options) {}

  Result<TransferReport> Run(std::string_view source_name, base::Timestamp now) {
    GUIDON_TRY(Begin(source_name, now));
    watch_.Begin(options_.dry_run ? "reading" : "copying");
    Pace pace(options_.read_units_max, options_.pace_clock);
    GUIDON_TRY(ReadAll(source_, state_.positions, store::Consistency::kStrong, pace,
                       [this](std::size_t segment, const store::ScanPage& page) { return Move(segment, page); }));
    report_.sums = state_.sums;
    report_.short_lived = state_.short_lived;
    if (!options_.dry_run) GUIDON_TRY(Verify());
    GUIDON_ASSIGN(report_.changed, ChangedSince(source_, state_.heads));
    GUIDON_TRY(JudgeChanges(report_, options_));
    if (!options_.dry_run) GUIDON_TRY(ClearState(target_));
    return std::move(report_);
  }

 private:
  Status Begin(std::string_view source_name, base::Timestamp now) {
    GUIDON_TRY(RequireWhole(source_));
    GUIDON_ASSIGN(auto unfinished, LoadState(target_));
    if (unfinished) {
      if (unfinished->kind != "copy" || unfinished->source != source_name)
        return base::Fail(ErrorCode::kConflict,
                          fmt::format("the target holds an unfinished {} from {}: go on with that one, or empty the "
                                      "target",
                                      unfinished->kind, unfinished->source));
      state_ = *std::move(unfinished);
      report_.resumed = true;
      return {};
    }
    GUIDON_TRY(RequireEmpty(target_));
    state_ = BeginState("copy", source_name, now, options_.segments);
    GUIDON_ASSIGN(state_.heads, HeadsOf(source_));
    // From here on the target says that it is not whole.
    return options_.dry_run ? Status{} : SaveState(target_, state_);
  }

  Status Move(std::size_t segment, const store::ScanPage& page) {
    const SegmentPosition position = After(page);
    store::CapacityUnits written;
    if (!options_.dry_run) {
      GUIDON_ASSIGN(written, writer_.Write(page.items));
    }
    watch_.Add(page.items);
    const std::lock_guard lock(mutex_);
    report_.consumed += page.consumed;
    report_.consumed += written;
    if (options_.dry_run) {
      for (const store::Item& item : page.items) report_.write_units_estimate += WriteUnits(item);
    }
    Take(state_, segment, position, page.items);
    const auto now = std::chrono::steady_clock::now();
    if (options_.dry_run || now - saved_at_ < options_.save_interval) return {};
    saved_at_ = now;
    return SaveState(target_, state_);
  }

  Status Verify() {
    GUIDON_TRY(SaveState(target_, state_));
    GUIDON_ASSIGN(const Sums found, ReadBack(target_, state_.started_at, options_, watch_, report_.consumed));
    GUIDON_TRY(Compare(state_.sums, found,
                       "the target does not hold what was copied to it: somebody else writes to it, or the source "
                       "changed while an earlier run was interrupted. Empty the target and copy again"));
    report_.verified = true;
    return {};
  }

  store::ScannableTable& source_;
  store::ScannableTable& target_;
  const TransferOptions& options_;
  Watch watch_;
  BatchWriter writer_;
  std::mutex mutex_;
  TransferState state_;
  TransferReport report_;
  std::chrono::steady_clock::time_point saved_at_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<TransferReport> Copy(store::ScannableTable& source, std::string_view source_name, store::ScannableTable& target,
                            const base::Clock& clock, const TransferOptions& options) {
  return Copying(source, target, options).Run(source_name, clock.Now());
}

}  // namespace guidon::upkeep
