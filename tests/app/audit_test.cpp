// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "support.hpp"

namespace guidon::app::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Audit : public ::testing::Test {
 protected:
  World world;
  AuditService& audit = world.app->audit();
  const model::Environment development = Env("development");

  store::AuditQuery Query(std::string scope = {}) const {
    return {.scope = std::move(scope), .from = base::Timestamp{}, .to = world.clock.Now() + std::chrono::hours{1}};
  }
  // Recent days only: without a resource, actor or tenant the day's partitions are read.
  store::AuditQuery Today(std::string scope = {}) const {
    auto query = Query(std::move(scope));
    query.from = world.clock.Now() - std::chrono::hours{1};
    return query;
  }
  std::vector<std::string> Actions(const RequestInfo& request, const store::AuditQuery& query) {
    std::vector<std::string> actions;
    for (const auto& entry : Must(audit.List(request, query, {.limit = 100, .cursor = {}})).items)
      actions.push_back(entry.action + " " + entry.resource);
    return actions;
  }
};

TEST_F(Audit, SaysWhoDidWhatWithTheStateBeforeAndAfter) {
  RequestInfo request = world.Admin();
  request.request_id = "the-request";
  request.address = "192.0.2.7";
  request.user_agent = "curl/8";
  Must(world.app->flags().Create(request, World::Boolean("f")));
  world.clock.Advance(std::chrono::seconds{1});
  const RequestInfo second = world.Admin();
  Must(world.app->flags().Patch(second, development, Flag("f"), Json(R"({"description":"new"})"), Version(1)));

  const auto entries = world.Audit("f");
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].action, "flag.create");
  EXPECT_EQ(entries[0].actor_id, "admin");
  EXPECT_EQ(entries[0].actor_kind, "admin");
  EXPECT_EQ(entries[0].request_id, "the-request");
  EXPECT_EQ(entries[0].address, "192.0.2.7");
  EXPECT_EQ(entries[0].user_agent, "curl/8");
  EXPECT_EQ(entries[0].scope, "development");
  EXPECT_EQ(entries[0].sequence, 1U);
  EXPECT_EQ(entries[0].before, "");
  EXPECT_EQ(Json(entries[0].after).AsObject()->Find("flagKey")->AsString() != nullptr, true);
  EXPECT_EQ(entries[1].action, "flag.patch");
  EXPECT_EQ(entries[1].before, entries[0].after);
  EXPECT_EQ(*Json(entries[1].after).AsObject()->Find("description")->AsString(), "new");
  EXPECT_EQ(entries[1].at, world.clock.Now());
  EXPECT_EQ(world.Changes()[1].action, "flag.patch");
  EXPECT_EQ(world.Changes()[1].request_id, second.request_id);
}

TEST_F(Audit, EveryKindOfChangeHasOneEntryForEachChangeLogEntry) {
  world.CreateFlag("f");
  Must(world.app->overrides().Set(world.Admin(), development, Flag("f"), Tenant("a"), {.enabled = true}));
  Must(world.app->overrides().SetMany(world.Admin(), development, Flag("f"),
                                      {{.tenant = Tenant("b"), .choice = {.enabled = false}}}));
  Must(world.app->overrides().Unset(world.Admin(), development, Flag("f"), Tenant("a")));
  Must(world.app->kill_switches().Engage(world.Admin(), development, Scope("global"), "x"));
  Must(world.app->segments().Create(world.Admin(), {.segment_key = "s", .environment = "development"}));
  Must(world.app->flags().Archive(world.Admin(), development, Flag("f"), {}));
  Must(world.app->flags().Delete(world.Admin(), development, Flag("f"), {}));
  const auto changes = world.Changes();
  ASSERT_THAT(changes, SizeIs(8));
  for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_EQ(changes[i].sequence, i + 1);
  EXPECT_THAT(Actions(world.Admin(), Today("development")),
              ::testing::UnorderedElementsAre("flag.create f", "override.set f", "override.bulk f", "override.unset f",
                                              "kill.engage kill:global", "segment.create segment:s", "flag.archive f",
                                              "flag.delete f"));
}

TEST_F(Audit, ARequestIdThatRepeatsItselfWritesOverNothing) {
  RequestInfo request = world.Admin();
  request.request_id = "same";
  for (const char* key : {"a", "b", "c"}) Must(world.app->flags().Create(request, World::Boolean(key)));
  Must(world.app->flags().Create(request, World::Boolean("a", "production")));
  EXPECT_THAT(Actions(world.Admin(), Today("development")), SizeIs(3));
  EXPECT_THAT(Actions(world.Admin(), Today("production")), SizeIs(1));
  for (int i = 0; i < 3; ++i) audit.RecordRefusal(request, "development", "GET /x", "no");
  Must(audit.FlushRefusals());
  EXPECT_THAT(Actions(world.Admin(), Today("development")), SizeIs(6));
}

TEST_F(Audit, IsFoundByResourceActorTenantAndDay) {
  model::FlagFields fields = World::Boolean("mine");
  fields.tenant_id = "acme";
  world.CreateFlag(fields);
  world.CreateFlag("shared");
  Must(world.app->flags().Create(world.AdminOf("globex"), World::Boolean("theirs")));
  auto query = Query("development");
  query.resource = "shared";
  EXPECT_THAT(Actions(world.Admin(), query), ElementsAre("flag.create shared"));
  query = Query();
  query.actor = "admin-of-globex";
  EXPECT_THAT(Actions(world.Admin(), query), ElementsAre("flag.create theirs"));
  query = Query();
  query.tenant_id = "acme";
  EXPECT_THAT(Actions(world.Admin(), query), ElementsAre("flag.create mine"));
  EXPECT_THAT(Actions(world.Admin(), Today()), SizeIs(3));
  query = Query();
  query.resource = "shared";
  EXPECT_EQ(MustFail(audit.List(world.Admin(), query, {})).field, "environment");
}

TEST_F(Audit, ABoundPrincipalSeesItsOwnOnly) {
  model::FlagFields fields = World::Boolean("mine");
  fields.tenant_id = "acme";
  world.CreateFlag(fields);
  world.CreateFlag("shared");
  world.CreateFlag(World::Boolean("shared", "production"));
  EXPECT_THAT(Actions(world.AdminOf("acme"), Query()), ElementsAre("flag.create mine"));
  auto query = Query("development");
  query.resource = "shared";
  EXPECT_THAT(Actions(world.AdminOf("acme"), query), IsEmpty());
  query = Query();
  query.tenant_id = "globex";
  EXPECT_THAT(Actions(world.AdminOf("acme"), query), IsEmpty());

  RequestInfo of_production = world.Admin();
  of_production.principal.environment = "production";
  EXPECT_THAT(Actions(of_production, Today()), ElementsAre("flag.create shared"));
  EXPECT_THAT(Actions(of_production, Today("development")), IsEmpty());
}

TEST_F(Audit, RefusalsAreWrittenInTheBackground) {
  RequestInfo request;
  request.request_id = "r";
  request.address = "198.51.100.9";
  audit.RecordRefusal(request, "", "GET /api/v1/keys", "A valid API key is required.");
  EXPECT_THAT(Actions(world.Admin(), Today("_system")), IsEmpty());
  Must(world.app->FlushBackgroundWrites());
  const auto entries = Must(audit.List(world.Admin(), Today("_system"), {})).items;
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].action, "access.refused");
  EXPECT_EQ(entries[0].actor_kind, "anonymous");
  EXPECT_EQ(entries[0].address, "198.51.100.9");
  EXPECT_EQ(entries[0].resource, "GET /api/v1/keys");
  EXPECT_EQ(entries[0].sequence, 0U);
  EXPECT_THAT(entries[0].after, HasSubstr("A valid API key is required."));
  EXPECT_THAT(world.Changes("_system"), IsEmpty());
}

TEST_F(Audit, TheQueueOfRefusalsIsBoundedAndCounts) {
  for (std::size_t i = 0; i < kRefusalsQueuedMax + 5; ++i) {
    RequestInfo request;
    request.request_id = "r" + std::to_string(i);
    audit.RecordRefusal(request, "development", "x", "no");
  }
  EXPECT_EQ(audit.dropped_refusals(), 5U);
  Must(audit.FlushRefusals());
  std::size_t written = 0;
  store::PageRequest page{.limit = 1000, .cursor = {}};
  while (true) {
    const auto found = Must(audit.List(world.Admin(), Today("development"), page));
    written += found.items.size();
    if (!found.next_cursor) break;
    page.cursor = *found.next_cursor;
  }
  EXPECT_EQ(written, kRefusalsQueuedMax);
}

TEST_F(Audit, StatesThatAreTooLargeDoNotKeepAFlagFromBeingChanged) {
  model::FlagFields fields = World::Boolean("large");
  fields.type = model::FlagType::kString;
  for (const char* name : {"a", "b", "c", "d"}) fields.variations[name] = std::string(60'000, *name);
  fields.default_variation = "a";
  fields.off_variation = "b";
  world.CreateFlag(fields);
  Must(world.app->flags().Patch(world.Admin(), development, Flag("large"), Json(R"({"description":"d"})"), Any()));
  const auto entries = world.Audit("large");
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_THAT(entries[1].after, SizeIs(::testing::Gt(240'000U)));
  EXPECT_THAT(entries[1].before, HasSubstr("leftOut"));
  EXPECT_EQ(world.GetFlag("large")->version, 2U);
}

}  // namespace
}  // namespace guidon::app::testing
