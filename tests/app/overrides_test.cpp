// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "support.hpp"

namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Overrides : public ::testing::Test {
 protected:
  Overrides() {
    model::FlagFields fields = World::Boolean("plan");
    fields.type = model::FlagType::kString;
    fields.variations = {{"basic", "b"}, {"pro", "p"}, {"none", "n"}};
    fields.default_variation = "basic";
    fields.off_variation = "none";
    world.CreateFlag(fields);
  }

  World world;
  OverrideService& overrides = world.app->overrides();
  const model::Environment development = Env("development");
  const model::FlagKey plan = Flag("plan");

  static std::vector<BulkOverride> Entries(int count, std::string_view variation) {
    std::vector<BulkOverride> entries;
    for (int i = 0; i < count; ++i)
      entries.push_back({.tenant = Tenant("t" + std::to_string(i)), .choice = {.variation = std::string(variation)}});
    return entries;
  }
};

TEST_F(Overrides, SetNamesAVariationOrTurnsOnAndOff) {
  const auto set = [&](const OverrideChoice& choice) {
    return Must(overrides.Set(world.Admin(), development, plan, Tenant("acme"), choice)).entity;
  };
  EXPECT_EQ(set({.variation = "pro"})->version, 1U);
  EXPECT_EQ(world.Evaluate("plan", "acme"), "pro");
  EXPECT_EQ(set({.enabled = false})->variation, "none");
  EXPECT_EQ(world.Evaluate("plan", "acme"), "none");
  EXPECT_EQ(set({.enabled = true})->variation, "basic");
  EXPECT_EQ(world.Evaluate("plan", "acme"), "basic");
  EXPECT_EQ(world.Evaluate("plan", "other"), "basic");
  EXPECT_EQ(Must(overrides.Get(world.Admin(), development, plan, Tenant("acme")))->version, 3U);
}

TEST_F(Overrides, SetRefusesWhatMakesNoSense) {
  const auto error = [&](const OverrideChoice& choice) {
    return MustFail(overrides.Set(world.Admin(), development, plan, Tenant("acme"), choice));
  };
  EXPECT_EQ(error({}).field, "enabled");
  EXPECT_EQ(error({.enabled = true, .variation = "pro"}).field, "enabled");
  EXPECT_EQ(error({.variation = "gold"}).field, "variation");
  EXPECT_EQ(MustFail(overrides.Set(world.Admin(), development, Flag("no"), Tenant("acme"), {.enabled = true})).code,
            ErrorCode::kNotFound);
  EXPECT_EQ(MustFail(overrides.Set(world.Admin(), Env("nowhere"), plan, Tenant("acme"), {.enabled = true})).field,
            "environment");
  EXPECT_THAT(world.Changes(), SizeIs(1));
}

TEST_F(Overrides, UnsetGivesTheFlagBackToItsRules) {
  Must(overrides.Set(world.Admin(), development, plan, Tenant("acme"), {.variation = "pro"}));
  const auto removed = Must(overrides.Unset(world.Admin(), development, plan, Tenant("acme")));
  EXPECT_EQ(removed.sequence, 3U);
  EXPECT_EQ(world.Evaluate("plan", "acme"), "basic");
  EXPECT_EQ(MustFail(overrides.Unset(world.Admin(), development, plan, Tenant("acme"))).code, ErrorCode::kNotFound);
  EXPECT_EQ(MustFail(overrides.Get(world.Admin(), development, plan, Tenant("acme"))).code, ErrorCode::kNotFound);
}

TEST_F(Overrides, AreListedByFlagAndByTenant) {
  world.CreateFlag("other");
  for (const char* tenant : {"a", "b", "c"})
    Must(overrides.Set(world.Admin(), development, plan, Tenant(tenant), {.variation = "pro"}));
  Must(overrides.Set(world.Admin(), development, Flag("other"), Tenant("b"), {.enabled = true}));

  const auto first = Must(overrides.List(world.Admin(), development, plan, {.limit = 2, .cursor = {}}));
  ASSERT_THAT(first.items, SizeIs(2));
  const auto rest = Must(overrides.List(world.Admin(), development, plan, {.limit = 2, .cursor = *first.next_cursor}));
  EXPECT_THAT(rest.items, SizeIs(1));

  std::vector<std::string> of_b;
  for (const auto& each : Must(overrides.ListOfTenant(world.Admin(), development, Tenant("b"), {})).items)
    of_b.push_back(each->flag_key);
  EXPECT_THAT(of_b, ElementsAre("other", "plan"));
  EXPECT_EQ(MustFail(overrides.List(world.Admin(), development, Flag("no"), {})).code, ErrorCode::kNotFound);
}

TEST_F(Overrides, ARaceForOneTenantIsTriedAgain) {
  Must(overrides.Set(world.Admin(), development, plan, Tenant("acme"), {.variation = "pro"}));
  const auto other = world.NewNode(world.memory);
  bool once = true;
  world.table.OnTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    if (std::exchange(once, false)) Must(other->overrides().Unset(world.Admin(), development, plan, Tenant("acme")));
    return std::nullopt;
  });
  EXPECT_EQ(Must(overrides.Set(world.Admin(), development, plan, Tenant("acme"), {.enabled = false})).entity->variation,
            "none");
  EXPECT_EQ(world.Evaluate("plan", "acme"), "none");
}

TEST_F(Overrides, NothingIsSetForAFlagThatIsBeingDeleted) {
  const auto other = world.NewNode(world.memory);
  bool once = true;
  world.table.OnTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    if (std::exchange(once, false)) Must(other->flags().Delete(world.Admin(), development, plan, {}));
    return std::nullopt;
  });
  EXPECT_EQ(MustFail(overrides.Set(world.Admin(), development, plan, Tenant("acme"), {.enabled = true})).code,
            ErrorCode::kNotFound);
}

TEST_F(Overrides, BulkWritesWholePortions) {
  const int before = world.table.transactions();
  const auto outcome = Must(overrides.SetMany(world.Admin(), development, plan, Entries(200, "pro")));
  EXPECT_EQ(outcome.applied, 200U);
  EXPECT_EQ(outcome.transactions, 3U) << "89 overrides and the check of the flag in each";
  EXPECT_EQ(outcome.sequence, 4U);
  EXPECT_EQ(world.table.transactions() - before, 3);
  EXPECT_EQ(world.Evaluate("plan", "t0"), "pro");
  EXPECT_EQ(world.Evaluate("plan", "t199"), "pro");
  EXPECT_EQ(world.Snapshot()->override_count("plan"), 200U);
  std::size_t named = 0;
  for (const auto& change : world.Changes()) named += change.tenants.size();
  EXPECT_EQ(named, 200U);
  world.Restart();
  EXPECT_EQ(world.Evaluate("plan", "t199"), "pro");
}

TEST_F(Overrides, BulkChecksEverythingBeforeTheFirstIsWritten) {
  auto entries = Entries(150, "pro");
  entries[149].choice = {.variation = "gold"};
  EXPECT_EQ(MustFail(overrides.SetMany(world.Admin(), development, plan, entries)).field, "overrides[149].variation");
  entries[149] = entries[3];
  EXPECT_EQ(MustFail(overrides.SetMany(world.Admin(), development, plan, entries)).field, "overrides[149].tenantId");
  EXPECT_EQ(MustFail(overrides.SetMany(world.Admin(), development, plan, {})).field, "overrides");
  const std::vector<BulkOverride> too_many(kBulkOverridesMax + 1, entries[0]);
  EXPECT_EQ(MustFail(overrides.SetMany(world.Admin(), development, plan, too_many)).code, ErrorCode::kTooLarge);
  EXPECT_THAT(world.Changes(), SizeIs(1));
}

TEST_F(Overrides, BulkSaysHowFarItCame) {
  int transactions = 0;
  world.table.OnTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    if (++transactions < 3) return std::nullopt;
    return base::Result<store::TransactionResult>(base::Fail(ErrorCode::kUnavailable, "The store is away."));
  });
  const base::Error error = MustFail(overrides.SetMany(world.Admin(), development, plan, Entries(200, "pro")));
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("178 of 200 overrides were written"));
  world.table.OnTransact({});
  EXPECT_EQ(Must(overrides.SetMany(world.Admin(), development, plan, Entries(200, "none"))).applied, 200U);
  EXPECT_EQ(world.Evaluate("plan", "t0"), "none");
}

TEST_F(Overrides, AnOverrideThatBulkReplacedIsNotTheOneThatWasRead) {
  Must(overrides.Set(world.Admin(), development, plan, Tenant("t0"), {.variation = "pro"}));
  const auto single = Must(overrides.Get(world.Admin(), development, plan, Tenant("t0")));
  Must(overrides.SetMany(world.Admin(), development, plan, Entries(1, "none")));
  EXPECT_GT(Must(overrides.Get(world.Admin(), development, plan, Tenant("t0")))->version, single->version);
}

TEST_F(Overrides, TheChangeLogNamesFlagAndTenants) {
  Must(overrides.Set(world.Admin(), development, plan, Tenant("a"), {.variation = "pro"}));
  EXPECT_EQ(world.Changes().back().entity, "override");
  EXPECT_THAT(world.Changes().back().tenants, ElementsAre("a"));
  EXPECT_EQ(world.Changes().back().resource, "plan");
  EXPECT_THAT(world.Changes().front().tenants, IsEmpty());
}

}  // namespace
}  // namespace guidon::app::testing
