// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <fmt/format.h>

#include "guidon/base/text.hpp"
#include "guidon/store/table_rules.hpp"
#include "guidon/upkeep/export_lines.hpp"
#include "guidon/upkeep/transfer.hpp"
#include "guidon/upkeep/transfer_parts.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

// Items written at once: enough for all writers, little to do again after an interruption.
constexpr std::size_t kChunkItems = 250;
constexpr std::size_t kChunkBytes = 8UL * 1024 * 1024;

// One import on its way. Lives for one call.
class Importing {
 public:
  Importing(std::istream& in, store::ScannableTable& target, const base::Clock& clock, const TransferOptions& options)
      : reader_(in), target_(target), clock_(clock), options_(options), watch_(options), writer_(target, options) {}

  Result<TransferReport> Run() {
    while (true) {
      GUIDON_ASSIGN(auto line, reader_.Next());
      if (!line) break;
      if (!begun_) GUIDON_TRY(Begin(*line));
      GUIDON_TRY(TakeLine(*std::move(line)));
    }
    if (!begun_) return base::Fail(ErrorCode::kMalformed, "the export is empty: not even its first line is there");
    GUIDON_TRY(WriteChunk());
    GUIDON_TRY(CheckEnd());
    report_.sums = state_.sums;
    report_.short_lived = state_.short_lived;
    if (!options_.dry_run) GUIDON_TRY(Verify());
    return std::move(report_);
  }

 private:
  Status Begin(const ExportLine& first) {
    begun_ = true;
    const std::string source = fmt::format("file that begins with line {:016x}", base::Fnv1a64(reader_.text()));
    GUIDON_ASSIGN(auto unfinished, LoadState(target_));
    if (unfinished) {
      if (unfinished->kind != "import" || unfinished->source != source)
        return base::Fail(ErrorCode::kConflict,
                          fmt::format("the target holds an unfinished {} from another {}: go on with that one, or "
                                      "empty the target",
                                      unfinished->kind, unfinished->source));
      state_ = *std::move(unfinished);
      report_.resumed = true;
    } else {
      GUIDON_TRY(RequireEmpty(target_));
      state_ = BeginState("import", source, clock_.Now(), 1);
      if (!options_.dry_run) GUIDON_TRY(SaveState(target_, state_));
    }
    const auto* header = std::get_if<ExportHeader>(&first);
    is_ours_ = header != nullptr;
    exported_at_ = is_ours_ ? header->started_at : state_.started_at;
    watch_.Begin(options_.dry_run ? "reading" : "importing");
    return {};
  }

  Status TakeLine(ExportLine line) {
    if (end_) return base::Fail(ErrorCode::kMalformed, fmt::format("line {} comes after the last", reader_.line()));
    if (auto* end = std::get_if<ExportEnd>(&line)) end_ = std::move(end->sums);
    auto* item = std::get_if<store::Item>(&line);
    if (item == nullptr || reader_.line() <= state_.lines) return {};
    const store::Key key = store::KeyOf(*item);
    if (EntityOf(key) == Entity::kTransfer)
      return base::Fail(ErrorCode::kMalformed, fmt::format("line {} is the note of an unfinished transfer: the export "
                                                           "was made of a table that was not whole",
                                                           reader_.line()));
    if (!IsShortLived(*item, exported_at_)) state_.read.Add(EntityOf(key), *item);
    if (store::IsExpired(*item, clock_.Now())) {
      ++report_.expired;
      return {};
    }
    if (IsShortLived(*item, state_.started_at)) {
      ++state_.short_lived;
    } else {
      state_.sums.Add(EntityOf(key), *item);
    }
    if (options_.dry_run) report_.write_units_estimate += WriteUnits(*item);
    chunk_bytes_ += store::ItemSize(*item);
    chunk_.push_back(std::move(*item));
    return chunk_.size() < kChunkItems && chunk_bytes_ < kChunkBytes ? Status{} : WriteChunk();
  }

  Status WriteChunk() {
    watch_.Add(chunk_);
    chunk_bytes_ = 0;
    std::vector<store::Item> items = std::exchange(chunk_, {});
    if (options_.dry_run) return {};
    GUIDON_ASSIGN(const auto written, writer_.Write(std::move(items)));
    report_.consumed += written;
    if (reader_.line() > state_.lines) state_.lines = reader_.line();
    return SaveState(target_, state_);
  }

  Status CheckEnd() const {
    if (!is_ours_) return {};
    if (!end_)
      return base::Fail(ErrorCode::kCorrupt,
                        "the export is not whole: its last line is missing. It was interrupted, or cut; export again");
    return Compare(*end_, state_.read, "the export is not what was written: lines were changed, lost or doubled");
  }

  Status Verify() {
    GUIDON_ASSIGN(const Sums found, ReadBack(target_, state_.started_at, options_, watch_, report_.consumed));
    GUIDON_TRY(Compare(state_.sums, found,
                       "the target does not hold what was imported: somebody else writes to it. Empty it and import "
                       "again"));
    report_.verified = true;
    return ClearState(target_);
  }

  ExportReader reader_;
  store::ScannableTable& target_;
  const base::Clock& clock_;
  const TransferOptions& options_;
  Watch watch_;
  BatchWriter writer_;
  TransferState state_;
  TransferReport report_;
  std::vector<store::Item> chunk_;
  std::size_t chunk_bytes_ = 0;
  std::optional<Sums> end_;
  base::Timestamp exported_at_{};
  bool begun_ = false;
  bool is_ours_ = false;
};

}  // namespace

Result<TransferReport> Import(std::istream& in, store::ScannableTable& target, const base::Clock& clock,
                              const TransferOptions& options) {
  return Importing(in, target, clock, options).Run();
}

}  // namespace guidon::upkeep
