// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "support.hpp"

namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Segments : public ::testing::Test {
 protected:
  World world;
  SegmentService& segments = world.app->segments();
  const model::Environment development = Env("development");

  static model::SegmentFields Fields(std::vector<std::string> included = {}) {
    return {.segment_key = "beta", .environment = "development", .included = std::move(included)};
  }
  void CreateFlagThatUsesIt() {
    model::FlagFields fields = World::Boolean("f");
    fields.default_enabled = false;
    model::ConditionGroup when{.kind = model::GroupKind::kAll, .children = {}};
    when.children.emplace_back(
        model::Condition{.attribute = "", .op = model::Operator::kInSegment, .values = {model::Value("beta")}});
    fields.targeting_rules.push_back({.id = "beta", .when = when, .serve = "on"});
    world.CreateFlag(fields);
  }
};

TEST_F(Segments, AreMadeChangedAndSeenByFlagsAtOnce) {
  const auto created = Must(segments.Create(world.Admin(), Fields()));
  EXPECT_EQ(created.entity->version, 1U);
  EXPECT_EQ(created.entity->updated_by, "admin");
  CreateFlagThatUsesIt();
  EXPECT_EQ(world.Evaluate("f"), "off");
  const auto replaced = Must(segments.Replace(world.Admin(), Fields({"user"}), Version(1)));
  EXPECT_EQ(replaced.entity->version, 2U);
  EXPECT_EQ(world.Evaluate("f"), "on");
  Must(segments.Patch(world.Admin(), development, Segment("beta"), Json(R"({"excluded":["user"]})"), Version(2)));
  EXPECT_EQ(world.Evaluate("f"), "off");
  EXPECT_THAT(Must(segments.Get(world.Admin(), development, Segment("beta")))->included, ElementsAre("user"));
  world.Restart();
  EXPECT_EQ(world.Evaluate("f"), "off");
}

TEST_F(Segments, RefuseWhatFlagsRefuse) {
  Must(segments.Create(world.Admin(), Fields()));
  EXPECT_EQ(MustFail(segments.Create(world.Admin(), Fields())).code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(MustFail(segments.Replace(world.Admin(), Fields(), {})).code, ErrorCode::kPreconditionRequired);
  EXPECT_EQ(MustFail(segments.Replace(world.Admin(), Fields(), Version(3))).current_version, 1U);
  EXPECT_EQ(MustFail(segments.Patch(world.Admin(), development, Segment("beta"), Json("[]"), Any())).code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(MustFail(segments.Patch(world.Admin(), development, Segment("no"), Json("{}"), Any())).code,
            ErrorCode::kNotFound);
  EXPECT_EQ(MustFail(segments.Get(world.Admin(), development, Segment("no"))).code, ErrorCode::kNotFound);
  EXPECT_EQ(MustFail(segments.Get(world.Admin(), Env("nowhere"), Segment("beta"))).field, "environment");
  auto elsewhere = Fields();
  elsewhere.environment = "nowhere";
  EXPECT_EQ(MustFail(segments.Create(world.Admin(), elsewhere)).field, "environment");
  EXPECT_THAT(world.Changes(), SizeIs(1));
}

TEST_F(Segments, CannotBeDeletedWhileFlagsUseThem) {
  Must(segments.Create(world.Admin(), Fields({"user"})));
  CreateFlagThatUsesIt();
  const base::Error error = MustFail(segments.Delete(world.Admin(), development, Segment("beta"), {}));
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, HasSubstr(": f."));
  EXPECT_EQ(world.Evaluate("f"), "on");
  Must(world.app->flags().Delete(world.Admin(), development, Flag("f"), {}));
  EXPECT_EQ(MustFail(segments.Delete(world.Admin(), development, Segment("beta"), Version(8))).current_version, 1U);
  Must(segments.Delete(world.Admin(), development, Segment("beta"), Version(1)));
  EXPECT_EQ(MustFail(segments.Delete(world.Admin(), development, Segment("beta"), {})).code, ErrorCode::kNotFound);
}

TEST_F(Segments, ADeletionOnAnotherNodeIsSeenBeforeAFlagIsSaved) {
  Must(segments.Create(world.Admin(), Fields()));
  const auto other = world.NewNode(world.memory);
  Must(other->segments().Delete(world.Admin(), development, Segment("beta"), {}));
  model::FlagFields fields = World::Boolean("f");
  model::ConditionGroup when{.kind = model::GroupKind::kAll, .children = {}};
  when.children.emplace_back(
      model::Condition{.attribute = "", .op = model::Operator::kInSegment, .values = {model::Value("beta")}});
  fields.targeting_rules.push_back({.id = "beta", .when = when, .serve = "on"});
  EXPECT_EQ(MustFail(world.app->flags().Create(world.Admin(), fields)).field, "targetingRules[0].when");
  EXPECT_THAT(world.Changes(), SizeIs(2));
}

TEST_F(Segments, AreListedByPages) {
  for (const char* key : {"a", "b", "c"}) {
    Must(segments.Create(world.Admin(), {.segment_key = key, .environment = "development"}));
    world.clock.Advance(std::chrono::milliseconds{1});
  }
  const auto first = Must(segments.List(world.Admin(), development, {.limit = 2, .cursor = {}}));
  ASSERT_THAT(first.items, SizeIs(2));
  EXPECT_EQ(first.items[0]->segment_key, "c");
  EXPECT_THAT(Must(segments.List(world.Admin(), development, {.limit = 2, .cursor = *first.next_cursor})).items,
              SizeIs(1));
}

}  // namespace
}  // namespace guidon::app::testing
