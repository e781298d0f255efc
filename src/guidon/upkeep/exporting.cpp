// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guidon/store/table_rules.hpp"
#include "guidon/upkeep/export_lines.hpp"
#include "guidon/upkeep/transfer.hpp"
#include "guidon/upkeep/transfer_parts.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

std::unexpected<base::Error> Unwritable(const std::string& file) {
  return base::Fail(ErrorCode::kUnavailable,
                    fmt::format("{} cannot be written: {}", file, std::generic_category().message(errno)));
}

// A file that is only added to. It holds hashes of keys and everybody's data: nobody but the owner reads it.
class AppendFile {
 public:
  static constexpr mode_t kOwnerOnly = 0600;

  // With what is behind `bytes` cut off.
  static Result<std::unique_ptr<AppendFile>> Open(const std::string& name, std::uint64_t bytes, int more_flags) {
    const int descriptor = open(name.c_str(), O_WRONLY | O_CLOEXEC | more_flags, kOwnerOnly);
    if (descriptor < 0) return Unwritable(name);
    std::unique_ptr<AppendFile> file(new AppendFile(name, descriptor, bytes));
    if (ftruncate(descriptor, static_cast<off_t>(bytes)) != 0 || lseek(descriptor, 0, SEEK_END) < 0)
      return Unwritable(name);
    return file;
  }
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile() { close(descriptor_); }

  Status Write(std::string_view text) {
    bytes_ += text.size();
    while (!text.empty()) {
      const ssize_t written = write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Unwritable(name_);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  Status Sync() { return fdatasync(descriptor_) == 0 ? Status{} : Unwritable(name_); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  AppendFile(std::string name, int descriptor, std::uint64_t bytes)
      : name_(std::move(name)), descriptor_(descriptor), bytes_(bytes) {}
  const std::string name_;
  const int descriptor_;
  std::uint64_t bytes_;
};

Status WriteWhole(const std::string& name, std::string_view text) {
  const std::string other = name + ".new";
  GUIDON_ASSIGN(const auto file, AppendFile::Open(other, 0, O_CREAT));
  GUIDON_TRY(file->Write(text));
  GUIDON_TRY(file->Sync());
  return rename(other.c_str(), name.c_str()) == 0 ? Status{} : Unwritable(name);
}

// Where the lines go.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  virtual ~Output() = default;
  virtual Status Write(std::string_view text) = 0;
  virtual Status Flush() = 0;
  // All that was written is safe, and belongs to this state.
  virtual Status Save(TransferState& state) = 0;
};

class StreamOutput final : public Output {
 public:
  explicit StreamOutput(std::ostream& out) : out_(out) {}
  Status Write(std::string_view text) override {
    if (out_.write(text.data(), static_cast<std::streamsize>(text.size()))) return {};
    return base::Fail(ErrorCode::kUnavailable, "the export cannot be written: whoever reads it has gone");
  }
  Status Flush() override { return out_.flush() ? Status{} : Write({}); }
  Status Save(TransferState&) override { return {}; }

 private:
  std::ostream& out_;
};

class FileOutput final : public Output {
 public:
  FileOutput(std::unique_ptr<AppendFile> file, std::string checkpoint)
      : file_(std::move(file)), checkpoint_(std::move(checkpoint)) {}
  Status Write(std::string_view text) override { return file_->Write(text); }
  Status Flush() override { return file_->Sync(); }
  Status Save(TransferState& state) override {
    GUIDON_TRY(file_->Sync());
    state.file_bytes = file_->bytes();
    return WriteWhole(checkpoint_, state.ToText());
  }

 private:
  std::unique_ptr<AppendFile> file_;
  const std::string checkpoint_;
};

// Counts what an export would write.
class NoOutput final : public Output {
 public:
  Status Write(std::string_view) override { return {}; }
  Status Flush() override { return {}; }
  Status Save(TransferState&) override { return {}; }
};

// One export on its way. Lives for one call.
class Exporting {
 public:
  Exporting(store::ScannableTable& source, const TransferOptions& options, Watch& watch, Output& out,
            TransferState state)
      : source_(source), options_(options), watch_(watch), out_(out), state_(std::move(state)) {}

  // `begun`: the file has its header and more already.
  Result<TransferReport> Run(bool begun) {
    report_.resumed = begun;
    if (!begun) {
      GUIDON_ASSIGN(state_.heads, HeadsOf(source_));
      GUIDON_TRY(out_.Write(HeaderLine({.source = state_.source, .started_at = state_.started_at})));
      GUIDON_TRY(out_.Save(state_));
    }
    watch_.Begin(options_.dry_run ? "reading" : "exporting");
    Pace pace(options_.read_units_max, options_.pace_clock);
    GUIDON_TRY(ReadAll(source_, state_.positions, store::Consistency::kStrong, pace,
                       [this](std::size_t segment, const store::ScanPage& page) { return Add(segment, page); }));
    // The checkpoint does not know of the last line: whoever goes on from there writes it anew.
    GUIDON_TRY(out_.Save(state_));
    GUIDON_TRY(out_.Write(EndLine(state_.sums)));
    GUIDON_TRY(out_.Flush());
    report_.sums = state_.sums;
    report_.short_lived = state_.short_lived;
    GUIDON_ASSIGN(report_.changed, ChangedSince(source_, state_.heads));
    return std::move(report_);
  }

 private:
  Status Add(std::size_t segment, const store::ScanPage& page) {
    std::string lines;
    for (const store::Item& item : page.items) lines += ItemLine(item);
    watch_.Add(page.items);
    const std::lock_guard lock(mutex_);
    GUIDON_TRY(out_.Write(lines));
    report_.consumed += page.consumed;
    if (options_.dry_run) {
      for (const store::Item& item : page.items) report_.write_units_estimate += WriteUnits(item);
    }
    Take(state_, segment, After(page), page.items);
    const auto now = std::chrono::steady_clock::now();
    if (now - saved_at_ < options_.save_interval) return {};
    saved_at_ = now;
    return out_.Save(state_);
  }

  store::ScannableTable& source_;
  const TransferOptions& options_;
  Watch& watch_;
  Output& out_;
  std::mutex mutex_;
  TransferState state_;
  TransferReport report_;
  std::chrono::steady_clock::time_point saved_at_ = std::chrono::steady_clock::now();
};

// The file, read back from its first line to its last.
Status VerifyFile(const std::string& file, const Sums& expected, Watch& watch) {
  watch.Begin("verifying");
  std::ifstream in(file, std::ios::binary);
  ExportReader reader(in);
  Sums found;
  base::Timestamp began{};
  bool ended = false;
  while (true) {
    GUIDON_ASSIGN(const auto line, reader.Next());
    if (!line) break;
    if (const auto* header = std::get_if<ExportHeader>(&*line)) began = header->started_at;
    if (const auto* item = std::get_if<store::Item>(&*line)) {
      if (!IsShortLived(*item, began)) found.Add(EntityOf(store::KeyOf(*item)), *item);
      watch.Add({*item});
    }
    ended = ended || std::holds_alternative<ExportEnd>(*line);
  }
  if (!ended) return base::Fail(ErrorCode::kCorrupt, fmt::format("{} has lost its end", file));
  return Compare(expected, found, fmt::format("{} does not hold what was written to it", file));
}

// Where an interrupted export of the same source stands; nothing where none has begun.
Result<std::optional<TransferState>> Unfinished(const std::string& file, const std::string& checkpoint,
                                                std::string_view source) {
  std::error_code error;
  const bool begun = std::filesystem::exists(checkpoint, error);
  if (!begun && std::filesystem::exists(file, error))
    return base::Fail(ErrorCode::kAlreadyExists,
                      fmt::format("{} is there already, and nothing is ever overwritten: name another file, or delete "
                                  "it first",
                                  file));
  if (!begun) return std::optional<TransferState>{};
  std::ifstream in(checkpoint, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  GUIDON_ASSIGN(TransferState state, TransferState::From(text));
  if (state.kind != "export" || state.source != source)
    return base::Fail(ErrorCode::kConflict,
                      fmt::format("{} belongs to an unfinished {} of {}: go on with that one, or delete {} and {}",
                                  checkpoint, state.kind, state.source, checkpoint, file));
  if (std::filesystem::file_size(file, error) < state.file_bytes || error)
    return base::Fail(ErrorCode::kConflict,
                      fmt::format("{} is shorter than {} says: delete both and begin again", file, checkpoint));
  return std::optional(std::move(state));
}

Result<TransferReport> DryRun(store::ScannableTable& source, std::string_view source_name, const base::Clock& clock,
                              const TransferOptions& options) {
  Watch watch(options);
  NoOutput out;
  Exporting exporting(source, options, watch, out, BeginState("export", source_name, clock.Now(), options.segments));
  GUIDON_ASSIGN(TransferReport report, exporting.Run(false));
  GUIDON_TRY(JudgeChanges(report, options));
  return report;
}

}  // namespace

Result<TransferReport> ExportToFile(store::ScannableTable& source, std::string_view source_name,
                                    const std::string& file, const base::Clock& clock, const TransferOptions& options) {
  GUIDON_TRY(RequireWhole(source));
  const std::string checkpoint = file + ".checkpoint";
  GUIDON_ASSIGN(auto state, Unfinished(file, checkpoint, source_name));
  if (options.dry_run) return DryRun(source, source_name, clock, options);
  const bool begun = state.has_value();
  if (!begun) state = BeginState("export", source_name, clock.Now(), options.segments);
  GUIDON_ASSIGN(auto opened, AppendFile::Open(file, state->file_bytes, begun ? 0 : O_CREAT | O_EXCL));
  FileOutput out(std::move(opened), checkpoint);
  Watch watch(options);
  GUIDON_ASSIGN(TransferReport report, Exporting(source, options, watch, out, *std::move(state)).Run(begun));
  GUIDON_TRY(VerifyFile(file, report.sums, watch));
  report.verified = true;
  std::error_code error;
  if (!report.changed.empty() && !options.accept_changes) std::filesystem::remove(file, error);
  std::filesystem::remove(checkpoint, error);
  GUIDON_TRY(JudgeChanges(report, options));
  return report;
}

Result<TransferReport> ExportToStream(store::ScannableTable& source, std::string_view source_name, std::ostream& out,
                                      const base::Clock& clock, const TransferOptions& options) {
  GUIDON_TRY(RequireWhole(source));
  if (options.dry_run) return DryRun(source, source_name, clock, options);
  Watch watch(options);
  StreamOutput stream(out);
  Exporting exporting(source, options, watch, stream, BeginState("export", source_name, clock.Now(), options.segments));
  GUIDON_ASSIGN(TransferReport report, exporting.Run(false));
  GUIDON_TRY(JudgeChanges(report, options));
  return report;
}

}  // namespace guidon::upkeep
