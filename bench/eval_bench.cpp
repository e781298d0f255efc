// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "eval_cases.hpp"
#include "guidon/base/published.hpp"
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
constexpr int kVeryManyFlags = 100'000;
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

model::Context Customer() {
  model::Context::Fields fields;
  fields.targeting_key = "user-4711";
  fields.tenant_id = "tenant-3";
  fields.attributes.Set("plan", "enterprise");
  fields.attributes.Set("seats", 40);
  return Must(model::Context::Create(std::move(fields)));
}

const bench::EvalCases& Cases() {
  static const bench::EvalCases kCases = bench::LoadEvalCases("bench/eval_cases.json");
  return kCases;
}

void EvaluateCase(benchmark::State& state, const std::string& flag_key) {
  const bench::EvalCases& cases = Cases();
  for (auto _ : state) benchmark::DoNotOptimize(Evaluate(*cases.snapshot, flag_key, cases.context, cases.now));
}

// As many users as a cache does not hold, because a million keys are no use otherwise.
void EvaluateUsers(benchmark::State& state, const std::string& flag_key) {
  const bench::EvalCases& cases = Cases();
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Evaluate(*cases.snapshot, flag_key, cases.users[next], cases.now));
    next = (next + 1) % cases.users.size();
  }
}

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

// Five rules of two conditions, as products have them after some years.
Flag WithFiveRules(const std::string& flag_key, int version) {
  FlagFields fields = Fields(flag_key);
  fields.version = static_cast<std::uint64_t>(version);
  for (int i = 0; i < 5; ++i) {
    model::ConditionGroup when;
    when.children = {model::Condition{.attribute = "plan", .op = model::Operator::kIn, .values = {"pro", "enterprise"}},
                     model::Condition{.attribute = "seats", .op = model::Operator::kGte, .values = {10 * i}}};
    model::Rule rule;
    rule.id = "rule-" + std::to_string(i);
    rule.when = std::move(when);
    rule.serve = "off";
    fields.targeting_rules.push_back(std::move(rule));
  }
  return Must(Flag::Create(std::move(fields)));
}

Definitions ManyRules(int flag_count) {
  Definitions definitions;
  definitions.environment = "production";
  for (int i = 0; i < flag_count; ++i) definitions.flags.push_back(WithFiveRules("feature-" + std::to_string(i), 1));
  return definitions;
}

std::size_t HeapBytes() { return mallinfo2().uordblks; }

// Of the snapshot alone: the definitions that it is built from are there before and after.
template <class Make>
double BytesPerFlag(Make make, int flag_count) {
  const Definitions definitions = make(flag_count);
  const std::size_t before = HeapBytes();
  const auto snapshot = Snapshot::Build(definitions);
  return static_cast<double>(HeapBytes() - before) / flag_count;
}

void BuildManyFlags(benchmark::State& state) {
  const Definitions definitions = ManyRules(kManyFlags);
  for (auto _ : state) {
    state.PauseTiming();
    Definitions copy = definitions;
    state.ResumeTiming();
    auto snapshot = Snapshot::Build(std::move(copy));
    state.PauseTiming();
    snapshot.reset();
    state.ResumeTiming();
  }
  state.counters["bytes_per_typical_flag"] = BytesPerFlag(Mixed, kManyFlags);
  state.counters["bytes_per_flag_of_5_rules"] = BytesPerFlag(ManyRules, kManyFlags);
}
BENCHMARK(BuildManyFlags)->Name("compile_10k_flags_of_5_rules")->Unit(benchmark::kMillisecond);

void RecompileOneOfMany(benchmark::State& state) {
  base::Published<Snapshot> published(Snapshot::Build(ManyRules(kVeryManyFlags)));
  int version = 1;
  for (auto _ : state) {
    state.PauseTiming();
    ChangeSet changes;
    changes.flags = {WithFiveRules("feature-50000", ++version)};
    state.ResumeTiming();
    published.Publish(published.Get()->Apply(std::move(changes)));
  }
}
BENCHMARK(RecompileOneOfMany)->Name("recompile_1_of_100k_and_publish")->Unit(benchmark::kMicrosecond);

// Readers on one or two threads while another publishes 100 snapshots a second.
void EvaluateWhilePublishing(benchmark::State& state) {
  static std::unique_ptr<base::Published<Snapshot>> published;
  static std::jthread publisher;
  if (state.thread_index() == 0) {
    published = std::make_unique<base::Published<Snapshot>>(Snapshot::Build(Mixed(kEnvironmentFlags)));
    publisher = std::jthread([](const std::stop_token& stop) {
      for (int version = 1; !stop.stop_requested(); ++version) {
        ChangeSet changes;
        changes.flags = {WithFiveRules("feature-3", version)};
        published->Publish(published->Get()->Apply(std::move(changes)));
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    });
  }
  const model::Context context = Customer();
  std::unique_ptr<base::Published<Snapshot>::Reader> reader;
  for (auto _ : state) {
    if (reader == nullptr) reader = std::make_unique<base::Published<Snapshot>::Reader>(*published);
    benchmark::DoNotOptimize(Evaluate(reader->Current(), "feature-1", context, kNow));
  }
  state.SetItemsProcessed(state.iterations());
  reader.reset();
  if (state.thread_index() == 0) {
    publisher.request_stop();
    publisher.join();
  }
}
BENCHMARK(EvaluateWhilePublishing)->Name("while_publishing")->Threads(1)->Threads(2)->UseRealTime();

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

int main(int argc, char** argv) {
  using guidon::eval::EvaluateCase;
  using guidon::eval::EvaluateUsers;
  for (const char* name : {"static", "override", "rollout", "rule_rollout", "ten_rules", "flagd_rule"})
    benchmark::RegisterBenchmark(name, EvaluateCase, std::string(name));
  benchmark::RegisterBenchmark("unknown", EvaluateCase, std::string("no-such-flag"));
  benchmark::RegisterBenchmark("segment_1m", EvaluateUsers, std::string("segment_1m"));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
