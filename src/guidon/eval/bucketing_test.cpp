// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/bucketing.hpp"

#include <array>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/eval/test_support.hpp"

// The numbers here were computed with the mmh3 package of PyPI, not with the code under test. They are a promise to
// everybody who was ever put into a bucket: they never change.
namespace guidon::eval {
namespace {

using testing::Fields;
using testing::MakeContext;
using testing::MakeFlag;
using testing::Percent;
using testing::SnapshotOf;

TEST(HashUnit, GivesThePublishedVectors) {
  EXPECT_EQ(HashUnit("", ""), 0U);
  EXPECT_EQ(HashUnit("", "a"), 1009084850U);
  EXPECT_EQ(HashUnit("", "ab"), 2613040991U);
  EXPECT_EQ(HashUnit("", "abc"), 3017643002U);
  EXPECT_EQ(HashUnit("", "abcd"), 1139631978U);
  EXPECT_EQ(HashUnit("", "abcde"), 3902511862U);
  EXPECT_EQ(HashUnit("", "hello"), 0x248bfa47U);
  EXPECT_EQ(HashUnit("", "hello, world"), 0x149bbb7fU);
  EXPECT_EQ(HashUnit("", "The quick brown fox jumps over the lazy dog"), 0x2e4ff723U);
  EXPECT_EQ(HashUnit("", "日本語のテナント"), 4186703745U);
  EXPECT_EQ(HashUnit("", std::string(1000, 'a')), 2716186120U);
  std::string every_byte(256, '\0');
  std::iota(every_byte.begin(), every_byte.end(), '\0');
  EXPECT_EQ(HashUnit("", every_byte), 3825864278U);
}

TEST(HashUnit, HashesTheJoinedBytesWhereverTheyAreCut) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(HashUnit(text.substr(0, cut), text.substr(cut)), 0x2e4ff723U) << cut;
}

TEST(BucketOf, SpansTheWholeWeightAndNoMore) {
  EXPECT_EQ(BucketOf(0, 100'000), 0U);
  EXPECT_EQ(BucketOf(0xffffffffU, 100'000), 99'999U);
  EXPECT_EQ(BucketOf(0xffffffffU, 1), 0U);
  EXPECT_EQ(BucketOf(0xffffffffU, 2'147'483'647), 2'147'483'646U);
  EXPECT_EQ(BucketOf(0x80000000U, 2), 1U);
  EXPECT_EQ(BucketOf(0x7fffffffU, 2), 0U);
  EXPECT_EQ(BucketOf(1009084850U, 100'000), 23'494U);
}

struct BucketAndShare {
  std::uint64_t bucket;
  std::size_t share;
};
struct GoldenSplit {
  std::string salt;
  std::string unit;
  std::uint32_t hash;
  std::array<BucketAndShare, 7> answers;  // by kWeights
};

const std::vector<std::vector<std::int64_t>> kWeights = {{1},          {50, 50},        {10000, 90000}, {1, 0, 1},
                                                         {1, 2, 3, 4}, {2147483646, 1}, {33, 33, 34}};

const std::vector<GoldenSplit>& GoldenSplits() {
  static const std::vector<GoldenSplit> kGolden = {
      {"new-checkout", "user-1", 1954156369U, {{{0, 0}, {45, 0}, {45498, 1}, {0, 0}, {4, 2}, {977078184, 0}, {45, 1}}}},
      {"new-checkout",
       "user-42",
       2394511712U,
       {{{0, 0}, {55, 1}, {55751, 1}, {1, 2}, {5, 2}, {1197255855, 0}, {55, 1}}}},
      {"new-checkout", "a", 2822702073U, {{{0, 0}, {65, 1}, {65721, 1}, {1, 2}, {6, 3}, {1411351035, 0}, {65, 1}}}},
      {"salt-2026", "tenant-7", 1714691940U, {{{0, 0}, {39, 0}, {39923, 1}, {0, 0}, {3, 2}, {857345969, 0}, {39, 1}}}},
      {"s", "日本語の利用者", 3630019979U, {{{0, 0}, {84, 1}, {84517, 1}, {1, 2}, {8, 3}, {1815009988, 0}, {84, 2}}}},
      {"abc", "defgh", 1239272644U, {{{0, 0}, {28, 0}, {28854, 1}, {0, 0}, {2, 1}, {619636321, 0}, {28, 0}}}},
      {"abcd", "efghij", 2291300241U, {{{0, 0}, {53, 1}, {53348, 1}, {1, 2}, {5, 2}, {1145650119, 0}, {53, 1}}}},
      {"price.v2",
       "0f8fad5b-d9cb-469f-a165-70867728950e",
       816953967U,
       {{{0, 0}, {19, 0}, {19021, 1}, {0, 0}, {1, 1}, {408476983, 0}, {19, 0}}}},
      {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
       "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
       1325426550U,
       {{{0, 0}, {30, 0}, {30859, 1}, {0, 0}, {3, 2}, {662713274, 0}, {30, 0}}}},
  };
  return kGolden;
}

model::Flag SplitFlag(const std::string& salt, const std::vector<std::int64_t>& weights) {
  model::FlagFields fields = Fields("split");
  fields.type = model::FlagType::kNumber;
  fields.rollout_salt = salt;
  model::Split split;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string name = "v" + std::to_string(i);
    fields.variations.emplace(name, model::Value(static_cast<std::int64_t>(i)));
    split.push_back({.variation = name, .weight = weights[i]});
  }
  fields.default_variation = "v0";
  fields.off_variation = "v0";
  model::Rule rule;
  rule.id = "everyone";
  rule.everyone = true;
  rule.serve = split;
  fields.targeting_rules = {rule};
  return MakeFlag(std::move(fields));
}

TEST(Splits, GiveTheGoldenShares) {
  for (const GoldenSplit& golden : GoldenSplits()) {
    EXPECT_EQ(HashUnit(golden.salt, golden.unit), golden.hash);
    for (std::size_t i = 0; i < kWeights.size(); ++i) {
      const auto total = static_cast<std::uint64_t>(std::accumulate(kWeights[i].begin(), kWeights[i].end(), 0L));
      EXPECT_EQ(BucketOf(golden.hash, total), golden.answers[i].bucket) << golden.unit << " " << i;
      const auto snapshot = SnapshotOf({SplitFlag(golden.salt, kWeights[i])});
      const Evaluation answer = Evaluate(*snapshot, "split", MakeContext(golden.unit), testing::kNow);
      ASSERT_NE(answer.variation, nullptr);
      EXPECT_EQ(answer.variation->name, "v" + std::to_string(golden.answers[i].share)) << golden.unit << " " << i;
      EXPECT_EQ(answer.reason, model::Reason::kSplit);
    }
  }
}

// user-1 has bucket 45,498 of 100,000 and user-42 has 55,751 with the flag's key as salt.
TEST(Rollout, CutsAtTheGoldenBucketTo001Percent) {
  const auto ask = [](double percent, const std::string& unit) {
    model::FlagFields fields = Fields("new-checkout");
    fields.rollout_percentage = Percent(percent);
    return testing::Ask(*SnapshotOf({MakeFlag(std::move(fields))}), "new-checkout", MakeContext(unit));
  };
  EXPECT_EQ(ask(45.498, "user-1"), "off SPLIT");
  EXPECT_EQ(ask(45.499, "user-1"), "on SPLIT");
  EXPECT_EQ(ask(55.751, "user-42"), "off SPLIT");
  EXPECT_EQ(ask(55.752, "user-42"), "on SPLIT");
}

}  // namespace
}  // namespace guidon::eval
