// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/verify.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "guidon/base/clock.hpp"
#include "guidon/store/codec.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/store/segment_keys.hpp"
#include "guidon/store/usage.hpp"
#include "tests/upkeep/scripted_table.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using store::Item;
using store::Key;
using store::Number;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr base::Timestamp kStart{std::chrono::milliseconds{1'795'321'380'000}};
const model::Environment kEnv = *model::Environment::Parse("production");
const model::SegmentKey kSegment = *model::SegmentKey::Parse("beta");

model::Flag FlagOf(const std::string& key) {
  return *model::Flag::Create({.flag_key = key,
                               .environment = "production",
                               .owner = "ops",
                               .tenant_id = "acme",
                               .default_enabled = true,
                               .created_at = kStart,
                               .updated_at = kStart});
}

Item OverrideOf(const std::string& flag, base::Timestamp flag_created_at) {
  return store::EncodeOverride(*model::Override::Create({.environment = "production",
                                                         .flag_key = flag,
                                                         .tenant_id = "acme",
                                                         .variation = "off",
                                                         .updated_at = kStart}),
                               flag_created_at);
}

store::ChangeRecord ChangeOf(std::uint64_t sequence) {
  return {.scope = "production",
          .sequence = sequence,
          .at = kStart,
          .action = "flag.create",
          .entity = "flag",
          .resource = "a",
          .version = 1};
}

class VerifyTest : public testing::Test {
 protected:
  void Put(const Item& item) { ASSERT_TRUE(table_.PutItem({.item = item})->applied); }
  Item At(const Key& key) { return *table_.Get(key, store::Consistency::kStrong)->item; }

  VerifyReport Check() {
    auto report = Verify(table_, clock_, options_);
    EXPECT_TRUE(report.has_value()) << report.error().message;
    return report ? *std::move(report) : VerifyReport{};
  }
  std::vector<std::string> Codes() {
    std::vector<std::string> codes;
    for (const Finding& finding : Check().findings) codes.push_back(finding.code);
    return codes;
  }
  std::vector<Repair> Mend(bool write) {
    auto repairs = RepairItems(table_, Check().repairable, clock_, {.write = write});
    EXPECT_TRUE(repairs.has_value()) << repairs.error().message;
    return repairs ? *std::move(repairs) : std::vector<Repair>{};
  }
  // A segment whose keys lie in parts.
  store::SegmentPlan LargeSegment(int keys) {
    const auto current = store::Repository(table_).GetSegmentHead(kEnv, kSegment);
    std::vector<std::string> all;
    for (int i = 0; i < keys; ++i) all.push_back(fmt::format("user-{:07}", i));
    model::SegmentFields fields{
        .segment_key = "beta", .environment = "production", .created_at = kStart, .updated_at = kStart};
    store::SegmentChanges changes;
    changes.included = {.kind = store::KeysChange::Kind::kReplace, .add = std::move(all), .remove = {}};
    auto plan = store::PlanSegment(table_, *current ? &**current : nullptr, std::move(fields), std::move(changes),
                                   clock_.Now());
    EXPECT_TRUE(plan.has_value()) << plan.error().message;
    EXPECT_TRUE(store::WriteSegmentParts(table_, plan->new_parts).has_value());
    Put(store::EncodeSegment(plan->head));
    return *std::move(plan);
  }

  base::ManualClock clock_{kStart};
  ScriptedTable table_{clock_};
  VerifyOptions options_;
};

TEST_F(VerifyTest, WhatGuidonWritesIsSound) {
  Put(store::EncodeFlag(FlagOf("a")));
  Put(OverrideOf("a", kStart));
  Put(store::EncodeChange(ChangeOf(1)));
  Put(store::EncodeChange(ChangeOf(2)));
  Put(store::EncodeChangeHead("production", {.sequence = 2}));
  Put(store::EncodeIdempotency({.owner = "key", .key = "k", .fingerprint = "f", .result = "{}", .at = kStart}));
  Put(store::EncodeAudit({.at = kStart,
                          .request_id = "r",
                          .actor_id = "local",
                          .actor_kind = "local",
                          .action = "flag.create",
                          .scope = "production",
                          .resource = "a",
                          .tenant_id = "acme",
                          .sequence = 1}));
  const model::FlagKey flag = *model::FlagKey::Parse("a");
  Put(store::EncodeUsage({.environment = "production",
                          .flag_key = "a",
                          .hour = store::HourOf(kStart),
                          .part = "node-1",
                          .evaluations = {{"acme", {{"on", 3}}}}}));
  ASSERT_TRUE(table_.UpdateItem(store::TouchLastUsage(kEnv, flag, {.flag_key = "a", .evaluated_at = kStart}))->applied);
  LargeSegment(20'000);
  const VerifyReport report = Check();
  EXPECT_EQ(report.items.at(Entity::kUsage), 1U);
  EXPECT_EQ(report.items.at(Entity::kLastUsage), 1U);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_TRUE(report.IsSound());
  EXPECT_EQ(report.items.at(Entity::kFlag), 1U);
  EXPECT_EQ(report.items.at(Entity::kChange), 2U);
  EXPECT_GT(report.items.at(Entity::kSegmentKeys), 1U);
}

TEST_F(VerifyTest, AFlagOfAnotherProgramGetsItsIndexKeys) {
  Put({{"PK", "FLAG#production#plain"},
       {"SK", "METADATA"},
       {"flagKey", "plain"},
       {"description", "by aws dynamodb put-item"},
       {"defaultEnabled", true},
       {"owner", "web"},
       {"createdAt", "2026-11-01T00:00:00Z"}});
  const VerifyReport report = Check();
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].code, "index-keys");
  EXPECT_EQ(report.findings[0].severity, Severity::kProblem);
  EXPECT_FALSE(report.IsSound());

  const auto planned = Mend(false);
  ASSERT_EQ(planned.size(), 1U);
  EXPECT_EQ(planned[0].what, "sets GSI1PK, GSI1SK, GSI2PK, GSI2SK");
  EXPECT_EQ(planned[0].outcome, Repair::Outcome::kPlanned);
  EXPECT_EQ(At({"FLAG#production#plain", "METADATA"}).Find("GSI1PK"), nullptr) << "a dry run writes nothing";

  EXPECT_EQ(Mend(true)[0].outcome, Repair::Outcome::kDone);
  EXPECT_THAT(Codes(), IsEmpty());
  const Item mended = At({"FLAG#production#plain", "METADATA"});
  EXPECT_EQ(*mended.Find("GSI1SK")->AsString(), "METADATA#2026-11-01T00:00:00.000Z");
  EXPECT_EQ(*mended.Find("GSI2PK")->AsString(), "OWNER#production#web");
  EXPECT_EQ(*mended.Find("description")->AsString(), "by aws dynamodb put-item");
  const auto listed = store::Repository(table_).ListFlags(kEnv, {});
  EXPECT_EQ(listed->items.size(), 1U);
}

TEST_F(VerifyTest, AnIndexKeyThatContradictsTheItemIsMendedOrTakenAway) {
  Item flag = store::EncodeFlag(FlagOf("a"));
  flag.Set("GSI2PK", "OWNER#production#another");
  flag.Set("GSI3PK", "TENANT#another");
  flag.Erase("tenantId");
  Put(flag);
  ASSERT_THAT(Codes(), UnorderedElementsAre("index-keys"));
  const auto repairs = Mend(true);
  ASSERT_EQ(repairs.size(), 1U);
  EXPECT_EQ(repairs[0].what, "sets GSI2PK, removes GSI3PK, GSI3SK");
  const Item mended = At({"FLAG#production#a", "METADATA"});
  EXPECT_EQ(*mended.Find("GSI2PK")->AsString(), "OWNER#production#ops");
  EXPECT_EQ(mended.Find("GSI3PK"), nullptr);
  EXPECT_THAT(Codes(), IsEmpty());
}

TEST_F(VerifyTest, ARepairNeverOverwritesAChangeMadeMeanwhile) {
  Item flag = store::EncodeFlag(FlagOf("a"));
  flag.Erase("GSI2PK");
  Put(flag);
  table_.before_update = [&] {
    table_.before_update = {};
    flag.Set("owner", "others");
    flag.Set("version", Number::From(std::int64_t{2}));
    Put(flag);
  };
  const auto repairs = Mend(true);
  ASSERT_EQ(repairs.size(), 1U);
  EXPECT_EQ(repairs[0].outcome, Repair::Outcome::kChangedMeanwhile);
  EXPECT_EQ(At({"FLAG#production#a", "METADATA"}), flag);
}

TEST_F(VerifyTest, WhatCannotBeReadIsNamedWithItsAttribute) {
  Item flag = store::EncodeFlag(FlagOf("a"));
  flag.Set("defaultEnabled", "yes");
  Put(flag);
  Item newer = store::EncodeFlag(FlagOf("b"));
  newer.Set("schema", Number::From(std::int64_t{99}));
  Put(newer);
  Put({{"PK", "ORDER#1"}, {"SK", "METADATA"}});
  // Ids that nobody has checked.
  Put({{"PK", "USAGE#no such env!#a"},
       {"SK", "HOUR#2026-11-22T04:00:00.000Z#p"},
       {"hour", "2026-11-22T04:00:00.000Z"}});
  Put({{"PK", "USAGE"}, {"SK", "LAST"}});
  Put({{"PK", "USAGE#no such env!"}, {"SK", "LAST"}});
  Put({{"PK", "TRANSFER"}, {"SK", "METADATA"}});
  const VerifyReport report = Check();
  std::map<std::string, Finding> by_code;
  for (const Finding& finding : report.findings) by_code[finding.code] = finding;
  ASSERT_EQ(by_code.size(), 4U);
  EXPECT_EQ(report.counts.at("unreadable"), 3U);
  const auto of_flag = std::ranges::find(report.findings, Key{"FLAG#production#a", "METADATA"}, &Finding::key);
  ASSERT_NE(of_flag, report.findings.end());
  EXPECT_THAT(of_flag->message, HasSubstr("defaultEnabled"));
  EXPECT_EQ(by_code["unreadable"].severity, Severity::kProblem);
  EXPECT_EQ(by_code["newer"].severity, Severity::kAdvice);
  EXPECT_EQ(report.counts.at("unknown"), 2U);
  EXPECT_EQ(by_code["unfinished-transfer"].severity, Severity::kProblem);
  EXPECT_THAT(report.repairable, IsEmpty());
}

TEST_F(VerifyTest, TimesToLive) {
  Item change = store::EncodeChange(ChangeOf(1));
  change.Set("ttl", "1800000000");
  Put(change);
  Item other = store::EncodeChange(ChangeOf(2));
  other.Erase("ttl");
  Put(other);
  Put(store::EncodeChangeHead("production", {.sequence = 2}));
  Item flag = store::EncodeFlag(FlagOf("a"));
  flag.Set("ttl", Number::From(std::int64_t{4'000'000'000}));
  Put(flag);
  EXPECT_THAT(Codes(), UnorderedElementsAre("ttl-type", "ttl-missing", "ttl-forbidden"));
  EXPECT_EQ(Mend(true).size(), 2U);
  EXPECT_THAT(Codes(), UnorderedElementsAre("ttl-forbidden")) << "whether a flag shall vanish is not ours to decide";
  EXPECT_EQ(At(store::ChangeItemKey("production", 1)), store::EncodeChange(ChangeOf(1)));
}

TEST_F(VerifyTest, OverridesWithoutTheirFlag) {
  Put(store::EncodeFlag(FlagOf("a")));
  Put(OverrideOf("a", kStart - std::chrono::hours{1}));
  Put(OverrideOf("gone", kStart));
  const VerifyReport report = Check();
  ASSERT_EQ(report.findings.size(), 2U);
  EXPECT_EQ(report.counts.at("dangling-override"), 2U);
  EXPECT_THAT(report.findings[0].message, HasSubstr("a former flag of this key"));
  EXPECT_THAT(report.findings[1].message, HasSubstr("its flag does not exist"));
}

TEST_F(VerifyTest, AFlagMadeWhileItLooksIsNoFinding) {
  Put(OverrideOf("late", kStart));
  // Behind the page that was read and before what is doubtful is read again.
  table_.after_scan = [&] { Put(store::EncodeFlag(FlagOf("late"))); };
  EXPECT_THAT(Codes(), IsEmpty());
}

TEST_F(VerifyTest, GapsInAChangeLog) {
  for (const std::uint64_t sequence : {4UL, 5UL, 7UL, 8UL, 12UL}) Put(store::EncodeChange(ChangeOf(sequence)));
  Put(store::EncodeChangeHead("production", {.sequence = 13}));
  const VerifyReport report = Check();
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].code, "log-gap");
  EXPECT_THAT(report.findings[0].message, HasSubstr("6, 9 to 11, 13."));
}

TEST_F(VerifyTest, AHeadBehindItsLogOrWithoutIndexKeys) {
  Put(store::EncodeChange(ChangeOf(1)));
  EXPECT_THAT(Codes(), UnorderedElementsAre("log-head"));
  Item head = store::EncodeChangeHead("production", {.sequence = 1});
  head.Erase("GSI1PK");
  head.Erase("GSI1SK");
  Put(head);
  EXPECT_THAT(Codes(), UnorderedElementsAre("index-keys"));
  EXPECT_EQ(Mend(true).size(), 1U);
  EXPECT_THAT(Codes(), IsEmpty());
  EXPECT_EQ(store::Repository(table_).ChangeHeads()->at("production"), 1U);
}

TEST_F(VerifyTest, PartsOfSegments) {
  LargeSegment(20'000);
  clock_.Advance(std::chrono::hours{1});
  const store::SegmentPlan second = LargeSegment(19'000);
  EXPECT_THAT(Codes(), IsEmpty()) << "parts that were just replaced may still be in use";
  clock_.Advance(std::chrono::hours{48});
  const VerifyReport report = Check();
  ASSERT_GT(second.replaced_parts.size(), 0U);
  EXPECT_EQ(report.counts.at("segment-leftover"), second.replaced_parts.size());
  EXPECT_EQ(Mend(true).size(), second.replaced_parts.size());
  EXPECT_THAT(Codes(), IsEmpty());
  EXPECT_EQ((*store::Repository(table_).GetSegment(kEnv, kSegment))->operator->()->included.size(), 19'000U);

  ASSERT_TRUE(table_.DeleteItem({.key = store::KeyOf(second.new_parts[0])})->applied);
  const VerifyReport damaged = Check();
  EXPECT_EQ(damaged.counts.at("segment-damaged"), 1U);
  EXPECT_FALSE(damaged.counts.contains("segment-leftover"));
}

TEST_F(VerifyTest, AnInterruptedCheckGoesOnFromItsFile) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("guidon-verify-{}", getpid());
  std::filesystem::create_directories(folder);
  options_.checkpoint = (folder / "check").string();
  options_.table_name = "table t";
  options_.save_interval = std::chrono::milliseconds{0};
  for (int i = 0; i < 40; ++i) {
    Item flag = store::EncodeFlag(FlagOf(fmt::format("f{:02}", i)));
    flag.Set("note", std::string(100'000, 'x'));
    flag.Erase("GSI2PK");
    Put(flag);
    Put(store::EncodeChange(ChangeOf(static_cast<std::uint64_t>(i) + 1)));
  }
  Put(store::EncodeChangeHead("production", {.sequence = 40}));
  const VerifyReport whole = [&] {
    VerifyOptions plain;
    return *Verify(table_, clock_, plain);
  }();
  table_.before_scan = [count = 0]() mutable -> base::Status {
    return ++count == 3 ? base::Fail(ErrorCode::kUnavailable, "gone") : base::Status{};
  };
  ASSERT_FALSE(Verify(table_, clock_, options_).has_value());
  ASSERT_TRUE(std::filesystem::exists(options_.checkpoint));

  options_.table_name = "table u";
  const auto another = Verify(table_, clock_, options_);
  EXPECT_EQ(another.error().code, ErrorCode::kConflict);
  EXPECT_THAT(another.error().message, HasSubstr("belongs to a check of the table t: delete it to begin anew"));

  options_.table_name = "table t";
  const VerifyReport again = Check();
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.findings, whole.findings);
  EXPECT_EQ(again.counts, whole.counts);
  EXPECT_EQ(again.severities, whole.severities);
  EXPECT_EQ(again.items, whole.items);
  EXPECT_EQ(again.repairable.size(), 40U);
  EXPECT_FALSE(std::filesystem::exists(options_.checkpoint));
  std::filesystem::remove_all(folder);
}

TEST_F(VerifyTest, SeveralReadersFindTheSame) {
  for (std::uint64_t i = 0; i < 50; ++i) {
    Put(OverrideOf(fmt::format("gone{}", i), kStart));
    Put(store::EncodeChange(ChangeOf(2 * i)));
  }
  options_.segments = 4;
  options_.findings_max = 10;
  const VerifyReport report = Check();
  EXPECT_EQ(report.findings.size(), 10U);
  EXPECT_EQ(report.counts.at("dangling-override"), 50U);
  EXPECT_EQ(report.counts.at("log-head"), 1U);
  EXPECT_EQ(report.counts.at("log-gap"), 1U);
  EXPECT_EQ(report.severities.at(Severity::kWarning), 51U);
}

}  // namespace
}  // namespace guidon::upkeep
