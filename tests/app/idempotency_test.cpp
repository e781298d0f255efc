// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "support.hpp"

namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Idempotency : public ::testing::Test {
 protected:
  World world;
  FlagService& flags = world.app->flags();
  const model::Environment development = Env("development");
};

TEST_F(Idempotency, ARepeatedRequestGetsTheSameAnswerAndChangesNothing) {
  const RequestInfo request = world.WithKey("k1", "body");
  const auto first = Must(flags.Create(request, World::Boolean("f")));
  Must(flags.Patch(world.Admin(), development, Flag("f"), Json(R"({"description":"later"})"), Any()));
  world.clock.Advance(std::chrono::hours{1});
  const auto second = Must(flags.Create(request, World::Boolean("f")));
  EXPECT_FALSE(first.replayed);
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.entity, first.entity) << "as it was then, not as it is now";
  EXPECT_EQ(second.sequence, first.sequence);
  EXPECT_THAT(world.Changes(), SizeIs(2));
  world.Restart();
  EXPECT_TRUE(Must(world.app->flags().Create(request, World::Boolean("f"))).replayed);
}

TEST_F(Idempotency, TheSameKeyForAnotherRequestIsRefused) {
  const auto refused = [](const auto& result) {
    const base::Error error = MustFail(result);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(error.field, "Idempotency-Key");
    EXPECT_THAT(error.message, HasSubstr("another request"));
  };
  Must(flags.Create(world.WithKey("k1", "body"), World::Boolean("f")));
  refused(flags.Create(world.WithKey("k1", "other body"), World::Boolean("f")));
  refused(flags.Create(world.WithKey("k1", "body"), World::Boolean("g")));
  refused(flags.Delete(world.WithKey("k1", "body"), development, Flag("f"), {}));
  EXPECT_EQ(world.Evaluate("f"), "on");
}

TEST_F(Idempotency, KeysOfDifferentCredentialsNeverMeet) {
  Must(flags.Create(world.WithKey("k1"), World::Boolean("f")));
  RequestInfo other = world.WithKey("k1");
  other.principal.id = "somebody-else";
  EXPECT_FALSE(Must(flags.Create(other, World::Boolean("g"))).replayed);
}

TEST_F(Idempotency, AreForgottenAfterADay) {
  Must(flags.Create(world.WithKey("k1"), World::Boolean("f")));
  world.clock.Advance(std::chrono::hours{24} + std::chrono::seconds{2});
  EXPECT_EQ(MustFail(flags.Create(world.WithKey("k1"), World::Boolean("f"))).code, ErrorCode::kAlreadyExists);
  EXPECT_FALSE(Must(flags.Create(world.WithKey("k1"), World::Boolean("g"))).replayed);
}

TEST_F(Idempotency, AKeyHasAFormAndALimit) {
  for (const std::string& bad :
       {std::string(256, 'k'), std::string("tab\there"), std::string("\x7f"), std::string("ä")})
    EXPECT_EQ(MustFail(flags.Create(world.WithKey(bad), World::Boolean("f"))).field, "Idempotency-Key");
  Must(flags.Create(world.WithKey(std::string(255, '~')), World::Boolean("f")));
}

TEST_F(Idempotency, WorksForEveryChange) {
  auto key = [&, n = 0]() mutable { return world.WithKey("k" + std::to_string(++n)); };
  const auto twice = [](auto change) {
    const auto first = change();
    const auto second = change();
    ASSERT_TRUE(first && second) << (first ? "" : first.error().message) << (second ? "" : second.error().message);
    EXPECT_FALSE(first->replayed);
    EXPECT_TRUE(second->replayed);
    EXPECT_EQ(first->sequence, second->sequence);
  };
  auto& app = *world.app;
  RequestInfo request = key();
  twice([&] { return flags.Create(request, World::Boolean("f")); });
  request = key();
  twice([&] { return flags.Replace(request, World::Boolean("f"), Version(1)); });
  request = key();
  twice([&] { return flags.Patch(request, development, Flag("f"), Json(R"({"description":"d"})"), Version(2)); });
  request = key();
  twice([&] { return flags.Copy(request, development, Flag("f"), development, Flag("g")); });
  request = key();
  twice([&] { return flags.Archive(request, development, Flag("g"), Version(1)); });
  request = key();
  twice([&] { return app.overrides().Set(request, development, Flag("f"), Tenant("a"), {.enabled = true}); });
  request = key();
  twice([&] { return app.overrides().Unset(request, development, Flag("f"), Tenant("a")); });
  request = key();
  const std::vector<BulkOverride> bulk = {{.tenant = Tenant("b"), .choice = {.enabled = true}}};
  twice([&] { return app.overrides().SetMany(request, development, Flag("f"), bulk); });
  EXPECT_EQ(Must(app.overrides().SetMany(request, development, Flag("f"), bulk)).applied, 1U);
  request = key();
  twice([&] { return app.kill_switches().Engage(request, development, Scope("global"), "x"); });
  request = key();
  twice([&] { return app.kill_switches().Release(request, development, Scope("global"), "y"); });
  request = key();
  twice([&] { return app.segments().Create(request, {.segment_key = "s", .environment = "development"}); });
  request = key();
  twice(
      [&] { return app.segments().Replace(request, {.segment_key = "s", .environment = "development"}, Version(1)); });
  request = key();
  twice([&] { return app.segments().Delete(request, development, Segment("s"), Version(2)); });
  request = key();
  twice([&] { return app.tenants().Create(request, {.tenant_id = "t"}); });
  request = key();
  twice([&] { return app.tenants().Patch(request, Tenant("t"), Json(R"({"plan":"p"})"), Version(1)); });
  request = key();
  twice([&] { return app.tenants().Delete(request, Tenant("t"), Version(2)); });
  request = key();
  twice([&] { return flags.Delete(request, development, Flag("f"), Version(3)); });
}

TEST_F(Idempotency, AResultTooLargeToKeepIsReadAgain) {
  model::FlagFields fields = World::Boolean("large");
  fields.type = model::FlagType::kString;
  for (const char* name : {"a", "b", "c", "d", "e"}) fields.variations[name] = std::string(60'000, *name);
  fields.default_variation = "a";
  fields.off_variation = "b";
  const auto first = Must(flags.Create(world.WithKey("k"), fields));
  const auto second = Must(flags.Create(world.WithKey("k"), fields));
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.entity, first.entity);
}

TEST_F(Idempotency, AFailedRequestIsNotRemembered) {
  EXPECT_EQ(MustFail(flags.Delete(world.WithKey("k"), development, Flag("f"), {})).code, ErrorCode::kNotFound);
  world.CreateFlag("f");
  EXPECT_FALSE(Must(flags.Delete(world.WithKey("k"), development, Flag("f"), {})).replayed);
}

TEST_F(Idempotency, ALostAnswerIsFoundAgain) {
  bool once = true;
  world.table.AfterTransact([&](auto) -> std::optional<base::Result<store::TransactionResult>> {
    if (!std::exchange(once, false)) return std::nullopt;
    return base::Result<store::TransactionResult>(base::Fail(ErrorCode::kUnavailable, "The answer was lost."));
  });
  // The store has done it and could not say so: the idempotency record tells.
  const auto outcome = Must(flags.Create(world.WithKey("k"), World::Boolean("f")));
  EXPECT_TRUE(outcome.replayed);
  EXPECT_EQ(outcome.sequence, 1U);
  EXPECT_THAT(world.Changes(), SizeIs(1));

  once = true;
  EXPECT_EQ(MustFail(flags.Create(world.Admin(), World::Boolean("g"))).code, ErrorCode::kUnavailable);
  // The next change notices that the head has moved, and brings the snapshot up to date.
  world.CreateFlag("h");
  EXPECT_EQ(world.Evaluate("f"), "on");
  EXPECT_EQ(world.Evaluate("g"), "on");
  EXPECT_EQ(world.Snapshot()->sequence(), 3U);
}

}  // namespace
}  // namespace guidon::app::testing
