// SPDX-License-Identifier: Apache-2.0
// What one bulk answer of 350 flags is made of: evaluating them, and the entity tag over the answers.
#include <chrono>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "guidon/api_http/evaluation.hpp"
#include "guidon/api_http/wire.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/flag.hpp"

namespace guidon {
namespace {

constexpr int kFlags = 350;
constexpr base::Timestamp kNow{std::chrono::milliseconds{1'795'000'000'000}};

// A third static, a third with an override for the tenant, a third with a rollout.
std::shared_ptr<const eval::Snapshot> MakeSnapshot() {
  eval::Definitions definitions{.environment = "development"};
  for (int i = 0; i < kFlags; ++i) {
    const std::string key = "bulk-" + std::to_string(i);
    model::FlagFields fields{.flag_key = key, .environment = "development", .owner = "bench", .default_enabled = true};
    if (i % 3 == 2) fields.rollout_percentage = *model::Percentage::Create(20);
    definitions.flags.push_back(*model::Flag::Create(std::move(fields)));
    if (i % 3 == 1) {
      definitions.overrides.push_back(*model::Override::Create(
          {.environment = "development", .flag_key = key, .tenant_id = "acme", .variation = "on"}));
    }
  }
  return eval::Snapshot::Build(std::move(definitions), api_http::WireAnnotations());
}

const model::Context& User() {
  static const model::Context kUser =
      *model::Context::Create({.targeting_key = "user-42", .tenant_id = "acme", .attributes = {}});
  return kUser;
}

void EvaluateAll(const eval::Snapshot& snapshot, std::vector<eval::Evaluation>& out) {
  out.clear();
  for (const eval::CompiledFlag* flag : snapshot.flags()) out.push_back(eval::Evaluate(snapshot, *flag, User(), kNow));
}

void Evaluate350(benchmark::State& state) {
  const auto snapshot = MakeSnapshot();
  std::vector<eval::Evaluation> evaluations;
  evaluations.reserve(kFlags);
  for (auto _ : state) {
    EvaluateAll(*snapshot, evaluations);
    benchmark::DoNotOptimize(evaluations.data());
  }
}
BENCHMARK(Evaluate350)->Name("evaluate_350")->Unit(benchmark::kMicrosecond);

void Tag350(benchmark::State& state) {
  const auto snapshot = MakeSnapshot();
  std::vector<eval::Evaluation> evaluations;
  EvaluateAll(*snapshot, evaluations);
  for (auto _ : state) {
    api_http::EvaluationTag tag("development");
    for (const eval::Evaluation& evaluation : evaluations) tag.Add(evaluation);
    benchmark::DoNotOptimize(tag.Text());
  }
}
BENCHMARK(Tag350)->Name("etag_350")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace guidon

BENCHMARK_MAIN();
