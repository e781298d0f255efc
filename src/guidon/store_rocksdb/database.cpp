// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_rocksdb/database.hpp"

#include <algorithm>
#include <cctype>
#include <exception>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guidon/base/log.hpp"
#include "guidon/store_rocksdb/engine_log.hpp"
#include "guidon/store_rocksdb/key_codec.hpp"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GUIDON_THREAD_SANITIZER 1
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif
#endif

namespace guidon::store_rocksdb {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Fail;
using base::Status;

constexpr int kLayoutVersion = 1;
constexpr std::string_view kLayoutPrefix = "guidon table layout ";
constexpr int kOpenFilesMax = 128;                           // enough for all table files of some GB, small as a limit
constexpr std::uint64_t kExpiredFilesAgeS = 24UL * 60 * 60;  // a file that old is rewritten, so that expired items go
constexpr double kBloomBitsPerKey = 10;
constexpr int kWriteBuffers = 2;
// While a failed device is recovered: how long for readers to end, and until the next attempt after one in vain.
constexpr std::chrono::milliseconds kReadersEndWithin{1000};
constexpr std::chrono::milliseconds kReopenPause{1000};
constexpr double kMemtableFilterShare = 0.02;  // of the write buffer: some ten bits for each of its keys

// Around calls that write. ThreadSanitizer cannot see RocksDB's own synchronisation (it is not instrumented), but does
// see the standard library's templates inside it, which the linker shares with ours: it would report races there.
class UnseenByThreadSanitizer {
 public:
#ifdef GUIDON_THREAD_SANITIZER
  UnseenByThreadSanitizer() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~UnseenByThreadSanitizer() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
#else
  UnseenByThreadSanitizer() {}  // not defaulted: an object of it counts as used
#endif
  UnseenByThreadSanitizer(const UnseenByThreadSanitizer&) = delete;
  UnseenByThreadSanitizer& operator=(const UnseenByThreadSanitizer&) = delete;
};

// Keeps RocksDB from recovering on its own; why, says the class Database.
class NoAutomaticRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override {
    *automatic = false;
  }
};

rocksdb::Options MakeOptions(const RocksOptions& options, std::shared_ptr<ExpiryFilterFactory> expiry_filter) {
  rocksdb::Options db;
  db.create_if_missing = true;
  db.compaction_filter_factory = std::move(expiry_filter);

  // Durability. Each write is handed to the system before it is answered (no manual_wal_flush), so the end of the
  // process loses nothing; GroupSync adds the device. Only a record cut off at the end of the log is taken for a write
  // that was never acknowledged; anything else that is wrong with a log stops the start instead of silently dropping
  // what comes after it (the default would). Logs that were finished must still be there, as long as they were.
  db.manual_wal_flush = false;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.track_and_verify_wals_in_manifest = true;
  db.paranoid_checks = true;
  // One writer appends while others wait in its group: simple, and the sync outside is what costs time.
  db.enable_pipelined_write = false;
  // We recover ourselves, before the next write.
  db.max_bgerror_resume_count = 0;
  db.listeners.push_back(std::make_shared<NoAutomaticRecovery>());

  // Memory and threads: a small program beside the user's own.
  db.write_buffer_size = options.write_buffer_bytes;
  db.max_write_buffer_number = kWriteBuffers;
  // Most keys that a transaction asks for are new ones (audit, change log): a filter says so without a search.
  db.memtable_whole_key_filtering = true;
  db.memtable_prefix_bloom_size_ratio = kMemtableFilterShare;
  db.max_background_jobs = 2;
  db.max_open_files = kOpenFilesMax;
  db.max_file_opening_threads = 2;
  db.table_cache_numshardbits = 2;
  db.target_file_size_base = options.write_buffer_bytes;
  db.max_bytes_for_level_base = 4 * options.write_buffer_bytes;
  db.compression = rocksdb::kLZ4Compression;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.skip_stats_update_on_db_open = true;
  db.periodic_compaction_seconds = kExpiredFilesAgeS;
  db.info_log = std::make_shared<EngineLog>();

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes, /*num_shard_bits=*/2);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.format_version = 5;
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return db;
}

bool StartsWithAny(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// "000123.sst", "000124.log": what RocksDB keeps data in.
bool IsDataFile(const fs::path& file) {
  const std::string stem = file.stem().string();
  const bool numbered =
      !stem.empty() && std::ranges::all_of(stem, [](unsigned char c) { return std::isdigit(c) != 0; });
  return numbered && (file.extension() == ".sst" || file.extension() == ".log" || file.extension() == ".blob");
}

// What RocksDB makes before a new database is complete, and what file systems and people put into any directory.
bool IsHarmlessFile(std::string_view name) {
  return StartsWithAny(name, {".", "LOG", "MANIFEST-", "OPTIONS-"}) || name.ends_with(".dbtmp") || name == "LOCK" ||
         name == "IDENTITY" || name == "lost+found";
}

Error Unusable(const std::string& path, const std::string& why) {
  return {.code = ErrorCode::kUnavailable,
          .message = fmt::format("the store directory {} cannot be used: {}; make it a directory that this user may "
                                 "write, or choose another",
                                 path, why)};
}

// Looks before RocksDB does, since it would happily make a new, empty database over what is left of a damaged one.
Status CheckDirectory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return std::unexpected(Unusable(path, error.message()));
  if (fs::exists(fs::path(path) / "CURRENT", error)) return {};
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (IsDataFile(it->path())) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("the store in {} is damaged: the file CURRENT is missing beside {}; nothing was changed; "
                              "restore a backup into an empty directory",
                              path, name));
    }
    if (!IsHarmlessFile(name)) {
      return Fail(ErrorCode::kUnsupported, fmt::format("the directory {} holds files that are not a Guidon store ({}); "
                                                       "nothing was changed; choose an empty directory",
                                                       path, name));
    }
  }
  if (error) return std::unexpected(Unusable(path, error.message()));
  return {};
}

Error NotOurs(const std::string& path, std::string_view why) {
  return {.code = ErrorCode::kUnsupported,
          .message = fmt::format("the directory {} holds a database that is not a Guidon store ({}); choose an empty "
                                 "directory",
                                 path, why)};
}

// A flush waits, unless told otherwise, until compaction has made it harmless for writers. On a full disk compaction
// may have given up, and nobody would ever wake the one who waits.
rocksdb::FlushOptions NotWaitingForCompaction() {
  rocksdb::FlushOptions options;
  options.allow_write_stall = true;
  return options;
}

// Whether the device takes that much, asked in the one way that quotas and limits answer, too: by taking it.
bool TakesWrites(const std::string& directory, std::uint64_t bytes) {
  std::error_code error;
  if (fs::space(directory, error).available < bytes || error) return false;
  const fs::path path = fs::path(directory) / "room.dbtmp";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return false;
  fs::remove(path, error);  // at once: nothing stays behind, however this ends
  const bool taken =
      posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0 && write(file, "room", 4) == 4 && fdatasync(file) == 0;
  close(file);
  return taken;
}

bool IsMissingFile(const rocksdb::Status& status) {
  return status.IsPathNotFound() || status.IsNotFound() || status.ToString().find("No such file") != std::string::npos;
}

// What a failure means before anything could be read.
Error OpenErrorOf(const std::string& path, const rocksdb::Status& status, const Error& general) {
  const std::string text = status.ToString();
  if (status.IsIOError() && text.find("LOCK") != std::string::npos && text.find("lock") != std::string::npos &&
      text.find("ermission denied") == std::string::npos) {
    return {.code = ErrorCode::kUnavailable,
            .message = fmt::format("the store in {} is in use by another Guidon process; stop that one, or choose "
                                   "another directory",
                                   path)};
  }
  if (status.IsInvalidArgument() || status.IsNotSupported()) return NotOurs(path, text);
  if (status.IsIOError() && !status.IsNoSpace() && IsMissingFile(status)) {
    return {.code = ErrorCode::kCorrupt,
            .message = fmt::format("the store in {} is damaged: a file is missing ({}); restore a backup", path, text)};
  }
  if (status.IsIOError() && !status.IsNoSpace()) return Unusable(path, text);
  return general;
}

}  // namespace

Database::Database(const RocksOptions& options)
    : options_(options),
      expiry_filter_(std::make_shared<ExpiryFilterFactory>(*options.clock)),
      sync_([this] { return SyncLog(); }) {}

base::Result<std::unique_ptr<Database>> Database::Open(const RocksOptions& options) {
  if (options.path.empty()) return Fail(ErrorCode::kInvalidArgument, "the store needs a directory", "path");
  if (options.clock == nullptr) return Fail(ErrorCode::kInvalidArgument, "the store needs a clock", "clock");
  GUIDON_TRY(CheckDirectory(options.path));
  std::unique_ptr<Database> database(new Database(options));
  GUIDON_TRY(database->OpenFiles());
  GUIDON_TRY(database->CheckLayout());
  database->ours_ = true;
  database->expiry_filter_->Enable();
  return database;
}

Status Database::OpenFiles() try {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(MakeOptions(options_, expiry_filter_), options_.path, &db);
  db_.reset(db);
  if (status.ok()) return {};
  return std::unexpected(OpenErrorOf(options_.path, status, ErrorOf(status)));
} catch (const std::exception& exception) {  // no thread or no memory to be had
  return std::unexpected(Unusable(options_.path, exception.what()));
}

Status Database::CheckLayout() {
  std::string text;
  const rocksdb::Status status = db_->Get({}, kFormatKey, &text);
  if (status.IsNotFound()) {
    const std::unique_ptr<rocksdb::Iterator> first(db_->NewIterator({}));
    first->SeekToFirst();
    if (first->Valid()) return std::unexpected(NotOurs(options_.path, "it names no layout"));
    rocksdb::WriteOptions durable;
    durable.sync = options_.sync;
    const rocksdb::Status written = db_->Put(durable, kFormatKey, fmt::format("{}{}", kLayoutPrefix, kLayoutVersion));
    if (written.ok()) return {};
    return std::unexpected(ErrorOf(written));
  }
  if (!status.ok()) return std::unexpected(ErrorOf(status));
  if (!text.starts_with(kLayoutPrefix)) return std::unexpected(NotOurs(options_.path, "it names another layout"));
  const std::string version = text.substr(kLayoutPrefix.size());
  if (version == std::to_string(kLayoutVersion)) return {};
  return Fail(ErrorCode::kUnsupported,
              fmt::format("the store in {} has layout {}, this program reads layout {}: it was written by a newer "
                          "Guidon; start that version, or choose another directory",
                          options_.path, version, kLayoutVersion));
}

Database::~Database() {
  if (!db_) return;
  // What is in table files need not be replayed at the next start.
  if (ours_ && !failed_.load()) {
    if (const auto status = db_->Flush(NotWaitingForCompaction()); !status.ok()) {
      base::Log(base::LogLevel::kWarn, "store not flushed on closing; its log is replayed at the next start",
                {{"reason", std::string_view(ErrorOf(status).message)}});
    }
  }
  if (const auto status = CloseFiles(); !status.ok() && !failed_.load()) {
    base::Log(base::LogLevel::kWarn, "store not closed cleanly", {{"reason", std::string_view(status.ToString())}});
  }
}

rocksdb::Status Database::CloseFiles() {
  const rocksdb::Status status = db_ ? db_->Close() : rocksdb::Status::OK();
  db_.reset();
  return status;
}

base::Result<Database::Handle> Database::Acquire() {
  std::shared_lock lock(use_mutex_);
  if (!db_) return std::unexpected(Failure());
  return Handle(std::move(lock), *db_);
}

Status Database::EnsureWritable() {
  if (!failed_.load(std::memory_order_acquire)) return {};
  const std::unique_lock lock(recovery_mutex_, std::try_to_lock);
  if (!lock) return Fail(ErrorCode::kUnavailable, "the store failed and is being recovered; try again");
  if (!failed_.load()) return {};
  const auto now = std::chrono::steady_clock::now();
  const bool too_early = reopened_in_vain_at_ && now < *reopened_in_vain_at_ + kReopenPause;
  // Damage is not mended by trying again.
  const bool may_recover = Failure().code == ErrorCode::kUnavailable;
  if (too_early || !may_recover || !TakesWrites(options_.path, RoomToRecoverBytes())) return std::unexpected(Failure());
  return Reopen();
}

// What the log holds is written to table files while the database is opened; as much again is left for the new log.
std::uint64_t Database::RoomToRecoverBytes() const { return (kWriteBuffers + 1) * options_.write_buffer_bytes; }

Status Database::Reopen() {
  std::unique_lock alone(use_mutex_, std::defer_lock);
  const auto give_up_at = std::chrono::steady_clock::now() + kReadersEndWithin;
  while (!alone.try_lock()) {
    if (std::chrono::steady_clock::now() > give_up_at) {
      return Fail(ErrorCode::kUnavailable, "the store failed and is recovered once nobody reads it; try again");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const std::uint64_t mark = sync_.Mark();
  CloseFiles();  // not cleanly: that the log could not be written is why we are here
  if (const Status reopened = ReopenFiles(); !reopened) {
    reopened_in_vain_at_ = std::chrono::steady_clock::now();
    const std::lock_guard lock(failure_mutex_);
    failure_ = reopened.error();
    return reopened;
  }
  reopened_in_vain_at_.reset();
  sync_.Recovered(mark);
  failed_.store(false, std::memory_order_release);
  base::Log(base::LogLevel::kInfo, "store recovered; writes go on");
  return {};
}

Status Database::ReopenFiles() {
  Status opened = OpenFiles();
  if (opened) {
    // Table files make durable what a broken log did not.
    const rocksdb::Status flushed = db_->Flush(NotWaitingForCompaction());
    if (flushed.ok()) return {};
    opened = std::unexpected(ErrorOf(flushed));
    CloseFiles();
  }
  rocksdb::DB* db = nullptr;
  if (const auto status = rocksdb::DB::OpenForReadOnly(MakeOptions(options_, expiry_filter_), options_.path, &db);
      !status.ok()) {
    base::Log(base::LogLevel::kError, "store cannot be read", {{"reason", std::string_view(status.ToString())}});
  }
  db_.reset(db);
  return opened;
}

base::Result<std::uint64_t> Database::Write(const Handle& handle, rocksdb::WriteBatch& batch) {
  const UnseenByThreadSanitizer unseen;
  const rocksdb::Status status = handle->Write({}, &batch);
  if (!status.ok()) return WriteFailed(status);
  return options_.sync ? sync_.Written() : 0;
}

Status Database::SyncLog() {
  GUIDON_ASSIGN(const Handle handle, Acquire());
  // A log that did not take a record is of no more use, and RocksDB ends the process that asks it to be synced.
  if (failed_.load()) return std::unexpected(Failure());
  const UnseenByThreadSanitizer unseen;
  const rocksdb::Status status = handle->SyncWAL();
  if (!status.ok()) return WriteFailed(status);
  return {};
}

Status Database::WaitDurable(std::uint64_t ticket) {
  Status status = sync_.WaitDurable(ticket);
  // Also for those who only hear of a failure: one of them may ask after another recovered from an earlier one.
  if (!status) Remember(status.error());
  return status;
}

Status Database::Flush() {
  GUIDON_ASSIGN(const Handle handle, Acquire());
  const UnseenByThreadSanitizer unseen;
  const rocksdb::Status status = handle->Flush({});
  if (!status.ok()) return WriteFailed(status);
  return {};
}

Status Database::Compact() {
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  GUIDON_ASSIGN(const Handle handle, Acquire());
  const UnseenByThreadSanitizer unseen;
  const rocksdb::Status status = handle->CompactRange(options, nullptr, nullptr);
  if (!status.ok()) return WriteFailed(status);
  return {};
}

std::unexpected<Error> Database::WriteFailed(const rocksdb::Status& status) {
  Error error = ErrorOf(status);
  Remember(error);
  return std::unexpected(std::move(error));
}

void Database::Remember(const Error& error) {
  const std::lock_guard lock(failure_mutex_);
  if (failed_.load()) return;
  failure_ = error;
  failed_.store(true, std::memory_order_release);
  base::Log(base::LogLevel::kError, "store cannot write", {{"reason", std::string_view(error.message)}});
}

Error Database::Failure() const {
  const std::lock_guard lock(failure_mutex_);
  return failure_;
}

Error Database::ErrorOf(const rocksdb::Status& status) const {
  const std::string text = status.ToString();
  if (status.IsCorruption()) {
    return {.code = ErrorCode::kCorrupt,
            .message = fmt::format("the store in {} is damaged ({}); keep a copy of the directory and restore a backup",
                                   options_.path, text)};
  }
  if (status.IsNoSpace()) {
    return {.code = ErrorCode::kUnavailable,
            .message = fmt::format("no space left for the store in {} ({}); free at least {} MB, writing then goes on "
                                   "by itself; reading is not affected",
                                   options_.path, text, RoomToRecoverBytes() / 1'000'000 + 1)};
  }
  return {.code = ErrorCode::kUnavailable,
          .message = fmt::format("the device of the store in {} does not answer as it should ({}); remove the cause, "
                                 "writing then goes on by itself; reading goes on where it can",
                                 options_.path, text)};
}

}  // namespace guidon::store_rocksdb
