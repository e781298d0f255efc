// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/references.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/model/flag_references.hpp"

namespace guidon::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

model::ConditionGroup InSegments(std::vector<model::Value> segments) {
  model::ConditionGroup inner{.kind = model::GroupKind::kAny, .children = {}};
  inner.children.emplace_back(
      model::Condition{.attribute = "", .op = model::Operator::kInSegment, .values = std::move(segments)});
  model::ConditionGroup outer{.kind = model::GroupKind::kAll, .children = {}};
  outer.children.emplace_back(model::Condition{.attribute = "plan", .op = model::Operator::kIn, .values = {"pro"}});
  outer.children.emplace_back(std::move(inner));
  return outer;
}

model::FlagFields Fields(std::string key) {
  return {.flag_key = std::move(key), .environment = "development", .owner = "team"};
}

model::Flag Make(model::FlagFields fields) {
  auto flag = model::Flag::Create(std::move(fields));
  EXPECT_TRUE(flag.has_value()) << flag.error().field << " " << flag.error().message;
  return *std::move(flag);
}

model::Flag UsesSegments(std::string key, std::vector<model::Value> segments) {
  auto fields = Fields(std::move(key));
  fields.targeting_rules.push_back({.id = "r1", .when = InSegments(std::move(segments)), .serve = "on"});
  return Make(std::move(fields));
}

model::Flag Needs(std::string key, std::string prerequisite) {
  auto fields = Fields(std::move(key));
  fields.prerequisites.push_back({.flag_key = std::move(prerequisite), .variations = {"on"}});
  return Make(std::move(fields));
}

TEST(SegmentsOf, FindsThemInNestedGroupsOnceEach) {
  EXPECT_THAT(model::SegmentsOf(UsesSegments("f", {"b", "a", "b"})), ElementsAre("a", "b"));
  EXPECT_THAT(model::SegmentsOf(Make(Fields("f"))), IsEmpty());
}

TEST(References, KnowsWhoRefersToWhat) {
  References references;
  references.Apply({.sequence = 1, .flags = {Needs("a", "base"), Needs("b", "base"), UsesSegments("c", {"beta"})}});
  EXPECT_THAT(references.DependentsOf("base"), ElementsAre("a", "b"));
  EXPECT_THAT(references.DependentsOf("a"), IsEmpty());
  EXPECT_THAT(references.UsersOfSegment("beta"), ElementsAre("c"));
  EXPECT_THAT(references.UsersOfSegment("base"), IsEmpty());
}

TEST(References, ForgetsWhatIsReplacedOrRemoved) {
  References references;
  references.Apply({.sequence = 1, .flags = {Needs("a", "base"), Needs("b", "base")}});
  references.Apply({.sequence = 2, .flags = {Make(Fields("a"))}, .removed_flags = {"b"}});
  EXPECT_THAT(references.DependentsOf("base"), IsEmpty());
}

TEST(References, KnowsWhoseAFlagIs) {
  auto fields = Fields("mine");
  fields.tenant_id = "acme";
  References references;
  references.Apply({.sequence = 1, .flags = {Make(std::move(fields)), Make(Fields("shared"))}});
  EXPECT_EQ(references.TenantOf("mine"), "acme");
  EXPECT_EQ(references.TenantOf("shared"), std::nullopt);
  EXPECT_EQ(references.TenantOf("unknown"), std::nullopt);
}

TEST(References, ABrokenFlagKeepsWhatItsLastGoodDefinitionRefersTo) {
  References references;
  references.Load({.environment = "development", .flags = {Needs("a", "base")}});
  references.Load({.environment = "development", .broken_flags = {{.flag_key = "a", .error = {}}}});
  EXPECT_THAT(references.DependentsOf("base"), ElementsAre("a"));
  references.Load({.environment = "development"});
  EXPECT_THAT(references.DependentsOf("base"), IsEmpty());
}

TEST(References, KnowsSegments) {
  References references;
  references.Apply(
      {.sequence = 1, .segments = {*model::Segment::Create({.segment_key = "beta", .environment = "development"})}});
  EXPECT_TRUE(references.HasSegment("beta"));
  references.Apply({.sequence = 2, .removed_segments = {"beta"}});
  EXPECT_FALSE(references.HasSegment("beta"));
}

}  // namespace
}  // namespace guidon::app
