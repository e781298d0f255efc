// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/transfer.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "guidon/base/clock.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/upkeep/transfer_state.hpp"
#include "tests/upkeep/scripted_table.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using store::Item;
using store::Key;
using store::Number;
using testing::HasSubstr;

constexpr base::Timestamp kStart{std::chrono::milliseconds{1'795'321'380'000}};
constexpr std::int64_t kStartS = 1'795'321'380;
constexpr int kFlags = 600;

std::map<Key, Item> Content(store::ScannableTable& table) {
  std::map<Key, Item> items;
  store::Scan scan;
  do {
    const auto page = table.RunScan(scan);
    EXPECT_TRUE(page.has_value());
    for (const Item& item : page->items) items[store::KeyOf(item)] = item;
    scan.start_after = page->next;
  } while (scan.start_after);
  return items;
}

class TransferTest : public testing::Test {
 protected:
  TransferTest() {
    for (int i = 0; i < kFlags; ++i)
      Put({{"PK", fmt::format("FLAG#dev#f{}", i)},
           {"SK", "METADATA"},
           {"GSI1PK", "FLAGS#dev"},
           {"GSI1SK", fmt::format("METADATA#{}", i)},
           {"rollout", Number{"12.50"}},
           {"data", std::string(3100, 'x')}});
    Put({{"PK", "TENANT#t"}, {"SK", "METADATA"}, {"bytes", store::Binary{std::string("\0\xff", 2)}}});
    Put({{"PK", "IDEMPOTENCY#a#b"}, {"SK", "METADATA"}, {"ttl", Number::From(kStartS + 3600)}});
    Change(1);
    folder_ = std::filesystem::temp_directory_path() / fmt::format("guidon-transfer-{}", getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    file_ = (folder_ / "export.jsonl").string();
    options_.save_interval = std::chrono::milliseconds{0};
    options_.pace_clock.pause = [this](std::chrono::nanoseconds time) { waited_ += time; };
  }
  ~TransferTest() override { std::filesystem::remove_all(folder_); }

  void Put(const Item& item) { ASSERT_TRUE(source_.PutItem({.item = item})->applied); }
  void Change(std::int64_t sequence) {
    Put({{"PK", "CHANGES#dev"},
         {"SK", "HEAD"},
         {"GSI1PK", "CHANGES"},
         {"GSI1SK", "dev"},
         {"sequence", Number::From(sequence)}});
  }
  auto CopyIt() { return Copy(source_, "source", target_, clock_, options_); }
  auto ExportIt() { return ExportToFile(source_, "source", file_, clock_, options_); }
  auto ImportIt() {
    std::ifstream in(file_, std::ios::binary);
    return Import(in, target_, clock_, options_);
  }
  std::string FileText() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void WriteFile(const std::string& text) const { std::ofstream(file_, std::ios::binary | std::ios::trunc) << text; }

  // Fails with the n-th call, and works again afterwards.
  static std::function<base::Status()> FailsAt(int n) {
    return [n, count = std::make_shared<std::atomic<int>>(0)]() -> base::Status {
      if (++*count == n) return base::Fail(ErrorCode::kUnavailable, "gone");
      return {};
    };
  }

  base::ManualClock clock_{kStart};
  ScriptedTable source_{clock_};
  ScriptedTable target_{clock_};
  TransferOptions options_;
  std::filesystem::path folder_;
  std::string file_;
  std::chrono::nanoseconds waited_{};
};

TEST_F(TransferTest, ACopyHoldsTheSame) {
  const auto report = CopyIt();
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(Content(target_), Content(source_));
  EXPECT_TRUE(report->verified);
  EXPECT_FALSE(report->resumed);
  EXPECT_EQ(report->short_lived, 1U);
  EXPECT_EQ(report->sums.by_entity().at(Entity::kFlag).items, static_cast<std::uint64_t>(kFlags));
  EXPECT_EQ(report->sums.by_entity().at(Entity::kTenant).items, 1U);
  EXPECT_GT(report->consumed.write, kFlags * 3 * 2);
}

TEST_F(TransferTest, SeveralReadersAndWritersCopyTheSame) {
  options_.segments = 4;
  options_.target_segments = 3;
  options_.writers = 4;
  ASSERT_TRUE(CopyIt().has_value());
  EXPECT_EQ(Content(target_), Content(source_));
}

TEST_F(TransferTest, AnInterruptedCopyGoesOnAndDoesNotBeginAnew) {
  target_.before_batch_write = FailsAt(20);
  EXPECT_EQ(CopyIt().error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(Content(target_).contains(TransferKey())) << "the target must say that it is not whole";
  EXPECT_LT(Content(target_).size(), Content(source_).size());
  const int before = target_.batch_writes;
  const auto report = CopyIt();
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_TRUE(report->resumed);
  EXPECT_TRUE(report->verified);
  EXPECT_EQ(Content(target_), Content(source_));
  EXPECT_LT(target_.batch_writes - before, 20) << "what was written already was written again";
}

TEST_F(TransferTest, EveryPlaceToBeInterruptedIsOneToGoOnFrom) {
  for (int n = 1; n < 30; n += 3) {
    ScriptedTable target(clock_);
    target.before_batch_write = FailsAt(n);
    options_.segments = 1 + static_cast<std::size_t>(n) % 3;
    if (n <= 25) EXPECT_FALSE(Copy(source_, "source", target, clock_, options_).has_value()) << n;
    const auto report = Copy(source_, "source", target, clock_, options_);
    ASSERT_TRUE(report.has_value()) << n << ": " << report.error().message;
    EXPECT_EQ(Content(target), Content(source_)) << n;
  }
}

TEST_F(TransferTest, ATargetThatIsNotEmptyIsLeftAlone) {
  const Item there{{"PK", "mine"}, {"SK", "s"}};
  ASSERT_TRUE(target_.PutItem({.item = there})->applied);
  const auto copied = CopyIt();
  EXPECT_EQ(copied.error().code, ErrorCode::kConflict);
  EXPECT_THAT(copied.error().message, HasSubstr("the target is not empty (it holds mine / s)"));
  ASSERT_TRUE(ExportIt().has_value());
  EXPECT_EQ(ImportIt().error().code, ErrorCode::kConflict);
  EXPECT_EQ(Content(target_), (std::map<Key, Item>{{{"mine", "s"}, there}}));
}

TEST_F(TransferTest, AnotherSourceDoesNotGoOnWithAnUnfinishedCopy) {
  target_.before_batch_write = FailsAt(20);
  ASSERT_FALSE(CopyIt().has_value());
  const auto other = Copy(source_, "another", target_, clock_, options_);
  EXPECT_EQ(other.error().code, ErrorCode::kConflict);
  EXPECT_THAT(other.error().message, HasSubstr("an unfinished copy from source"));
  const auto from_it = Copy(target_, "target", source_, clock_, options_);
  EXPECT_THAT(from_it.error().message, HasSubstr("the source is itself the target"));
}

TEST_F(TransferTest, WhatIsWrittenToTheSourceMeanwhileIsFound) {
  bool done = false;
  target_.before_batch_write = [&]() -> base::Status {
    if (!std::exchange(done, true)) Change(2);
    return {};
  };
  const auto report = CopyIt();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::kConflict);
  EXPECT_THAT(report.error().message, HasSubstr("written to meanwhile (dev)"));
  EXPECT_TRUE(Content(target_).contains(TransferKey()));
}

TEST_F(TransferTest, ChangesCanBeAccepted) {
  options_.accept_changes = true;
  source_.before_scan = [&, done = false]() mutable -> base::Status {
    if (!std::exchange(done, true)) Change(2);
    return {};
  };
  const auto report = CopyIt();
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->changed, std::vector<std::string>{"dev"});
  EXPECT_FALSE(Content(target_).contains(TransferKey()));
}

TEST_F(TransferTest, AWriteByAnotherToTheTargetIsFound) {
  bool done = false;
  target_.before_scan = [&]() -> base::Status {
    const bool reading_back = target_.batch_writes > 0;
    if (reading_back && !std::exchange(done, true))
      EXPECT_TRUE(
          target_.UpdateItem({.key = {"FLAG#dev#f7", "METADATA"}, .set = {{"rollout", Number{"99"}}}})->applied);
    return {};
  };
  const auto report = CopyIt();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(report.error().message, HasSubstr(fmt::format("flag: {} items, not all the same", kFlags)));
}

TEST_F(TransferTest, ADryRunWritesNothing) {
  options_.dry_run = true;
  const auto report = CopyIt();
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_TRUE(Content(target_).empty());
  EXPECT_EQ(report->sums.by_entity().at(Entity::kFlag).items, static_cast<std::uint64_t>(kFlags));
  EXPECT_FALSE(report->verified);
  // Each flag has three KB and some bytes, in the table and in one index.
  EXPECT_GE(report->write_units_estimate, kFlags * 4.0 * 2);
  EXPECT_TRUE(ExportIt().has_value());
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(TransferTest, ReadsKeepToTheirLimit) {
  options_.read_units_max = 100;
  const auto report = ExportIt();
  ASSERT_TRUE(report.has_value());
  const double seconds = std::chrono::duration<double>(waited_).count();
  EXPECT_GE(seconds, report->consumed.read / 100 * 0.9);
}

TEST_F(TransferTest, ExportAndImportGiveTheSame) {
  const auto exported = ExportIt();
  ASSERT_TRUE(exported.has_value()) << exported.error().message;
  EXPECT_TRUE(exported->verified);
  EXPECT_FALSE(std::filesystem::exists(file_ + ".checkpoint"));
  EXPECT_EQ(std::filesystem::status(file_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto imported = ImportIt();
  ASSERT_TRUE(imported.has_value()) << imported.error().message;
  EXPECT_EQ(Content(target_), Content(source_));
  EXPECT_EQ(imported->sums, exported->sums);
}

TEST_F(TransferTest, AnExportToAStreamCanBeImported) {
  std::ostringstream out;
  ASSERT_TRUE(ExportToStream(source_, "source", out, clock_, options_).has_value());
  std::istringstream in(out.str());
  ASSERT_TRUE(Import(in, target_, clock_, options_).has_value());
  EXPECT_EQ(Content(target_), Content(source_));
}

TEST_F(TransferTest, AnInterruptedExportGoesOn) {
  source_.before_scan = FailsAt(2);
  ASSERT_FALSE(ExportIt().has_value());
  ASSERT_TRUE(std::filesystem::exists(file_ + ".checkpoint"));
  {
    std::ofstream(file_, std::ios::app) << "half a li";
  }  // what a crash may leave behind
  const auto again = ExportIt();
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(again->resumed);
  ASSERT_TRUE(ImportIt().has_value());
  EXPECT_EQ(Content(target_), Content(source_));
  const auto over = ExportIt();
  EXPECT_EQ(over.error().code, ErrorCode::kAlreadyExists);
}

TEST_F(TransferTest, AnInterruptedImportGoesOn) {
  ASSERT_TRUE(ExportIt().has_value());
  target_.before_batch_write = FailsAt(20);
  ASSERT_FALSE(ImportIt().has_value());
  const int before = target_.batch_writes;
  const auto again = ImportIt();
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(again->resumed);
  EXPECT_LT(target_.batch_writes - before, 20);
  EXPECT_EQ(Content(target_), Content(source_));
}

TEST_F(TransferTest, AFileThatIsNotWholeIsRefused) {
  ASSERT_TRUE(ExportIt().has_value());
  const std::string whole = FileText();
  const std::size_t last = whole.rfind('\n', whole.size() - 2);
  WriteFile(whole.substr(0, last + 1));
  const auto cut = ImportIt();
  EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(cut.error().message, HasSubstr("its last line is missing"));

  ScriptedTable other(clock_);
  std::string changed = whole;
  changed.replace(changed.find("12.50"), 5, "99.50");
  std::istringstream in(changed);
  const auto refused = Import(in, other, clock_, options_);
  EXPECT_THAT(refused.error().message, HasSubstr("lines were changed, lost or doubled (flag: "));
}

TEST_F(TransferTest, ALineThatIsNoItemIsNamed) {
  for (const auto& [line, words] : std::map<std::string, std::string>{
           {"{", "line 1"},
           {R"({"Item":{"PK":{"S":"a"}}})", "SK"},
           {R"({"Item":{"PK":{"S":"a"},"SK":{"S":"b"},"x":{"N":"y"}}})", "x"},
           {R"({"Other":{}})", "does not know 'Other'"},
           {R"({"guidonExport":{"format":9,"startedAt":"2026-01-01T00:00:00Z"}})", "another format"}}) {
    std::istringstream in(line + "\n");
    const auto refused = Import(in, target_, clock_, options_);
    ASSERT_FALSE(refused.has_value()) << line;
    EXPECT_THAT(refused.error().message, HasSubstr(words));
    EXPECT_THAT(refused.error().message, HasSubstr("line 1"));
  }
  EXPECT_TRUE(Content(target_).empty());
}

TEST_F(TransferTest, AnExportOfDynamoDbItselfCanBeImported) {
  std::istringstream in(R"({"Item":{"PK":{"S":"FLAG#dev#a"},"SK":{"S":"METADATA"},"defaultEnabled":{"BOOL":true}}})"
                        "\n"
                        R"({"Item":{"PK":{"S":"old"},"SK":{"S":"x"},"ttl":{"N":"100"}}})"
                        "\n");
  const auto report = Import(in, target_, clock_, options_);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->expired, 1U);
  EXPECT_TRUE(report->verified);
  EXPECT_EQ(Content(target_).size(), 1U);
}

TEST_F(TransferTest, AnOldExportIsImportedWithoutWhatHasExpired) {
  ASSERT_TRUE(ExportIt().has_value());
  clock_.Advance(std::chrono::hours{24 * 40});
  const auto report = ImportIt();
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->expired, 1U);
  EXPECT_EQ(Content(target_).size(), static_cast<std::size_t>(kFlags) + 2);
}

}  // namespace
}  // namespace guidon::upkeep
