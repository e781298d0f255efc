// SPDX-License-Identifier: Apache-2.0
// What a machine can do to the table: kill it, fill its disk, take its rights, damage its files. Parts that change the
// whole process run in a child, which is this program again with one of the DISABLED tests.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guidon/store_rocksdb/rocks_table.hpp"
#include "guidon/store_rocksdb/test_support.hpp"

namespace guidon::store_rocksdb {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using store::Index;
using testing::HasSubstr;

// Changes some bits of a byte, never none.
void Damage(char& byte, std::mt19937& random) {
  byte = std::bit_cast<char>(static_cast<unsigned char>(std::bit_cast<unsigned char>(byte) ^ (1U + random() % 255U)));
}

constexpr const char* kDirectoryVariable = "GUIDON_TEST_DIRECTORY";
constexpr const char* kPipeVariable = "GUIDON_TEST_PIPE";
constexpr int kSkipped = 77;

// Starts this program with the one test; what it writes to standard output goes to `output`, where one is given.
pid_t Spawn(const std::string& test, const fs::path& directory, int pipe = -1) {
  setenv(kDirectoryVariable, directory.c_str(), 1);
  setenv(kPipeVariable, std::to_string(pipe).c_str(), 1);
  const std::string filter = "--gtest_filter=RocksChild.DISABLED_" + test;
  std::vector<std::string> arguments = {"child", filter, "--gtest_also_run_disabled_tests", "--gtest_brief=1"};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, argv.data(), environ), 0);
  return pid;
}

int Wait(pid_t pid) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return status;
}

// Runs the child to its end; false where it found that this machine does not allow what it needs.
bool RunChild(const std::string& test, const fs::path& directory) {
  const int status = Wait(Spawn(test, directory));
  EXPECT_TRUE(WIFEXITED(status)) << "the child died of signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == kSkipped) return false;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return true;
}

fs::path ChildDirectory() { return std::getenv(kDirectoryVariable); }
int ChildPipe() { return std::atoi(std::getenv(kPipeVariable)); }

class RocksFailure : public testing::Test {
 protected:
  RocksOptions Options() { return {.path = directory_.Store(), .clock = &clock_}; }
  TempDirectory directory_;
  base::ManualClock clock_{store::kContractStart};
};

// --- directories ---

TEST_F(RocksFailure, AFileIsNoDirectory) {
  std::ofstream(directory_.Store()) << "a file";
  const base::Error error = OpenError(Options());
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr(directory_.Store()));
  EXPECT_THAT(error.message, HasSubstr("directory"));
}

TEST(RocksChild, DISABLED_OpensADirectoryItMayNotWrite) {
  if (getuid() == 0 && setuid(65534) != 0) std::exit(kSkipped);
  base::ManualClock clock{store::kContractStart};
  for (const char* name : {"existing", "to-be-made/deeper"}) {
    const base::Error error = OpenError({.path = ChildDirectory() / name, .clock = &clock});
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_THAT(error.message, HasSubstr("Permission denied"));
    EXPECT_THAT(error.message, HasSubstr("make it a directory that this user may write"));
  }
}

TEST_F(RocksFailure, AReadOnlyDirectoryIsRefusedInWords) {
  const fs::path existing = directory_.path() / "existing";
  OpenOrDie({.path = existing, .clock = &clock_});
  using Perms = fs::perms;
  const Perms read_only = Perms::owner_read | Perms::owner_exec | Perms::others_read | Perms::others_exec;
  fs::permissions(existing, read_only);
  fs::permissions(directory_.path(), read_only);
  const bool ran = RunChild("OpensADirectoryItMayNotWrite", directory_.path());
  fs::permissions(directory_.path(), Perms::owner_all);
  fs::permissions(existing, Perms::owner_all);
  if (!ran) GTEST_SKIP() << "cannot give up root's rights here";
  EXPECT_NE(OpenOrDie({.path = existing, .clock = &clock_}), nullptr);
}

TEST(RocksChild, DISABLED_OpensADirectoryInUse) {
  base::ManualClock clock{store::kContractStart};
  const base::Error error = OpenError({.path = ChildDirectory(), .clock = &clock});
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("in use by another Guidon process"));
}

TEST_F(RocksFailure, ASecondProcessIsRefusedInWordsAndDoesNoHarm) {
  const auto table = OpenOrDie(Options());
  ASSERT_TRUE(table->PutItem({.item = NumberedItem(1)}).has_value());
  EXPECT_TRUE(RunChild("OpensADirectoryInUse", directory_.Store()));
  ASSERT_TRUE(table->PutItem({.item = NumberedItem(2)}).has_value());
  EXPECT_EQ(table->Get(NumberedKey(1), {})->item, NumberedItem(1));
  EXPECT_TRUE(table->VerifyIndexes()->Ok());
}

// --- kill -9 ---

constexpr int kWriterThreads = 4;

// Writes transactions of two items (n and n + 1000000) for ever, and says each number once it is acknowledged.
TEST(RocksChild, DISABLED_WritesUntilKilled) {
  base::ManualClock clock{store::kContractStart};
  const auto table = OpenOrDie({.path = ChildDirectory(), .clock = &clock, .write_buffer_bytes = 256U << 10});
  std::uint64_t first = 0;
  ASSERT_TRUE(table->ForEachItem([&](const store::Item& item) -> base::Status {
    const auto number = static_cast<std::uint64_t>(*item.Find("number")->AsNumber()->AsInt64());
    if (number < 1'000'000) first = std::max(first, number + 1);
    return {};
  }));
  std::atomic<std::uint64_t> next{first};
  std::vector<std::thread> threads;
  for (int t = 0; t < kWriterThreads; ++t) {
    threads.emplace_back([&] {
      for (;;) {
        const std::uint64_t number = next.fetch_add(1);
        const std::vector<store::TransactionOperation> both = {
            store::Put{.item = NumberedItem(number, 900), .condition = store::Condition::Absent()},
            store::Put{.item = NumberedItem(number + 1'000'000, 900)}};
        const auto result = table->Transact(both, {});
        if (!result || !result->committed) std::abort();
        if (write(ChildPipe(), &number, sizeof(number)) != sizeof(number)) std::abort();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(RocksFailure, NothingAcknowledgedIsLostAndNothingIsHalfThereAfterKill9) {
  std::vector<std::uint64_t> acknowledged;
  std::mt19937 random(1);
  std::uniform_int_distribution<int> writes(1, 120);
  for (int round = 0; round < 10; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = Spawn("WritesUntilKilled", directory_.Store(), ends[1]);
    close(ends[1]);
    std::uint64_t number = 0;
    for (int left = writes(random); left > 0 && read(ends[0], &number, sizeof(number)) == sizeof(number); --left) {
      acknowledged.push_back(number);
    }
    ASSERT_EQ(kill(child, SIGKILL), 0);
    const int status = Wait(child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the writer ended by itself";
    while (read(ends[0], &number, sizeof(number)) == sizeof(number)) acknowledged.push_back(number);
    close(ends[0]);

    const auto table = OpenOrDie(Options());
    ASSERT_NE(table, nullptr);
    for (const std::uint64_t one : acknowledged) {
      ASSERT_EQ(table->Get(NumberedKey(one), {})->item, NumberedItem(one, 900)) << "round " << round;
      ASSERT_EQ(table->Get(NumberedKey(one + 1'000'000), {})->item, NumberedItem(one + 1'000'000, 900));
    }
    const auto report = table->VerifyIndexes();
    ASSERT_TRUE(report.has_value());
    EXPECT_TRUE(report->Ok()) << testing::PrintToString(report->problems);
    EXPECT_EQ(report->items % 2, 0U) << "half a transaction";
    EXPECT_GE(report->items, 2 * acknowledged.size());
  }
}

// --- full disk ---

void ExpectWritable(RocksTable& table) {
  const auto written = table.PutItem({.item = NumberedItem(900'001)});
  ASSERT_TRUE(written.has_value()) << written.error().message;
  EXPECT_TRUE(table.Ping().has_value());
}

// Fills the device until writes fail, checks that all reads go on, makes room, checks that writes go on by themselves,
// and that all that was acknowledged is still there, also after reopening.
void FillAndRecover(const std::string& path, const std::string& advice, const std::function<void()>& make_room) {
  base::ManualClock clock{store::kContractStart};
  const RocksOptions options{.path = path, .clock = &clock, .write_buffer_bytes = 1U << 20};
  auto table = OpenOrDie(options);
  ASSERT_NE(table, nullptr);
  const auto item_of = [&](std::uint64_t number) {
    store::Item item = NumberedItem(number);
    std::string noise(40'000, ' ');  // not to be compressed
    std::mt19937 source(static_cast<std::uint32_t>(number));
    for (char& c : noise) c = static_cast<char>('!' + source() % 90);
    item.Set("data", noise);
    return item;
  };
  std::vector<std::uint64_t> acknowledged;
  std::optional<base::Error> error;
  // Compaction may free some room: full is when it no longer helps.
  int failures_in_a_row = 0;
  for (std::uint64_t number = 0; failures_in_a_row < 5 && number < 5000; ++number) {
    const auto result = table->PutItem({.item = item_of(number)});
    if (result) {
      acknowledged.push_back(number);
      failures_in_a_row = 0;
    } else {
      error = result.error();
      ++failures_in_a_row;
    }
  }
  ASSERT_EQ(failures_in_a_row, 5) << "the disk never got full";
  EXPECT_EQ(error->code, ErrorCode::kUnavailable);
  EXPECT_THAT(error->message, HasSubstr(advice));
  EXPECT_GT(acknowledged.size(), 5U);
  EXPECT_EQ(table->Ping().error().code, ErrorCode::kUnavailable);
  const auto expect_all_there = [&] {
    for (const std::uint64_t i : acknowledged) ASSERT_EQ(table->Get(NumberedKey(i), {})->item, item_of(i)) << i;
  };
  expect_all_there();

  make_room();
  ExpectWritable(*table);
  expect_all_there();
  table.reset();
  table = OpenOrDie(options);
  ASSERT_NE(table, nullptr);
  expect_all_there();
  EXPECT_EQ(table->Get(NumberedKey(900'001), {})->item, NumberedItem(900'001));
  EXPECT_TRUE(table->VerifyIndexes()->Ok());
}

// Gives this process a file system of a few megabytes that only it sees; ends the child where that is not allowed.
void MountSmallDisk(const fs::path& directory) {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) std::exit(kSkipped);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) std::exit(kSkipped);
  if (mount("guidon", directory.c_str(), "tmpfs", 0, "size=12m") != 0) std::exit(kSkipped);
}

void RunOnSmallDisk(const std::string& test, const fs::path& directory) {
  if (!RunChild(test, directory)) GTEST_SKIP() << "cannot mount a small file system here";
}

constexpr const char* kFullDiskAdvice = "free at least 4 MB, writing then goes on by itself";

TEST(RocksChild, DISABLED_FillsADisk) {
  MountSmallDisk(ChildDirectory());
  const fs::path ballast = ChildDirectory() / "ballast";
  std::ofstream(ballast) << std::string(4U << 20, 'x');
  FillAndRecover(ChildDirectory() / "store", kFullDiskAdvice, [&] { fs::remove(ballast); });
}

TEST_F(RocksFailure, AFullDiskFailsWritesUntilThereIsRoomAgain) { RunOnSmallDisk("FillsADisk", directory_.path()); }

TEST(RocksChild, DISABLED_FindsADiskFullAtItsFirstWrite) {
  MountSmallDisk(ChildDirectory());
  base::ManualClock clock{store::kContractStart};
  const auto table = OpenOrDie({.path = ChildDirectory() / "store", .clock = &clock, .write_buffer_bytes = 1U << 20});
  ASSERT_NE(table, nullptr);
  const fs::path ballast = ChildDirectory() / "ballast";
  std::ofstream(ballast) << std::string(12U << 20, 'x');  // ends where the disk is full
  // More than the first log takes from the disk in advance.
  std::vector<store::BatchWriteOperation> operations;
  for (std::uint64_t i = 1; i <= 8; ++i) operations.push_back({.put_or_delete = NumberedItem(i, 300'000)});
  const auto refused = table->BatchWrite(operations);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr(kFullDiskAdvice));
  EXPECT_FALSE(table->Get(NumberedKey(1), {})->item.has_value());
  fs::remove(ballast);
  ExpectWritable(*table);
}

TEST_F(RocksFailure, ADiskThatIsFullAtTheFirstWriteIsNoEnd) {
  RunOnSmallDisk("FindsADiskFullAtItsFirstWrite", directory_.path());
}

void LimitFileSize(rlim_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(RocksChild, DISABLED_MeetsAFileSizeLimit) {
  // The write that crosses the limit is cut in two by the system: half a record is on the disk.
  std::signal(SIGXFSZ, SIG_IGN);
  LimitFileSize(700'000);
  FillAndRecover(ChildDirectory() / "store", "remove the cause, writing then goes on by itself",
                 [] { LimitFileSize(RLIM_INFINITY); });
}

TEST_F(RocksFailure, AWriteCutInTwoFailsAndLeavesNothingBroken) {
  EXPECT_TRUE(RunChild("MeetsAFileSizeLimit", directory_.path()));
}

TEST(RocksChild, DISABLED_RecoversInVain) {
  std::signal(SIGXFSZ, SIG_IGN);
  const fs::path path = ChildDirectory() / "store";
  base::ManualClock clock{store::kContractStart};
  const auto table = OpenOrDie({.path = path, .clock = &clock});
  ASSERT_NE(table, nullptr);
  ASSERT_TRUE(table->PutItem({.item = NumberedItem(1)}).has_value());
  LimitFileSize(10'000);
  ASSERT_FALSE(table->PutItem({.item = NumberedItem(2, 40'000)}).has_value());
  LimitFileSize(RLIM_INFINITY);
  // There is room, but the database cannot be opened for writing.
  fs::remove(path / "LOCK");
  fs::create_directory(path / "LOCK");
  for (int tries = 0; tries < 3; ++tries) {
    const auto refused = table->PutItem({.item = NumberedItem(3)});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(table->Get(NumberedKey(1), {})->item, NumberedItem(1)) << "reading goes on";
  }
  fs::remove(path / "LOCK");
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!table->Ping() && std::chrono::steady_clock::now() < give_up_at) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ExpectWritable(*table);
  EXPECT_EQ(table->Get(NumberedKey(1), {})->item, NumberedItem(1));
}

TEST_F(RocksFailure, WhatIsThereIsReadWhileRecoveryFails) {
  EXPECT_TRUE(RunChild("RecoversInVain", directory_.path()));
}

TEST(RocksChild, DISABLED_FailsUnderManyThreads) {
  MountSmallDisk(ChildDirectory());
  base::ManualClock clock{store::kContractStart};
  const RocksOptions options{.path = ChildDirectory() / "store", .clock = &clock, .write_buffer_bytes = 1U << 20};
  auto table = OpenOrDie(options);
  ASSERT_NE(table, nullptr);
  const fs::path ballast = ChildDirectory() / "ballast";
  constexpr int kWriters = 4;
  std::atomic<bool> stop = false;
  std::array<std::vector<std::uint64_t>, kWriters> acknowledged;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
      threads.emplace_back([&, writer] {
        for (std::uint64_t i = 0; !stop; ++i) {
          const std::uint64_t number = writer * 1'000'000 + i;
          if (table->PutItem({.item = NumberedItem(number, 100)})) acknowledged[writer].push_back(number);
          EXPECT_TRUE(table->Get(NumberedKey(number), {}).has_value()) << "reading goes on";
        }
      });
    }
    for (int round = 0; round < 5; ++round) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      std::ofstream(ballast) << std::string(12U << 20, 'x');
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      fs::remove(ballast);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop = true;
  }
  ExpectWritable(*table);
  for (int again = 0; again < 2; ++again) {
    for (const auto& numbers : acknowledged) {
      EXPECT_GT(numbers.size(), 10U);
      for (const std::uint64_t i : numbers) ASSERT_EQ(table->Get(NumberedKey(i), {})->item, NumberedItem(i, 100)) << i;
    }
    table.reset();
    table = OpenOrDie(options);
    ASSERT_NE(table, nullptr);
  }
}

TEST_F(RocksFailure, ADiskThatFillsAgainAndAgainUnderManyThreadsLosesNothing) {
  RunOnSmallDisk("FailsUnderManyThreads", directory_.path());
}

// --- damage ---

constexpr std::uint64_t kItems = 400;

std::string ReadBytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteBytes(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

// A store with table files and a log that was not closed cleanly, to be damaged in copies.
class RocksDamage : public RocksFailure {
 protected:
  void SetUp() override {
    const fs::path live = directory_.path() / "live";
    const auto table = OpenOrDie({.path = live, .clock = &clock_, .sync = false});
    ASSERT_NE(table, nullptr);
    for (std::uint64_t i = 0; i < kItems; ++i) {
      ASSERT_TRUE(table->PutItem({.item = NumberedItem(i, 200)}).has_value());
      if (i == kItems / 2) ASSERT_TRUE(table->Flush().has_value());
    }
    // RocksDB deletes the flushed log in the background: a copy with both logs has the wrong one damaged.
    for (int tries = 0; LogsIn(live) > 1 && tries < 10'000; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_EQ(LogsIn(live), 1);
    fs::copy(live, master_, fs::copy_options::recursive);
    fs::remove(master_ / "LOCK");
  }

  static std::ptrdiff_t LogsIn(const fs::path& store) {
    return std::ranges::count_if(fs::directory_iterator(store),
                                 [](const auto& entry) { return entry.path().extension() == ".log"; });
  }

  fs::path FreshCopy() {
    const fs::path copy = directory_.Store();
    fs::remove_all(copy);
    fs::copy(master_, copy, fs::copy_options::recursive);
    return copy;
  }

  // The largest file of that kind.
  fs::path FileOf(const fs::path& store, const std::string& prefix, const std::string& extension) {
    fs::path found;
    for (const auto& entry : fs::directory_iterator(store)) {
      const fs::path& file = entry.path();
      if (!file.filename().string().starts_with(prefix) || file.extension() != extension) continue;
      if (found.empty() || fs::file_size(file) > fs::file_size(found)) found = file;
    }
    EXPECT_FALSE(found.empty()) << prefix << " " << extension;
    return found;
  }

  static bool IsClear(const base::Error& error) {
    const bool code = error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kUnavailable ||
                      error.code == ErrorCode::kUnsupported;
    return code && !error.message.empty();
  }

  // Whatever is answered is either right or a clear error. Returns whether everything was answered.
  bool ReadsAreRightOrRefused() {
    auto opened = RocksTable::Open(Options());
    if (!opened) {
      EXPECT_TRUE(IsClear(opened.error())) << opened.error().message;
      return false;
    }
    bool complete = true;
    for (std::uint64_t i = 0; i < kItems; ++i) {
      const auto result = (*opened)->Get(NumberedKey(i), {});
      if (!result) {
        EXPECT_TRUE(IsClear(result.error())) << result.error().message;
        complete = false;
      } else {
        EXPECT_EQ(result->item, NumberedItem(i, 200)) << "a wrong answer for item " << i;
      }
    }
    for (const Index index : {Index::kGsi1Flags, Index::kGsi2Owner}) {
      const std::string partition = index == Index::kGsi1Flags ? "FLAGS#dev" : "OWNER#x";
      const auto page = (*opened)->RunQuery({.index = index, .partition = partition, .limit = 1000});
      if (!page) {
        EXPECT_TRUE(IsClear(page.error())) << page.error().message;
        complete = false;
      } else {
        EXPECT_EQ(page->items.size(), kItems);
      }
    }
    return complete;
  }

  // Damages one file in many ways; each is refused or harmless, and the file put back works again.
  std::size_t RefusalsOfDamageTo(const std::string& prefix, const std::string& extension, int rounds) {
    const fs::path file = FileOf(FreshCopy(), prefix, extension);
    const std::string good = ReadBytes(file);
    EXPECT_GT(good.size(), 10U);
    std::mt19937 random(17);
    std::size_t refusals = 0;
    for (int round = 0; round < rounds; ++round) {
      FreshCopy();
      std::string bad = good;
      if (round % 8 == 7) {
        bad.resize(random() % good.size());
      } else {
        Damage(bad[random() % good.size()], random);
      }
      WriteBytes(file, bad);
      refusals += ReadsAreRightOrRefused() ? 0 : 1;
    }
    FreshCopy();
    EXPECT_TRUE(ReadsAreRightOrRefused());
    return refusals;
  }

  const fs::path master_ = directory_.path() / "master";
};

TEST_F(RocksDamage, TheUndamagedCopyIsWhole) {
  FreshCopy();
  EXPECT_TRUE(ReadsAreRightOrRefused());
}

// Few rounds: RocksDB waits a second after each compaction that fails.
TEST_F(RocksDamage, ADamagedTableFileIsNoticed) { EXPECT_GT(RefusalsOfDamageTo("", ".sst", 10), 4U); }

TEST_F(RocksDamage, ADamagedManifestIsNoticed) { EXPECT_GT(RefusalsOfDamageTo("MANIFEST", "", 24), 12U); }

TEST_F(RocksDamage, ADamagedCurrentFileIsNoticed) { EXPECT_EQ(RefusalsOfDamageTo("CURRENT", "", 24), 24U); }

// The usual recovery of RocksDB would silently drop all that was written after the damage.
TEST_F(RocksDamage, ADamagedLogStopsTheStart) {
  const fs::path file = FileOf(FreshCopy(), "", ".log");
  const std::string good = ReadBytes(file);
  std::mt19937 random(23);
  for (int round = 0; round < 24; ++round) {
    FreshCopy();
    std::string bad = good;
    Damage(bad[random() % (good.size() / 2)], random);
    WriteBytes(file, bad);
    const base::Error error = OpenError(Options());
    EXPECT_EQ(error.code, ErrorCode::kCorrupt) << error.message;
    EXPECT_THAT(error.message, HasSubstr("restore a backup"));
    WriteBytes(file, good);
    EXPECT_TRUE(ReadsAreRightOrRefused()) << "refusing has damaged something";
  }
}

TEST_F(RocksDamage, MissingFilesAreNoticed) {
  for (const auto& [prefix, extension] :
       std::vector<std::pair<std::string, std::string>>{{"", ".sst"}, {"MANIFEST", ""}, {"CURRENT", ""}}) {
    const fs::path file = FileOf(FreshCopy(), prefix, extension);
    const std::string good = ReadBytes(file);
    fs::remove(file);
    const base::Error error = OpenError(Options());
    EXPECT_EQ(error.code, ErrorCode::kCorrupt) << file << ": " << error.message;
    WriteBytes(file, good);
    EXPECT_TRUE(ReadsAreRightOrRefused()) << "refusing has damaged something: " << file;
  }
}

// A record that is cut off at the end is a write that was never acknowledged: no reason to refuse the start.
TEST_F(RocksDamage, ALogThatEndsInTheMiddleOfARecordLosesOnlyThatRecord) {
  const fs::path file = FileOf(FreshCopy(), "", ".log");
  const std::string good = ReadBytes(file);
  WriteBytes(file, good.substr(0, good.size() - 3));
  const auto table = OpenOrDie(Options());
  ASSERT_NE(table, nullptr);
  for (std::uint64_t i = 0; i + 1 < kItems; ++i) EXPECT_EQ(table->Get(NumberedKey(i), {})->item, NumberedItem(i, 200));
  EXPECT_EQ(table->Get(NumberedKey(kItems - 1), {})->item, std::nullopt);
  EXPECT_TRUE(table->VerifyIndexes()->Ok());
}

}  // namespace
}  // namespace guidon::store_rocksdb
