// SPDX-License-Identifier: Apache-2.0
#include "repository_fixture.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OverrideRepositoryTest : public RepositoryTest {
 protected:
  void SaveOverride(const std::string& flag, const std::string& tenant, base::Timestamp flag_created_at = kNow,
                    const std::string& env = "production") {
    Save(EncodeOverride(MakeOverride(flag, tenant, env), flag_created_at));
  }
  auto ListOf(std::string_view flag) {
    return [this, flag = FlagKeyOf(flag)](const PageRequest& page) {
      return repository_.ListOverrides(Env("production"), flag, page);
    };
  }
  auto ListOfTenant(std::string_view tenant) {
    return [this, tenant = TenantOf(tenant)](const PageRequest& page) {
      return repository_.ListOverridesOfTenant(Env("production"), tenant, page);
    };
  }
  static std::vector<std::string> Names(const std::vector<model::Override>& overrides) {
    std::vector<std::string> names;
    for (const auto& each : overrides) names.push_back(each->flag_key + "/" + each->tenant_id);
    return names;
  }
};

TEST_F(OverrideRepositoryTest, OverrideByKey) {
  Save({.key = "f"});
  SaveOverride("f", "a");
  const auto found = repository_.GetOverride(Env("production"), FlagKeyOf("f"), TenantOf("a"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, MakeOverride("f", "a"));
  EXPECT_EQ(*repository_.GetOverride(Env("production"), FlagKeyOf("f"), TenantOf("ab")), std::nullopt);
  EXPECT_EQ(*repository_.GetOverride(Env("staging"), FlagKeyOf("f"), TenantOf("a")), std::nullopt);
}

TEST_F(OverrideRepositoryTest, OverridesOfAFlagByPages) {
  Save({.key = "f"});
  for (int i = 0; i < 25; ++i) SaveOverride("f", "tenant-" + std::to_string(100 + i));
  Save({.key = "f2"});
  SaveOverride("f2", "other");
  Save(Item{{"PK", "FLAG#production#f"}, {"SK", "EVAL#2026-11-22T04:23:00.000Z#other"}});
  const auto overrides = All(ListOf("f"), 10);
  ASSERT_EQ(overrides.size(), 25U);
  EXPECT_EQ(overrides.front()->tenant_id, "tenant-100");
  EXPECT_EQ(overrides.back()->tenant_id, "tenant-124");
  EXPECT_EQ(Queries(), 3U);
}

TEST_F(OverrideRepositoryTest, OverridesOfATenantAndOfNoOther) {
  for (const char* flag : {"f", "g"}) {
    Save({.key = flag});
    SaveOverride(flag, "a");
    SaveOverride(flag, "ab");
  }
  Save({.key = "f", .env = "staging"});
  SaveOverride("f", "a", kNow, "staging");
  EXPECT_THAT(Names(All(ListOfTenant("a"), 1)), ElementsAre("f/a", "g/a"));
  EXPECT_THAT(Names(All(ListOfTenant("ab"))), ElementsAre("f/ab", "g/ab"));
}

TEST_F(OverrideRepositoryTest, OverridesOfADeletedFlagDoNotComeBackWithANewOne) {
  const model::Flag former = Save({.key = "f"});
  SaveOverride("f", "old");
  EXPECT_TRUE(Write(DeleteFlag(former)));
  EXPECT_THAT(All(ListOf("f")), IsEmpty());
  EXPECT_THAT(All(ListOfTenant("old")), IsEmpty());

  const base::Timestamp again = kNow + std::chrono::milliseconds{1};
  Save({.key = "f", .created_at = again});
  SaveOverride("f", "new", again);
  EXPECT_THAT(Names(All(ListOf("f"))), ElementsAre("f/new"));
  EXPECT_THAT(All(ListOfTenant("old")), IsEmpty());
  EXPECT_EQ(*repository_.GetOverride(Env("production"), FlagKeyOf("f"), TenantOf("old")), std::nullopt);
  EXPECT_NE(*repository_.GetOverride(Env("production"), FlagKeyOf("f"), TenantOf("new")), std::nullopt);
}

TEST_F(OverrideRepositoryTest, ManyFormerOverridesOnlyMakePagesShort) {
  const base::Timestamp again = kNow + std::chrono::milliseconds{1};
  Save({.key = "f", .created_at = again});
  for (int i = 0; i < 100; ++i) SaveOverride("f", "tenant-" + std::to_string(100 + i));
  SaveOverride("f", "zoe", again);
  const auto first = repository_.ListOverrides(Env("production"), FlagKeyOf("f"), {.limit = 5});
  EXPECT_THAT(first->items, IsEmpty());
  EXPECT_TRUE(first->next_cursor.has_value());
  EXPECT_THAT(Names(All(ListOf("f"), 5)), ElementsAre("f/zoe"));
}

TEST_F(OverrideRepositoryTest, OverrideOfAnotherProgramCountsForAnyIncarnation) {
  Save({.key = "f"});
  Item item = EncodeOverride(MakeOverride("f", "a"), kNow);
  item.Erase("flagCreatedAt");
  item.Erase("version");
  Save(item);
  const auto found = repository_.GetOverride(Env("production"), FlagKeyOf("f"), TenantOf("a"));
  ASSERT_TRUE(found.has_value() && found->has_value());
  EXPECT_EQ((**found)->version, 0U);
  EXPECT_THAT(Names(All(ListOf("f"))), ElementsAre("f/a"));
  EXPECT_THAT(Names(All(ListOfTenant("a"))), ElementsAre("f/a"));
}

TEST_F(OverrideRepositoryTest, CreationTimesAreComparedAsTimesNotAsText) {
  Item flag = EncodeFlag(MakeFlag({.key = "f"}));
  flag.Set("createdAt", "2026-11-22T13:23:00+09:00");
  Save(flag);
  SaveOverride("f", "a");
  EXPECT_THAT(Names(All(ListOf("f"))), ElementsAre("f/a"));
}

TEST_F(OverrideRepositoryTest, OverridesOfAnUnreadableFlagAreStillThere) {
  Item flag = EncodeFlag(MakeFlag({.key = "f"}));
  flag.Set("variations", "x");
  Save(flag);
  SaveOverride("f", "a");
  EXPECT_THAT(Names(All(ListOf("f"))), ElementsAre("f/a"));
}

TEST_F(OverrideRepositoryTest, BrokenOverridesAreLeftOutAndCounted) {
  Save({.key = "f"});
  SaveOverride("f", "a");
  Item wrong_tenant = EncodeOverride(MakeOverride("f", "b"), kNow);
  wrong_tenant.Set("tenantId", "a");
  Save(wrong_tenant);
  const auto page = repository_.ListOverrides(Env("production"), FlagKeyOf("f"), {});
  EXPECT_THAT(Names(page->items), ElementsAre("f/a"));
  EXPECT_EQ(page->unreadable, 1U);
  ExpectError(repository_.GetOverride(Env("production"), FlagKeyOf("f"), TenantOf("b")), ErrorCode::kCorrupt,
              "tenantId");
}

TEST_F(OverrideRepositoryTest, TenantIsCheckedAgainBeforeAnOverrideLeaves) {
  Save({.key = "f"});
  Item stray = EncodeOverride(MakeOverride("f", "b"), kNow);
  stray.Set("GSI3PK", "TENANT#a");
  Save(stray);
  Item elsewhere = EncodeOverride(MakeOverride("f", "a", "staging"), kNow);
  elsewhere.Set("GSI3SK", "OVERRIDE#production#f");
  Save(elsewhere);
  const auto page = repository_.ListOverridesOfTenant(Env("production"), TenantOf("a"), {});
  EXPECT_THAT(page->items, IsEmpty());
  EXPECT_EQ(page->unreadable, 2U);
}

TEST_F(OverrideRepositoryTest, CursorOfOneListOfATenantIsNotOneOfAnother) {
  for (const char* flag : {"f", "g"}) {
    Save({.key = flag, .tenant = "a"});
    SaveOverride(flag, "a");
  }
  const auto flags = repository_.ListFlagsOfTenant(Env("production"), TenantOf("a"), {.limit = 1});
  ASSERT_TRUE(flags->next_cursor.has_value());
  ExpectError(repository_.ListOverridesOfTenant(Env("production"), TenantOf("a"), {.cursor = *flags->next_cursor}),
              ErrorCode::kInvalidArgument, "cursor");
}

TEST_F(OverrideRepositoryTest, VersionOfTheItemWhateverItsIncarnation) {
  Save({.key = "f", .created_at = kNow + std::chrono::milliseconds{1}});
  Save(EncodeOverride(MakeOverride("f", "old", "production", 7), kNow));
  const auto version = [&](std::string_view tenant) {
    return *repository_.OverrideItemVersion(Env("production"), FlagKeyOf("f"), TenantOf(tenant));
  };
  EXPECT_EQ(version("old"), 7U);
  EXPECT_EQ(version("none"), std::nullopt);
}

}  // namespace
}  // namespace guidon::store
