// SPDX-License-Identifier: Apache-2.0
#include "repository_fixture.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class EntityRepositoryTest : public RepositoryTest {
 protected:
  static model::Segment MakeSegment(std::string key, std::string env = "production", int age_ms = 0) {
    return *model::Segment::Create({.segment_key = std::move(key),
                                    .environment = std::move(env),
                                    .included = {"u1"},
                                    .created_at = kNow + milliseconds{age_ms}});
  }
  static model::KillSwitch MakeKillSwitch(std::string_view scope, std::string env = "production") {
    return *model::KillSwitch::Create({.environment = std::move(env),
                                       .scope = *model::KillScope::Parse(scope),
                                       .reason = "on fire",
                                       .engaged_at = kNow});
  }
  static model::Tenant MakeTenant(std::string id, int age_ms = 0) {
    return *model::Tenant::Create({.tenant_id = std::move(id), .created_at = kNow + milliseconds{age_ms}});
  }
  static model::ApiKey MakeKey(std::string id, std::optional<std::string> tenant, int age_ms = 0) {
    return *model::ApiKey::Create({.key_id = std::move(id),
                                   .kind = model::KeyKind::kServer,
                                   .environment = "production",
                                   .tenant_id = std::move(tenant),
                                   .secret_hash = std::string(64, 'a'),
                                   .created_at = kNow + milliseconds{age_ms}});
  }
};

TEST_F(EntityRepositoryTest, Segments) {
  for (int i = 0; i < 5; ++i) Save(EncodeSegment(MakeSegment("s" + std::to_string(i), "production", i)));
  Save(EncodeSegment(MakeSegment("s0", "staging")));
  EXPECT_EQ(*repository_.GetSegment(Env("production"), *model::SegmentKey::Parse("s3")),
            MakeSegment("s3", "production", 3));
  EXPECT_EQ(*repository_.GetSegment(Env("staging"), *model::SegmentKey::Parse("s3")), std::nullopt);
  std::vector<std::string> keys;
  for (const auto& each : All([&](const auto& page) { return repository_.ListSegments(Env("production"), page); }, 2))
    keys.push_back(each->segment_key);
  EXPECT_THAT(keys, ElementsAre("s4", "s3", "s2", "s1", "s0"));
}

TEST_F(EntityRepositoryTest, BrokenSegmentIsLeftOutOfTheListAndAnErrorAlone) {
  Save(EncodeSegment(MakeSegment("good")));
  Item broken = EncodeSegment(MakeSegment("broken"));
  broken.Set("included", "u1");
  Save(broken);
  Item stray = EncodeSegment(MakeSegment("stray", "staging"));
  stray.Set("GSI1PK", "SEGMENTS#production");
  Save(stray);
  const auto page = repository_.ListSegments(Env("production"), {});
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->items[0]->segment_key, "good");
  EXPECT_EQ(page->unreadable, 2U);
  ExpectError(repository_.GetSegment(Env("production"), *model::SegmentKey::Parse("broken")), ErrorCode::kCorrupt,
              "included");
}

TEST_F(EntityRepositoryTest, KillSwitchesOfAllScopes) {
  for (const char* scope : {"global", "flag:f", "tenant:acme", "owner:ops"})
    Save(EncodeKillSwitch(MakeKillSwitch(scope)));
  Save(EncodeKillSwitch(MakeKillSwitch("global", "staging")));
  const auto scope = *model::KillScope::Parse("tenant:acme");
  EXPECT_EQ(*repository_.GetKillSwitch(Env("production"), scope), MakeKillSwitch("tenant:acme"));
  EXPECT_EQ(*repository_.GetKillSwitch(Env("staging"), scope), std::nullopt);
  std::vector<std::string> scopes;
  for (const auto& each :
       All([&](const auto& page) { return repository_.ListKillSwitches(Env("production"), page); }, 3))
    scopes.push_back(each->scope.Text());
  EXPECT_THAT(scopes, UnorderedElementsAre("global", "flag:f", "tenant:acme", "owner:ops"));
}

TEST_F(EntityRepositoryTest, KillSwitchPutInByHandIsEngaged) {
  Save(Item{{"PK", "EMERGENCY#production"}, {"SK", "GLOBAL"}, {"reason", Number{"1"}}});
  const auto page = repository_.ListKillSwitches(Env("production"), {});
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->items[0]->scope.Text(), "global");
  EXPECT_TRUE(Write(DeleteKillSwitch(page->items[0])));
  EXPECT_THAT(repository_.ListKillSwitches(Env("production"), {})->items, IsEmpty());
}

TEST_F(EntityRepositoryTest, Tenants) {
  for (int i = 0; i < 3; ++i) Save(EncodeTenant(MakeTenant("t" + std::to_string(i), i)));
  EXPECT_EQ(*repository_.GetTenant(TenantOf("t1")), MakeTenant("t1", 1));
  EXPECT_EQ(*repository_.GetTenant(TenantOf("t")), std::nullopt);
  std::vector<std::string> ids;
  for (const auto& each : All([&](const auto& page) { return repository_.ListTenants(page); }, 2))
    ids.push_back(each->tenant_id);
  EXPECT_THAT(ids, ElementsAre("t2", "t1", "t0"));
}

TEST_F(EntityRepositoryTest, ApiKeysAllAndOfOneTenant) {
  Save(EncodeApiKey(MakeKey("aaaaaaaa", "a", 0)));
  Save(EncodeApiKey(MakeKey("bbbbbbbb", "ab", 1)));
  Save(EncodeApiKey(MakeKey("cccccccc", std::nullopt, 2)));
  Item stray = EncodeApiKey(MakeKey("dddddddd", "b", 3));
  stray.Set("GSI3PK", "TENANT#a");
  Save(stray);
  EXPECT_EQ(*repository_.GetApiKey(*model::KeyId::Parse("bbbbbbbb")), MakeKey("bbbbbbbb", "ab", 1));
  std::vector<std::string> ids;
  for (const auto& each : All([&](const auto& page) { return repository_.ListApiKeys(page); }, 2))
    ids.push_back(each->key_id);
  EXPECT_THAT(ids, ElementsAre("dddddddd", "cccccccc", "bbbbbbbb", "aaaaaaaa"));
  const auto of_tenant = repository_.ListApiKeysOfTenant(TenantOf("a"), {});
  ASSERT_EQ(of_tenant->items.size(), 1U);
  EXPECT_EQ(of_tenant->items[0]->key_id, "aaaaaaaa");
  EXPECT_EQ(of_tenant->unreadable, 1U);
}

}  // namespace
}  // namespace guidon::store
