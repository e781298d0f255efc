// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/flag.hpp"

#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "guidon/model/testing/generators.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;
using base::Timestamp;

FlagFields BooleanFlag() { return {.flag_key = "checkout", .environment = "prod", .owner = "payments"}; }

FlagFields ColourFlag() {
  FlagFields flag = BooleanFlag();
  flag.type = FlagType::kString;
  flag.variations = {{"red", "#f00"}, {"blue", "#00f"}};
  flag.default_variation = "red";
  flag.off_variation = "blue";
  return flag;
}

ConditionGroup OneCondition() {
  return {.kind = GroupKind::kAll,
          .children = {Condition{.attribute = "plan", .op = Operator::kIn, .values = {Value("gold")}}}};
}

Rule ColourRule() { return {.id = "r1", .when = OneCondition(), .serve = "red"}; }

Timestamp Millis(std::int64_t ms) { return Timestamp{std::chrono::milliseconds{ms}}; }

TEST(Percentage, KeepsThreeDecimals) {
  const std::vector<std::pair<double, std::int64_t>> cases = {
      {0, 0},           {-0.0, 0},        {100, 100'000},   {50, 50'000},     {12.345, 12'345}, {0.001, 1},
      {99.999, 99'999}, {33.333, 33'333}, {0.1 + 0.2, 300}, {1.1 * 3, 3'300}, {16.1, 16'100},   {8.2, 8'200}};
  for (const auto& [percent, thousandths] : cases) {
    const auto percentage = Percentage::Create(percent);
    ASSERT_TRUE(percentage) << percent;
    EXPECT_EQ(percentage->thousandths(), thousandths);
  }
}

TEST(Percentage, EveryStepSurvivesTheWayThroughADouble) {
  for (std::int64_t step = 0; step <= kPercentageMax; ++step) {
    const auto percentage = Percentage::Create(static_cast<double>(step) / 1000.0);
    ASSERT_TRUE(percentage) << step;
    ASSERT_EQ(percentage->thousandths(), step);
    ASSERT_EQ(Percentage::Create(percentage->percent())->thousandths(), step);
  }
}

TEST(Percentage, RefusesWhatIsNone) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double bad : {std::nan(""), kInfinity, -kInfinity, -1.0, -0.001, 100.0001, 100.001, 101.0, 1e300, 12.3456,
                           0.0001, 0.0005, 99.9999, -1e300}) {
    const auto percentage = Percentage::Create(bad, "rolloutPercentage");
    ASSERT_FALSE(percentage) << bad;
    EXPECT_EQ(percentage.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(percentage.error().field, "rolloutPercentage");
  }
}

TEST(Flag, FillsInBooleanVariations) {
  const auto flag = Flag::Create(BooleanFlag());
  ASSERT_TRUE(flag) << flag.error().message;
  EXPECT_EQ((*flag)->variations, (std::map<std::string, Value>{{"on", true}, {"off", false}}));
  EXPECT_EQ((*flag)->default_variation, "on");
  EXPECT_EQ((*flag)->off_variation, "off");
  EXPECT_EQ((*flag)->version, 1);
  EXPECT_EQ((*flag)->state, FlagState::kEnabled);
}

TEST(Flag, KeepsGivenBooleanVariations) {
  FlagFields fields = BooleanFlag();
  fields.variations = {{"yes", true}, {"no", false}};
  fields.default_variation = "yes";
  fields.off_variation = "no";
  const auto flag = Flag::Create(fields);
  ASSERT_TRUE(flag) << flag.error().message;
  EXPECT_EQ(flag->fields(), fields);
  fields.off_variation = "";
  EXPECT_EQ(Flag::Create(fields).error().field, "offVariation");  // "off" is none of them
}

TEST(Flag, TakesValuesOfItsType) {
  const std::vector<std::pair<FlagType, Value>> cases = {{FlagType::kBoolean, true}, {FlagType::kString, "x"},
                                                         {FlagType::kString, ""},    {FlagType::kNumber, 1},
                                                         {FlagType::kNumber, 1.5},   {FlagType::kObject, Object{}}};
  const std::vector<Value> all = {Value(), true, "x", 1, 1.5, Object{}, List{}};
  for (const auto& [type, good] : cases) {
    FlagFields fields = BooleanFlag();
    fields.type = type;
    fields.default_variation = fields.off_variation = "v";
    fields.variations = {{"v", good}};
    EXPECT_TRUE(Flag::Create(fields)) << NameOf(type);
    for (const Value& other : all) {
      if (other.TypeName() == good.TypeName()) continue;
      fields.variations["w"] = other;
      const auto flag = Flag::Create(fields);
      ASSERT_FALSE(flag) << NameOf(type) << ' ' << other.TypeName();
      EXPECT_EQ(flag.error().field, "variations.w");
    }
  }
}

struct BadCase {
  std::string field;
  std::function<void(FlagFields&)> spoil;
  ErrorCode code = ErrorCode::kInvalidArgument;
};

// Each case spoils one thing of a good flag.
void ExpectRefused(const FlagFields& good, const std::vector<BadCase>& cases) {
  ASSERT_TRUE(Flag::Create(good));
  for (const auto& [field, spoil, code] : cases) {
    FlagFields fields = good;
    spoil(fields);
    const auto flag = Flag::Create(std::move(fields));
    ASSERT_FALSE(flag) << "accepted although " << field << " is wrong";
    EXPECT_EQ(flag.error().field, field) << flag.error().message;
    EXPECT_EQ(flag.error().code, code) << field;
    EXPECT_FALSE(flag.error().message.empty());
  }
}

TEST(Flag, RefusesWrongIdentity) {
  ExpectRefused(BooleanFlag(),
                {{"flagKey", [](auto& f) { f.flag_key = "a#b"; }},
                 {"flagKey", [](auto& f) { f.flag_key = ""; }},
                 {"environment", [](auto& f) { f.environment = "Prod"; }},
                 {"owner", [](auto& f) { f.owner = ""; }},
                 {"owner", [](auto& f) { f.owner = "a#b"; }},
                 {"tenantId", [](auto& f) { f.tenant_id = ""; }},
                 {"tenantId", [](auto& f) { f.tenant_id = "a b"; }},
                 {"description", [](auto& f) { f.description = "a\x01"; }},
                 {"description", [](auto& f) { f.description = "\xFF"; }},
                 {"description", [](auto& f) { f.description = std::string(4097, 'x'); }, ErrorCode::kTooLarge},
                 {"tags[1]", [](auto& f) { f.tags = {"a", ""}; }},
                 {"tags[1]", [](auto& f) { f.tags = {"a", "a"}; }},
                 {"tags[0]", [](auto& f) { f.tags = {"a\nb"}; }},
                 {"tags[0]", [](auto& f) { f.tags = {"\x80"}; }},
                 {"tags[0]", [](auto& f) { f.tags = {std::string(65, 'x')}; }, ErrorCode::kTooLarge},
                 {"tags", [](auto& f) { f.tags.assign(51, "x"); }, ErrorCode::kTooLarge},
                 {"type", [](auto& f) { f.type = static_cast<FlagType>(9); }},
                 {"state", [](auto& f) { f.state = static_cast<FlagState>(9); }},
                 {"version", [](auto& f) { f.version = std::uint64_t{1} << 63U; }},
                 {"updatedBy", [](auto& f) { f.updated_by = "a\n"; }},
                 {"createdAt", [](auto& f) { f.created_at = Millis(-1); }},
                 {"updatedAt", [](auto& f) { f.updated_at = Millis(253'402'300'800'000); }},
                 {"expiresAt", [](auto& f) { f.expires_at = Millis(-1); }},
                 {"tenantOverrides.a b", [](auto& f) { f.tenant_overrides = {{"a b", true}}; }}});
}

TEST(Flag, AcceptsLineEndsInDescriptions) {
  FlagFields fields = BooleanFlag();
  fields.description = "two\nlines\tof 日本語\r\n";
  EXPECT_TRUE(Flag::Create(fields));
}

TEST(Flag, RefusesWrongVariations) {
  Value deep(Object{});
  for (std::size_t i = 0; i < kVariationValueDepthMax; ++i) deep = Value(List{deep});
  Object object;
  object.Set("deep", deep);
  ExpectRefused(ColourFlag(), {{"variations", [](auto& f) { f.variations.clear(); }},
                               {"variations.blue", [](auto& f) { f.variations["blue"] = 1; }},
                               {"variations.a b", [](auto& f) { f.variations["a b"] = "x"; }},
                               {"variations.?", [](auto& f) { f.variations["\x01"] = "x"; }},
                               {"variations.blue", [](auto& f) { f.variations["blue"] = "\xFF"; }},
                               {"variations.blue", [](auto& f) { f.variations["blue"] = std::string(65'537, 'x'); },
                                ErrorCode::kTooLarge},
                               {"variations",
                                [](auto& f) {
                                  for (int i = 0; i < 101; ++i) f.variations["v" + std::to_string(i)] = "x";
                                },
                                ErrorCode::kTooLarge},
                               {"defaultVariation", [](auto& f) { f.default_variation = "green"; }},
                               {"defaultVariation", [](auto& f) { f.default_variation = ""; }},
                               {"offVariation", [](auto& f) { f.off_variation = "Blue"; }},
                               {"offVariation", [](auto& f) { f.off_variation = ""; }},
                               {"killVariation", [](auto& f) { f.kill_variation = "green"; }},
                               {"killVariation", [](auto& f) { f.kill_variation = ""; }}});

  FlagFields numbers = ColourFlag();
  numbers.type = FlagType::kNumber;
  numbers.variations = {{"red", 1}, {"blue", 2.5}};
  ExpectRefused(numbers, {{"variations.red", [](auto& f) { f.variations["red"] = std::nan(""); }},
                          {"variations.red", [](auto& f) { f.variations["red"] = 1e200; }}});

  FlagFields objects = ColourFlag();
  objects.type = FlagType::kObject;
  objects.variations = {{"red", Object{}}, {"blue", Object{}}};
  ExpectRefused(objects, {{"variations.red.deep" +
                               [] {
                                 std::string path;
                                 for (std::size_t i = 1; i < kVariationValueDepthMax; ++i) path += "[0]";
                                 return path;
                               }(),
                           [&](auto& f) { f.variations["red"] = object; }},
                          {"variations.red",
                           [](auto& f) {
                             Object large;
                             large.Set("a", std::string(40'000, 'x'));
                             large.Set("b", List{Value(std::string(30'000, 'x'))});
                             f.variations["red"] = large;
                           },
                           ErrorCode::kTooLarge}});
}

TEST(Flag, RefusesWrongBucketing) {
  ExpectRefused(BooleanFlag(),
                {{"rolloutSalt", [](auto& f) { f.rollout_salt = ""; }},
                 {"rolloutSalt", [](auto& f) { f.rollout_salt = "a\n"; }},
                 {"rolloutSalt", [](auto& f) { f.rollout_salt = std::string(129, 'x'); }, ErrorCode::kTooLarge},
                 {"bucketBy", [](auto& f) { f.bucket_by = ""; }},
                 {"bucketBy", [](auto& f) { f.bucket_by = ".a"; }},
                 {"bucketBy", [](auto& f) { f.bucket_by = "a."; }},
                 {"bucketBy", [](auto& f) { f.bucket_by = "a..b"; }},
                 {"bucketBy", [](auto& f) { f.bucket_by = "a\x7f"; }},
                 {"bucketBy", [](auto& f) { f.bucket_by = std::string(129, 'x'); }, ErrorCode::kTooLarge}});
  FlagFields fields = BooleanFlag();
  for (const char* good : {"tenantId", "targetingKey", "a.b.c", "国", "custom attribute"}) {
    fields.bucket_by = good;
    EXPECT_TRUE(Flag::Create(fields)) << good;
  }
}

TEST(Flag, RefusesWrongRules) {
  FlagFields good = ColourFlag();
  good.targeting_rules = {ColourRule(), ColourRule(), ColourRule()};
  good.targeting_rules[1].id = "r2";
  good.targeting_rules[2] = {.id = "r3",
                             .everyone = true,
                             .serve = Split{{.variation = "red", .weight = 1}, {.variation = "blue", .weight = 0}},
                             .starts_at = Millis(1),
                             .ends_at = Millis(2)};
  const auto split = [](FlagFields& f) -> Split& { return std::get<Split>(f.targeting_rules[2].serve); };
  ExpectRefused(
      good,
      {{"targetingRules[1].id", [](auto& f) { f.targeting_rules[1].id = "r1"; }},
       {"targetingRules[1].id", [](auto& f) { f.targeting_rules[1].id = "a b"; }},
       {"targetingRules[1].id", [](auto& f) { f.targeting_rules[1].id = ""; }},
       {"targetingRules[1].id", [](auto& f) { f.targeting_rules[1].id = std::string(65, 'x'); }},
       {"targetingRules[0].description", [](auto& f) { f.targeting_rules[0].description = "\x02"; }},
       {"targetingRules[0].when", [](auto& f) { f.targeting_rules[0].everyone = true; }},
       {"targetingRules[0].when", [](auto& f) { f.targeting_rules[0].when.reset(); }},
       {"targetingRules[0].when.all", [](auto& f) { f.targeting_rules[0].when->children.clear(); }},
       {"targetingRules[2].when.all[0].values[1]",
        [](auto& f) {
          f.targeting_rules[2].everyone = false;
          f.targeting_rules[2].when = OneCondition();
          std::get<Condition>(f.targeting_rules[2].when->children[0]).values.emplace_back();
        }},
       {"targetingRules[0].variation", [](auto& f) { f.targeting_rules[0].serve = ""; }},
       {"targetingRules[0].variation", [](auto& f) { f.targeting_rules[0].serve = "green"; }},
       {"targetingRules[2].split", [&](auto& f) { split(f).clear(); }},
       {"targetingRules[2].split", [&](auto& f) { split(f)[0].weight = 0; }},
       {"targetingRules[2].split", [&](auto& f) { split(f)[0].weight = split(f)[1].weight = kSplitWeightTotalMax; }},
       {"targetingRules[2].split[1].weight", [&](auto& f) { split(f)[1].weight = -1; }},
       {"targetingRules[2].split[1].weight", [&](auto& f) { split(f)[1].weight = kSplitWeightTotalMax + 1; }},
       {"targetingRules[2].split[1].variation", [&](auto& f) { split(f)[1].variation = "red"; }},
       {"targetingRules[2].split[0].variation", [&](auto& f) { split(f)[0].variation = "green"; }},
       {"targetingRules[2].split", [&](auto& f) { split(f).assign(101, {.variation = "red", .weight = 1}); },
        ErrorCode::kTooLarge},
       {"targetingRules[2].endsAt", [](auto& f) { f.targeting_rules[2].ends_at = Millis(1); }},
       {"targetingRules[2].startsAt", [](auto& f) { f.targeting_rules[2].starts_at = Millis(-1); }},
       {"targetingRules", [](auto& f) { f.targeting_rules.resize(201); }, ErrorCode::kTooLarge}});
  FlagFields full = good;
  split(full)[0].weight = kSplitWeightTotalMax;
  EXPECT_TRUE(Flag::Create(full));
}

TEST(Flag, RefusesWrongPrerequisites) {
  FlagFields good = BooleanFlag();
  good.prerequisites = {{.flag_key = "a", .variations = {"on"}}, {.flag_key = "b", .variations = {"x", "y"}}};
  ExpectRefused(good, {{"prerequisites[1].flagKey", [](auto& f) { f.prerequisites[1].flag_key = "a"; }},
                       {"prerequisites[1].flagKey", [](auto& f) { f.prerequisites[1].flag_key = "checkout"; }},
                       {"prerequisites[1].flagKey", [](auto& f) { f.prerequisites[1].flag_key = "#"; }},
                       {"prerequisites[0].variations", [](auto& f) { f.prerequisites[0].variations.clear(); }},
                       {"prerequisites[0].variations[0]", [](auto& f) { f.prerequisites[0].variations[0] = ""; }},
                       {"prerequisites[1].variations[1]", [](auto& f) { f.prerequisites[1].variations[1] = "x"; }},
                       {"prerequisites[0].variations", [](auto& f) { f.prerequisites[0].variations.assign(101, "x"); },
                        ErrorCode::kTooLarge},
                       {"prerequisites", [](auto& f) { f.prerequisites.resize(21); }, ErrorCode::kTooLarge}});
}

TEST(Flag, NamesOfTypesAndStatesReadBack) {
  for (const char* name : {"boolean", "string", "number", "object"}) EXPECT_EQ(NameOf(*FlagTypeFromName(name)), name);
  for (const char* name : {"ENABLED", "DISABLED", "ARCHIVED"}) EXPECT_EQ(NameOf(*FlagStateFromName(name)), name);
  EXPECT_FALSE(FlagTypeFromName("Boolean"));
  EXPECT_FALSE(FlagTypeFromName("unknown"));
  EXPECT_FALSE(FlagStateFromName("enabled"));
}

// Creating a flag from a flag's own fields changes nothing.
RC_GTEST_PROP(Flag, CreateIsIdempotent, ()) {
  const Flag flag = *testing::AnyFlag();
  const auto again = Flag::Create(flag.fields());
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == flag);
}

}  // namespace
}  // namespace guidon::model
