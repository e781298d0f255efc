// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/checksum.hpp"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/upkeep/entity.hpp"
#include "guidon/upkeep/pace.hpp"

namespace guidon::upkeep {
namespace {

using store::Item;
using store::Number;

Item Numbered(const char* number) { return {{"PK", "p"}, {"SK", "s"}, {"n", Number{number}}}; }

TEST(Checksum, EqualNumbersAreEqualHoweverTheyAreWritten) {
  EXPECT_EQ(ItemDigest(Numbered("1E2")), ItemDigest(Numbered("100.0")));
  EXPECT_EQ(ItemDigest(Numbered("-0.50")), ItemDigest(Numbered("-5e-1")));
  EXPECT_NE(ItemDigest(Numbered("100")), ItemDigest(Numbered("1000")));
  EXPECT_NE(ItemDigest(Numbered("1")), ItemDigest(Numbered("-1")));
}

TEST(Checksum, WhatDiffersOnlyInTypeOrShapeDiffers) {
  const std::vector<Item> items = {
      {{"a", "1"}},
      {{"a", Number{"1"}}},
      {{"a", store::Binary{"1"}}},
      {{"a", true}},
      {{"a", false}},
      {{"a", store::Null{}}},
      {{"a", store::AttributeList{"1"}}},
      {{"a", store::AttributeList{"1", "1"}}},
      {{"a", store::AttributeList{store::AttributeList{"1"}, "1"}}},
      {{"a", store::StringSet{"1"}}},
      {{"a", store::AttributeMap{{"1", "1"}}}},
      {{"a", store::AttributeMap{{"11", ""}}}},
      {{"a", "1S0:"}},
      {},
  };
  for (const Item& one : items) {
    for (const Item& other : items) EXPECT_EQ(&one == &other, ItemDigest(one) == ItemDigest(other));
  }
}

TEST(Checksum, SumsDoNotDependOnOrderAndSeeDoubles) {
  const Item a{{"PK", "FLAG#dev#a"}, {"SK", "METADATA"}};
  const Item b{{"PK", "FLAG#dev#b"}, {"SK", "METADATA"}};
  Sums forward;
  for (const Item& item : {a, b, a}) forward.Add(Entity::kFlag, item);
  Sums backward;
  backward.Add(Entity::kFlag, a);
  Sums rest;
  rest.Add(Entity::kFlag, a);
  rest.Add(Entity::kFlag, b);
  backward += rest;
  EXPECT_EQ(forward, backward);
  Sums once;
  once.Add(Entity::kFlag, b);
  EXPECT_NE(forward, once);
  Sums elsewhere;
  for (const Item& item : {a, b, a}) elsewhere.Add(Entity::kOther, item);
  EXPECT_NE(forward, elsewhere);
}

TEST(Checksum, AdditionCarriesFromWordToWord) {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  Sum sum{.digest = {1, kAll, kAll, kAll}};
  sum += Sum{.digest = {0, 0, kAll, 1}};
  EXPECT_EQ(sum.digest, (std::array<std::uint64_t, 4>{2, 0, kAll, 0}));
}

TEST(Checksum, TextAndBack) {
  Sums sums;
  for (int i = 0; i < 20; ++i) sums.Add(Entity::kApiKey, {{"PK", "APIKEY#" + std::to_string(i)}, {"SK", "METADATA"}});
  sums.Add(Entity::kOther, {{"PK", "x"}, {"SK", "y"}});
  const auto back = Sums::From(sums.ToValue());
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(*back, sums);
  EXPECT_EQ(back->Total().items, 21U);
  EXPECT_EQ(Sums::From(model::Value("x")).error().code, base::ErrorCode::kCorrupt);
}

TEST(Entity, IsToldByTheKey) {
  const std::vector<std::pair<store::Key, Entity>> cases = {
      {{"FLAG#dev#a", "METADATA"}, Entity::kFlag},
      {{"FLAG#dev#a", "METADATA#"}, Entity::kOther},
      {{"FLAG#dev#a", "OVERRIDE#t"}, Entity::kOverride},
      {{"FLAG#dev#a", "EVAL#2026#t"}, Entity::kEvaluation},
      {{"SEGMENT#dev#s", "METADATA"}, Entity::kSegment},
      {{"SEGMENT#dev#s", "KEYS#r#000001"}, Entity::kSegmentKeys},
      {{"EMERGENCY#dev", "GLOBAL"}, Entity::kKillSwitch},
      {{"CHANGES#dev", "HEAD"}, Entity::kChangeHead},
      {{"CHANGES#dev", "00000000000000000001"}, Entity::kChange},
      {{"AUDIT#2026-11-22#1", "x"}, Entity::kAudit},
      {{"USAGE#dev#a", "HOUR#2026-11-23T15:00:00.000Z#n-1"}, Entity::kUsage},
      {{"USAGE#dev#a", "LAST"}, Entity::kLastUsage},
      {{"NODES", "n"}, Entity::kNode},
      {{"TRANSFER", "METADATA"}, Entity::kTransfer},
      {{"ORDER#1", "METADATA"}, Entity::kOther},
  };
  for (const auto& [key, entity] : cases) EXPECT_EQ(NameOf(EntityOf(key)), NameOf(entity)) << key.pk << " " << key.sk;
  for (std::size_t i = 0; i < kEntityCount; ++i) {
    const auto entity = static_cast<Entity>(i);
    EXPECT_EQ(EntityNamed(NameOf(entity)), entity);
  }
}

TEST(Pace, WhoeverSpendsWaitsUntilItIsPaid) {
  auto now = std::chrono::steady_clock::time_point{};
  std::chrono::nanoseconds waited{};
  Pace pace(100, {.now = [&] { return now; },
                  .pause =
                      [&](std::chrono::nanoseconds time) {
                        waited += time;
                        now += time;
                      }});
  for (int i = 0; i < 10; ++i) pace.Spend(50);
  EXPECT_EQ(waited, std::chrono::seconds{5});
  now += std::chrono::seconds{60};  // time that was not used is not saved up
  pace.Spend(100);
  EXPECT_EQ(waited, std::chrono::seconds{6});
}

TEST(Pace, NoLimitNeverWaits) {
  Pace pace(0, {.now = [] { return std::chrono::steady_clock::time_point{}; },
                .pause = [](std::chrono::nanoseconds) { FAIL() << "waited"; }});
  pace.Spend(1e9);
}

}  // namespace
}  // namespace guidon::upkeep
