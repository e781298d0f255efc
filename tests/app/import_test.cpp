// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support.hpp"

namespace guidon::app {
namespace {

using testing::Env;
using testing::Must;
using testing::MustFail;

using Action = ImportedFlag::Action;

class ImportTest : public ::testing::Test {
 protected:
  testing::World world;
  static ImportEntry Entry(const std::string& key, const std::string& description = "",
                           const std::string& prerequisite = "") {
    return {.flag_key = key, .make = [=](const model::Flag*) -> base::Result<model::FlagFields> {
              model::FlagFields fields{.flag_key = key, .environment = "development"};
              fields.owner = "o";
              fields.description = description;
              if (!prerequisite.empty()) fields.prerequisites = {{.flag_key = prerequisite, .variations = {"on"}}};
              return fields;
            }};
  }
  base::Result<ImportOutcome> Import(const std::vector<ImportEntry>& entries, const ImportOptions& options = {}) {
    return world.app->flags().Import(world.Admin(), Env("development"), entries, options);
  }
  std::size_t Count() { return world.Snapshot()->flag_count(); }
};

TEST_F(ImportTest, IsOneTransactionWithAnEntryForEachFlag) {
  const auto before = world.Snapshot()->sequence();
  const ImportOutcome outcome = Must(Import({Entry("a"), Entry("b", "", "a")}));
  EXPECT_EQ(outcome.transactions, 1U);
  EXPECT_EQ(outcome.sequence, before + 2);
  EXPECT_EQ(Count(), 2U);
  for (const char* key : {"a", "b"}) {
    const auto entries = world.Audit(key);
    ASSERT_EQ(entries.size(), 1U) << key;
    EXPECT_EQ(entries[0].action, "flag.import");
  }
}

TEST_F(ImportTest, ANameThatNoFlagCanHaveSaysWhichAndWhatToDo) {
  for (const std::string name : {"my flag", "a#b", "", "ñ", "-x"}) {
    const base::Error error = MustFail(Import({Entry("fine"), Entry(name)}));
    EXPECT_EQ(error.code, base::ErrorCode::kInvalidArgument);
    EXPECT_EQ(error.field, "flags." + name);
    EXPECT_NE(error.message.find("\"" + name + "\" cannot be imported"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("1 to 128"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("Rename it"), std::string::npos);
  }
  EXPECT_EQ(Count(), 0U);
}

TEST_F(ImportTest, LeavesAloneWhatIsTheSame) {
  Must(Import({Entry("a"), Entry("b")}));
  const auto before = world.Snapshot()->sequence();
  const ImportOutcome outcome = Must(Import({Entry("a"), Entry("b", "new"), Entry("c")}));
  ASSERT_EQ(outcome.flags.size(), 3U);
  EXPECT_EQ(outcome.flags[0].action, Action::kUnchanged);
  EXPECT_EQ(outcome.flags[0].version, 1U);
  EXPECT_EQ(outcome.flags[1].action, Action::kUpdated);
  EXPECT_EQ(outcome.flags[1].version, 2U);
  EXPECT_EQ(outcome.flags[2].action, Action::kCreated);
  EXPECT_EQ(outcome.sequence, before + 2);
}

TEST_F(ImportTest, WritesNothingWhereOneFlagIsWrong) {
  const base::Error error = MustFail(Import({Entry("a"), Entry("b", "", "ghost")}));
  EXPECT_EQ(error.field, "flags.b.prerequisites[0].flagKey");
  EXPECT_EQ(Count(), 0U);
  EXPECT_EQ(MustFail(Import({Entry("a", "", "b"), Entry("b", "", "a")})).field, "flags.a.prerequisites");
  EXPECT_EQ(Count(), 0U);
}

TEST_F(ImportTest, ADryRunSaysTheSameAndWritesNothing) {
  const ImportOutcome outcome = Must(Import({Entry("a")}, {.dry_run = true}));
  ASSERT_EQ(outcome.flags.size(), 1U);
  EXPECT_EQ(outcome.flags[0].action, Action::kCreated);
  EXPECT_EQ(outcome.sequence, 0U);
  EXPECT_EQ(Count(), 0U);
  MustFail(Import({Entry("a", "", "ghost")}, {.dry_run = true}));
}

TEST_F(ImportTest, MoreThanOneUnitNeedsPortions) {
  std::vector<ImportEntry> entries;
  for (int i = 0; i < 40; ++i) entries.push_back(Entry("flag-" + std::to_string(100 + i)));
  EXPECT_EQ(MustFail(Import(entries)).code, base::ErrorCode::kTooLarge);
  EXPECT_EQ(Count(), 0U);
  EXPECT_EQ(Must(Import(entries, {.in_portions = true})).transactions, 2U);
  EXPECT_EQ(Count(), 40U);
}

}  // namespace
}  // namespace guidon::app
