// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/store/records.hpp"

namespace guidon::app {

// Of which flags how many evaluations are written to the evaluation log: "checkout=0.01" in every environment,
// "production/checkout=1" in one (which goes before).
class SampleRates {
 public:
  static constexpr std::size_t kEntriesMax = 100;

  // Errors: kInvalidArgument saying which entry is wrong and why.
  static base::Result<SampleRates> Parse(const std::vector<std::string>& entries);
  bool empty() const { return rates_.empty(); }
  double RateOf(std::string_view environment, std::string_view flag) const;  // 0 to 1

 private:
  // By flag and environment; "" = every environment that has none of its own.
  std::map<std::string, std::map<std::string, double, std::less<>>, std::less<>> rates_;
};

// Draws the sample of one thread. Not thread-safe.
class EvaluationSampler {
 public:
  // Between two calls of Take; more are counted as left out, so that no rate makes a node write without end.
  static constexpr std::size_t kSamplesMax = 500;

  EvaluationSampler();
  void Use(std::shared_ptr<const SampleRates> rates) { rates_ = std::move(rates); }
  bool active() const { return rates_ != nullptr && !rates_->empty(); }
  // `tenant`: a valid id, or "".
  void Note(std::string_view environment, std::string_view tenant, const eval::Evaluation& evaluation,
            base::Timestamp at);
  std::vector<store::EvaluationLogRecord> Take() { return std::exchange(samples_, {}); }
  std::uint64_t TakeLeftOut() { return std::exchange(left_out_, 0); }

 private:
  double Draw();

  std::shared_ptr<const SampleRates> rates_;
  std::vector<store::EvaluationLogRecord> samples_;
  std::uint64_t left_out_ = 0;
  std::uint64_t state_;
};

}  // namespace guidon::app
