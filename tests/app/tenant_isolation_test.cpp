// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "support.hpp"

// Whatever a tenant's administrator asks about somebody else's thing, the answer is the one for a thing that does not
// exist (spec 6, "Tenant isolation").
namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TenantIsolation : public ::testing::Test {
 protected:
  // "acme" asks; "theirs" is globex's, "shared" is everybody's, "none" does not exist.
  TenantIsolation() {
    CreateOwned("mine", "acme");
    CreateOwned("theirs", "globex");
    world.CreateFlag("shared");
    for (const char* flag : {"mine", "theirs", "shared"}) {
      for (const char* tenant : {"acme", "globex"})
        Must(world.app->overrides().Set(world.Admin(), development, Flag(flag), Tenant(tenant), {.enabled = true}));
    }
    for (const char* tenant : {"acme", "globex"})
      Must(world.app->tenants().Create(world.Admin(), {.tenant_id = tenant}));
    Must(world.app->segments().Create(world.Admin(), {.segment_key = "theirs", .environment = "development"}));
    for (const char* scope : {"global", "owner:team-a", "tenant:globex", "flag:theirs", "flag:shared"})
      Must(world.app->kill_switches().Engage(world.Admin(), development, Scope(scope), "theirs"));
    their_key = Must(world.app->keys().Create(world.Admin(),
                                              {.key_id = {}, .kind = model::KeyKind::kAdmin, .tenant_id = "globex"}))
                    .entity.key->key_id;
  }

  void CreateOwned(std::string_view key, std::string_view tenant) {
    model::FlagFields fields = World::Boolean(key);
    fields.tenant_id = std::string(tenant);
    world.CreateFlag(fields);
  }

  // The same code, message, field and version, apart from the name that was asked for.
  template <class Ask>
  void ExpectAsIfAbsent(std::string_view what, Ask ask, std::string_view existing, std::string_view absent = "none") {
    SCOPED_TRACE(std::string(what) + " of " + std::string(existing));
    const std::size_t changes = world.Changes().size() + world.Changes("_system").size();
    base::Error found = MustFail(ask(existing));
    const base::Error missing = MustFail(ask(absent));
    for (std::size_t at = found.message.find(existing); at != std::string::npos; at = found.message.find(existing))
      found.message.replace(at, existing.size(), absent);
    EXPECT_EQ(found, missing);
    EXPECT_EQ(missing.code, ErrorCode::kNotFound);
    EXPECT_EQ(world.Changes().size() + world.Changes("_system").size(), changes) << "and nothing was changed";
  }

  World world;
  const model::Environment development = Env("development");
  const RequestInfo acme = world.AdminOf("acme");
  std::string their_key;
};

TEST_F(TenantIsolation, FlagsOfOthersDoNotExist) {
  auto& flags = world.app->flags();
  for (const std::string_view other : {"theirs", "shared"}) {
    ExpectAsIfAbsent("get", [&](auto key) { return flags.Get(acme, development, Flag(key)); }, other);
    ExpectAsIfAbsent("replace", [&](auto key) { return flags.Replace(acme, World::Boolean(key), Any()); }, other);
    ExpectAsIfAbsent("replace", [&](auto key) { return flags.Replace(acme, World::Boolean(key), Version(7)); }, other);
    ExpectAsIfAbsent(
        "patch", [&](auto key) { return flags.Patch(acme, development, Flag(key), Json("{}"), Any()); }, other);
    ExpectAsIfAbsent("archive", [&](auto key) { return flags.Archive(acme, development, Flag(key), {}); }, other);
    ExpectAsIfAbsent("delete", [&](auto key) { return flags.Delete(acme, development, Flag(key), {}); }, other);
    ExpectAsIfAbsent("delete", [&](auto key) { return flags.Delete(acme, development, Flag(key), Version(7)); }, other);
    ExpectAsIfAbsent(
        "copy", [&](auto key) { return flags.Copy(acme, development, Flag(key), development, Flag("copied")); }, other);
  }
  EXPECT_EQ(Must(flags.Get(acme, development, Flag("mine")))->flag_key, "mine");
}

TEST_F(TenantIsolation, ListsHoldTheTenantsOwn) {
  const auto flags = Must(world.app->flags().List(acme, development, {}, {})).items;
  ASSERT_THAT(flags, SizeIs(1));
  EXPECT_EQ(flags[0]->flag_key, "mine");
  EXPECT_THAT(Must(world.app->flags().List(acme, development, {.tenant_id = "globex"}, {})).items, IsEmpty());
  EXPECT_THAT(Must(world.app->flags().List(acme, development, {.owner = "team-a"}, {})).items, SizeIs(1));
  const auto overrides = Must(world.app->overrides().List(acme, development, Flag("mine"), {})).items;
  ASSERT_THAT(overrides, SizeIs(1));
  EXPECT_EQ(overrides[0]->tenant_id, "acme");
  EXPECT_THAT(Must(world.app->overrides().ListOfTenant(acme, development, Tenant("globex"), {})).items, IsEmpty());
  EXPECT_THAT(Must(world.app->overrides().ListOfTenant(acme, development, Tenant("acme"), {})).items, SizeIs(3));
  const auto tenants = Must(world.app->tenants().List(acme, {})).items;
  ASSERT_THAT(tenants, SizeIs(1));
  EXPECT_EQ(tenants[0]->tenant_id, "acme");
  EXPECT_THAT(Must(world.app->keys().List(acme, {})).items, IsEmpty());
  EXPECT_THAT(Must(world.app->segments().List(acme, development, {})).items, IsEmpty());
  EXPECT_THAT(Must(world.app->kill_switches().List(acme, development)), IsEmpty());
  Must(world.app->kill_switches().Engage(acme, development, Scope("flag:mine"), "own"));
  Must(world.app->kill_switches().Engage(acme, development, Scope("tenant:acme"), "own"));
  EXPECT_THAT(Must(world.app->kill_switches().List(acme, development)), SizeIs(2));
  EXPECT_THAT(Must(world.app->kill_switches().List(world.Admin(), development)), SizeIs(7));
}

TEST_F(TenantIsolation, OverridesOfOthersDoNotExist) {
  auto& overrides = world.app->overrides();
  const OverrideChoice on{.enabled = true};
  for (const std::string_view other : {"theirs", "shared"}) {
    const auto mine = Tenant("acme");
    ExpectAsIfAbsent("list", [&](auto key) { return overrides.List(acme, development, Flag(key), {}); }, other);
    ExpectAsIfAbsent("get", [&](auto key) { return overrides.Get(acme, development, Flag(key), mine); }, other);
    ExpectAsIfAbsent("set", [&](auto key) { return overrides.Set(acme, development, Flag(key), mine, on); }, other);
    ExpectAsIfAbsent("unset", [&](auto key) { return overrides.Unset(acme, development, Flag(key), mine); }, other);
    ExpectAsIfAbsent(
        "bulk",
        [&](auto key) {
          return overrides.SetMany(acme, development, Flag(key), {{.tenant = mine, .choice = {.enabled = true}}});
        },
        other);
  }
  ExpectAsIfAbsent(
      "get", [&](auto tenant) { return overrides.Get(acme, development, Flag("mine"), Tenant(tenant)); }, "globex");
  ExpectAsIfAbsent(
      "set", [&](auto tenant) { return overrides.Set(acme, development, Flag("mine"), Tenant(tenant), on); }, "globex");
  ExpectAsIfAbsent(
      "unset", [&](auto tenant) { return overrides.Unset(acme, development, Flag("mine"), Tenant(tenant)); }, "globex");
  EXPECT_EQ(MustFail(overrides.SetMany(acme, development, Flag("mine"),
                                       {{.tenant = Tenant("globex"), .choice = {.enabled = true}}}))
                .code,
            ErrorCode::kPermissionDenied);
}

TEST_F(TenantIsolation, KillSwitchesOfOthersDoNotExist) {
  auto& switches = world.app->kill_switches();
  for (const std::string_view other : {"flag:theirs", "flag:shared"}) {
    ExpectAsIfAbsent(
        "release", [&](auto scope) { return switches.Release(acme, development, Scope(scope), ""); }, other,
        "flag:none");
  }
  for (const std::string_view other : {"theirs", "shared"}) {
    ExpectAsIfAbsent(
        "engage", [&](auto key) { return switches.Engage(acme, development, Scope("flag:" + std::string(key)), "x"); },
        other);
  }
  ExpectAsIfAbsent(
      "engage",
      [&](auto tenant) { return switches.Engage(acme, development, Scope("tenant:" + std::string(tenant)), "x"); },
      "globex");
  ExpectAsIfAbsent(
      "release", [&](auto scope) { return switches.Release(acme, development, Scope(scope), ""); }, "tenant:globex",
      "tenant:none");
  for (const char* scope : {"global", "owner:team-a", "owner:nobody"}) {
    EXPECT_EQ(MustFail(switches.Engage(acme, development, Scope(scope), "x")).code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(MustFail(switches.Release(acme, development, Scope(scope), "x")).code, ErrorCode::kPermissionDenied);
  }
}

TEST_F(TenantIsolation, TenantsKeysAndSegmentsOfOthersDoNotExist) {
  auto& tenants = world.app->tenants();
  ExpectAsIfAbsent("get", [&](auto id) { return tenants.Get(acme, Tenant(id)); }, "globex");
  ExpectAsIfAbsent(
      "replace", [&](auto id) { return tenants.Replace(acme, {.tenant_id = std::string(id)}, Any()); }, "globex");
  ExpectAsIfAbsent("patch", [&](auto id) { return tenants.Patch(acme, Tenant(id), Json("{}"), Any()); }, "globex");
  for (const char* id : {"globex", "none", "acme"}) {
    EXPECT_EQ(MustFail(tenants.Create(acme, {.tenant_id = id})).code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(MustFail(tenants.Delete(acme, Tenant(id), {})).code, ErrorCode::kPermissionDenied);
  }
  Must(tenants.Patch(acme, Tenant("acme"), Json(R"({"name":"ACME"})"), Any()));

  auto& keys = world.app->keys();
  const auto id_of = [](std::string_view id) { return Must(model::KeyId::Parse(id)); };
  const std::string_view unknown = "unknown0unknown0";
  ExpectAsIfAbsent("get", [&](auto id) { return keys.Get(acme, id_of(id)); }, their_key, unknown);
  ExpectAsIfAbsent("rotate", [&](auto id) { return keys.Rotate(acme, id_of(id), {}); }, their_key, unknown);
  ExpectAsIfAbsent("revoke", [&](auto id) { return keys.Revoke(acme, id_of(id)); }, their_key, unknown);

  auto& segments = world.app->segments();
  ExpectAsIfAbsent("get", [&](auto key) { return segments.Get(acme, development, Segment(key)); }, "theirs");
  ExpectAsIfAbsent(
      "patch", [&](auto key) { return segments.Patch(acme, development, Segment(key), Json("{}"), Any()); }, "theirs");
  ExpectAsIfAbsent("delete", [&](auto key) { return segments.Delete(acme, development, Segment(key), {}); }, "theirs");
  ExpectAsIfAbsent("whole", [&](auto key) { return segments.GetWhole(acme, development, Segment(key)); }, "theirs");
  ExpectAsIfAbsent(
      "keys",
      [&](auto key) {
        return segments.ListKeys(acme, development, Segment(key), store::SegmentList::kIncluded, "", {});
      },
      "theirs");
  ExpectAsIfAbsent(
      "edit",
      [&](auto key) { return segments.EditKeys(acme, development, Segment(key), {.add_included = {"u"}}, Any()); },
      "theirs");
  ExpectAsIfAbsent(
      "upload",
      [&](auto key) {
        return segments.UploadKeys(acme, development, Segment(key), {.included = std::vector<std::string>{}}, Any());
      },
      "theirs");
  for (const char* key : {"theirs", "none"})
    EXPECT_EQ(MustFail(segments.Create(acme, {.segment_key = key, .environment = "development"})).code,
              ErrorCode::kPermissionDenied);
}

TEST_F(TenantIsolation, WhatIsMadeBelongsToTheTenant) {
  EXPECT_EQ(Must(world.app->flags().Create(acme, World::Boolean("made"))).entity->tenant_id, "acme");
  model::FlagFields fields = World::Boolean("other");
  fields.tenant_id = "globex";
  EXPECT_EQ(MustFail(world.app->flags().Create(acme, fields)).code, ErrorCode::kPermissionDenied);
  fields = World::Boolean("made");
  EXPECT_EQ(Must(world.app->flags().Replace(acme, fields, Any())).entity->tenant_id, "acme");
  EXPECT_EQ(
      MustFail(world.app->flags().Patch(acme, development, Flag("made"), Json(R"({"tenantId":"globex"})"), Any())).code,
      ErrorCode::kPermissionDenied);
  EXPECT_EQ(Must(world.app->flags().Patch(acme, development, Flag("made"), Json(R"({"tenantId":null})"), Any()))
                .entity->tenant_id,
            "acme");
}

TEST_F(TenantIsolation, APrerequisiteMayBeSharedButNotAnothers) {
  const auto with = [&](std::string_view prerequisite) {
    model::FlagFields fields = World::Boolean("child-of-" + std::string(prerequisite));
    fields.prerequisites = {{.flag_key = std::string(prerequisite), .variations = {"on"}}};
    return world.app->flags().Create(acme, fields);
  };
  Must(with("shared"));
  Must(with("mine"));
  ExpectAsIfAbsent(
      "prerequisite",
      [&](auto key) -> base::Result<Changed<model::Flag>> {
        auto result = with(key);
        // It is an invalid reference rather than a missing page; all else must be the same.
        if (!result && result.error().code == ErrorCode::kInvalidArgument) result.error().code = ErrorCode::kNotFound;
        return result;
      },
      "theirs");
}

TEST_F(TenantIsolation, AReplayIsForTheCredentialThatSentIt) {
  RequestInfo theirs = world.AdminOf("globex");
  theirs.idempotency_key = "same";
  Must(world.app->flags().Create(theirs, World::Boolean("made-by-globex")));
  RequestInfo mine = acme;
  mine.idempotency_key = "same";
  const auto created = Must(world.app->flags().Create(mine, World::Boolean("made-by-acme")));
  EXPECT_FALSE(created.replayed);
  EXPECT_EQ(created.entity->flag_key, "made-by-acme");
}

}  // namespace
}  // namespace guidon::app::testing
