// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/eval/test_support.hpp"

// Whom rollouts and splits reach, over a million keys. Keys and salts are fixed, so every count is a fact: a failure is
// a change of the bucketing, never bad luck.
namespace guidon::eval {
namespace {

using testing::Fields;
using testing::kNow;
using testing::MakeContext;
using testing::MakeFlag;
using testing::Percent;
using testing::SnapshotOf;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kKeys = 100'000;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::size_t kKeys = 100'000;
#else
constexpr std::size_t kKeys = 1'000'000;
#endif
#else
constexpr std::size_t kKeys = 1'000'000;
#endif

// Pearson's statistic of `counts` against shares proportional to `weights`.
double ChiSquare(const std::vector<std::size_t>& counts, const std::vector<double>& weights) {
  const double total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
  const double weight_total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = total * weights[i] / weight_total;
    const double off = static_cast<double>(counts[i]) - expected;
    sum += off * off / expected;
  }
  return sum;
}

// What the statistic exceeds once in 10,000 fair draws (Wilson and Hilferty's approximation).
double Critical(std::size_t categories) {
  constexpr double kQuantile = 3.719;
  const auto freedom = static_cast<double>(categories - 1);
  const double spread = 2 / (9 * freedom);
  return freedom * std::pow(1 - spread + kQuantile * std::sqrt(spread), 3);
}

TEST(ChiSquare, TellsFairFromUnfair) {
  // Standard tables: 1, 9 and 19 degrees of freedom at p = 0.0001; the approximation is a little above for few.
  EXPECT_NEAR(Critical(2), 15.14, 1.2);
  EXPECT_NEAR(Critical(10), 33.72, 0.5);
  EXPECT_NEAR(Critical(20), 50.8, 0.5);
  EXPECT_DOUBLE_EQ(ChiSquare({60, 40}, {1, 1}), 4.0);
  // A share that is one per cent too large does not pass at these numbers.
  EXPECT_GT(ChiSquare({505'000, 495'000}, {1, 1}), Critical(2));
  EXPECT_LT(ChiSquare({500'700, 499'300}, {1, 1}), Critical(2));
}

model::Flag RolloutFlag(double percent, const std::string& salt) {
  model::FlagFields fields = Fields("rollout." + salt);
  fields.rollout_percentage = Percent(percent);
  fields.rollout_salt = salt;
  return MakeFlag(std::move(fields));
}

// Everybody gets a split of `weights.size()` variations, named "0", "1" …
model::Flag SplitFlag(const std::string& key, const std::vector<double>& weights) {
  model::FlagFields fields = Fields(key);
  fields.type = model::FlagType::kNumber;
  model::Rule rule;
  rule.id = "all";
  rule.everyone = true;
  model::Split split;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    fields.variations.emplace(std::to_string(i), static_cast<std::int64_t>(i));
    split.push_back({.variation = std::to_string(i), .weight = static_cast<std::int64_t>(weights[i])});
  }
  rule.serve = std::move(split);
  fields.default_variation = fields.off_variation = "0";
  fields.targeting_rules = {std::move(rule)};
  return MakeFlag(std::move(fields));
}

std::size_t NumberOf(const Evaluation& answer) {
  return static_cast<std::size_t>(*answer.variation->value.AsInteger());
}

model::Context Key(std::size_t number) { return MakeContext("user-" + std::to_string(number)); }

TEST(Distribution, ARolloutReachesItsShareOfAMillionKeys) {
  constexpr std::array kPercents = {0.001, 1.0, 5.0, 50.0};
  constexpr std::size_t kSalts = 5;
  for (const double percent : kPercents) {
    double statistic = 0;
    for (std::size_t salt = 0; salt < kSalts; ++salt) {
      const auto snapshot = SnapshotOf({RolloutFlag(percent, "salt-" + std::to_string(salt))});
      const CompiledFlag& flag = *snapshot->flags().front();
      std::vector<std::size_t> counts(2);
      for (std::size_t i = 0; i < kKeys; ++i) {
        const Evaluation answer = Evaluate(*snapshot, flag, Key(i), kNow);
        ASSERT_EQ(answer.reason, model::Reason::kSplit);
        ++counts[answer.variation->name == "on" ? 0 : 1];
      }
      const double one = ChiSquare(counts, {percent, 100 - percent});
      EXPECT_LT(one, Critical(2)) << percent << " % of salt " << salt << ": " << counts[0];
      statistic += one;
    }
    // One degree of freedom each: together they are as many as one more category.
    EXPECT_LT(statistic, Critical(kSalts + 1)) << percent;
  }
}

// For each number of variations: equal weights, and weights from 1 upwards.
std::vector<std::vector<double>> Weightings() {
  std::vector<std::vector<double>> all;
  for (std::size_t count = 2; count <= 20; ++count) {
    all.emplace_back(count, 1.0);
    std::vector<double>& rising = all.emplace_back(count);
    std::iota(rising.begin(), rising.end(), 1.0);
  }
  return all;
}

TEST(Distribution, ASplitGivesEachOfTwoToTwentyVariationsItsShareOfAMillionKeys) {
  const auto weightings = Weightings();
  std::vector<model::Flag> flags;
  for (std::size_t i = 0; i < weightings.size(); ++i)
    flags.push_back(SplitFlag("split-" + std::to_string(i), weightings[i]));
  const auto snapshot = SnapshotOf(flags);
  std::vector<const CompiledFlag*> compiled;
  std::vector<std::vector<std::size_t>> counts;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    compiled.push_back(snapshot->Find(flags[i]->flag_key));
    counts.emplace_back(weightings[i].size());
  }
  for (std::size_t key = 0; key < kKeys; ++key) {
    const model::Context context = Key(key);
    for (std::size_t i = 0; i < compiled.size(); ++i)
      ++counts[i][NumberOf(Evaluate(*snapshot, *compiled[i], context, kNow))];
  }
  for (std::size_t i = 0; i < counts.size(); ++i)
    EXPECT_LT(ChiSquare(counts[i], weightings[i]), Critical(counts[i].size()))
        << counts[i].size() << " variations, " << (i % 2 == 0 ? "equal" : "rising") << " weights";
}

// Where somebody is in one split says nothing about where in another: the table of both has its product shares. Salts
// that people choose differ in little.
TEST(Distribution, SaltsAreIndependentOfEachOther) {
  constexpr std::size_t kVariations = 4;
  constexpr std::size_t kCells = kVariations * kVariations;
  const std::vector<std::string> salts = {"checkout", "checkout2", "Checkout", "checkou", "a", "b", "日本"};
  std::vector<model::Flag> flags;
  for (const std::string& salt : salts) {
    model::FlagFields fields = *SplitFlag("flag-" + std::to_string(flags.size()), {1, 1, 1, 1});
    fields.rollout_salt = salt;
    flags.push_back(MakeFlag(std::move(fields)));
  }
  const auto snapshot = SnapshotOf(flags);
  std::vector<std::vector<std::size_t>> tables(salts.size() * salts.size(), std::vector<std::size_t>(kCells));
  for (std::size_t key = 0; key < kKeys / 5; ++key) {
    const model::Context context = Key(key);
    std::vector<std::size_t> numbers;
    for (const model::Flag& flag : flags)
      numbers.push_back(NumberOf(Evaluate(*snapshot, flag->flag_key, context, kNow)));
    for (std::size_t a = 0; a < salts.size(); ++a)
      for (std::size_t b = 0; b < salts.size(); ++b)
        ++tables[a * salts.size() + b][numbers[a] * kVariations + numbers[b]];
  }
  const std::vector<double> equal(kCells, 1.0);
  for (std::size_t a = 0; a < salts.size(); ++a) {
    for (std::size_t b = 0; b < salts.size(); ++b) {
      const double statistic = ChiSquare(tables[a * salts.size() + b], equal);
      // A salt says everything about itself, which shows that the figure can tell.
      EXPECT_EQ(statistic < Critical(kCells), a != b) << salts[a] << " and " << salts[b] << ": " << statistic;
    }
  }
}

// The same, over the whole way up: who was in stays in.
TEST(Distribution, NobodyLeavesWhileThePercentageIsRaised) {
  constexpr std::array kSteps = {0.0, 0.001, 0.01, 1.0, 5.0, 5.001, 10.0, 25.0, 50.0, 99.999, 100.0};
  constexpr std::size_t kFew = 20'000;
  std::vector<bool> is_in(kFew, false);
  for (const double percent : kSteps) {
    const auto snapshot = SnapshotOf({RolloutFlag(percent, "raise")});
    for (std::size_t i = 0; i < kFew; ++i) {
      const bool is_now = Evaluate(*snapshot, *snapshot->flags().front(), Key(i), kNow).variation->name == "on";
      ASSERT_TRUE(is_now || !is_in[i]) << "user-" << i << " left at " << percent << " %";
      is_in[i] = is_now;
    }
  }
  for (const bool one : is_in) ASSERT_TRUE(one);
}

}  // namespace
}  // namespace guidon::eval
