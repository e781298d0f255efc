// SPDX-License-Identifier: Apache-2.0
#include "repository_fixture.hpp"

// Who wins a race for a version, and that nothing is written that does not fit.
namespace guidon::store {
namespace {

using base::ErrorCode;

class WriteOperationsTest : public RepositoryTest {
 protected:
  static Item Plain() {
    return {{"PK", "FLAG#production#legacy"},
            {"SK", "METADATA"},
            {"flagKey", "legacy"},
            {"description", ""},
            {"defaultEnabled", true},
            {"owner", "ops"},
            {"createdAt", "2026-11-22T04:23:00Z"}};
  }
  static model::Flag Legacy(std::uint64_t version) { return MakeFlag({.key = "legacy", .version = version}); }
  bool Commits(std::vector<TransactionOperation> operations) {
    const auto result = memory_.Transact(operations, "");
    EXPECT_TRUE(result.has_value()) << result.error().message;
    return result && result->committed;
  }
};

TEST_F(WriteOperationsTest, CreatingNeedsThatNothingIsThere) {
  EXPECT_TRUE(Write(PutFlag(Legacy(1), std::nullopt)));
  EXPECT_FALSE(Write(PutFlag(Legacy(1), std::nullopt)));
  Save(Plain());
  EXPECT_FALSE(Write(PutFlag(Legacy(1), std::nullopt)));
}

TEST_F(WriteOperationsTest, OneWriterWinsEachVersion) {
  EXPECT_TRUE(Write(PutFlag(Legacy(1), std::nullopt)));
  EXPECT_TRUE(Write(PutFlag(Legacy(2), 1)));
  const auto lost = memory_.PutItem(PutFlag(Legacy(2), 1));
  ASSERT_TRUE(lost.has_value());
  EXPECT_FALSE(lost->applied);
  ASSERT_TRUE(lost->existing.has_value());
  EXPECT_EQ((*DecodeFlag(*lost->existing))->version, 2U);
  EXPECT_FALSE(Write(PutFlag(Legacy(9), 8)));
}

TEST_F(WriteOperationsTest, ReplacingNeedsThatItIsStillThere) {
  EXPECT_FALSE(Write(PutFlag(Legacy(2), 1)));
  EXPECT_FALSE(Write(PutFlag(Legacy(1), 0)));
  EXPECT_EQ(Load(FlagItemKey(Env("production"), FlagKeyOf("legacy"))), std::nullopt);
}

TEST_F(WriteOperationsTest, TwoWritersOfAnotherProgramsItemCannotBothWin) {
  Save(Plain());
  EXPECT_TRUE(Write(PutFlag(Legacy(1), 0)));
  EXPECT_FALSE(Write(PutFlag(Legacy(1), 0)));
  EXPECT_TRUE(Write(PutFlag(Legacy(2), 1)));
}

TEST_F(WriteOperationsTest, DeletingNeedsTheVersionThatWasRead) {
  Save(EncodeFlag(Legacy(2)));
  EXPECT_FALSE(Write(DeleteFlag(Legacy(1))));
  EXPECT_FALSE(Write(DeleteFlag(Legacy(0))));
  EXPECT_TRUE(Write(DeleteFlag(Legacy(2))));
  EXPECT_FALSE(Write(DeleteFlag(Legacy(2))));
  Save(Plain());
  EXPECT_FALSE(Write(DeleteFlag(Legacy(1))));
  EXPECT_TRUE(Write(DeleteFlag(Legacy(0))));
}

TEST_F(WriteOperationsTest, EveryEntityKeepsItsVersion) {
  const auto segment = [](std::uint64_t version) {
    return *model::Segment::Create({.segment_key = "s", .environment = "production", .version = version});
  };
  EXPECT_TRUE(Write(PutSegment(segment(1), std::nullopt)));
  EXPECT_FALSE(Write(PutSegment(segment(3), 2)));
  EXPECT_FALSE(Write(DeleteSegment(segment(2))));
  EXPECT_TRUE(Write(DeleteSegment(segment(1))));

  const auto tenant = [](std::uint64_t version) {
    return *model::Tenant::Create({.tenant_id = "a", .version = version});
  };
  EXPECT_TRUE(Write(PutTenant(tenant(1), std::nullopt)));
  EXPECT_FALSE(Write(PutTenant(tenant(1), std::nullopt)));
  EXPECT_FALSE(Write(DeleteTenant(tenant(2))));
  EXPECT_TRUE(Write(DeleteTenant(tenant(1))));

  const auto kill = [](std::uint64_t version) {
    return *model::KillSwitch::Create(
        {.environment = "production", .scope = *model::KillScope::Parse("global"), .reason = "r", .version = version});
  };
  EXPECT_TRUE(Write(PutKillSwitch(kill(1), std::nullopt)));
  EXPECT_FALSE(Write(PutKillSwitch(kill(1), std::nullopt)));
  EXPECT_FALSE(Write(DeleteKillSwitch(kill(2))));
  EXPECT_TRUE(Write(DeleteKillSwitch(kill(1))));

  EXPECT_TRUE(Write(PutOverride(MakeOverride("f", "a"), kNow, std::nullopt)));
  EXPECT_FALSE(Write(PutOverride(MakeOverride("f", "a"), kNow, std::nullopt)));
  EXPECT_FALSE(Write(DeleteOverride(MakeOverride("f", "a", "production", 2))));
  EXPECT_TRUE(Write(PutOverrideAnyway(MakeOverride("f", "a", "production", 9), kNow)));
  EXPECT_TRUE(Write(DeleteOverride(MakeOverride("f", "a", "production", 9))));
}

TEST_F(WriteOperationsTest, TouchingAnApiKeyChangesNothingElseAndCreatesNothing) {
  const auto key = *model::ApiKey::Create({.key_id = "abcdefgh",
                                           .kind = model::KeyKind::kServer,
                                           .environment = "production",
                                           .secret_hash = std::string(64, 'a')});
  const auto id = *model::KeyId::Parse("abcdefgh");
  EXPECT_FALSE(memory_.UpdateItem(TouchApiKey(id, kNow))->applied);
  EXPECT_TRUE(Write(PutApiKey(key, std::nullopt)));
  EXPECT_TRUE(memory_.UpdateItem(TouchApiKey(id, kNow))->applied);
  auto expected = *key;
  expected.last_used_at = kNow;
  EXPECT_EQ(*repository_.GetApiKey(id), *model::ApiKey::Create(expected));
}

TEST_F(WriteOperationsTest, OverridesAreWrittenOnlyWhileTheirFlagStands) {
  const model::Flag flag = Save({.key = "f"});
  const auto env = Env("production");
  const auto key = FlagKeyOf("f");
  EXPECT_TRUE(Commits({CheckFlagCreatedAt(env, key, kNow), PutOverrideAnyway(MakeOverride("f", "a"), kNow)}));
  EXPECT_TRUE(Commits({CheckFlagStands(flag), PutOverrideAnyway(MakeOverride("f", "b"), kNow)}));
  Save({.key = "f", .created_at = kNow + std::chrono::milliseconds{1}});
  EXPECT_FALSE(Commits({CheckFlagCreatedAt(env, key, kNow), PutOverrideAnyway(MakeOverride("f", "c"), kNow)}));
  EXPECT_FALSE(Commits({CheckFlagStands(flag), PutOverrideAnyway(MakeOverride("f", "c"), kNow)}));
  EXPECT_EQ(Load(OverrideItemKey(env, key, TenantOf("c"))), std::nullopt);
}

TEST_F(WriteOperationsTest, AFlagOfAnotherProgramStandsHoweverItsTimeIsWritten) {
  Save(Plain());
  const auto flag = repository_.GetFlag(Env("production"), FlagKeyOf("legacy"));
  ASSERT_TRUE(flag.has_value() && flag->has_value());
  EXPECT_TRUE(Commits({CheckFlagStands(**flag), PutOverrideAnyway(MakeOverride("legacy", "a"), (**flag)->created_at)}));
  EXPECT_NE(*repository_.GetOverride(Env("production"), FlagKeyOf("legacy"), TenantOf("a")), std::nullopt);
}

TEST_F(WriteOperationsTest, ItemOver400KilobytesIsRefusedBeforeAnythingIsWritten) {
  std::vector<std::string> keys;
  for (int i = 0; i < 5000; ++i) keys.push_back(std::string(100, 'k') + std::to_string(i));
  const auto segment = *model::Segment::Create({.segment_key = "s", .environment = "production", .included = keys});
  const std::vector<TransactionOperation> operations = {PutSegment(segment, std::nullopt),
                                                        PutChangeHead("production", {.sequence = 1}, {})};
  const auto result = memory_.Transact(operations, "");
  ExpectError(result, ErrorCode::kTooLarge, "included");
  EXPECT_EQ(*repository_.ChangeHead("production"), 0U);
}

TEST_F(WriteOperationsTest, AMillionOverridesNeedNoLargeItem) {
  const Item item = EncodeOverride(MakeOverride("f", std::string(64, 't')), kNow);
  EXPECT_LT(ItemSize(item), 1024U);
}

}  // namespace
}  // namespace guidon::store
