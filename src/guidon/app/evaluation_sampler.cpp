// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/evaluation_sampler.hpp"

#include <charconv>
#include <cstring>

#include "guidon/base/random.hpp"
#include "guidon/model/ids.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Fail;

base::Status CheckName(std::string_view name) {
  if (const std::size_t slash = name.find('/'); slash != std::string_view::npos) {
    GUIDON_TRY(model::Environment::Parse(name.substr(0, slash)));
    name.remove_prefix(slash + 1);
  }
  GUIDON_TRY(model::FlagKey::Parse(name));
  return {};
}

}  // namespace

base::Result<SampleRates> SampleRates::Parse(const std::vector<std::string>& entries) {
  if (entries.size() > kEntriesMax) return Fail(ErrorCode::kInvalidArgument, "at most 100 flags can be sampled");
  SampleRates rates;
  for (const std::string& entry : entries) {
    const auto refuse = [&](std::string_view why) {
      return Fail(ErrorCode::kInvalidArgument, "'" + entry + "': " + std::string(why));
    };
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) return refuse("must be FLAG=RATE or ENVIRONMENT/FLAG=RATE, such as checkout=0.01");
    const std::string name = entry.substr(0, equals);
    if (const auto checked = CheckName(name); !checked) return refuse(checked.error().message);
    const std::string_view text = std::string_view(entry).substr(equals + 1);
    double rate = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    const bool good = error == std::errc{} && end == text.data() + text.size() && rate >= 0 && rate <= 1;
    if (!good) return refuse("the rate must be a number from 0 to 1");
    rates.rates_[name] = rate;
  }
  return rates;
}

double SampleRates::RateOf(std::string_view environment, std::string_view flag) const {
  std::string name(environment);
  name += '/';
  name += flag;
  if (const auto exact = rates_.find(name); exact != rates_.end()) return exact->second;
  const auto everywhere = rates_.find(flag);
  return everywhere == rates_.end() ? 0 : everywhere->second;
}

EvaluationSampler::EvaluationSampler() : state_(0) {
  const std::string seed = base::RandomBytes(sizeof(state_));
  std::memcpy(&state_, seed.data(), sizeof(state_));
}

// SplitMix64 (Steele, Lea, Flood 2014), its upper 53 bits.
double EvaluationSampler::Draw() {
  std::uint64_t word = state_ += 0x9e3779b97f4a7c15ULL;
  word = (word ^ word >> 30U) * 0xbf58476d1ce4e5b9ULL;
  word = (word ^ word >> 27U) * 0x94d049bb133111ebULL;
  word ^= word >> 31U;
  return static_cast<double>(word >> 11U) * 0x1.0p-53;
}

void EvaluationSampler::Note(std::string_view environment, std::string_view tenant, const eval::Evaluation& evaluation,
                             base::Timestamp at) {
  if (evaluation.flag == nullptr) return;
  const std::string_view flag = eval::KeyOf(*evaluation.flag);
  const double rate = rates_->RateOf(environment, flag);
  if (rate <= 0 || Draw() >= rate) return;
  if (samples_.size() >= kSamplesMax) {
    ++left_out_;
    return;
  }
  samples_.push_back({.environment = std::string(environment),
                      .flag_key = std::string(flag),
                      .tenant_id = std::string(tenant),
                      .at = at,
                      .variation = evaluation.variation == nullptr ? std::string() : evaluation.variation->name,
                      .reason = std::string(model::NameOf(evaluation.reason))});
}

}  // namespace guidon::app
