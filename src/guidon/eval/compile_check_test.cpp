// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/compile_check.hpp"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "guidon/eval/test_support.hpp"

namespace guidon::eval {
namespace {

model::ConditionGroup Matching(std::string pattern) {
  return testing::All({testing::Where("mail", model::Operator::kMatches, {std::move(pattern)})});
}

model::Flag FlagMatching(std::string pattern) {
  model::FlagFields fields = testing::Fields("f");
  fields.targeting_rules = {testing::ServeWhen("r", Matching(std::move(pattern)), "on")};
  return testing::MakeFlag(std::move(fields));
}

model::Segment SegmentMatching(std::string pattern) {
  return testing::MakeSegment("s", {}, {}, Matching(std::move(pattern)));
}

TEST(CompileCheck, AcceptsWhatCompiles) {
  EXPECT_TRUE(CheckCompiles(FlagMatching("^a+@example[.]com$")));
  EXPECT_TRUE(CheckCompiles(SegmentMatching("^a+$")));
}

TEST(CompileCheck, NamesThePlaceOfWhatDoesNot) {
  const auto flag = CheckCompiles(FlagMatching("("));
  ASSERT_FALSE(flag);
  EXPECT_EQ(flag.error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(flag.error().field, "targetingRules[0].when.all[0].values[0]");
  const auto segment = CheckCompiles(SegmentMatching("("));
  ASSERT_FALSE(segment);
  EXPECT_EQ(segment.error().field, "when.all[0].values[0]");
}

}  // namespace
}  // namespace guidon::eval
