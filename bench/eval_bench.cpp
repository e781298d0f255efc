// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "guidon/eval/bucketing.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"

// What one evaluation costs, alone and in bulk, and what making snapshots costs.
namespace guidon::eval {
namespace {

using model::Flag;
using model::FlagFields;

constexpr int kEnvironmentFlags = 350;  // a web page's bulk request (issue's figure for comparison)
constexpr int kManyFlags = 10'000;
constexpr int kManyOverrides = 1'000'000;
constexpr int kOverrideBatch = 90;  // overrides of one transaction of at most 100 items

const base::Timestamp kNow = *base::ParseTimestamp("2026-11-22T12:00:00Z");

template <class T>
T Must(base::Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

FlagFields Fields(std::string flag_key) {
  FlagFields fields;
  fields.flag_key = std::move(flag_key);
  fields.environment = "production";
  fields.owner = "team-growth";
  fields.default_enabled = true;
  return fields;
}

Flag WithRollout(const std::string& flag_key) {
  FlagFields fields = Fields(flag_key);
  fields.rollout_percentage = Must(model::Percentage::Create(50));
  return Must(Flag::Create(std::move(fields)));
}

Flag WithRule(const std::string& flag_key) {
  FlagFields fields = Fields(flag_key);
  model::ConditionGroup when;
  when.children = {model::Condition{.attribute = "plan", .op = model::Operator::kIn, .values = {"pro", "enterprise"}},
                   model::Condition{.attribute = "seats", .op = model::Operator::kGte, .values = {10}}};
  model::Rule rule;
  rule.id = "large-customers";
  rule.when = std::move(when);
  rule.serve = "off";
  fields.targeting_rules = {std::move(rule)};
  return Must(Flag::Create(std::move(fields)));
}

model::Override OverrideOf(const std::string& flag_key, int tenant) {
  return Must(model::Override::Create({.environment = "production",
                                       .flag_key = flag_key,
                                       .tenant_id = "tenant-" + std::to_string(tenant),
                                       .variation = "off"}));
}

// A third static, a third with overrides, a third with rollouts.
Definitions Mixed(int flag_count) {
  Definitions definitions;
  definitions.environment = "production";
  for (int i = 0; i < flag_count; ++i) {
    const std::string flag_key = "feature-" + std::to_string(i);
    definitions.flags.push_back(i % 3 == 2 ? WithRollout(flag_key) : Must(Flag::Create(Fields(flag_key))));
    for (int tenant = 0; i % 3 == 1 && tenant < 10; ++tenant)
      definitions.overrides.push_back(OverrideOf(flag_key, tenant));
  }
  return definitions;
}

Definitions OneOfEach() {
  Definitions definitions = Mixed(kEnvironmentFlags);
  definitions.flags.push_back(WithRule("rule"));
  return definitions;
}

model::Context Customer() {
  model::Context::Fields fields;
  fields.targeting_key = "user-4711";
  fields.tenant_id = "tenant-3";
  fields.attributes.Set("plan", "enterprise");
  fields.attributes.Set("seats", 40);
  return Must(model::Context::Create(std::move(fields)));
}

void EvaluateOne(benchmark::State& state, const std::string& flag_key) {
  const auto snapshot = Snapshot::Build(OneOfEach());
  const model::Context context = Customer();
  for (auto _ : state) benchmark::DoNotOptimize(Evaluate(*snapshot, flag_key, context, kNow));
}
BENCHMARK_CAPTURE(EvaluateOne, static_flag, "feature-0");
BENCHMARK_CAPTURE(EvaluateOne, tenant_override, "feature-1");
BENCHMARK_CAPTURE(EvaluateOne, percentage_rollout, "feature-2");
BENCHMARK_CAPTURE(EvaluateOne, rule_of_two_conditions, "rule");
BENCHMARK_CAPTURE(EvaluateOne, unknown_flag, "no-such-flag");

void EvaluateBulk(benchmark::State& state) {
  const auto snapshot = Snapshot::Build(Mixed(kEnvironmentFlags));
  const model::Context context = Customer();
  for (auto _ : state) {
    for (const CompiledFlag* flag : snapshot->flags())
      benchmark::DoNotOptimize(Evaluate(*snapshot, *flag, context, kNow));
  }
  state.SetItemsProcessed(state.iterations() * kEnvironmentFlags);
}
BENCHMARK(EvaluateBulk);

void Hash(benchmark::State& state) {
  const std::string salt = "new-checkout";
  const std::string unit = "0f8fad5b-d9cb-469f-a165-70867728950e";
  for (auto _ : state) benchmark::DoNotOptimize(HashUnit(salt, unit));
}
BENCHMARK(Hash);

void BuildManyFlags(benchmark::State& state) {
  const Definitions definitions = Mixed(kManyFlags);
  for (auto _ : state) benchmark::DoNotOptimize(Snapshot::Build(definitions));
}
BENCHMARK(BuildManyFlags)->Unit(benchmark::kMillisecond);

void ApplyOneFlagOfMany(benchmark::State& state) {
  auto snapshot = Snapshot::Build(Mixed(kManyFlags));
  ChangeSet changes;
  changes.flags = {WithRollout("feature-5000")};
  for (auto _ : state) snapshot = snapshot->Apply(changes);
}
BENCHMARK(ApplyOneFlagOfMany)->Unit(benchmark::kMicrosecond);

Definitions ManyOverrides() {
  Definitions definitions;
  definitions.environment = "production";
  definitions.flags = {Must(Flag::Create(Fields("popular")))};
  definitions.overrides.reserve(kManyOverrides);
  for (int tenant = 0; tenant < kManyOverrides; ++tenant)
    definitions.overrides.push_back(OverrideOf("popular", tenant));
  return definitions;
}

void BuildManyOverrides(benchmark::State& state) {
  const Definitions definitions = ManyOverrides();
  for (auto _ : state) {
    state.PauseTiming();
    Definitions copy = definitions;
    state.ResumeTiming();
    auto snapshot = Snapshot::Build(std::move(copy));
    state.PauseTiming();
    snapshot.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(BuildManyOverrides)->Unit(benchmark::kMillisecond)->Iterations(2);

void ApplyOverridesInBatches(benchmark::State& state) {
  for (auto _ : state) {
    Definitions start;
    start.environment = "production";
    start.flags = {Must(Flag::Create(Fields("popular")))};
    auto snapshot = Snapshot::Build(std::move(start));
    for (int tenant = 0; tenant < kManyOverrides; tenant += kOverrideBatch) {
      ChangeSet changes;
      for (int i = 0; i < kOverrideBatch; ++i) changes.overrides.push_back(OverrideOf("popular", tenant + i));
      snapshot = snapshot->Apply(std::move(changes));
    }
  }
}
BENCHMARK(ApplyOverridesInBatches)->Unit(benchmark::kMillisecond)->Iterations(1);

void EvaluateAmongManyOverrides(benchmark::State& state) {
  constexpr std::size_t kContexts = 4096;
  const auto snapshot = Snapshot::Build(ManyOverrides());
  std::vector<model::Context> contexts;
  for (std::size_t i = 0; i < kContexts; ++i) {
    model::Context::Fields fields;
    fields.tenant_id = "tenant-" + std::to_string(i * 7919 % kManyOverrides);
    contexts.push_back(Must(model::Context::Create(std::move(fields))));
  }
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Evaluate(*snapshot, "popular", contexts[next], kNow));
    next = (next + 1) % kContexts;
  }
}
BENCHMARK(EvaluateAmongManyOverrides);

}  // namespace
}  // namespace guidon::eval

BENCHMARK_MAIN();
