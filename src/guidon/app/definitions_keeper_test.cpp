// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/definitions_keeper.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guidon::app {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

model::Flag FlagOf(std::string key, std::optional<std::string> tenant = std::nullopt, bool enabled = true) {
  return *model::Flag::Create({.flag_key = std::move(key),
                               .environment = "development",
                               .description = "for people",
                               .owner = "o",
                               .tenant_id = std::move(tenant),
                               .default_enabled = enabled,
                               .tenant_overrides = {{"acme", true}}});
}

model::Override OverrideOf(std::string key, std::string tenant, std::string variation) {
  return *model::Override::Create({.environment = "development",
                                   .flag_key = std::move(key),
                                   .tenant_id = std::move(tenant),
                                   .variation = std::move(variation)});
}

KeptDefinitions Loaded(std::uint64_t sequence, std::vector<model::Flag> flags,
                       std::vector<model::Override> overrides = {}) {
  KeptDefinitions kept{.sequence = sequence, .floor = sequence};
  ApplyToKept({.sequence = sequence, .flags = std::move(flags), .overrides = std::move(overrides)}, kept);
  return kept;
}

TEST(KeptDefinitions, KeepWhatEvaluatorsLookAt) {
  const KeptDefinitions kept = Loaded(3, {FlagOf("a")});
  const KeptFlag& flag = kept.flags.at("a");
  EXPECT_EQ(flag.text.find("for people"), std::string::npos) << flag.text;
  EXPECT_EQ(flag.text.find("tenantOverrides"), std::string::npos);
  EXPECT_NE(flag.text.find(R"("flagKey":"a")"), std::string::npos);
  EXPECT_EQ(flag.tenant_overrides, (std::map<std::string, bool>{{"acme", true}}));
  EXPECT_EQ(flag.changed_at, 3U);
}

TEST(KeptDefinitions, KnowWhenThingsChangedAndWhoseTheyWere) {
  KeptDefinitions kept = Loaded(3, {FlagOf("a"), FlagOf("b")}, {OverrideOf("a", "acme", "on")});
  ApplyToKept({.sequence = 5, .flags = {FlagOf("a", "acme")}}, kept);
  EXPECT_EQ(kept.sequence, 5U);
  EXPECT_EQ(kept.flags.at("a").changed_at, 5U);
  EXPECT_EQ(kept.flags.at("b").changed_at, 3U);
  EXPECT_THAT(kept.flags.at("a").former_tenants, ElementsAre(std::nullopt));
  ApplyToKept({.sequence = 6, .removed_flags = {"a"}, .removed_overrides = {}}, kept);
  EXPECT_FALSE(kept.flags.contains("a"));
  EXPECT_FALSE(kept.overrides.contains("a"));
  ASSERT_THAT(kept.removed, SizeIs(1));
  EXPECT_THAT(kept.removed[0].owners, ElementsAre(std::nullopt, Ownership("acme")));
  EXPECT_EQ(kept.removed[0].sequence, 6U);
}

TEST(KeptDefinitions, ForgetOldRemovalsAndSayFromWhenOnTheyKnow) {
  KeptDefinitions kept = Loaded(1, {});
  for (std::uint64_t i = 0; i <= kKeptRemovalsMax; ++i) {
    ApplyToKept({.sequence = 2 + 2 * i, .flags = {FlagOf("a")}}, kept);
    ApplyToKept({.sequence = 3 + 2 * i, .removed_flags = {"a"}}, kept);
  }
  EXPECT_THAT(kept.removed, SizeIs(kKeptRemovalsMax));
  EXPECT_EQ(kept.floor, 3U);
}

TEST(KeptDefinitions, AFullLoadTakesOverWhenThingsChanged) {
  KeptDefinitions before = Loaded(3, {FlagOf("a"), FlagOf("b"), FlagOf("c")}, {OverrideOf("a", "acme", "on")});
  ApplyToKept({.sequence = 4, .flags = {FlagOf("b", std::nullopt, false)}}, before);
  KeptDefinitions loaded = Loaded(7, {FlagOf("a", std::nullopt, false), FlagOf("b", std::nullopt, false)});
  CarryOver(before, loaded);
  EXPECT_EQ(loaded.floor, 3U);
  EXPECT_EQ(loaded.flags.at("a").changed_at, 7U);
  EXPECT_EQ(loaded.flags.at("b").changed_at, 4U);
  EXPECT_THAT(loaded.revision, IsEmpty());
  ASSERT_THAT(loaded.removed, SizeIs(2));  // c, and the override
  EXPECT_EQ(loaded.removed[0].key, "c");
  EXPECT_EQ(loaded.removed[1].tenant, "acme");
}

TEST(KeptDefinitions, DifferencesThatNoChangeExplainsMakeAnotherState) {
  const KeptDefinitions before = Loaded(3, {FlagOf("a")});
  KeptDefinitions same = Loaded(3, {FlagOf("a")});
  CarryOver(before, same);
  EXPECT_THAT(same.revision, IsEmpty());
  EXPECT_EQ(same.floor, 3U);
  KeptDefinitions edited = Loaded(3, {FlagOf("a", std::nullopt, false)});
  CarryOver(before, edited);
  EXPECT_NE(edited.revision, "");
  EXPECT_EQ(edited.floor, 4U);  // nobody's state at 3 may be taken for this one
  ApplyToKept({.sequence = 4, .flags = {FlagOf("b")}}, edited);
  EXPECT_THAT(edited.revision, IsEmpty());
}

TEST(KeptDefinitions, AnUnreadableFlagGoesOnReferringToWhatItDid) {
  KeptDefinitions kept{.sequence = 1, .floor = 1};
  model::FlagFields fields{.flag_key = "a", .environment = "development", .owner = "o"};
  fields.prerequisites.push_back({.flag_key = "p", .variations = {"on"}});
  ApplyToKept({.sequence = 1, .flags = {*model::Flag::Create(fields)}}, kept);
  ApplyToKept({.sequence = 2, .broken_flags = {{.flag_key = "a", .error = {}, .tenant_id = std::nullopt}}}, kept);
  EXPECT_FALSE(kept.flags.at("a").readable);
  EXPECT_THAT(kept.flags.at("a").prerequisites, ElementsAre("p"));
  EXPECT_EQ(kept.flags.at("a").owner, "o");
}

}  // namespace
}  // namespace guidon::app
