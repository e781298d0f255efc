// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "support.hpp"

namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Tenants : public ::testing::Test {
 protected:
  Tenants() { Must(tenants.Create(world.Admin(), {.tenant_id = "acme", .name = "ACME", .plan = "pro"})); }

  World world;
  TenantService& tenants = world.app->tenants();
};

TEST_F(Tenants, AreMadeReadChangedAndDeleted) {
  EXPECT_EQ(Must(tenants.Get(world.Admin(), Tenant("acme")))->plan, "pro");
  const auto replaced = Must(tenants.Replace(world.Admin(), {.tenant_id = "acme", .name = "Acme"}, Version(1)));
  EXPECT_EQ(replaced.entity->version, 2U);
  EXPECT_EQ(replaced.entity->plan, "");
  const auto patched = Must(tenants.Patch(world.Admin(), Tenant("acme"), Json(R"({"plan":"basic"})"), Any()));
  EXPECT_EQ(patched.entity->name, "Acme");
  EXPECT_EQ(patched.entity->plan, "basic");
  EXPECT_EQ(patched.entity->version, 3U);
  EXPECT_EQ(patched.sequence, 3U);
  const auto removed = Must(tenants.Delete(world.Admin(), Tenant("acme"), Version(3)));
  EXPECT_EQ(removed.sequence, 4U);
  EXPECT_EQ(MustFail(tenants.Get(world.Admin(), Tenant("acme"))).code, ErrorCode::kNotFound);
  EXPECT_THAT(world.Changes("_system"), SizeIs(4));
  EXPECT_THAT(world.Audit("tenant:acme", "_system"), SizeIs(4));
}

TEST_F(Tenants, RefuseWhatFlagsRefuse) {
  EXPECT_EQ(MustFail(tenants.Create(world.Admin(), {.tenant_id = "acme"})).code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(MustFail(tenants.Create(world.Admin(), {.tenant_id = "a#b"})).field, "tenantId");
  EXPECT_EQ(MustFail(tenants.Replace(world.Admin(), {.tenant_id = "acme"}, {})).code, ErrorCode::kPreconditionRequired);
  EXPECT_EQ(MustFail(tenants.Replace(world.Admin(), {.tenant_id = "acme"}, Version(2))).current_version, 1U);
  EXPECT_EQ(MustFail(tenants.Replace(world.Admin(), {.tenant_id = "no"}, Any())).code, ErrorCode::kNotFound);
  EXPECT_EQ(MustFail(tenants.Patch(world.Admin(), Tenant("acme"), Json("3"), Any())).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(MustFail(tenants.Delete(world.Admin(), Tenant("acme"), Version(2))).current_version, 1U);
  EXPECT_EQ(MustFail(tenants.Delete(world.Admin(), Tenant("no"), {})).code, ErrorCode::kNotFound);
}

TEST_F(Tenants, CannotBeDeletedWhileTheyHaveFlagsOverridesOrKeys) {
  const auto refused = [&](std::string_view what) {
    const base::Error error = MustFail(tenants.Delete(world.Admin(), Tenant("acme"), {}));
    EXPECT_EQ(error.code, ErrorCode::kConflict);
    EXPECT_THAT(error.message, HasSubstr(what));
  };
  model::FlagFields fields = World::Boolean("f", "production");
  fields.tenant_id = "acme";
  world.CreateFlag(fields);
  refused("flags in the environment production");
  Must(world.app->flags().Delete(world.Admin(), Env("production"), Flag("f"), {}));

  world.CreateFlag("shared");
  Must(
      world.app->overrides().Set(world.Admin(), Env("development"), Flag("shared"), Tenant("acme"), {.enabled = true}));
  refused("overrides in the environment development");
  Must(world.app->overrides().Unset(world.Admin(), Env("development"), Flag("shared"), Tenant("acme")));

  const auto key = Must(
      world.app->keys().Create(world.Admin(), {.key_id = {}, .kind = model::KeyKind::kAdmin, .tenant_id = "acme"}));
  refused("API keys");
  Must(world.app->keys().Revoke(world.Admin(), Must(model::KeyId::Parse(key.entity.key->key_id))));
  Must(tenants.Delete(world.Admin(), Tenant("acme"), {}));
}

TEST_F(Tenants, AreListedByPages) {
  world.clock.Advance(std::chrono::milliseconds{1});
  Must(tenants.Create(world.Admin(), {.tenant_id = "newer"}));
  const auto first = Must(tenants.List(world.Admin(), {.limit = 1, .cursor = {}}));
  ASSERT_THAT(first.items, SizeIs(1));
  EXPECT_EQ(first.items[0]->tenant_id, "newer");
  EXPECT_EQ(Must(tenants.List(world.Admin(), {.limit = 1, .cursor = *first.next_cursor})).items[0]->tenant_id, "acme");
}

}  // namespace
}  // namespace guidon::app::testing
