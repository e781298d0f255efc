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

struct Name {
  std::string environment;  // "" = every one
  std::string flag;
};

base::Result<Name> ParseName(std::string_view text) {
  Name name;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    GUIDON_ASSIGN(const auto environment, model::Environment::Parse(text.substr(0, slash)));
    name.environment = environment.str();
    text.remove_prefix(slash + 1);
  }
  GUIDON_ASSIGN(const auto flag, model::FlagKey::Parse(text));
  name.flag = flag.str();
  return name;
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
    const auto name = ParseName(std::string_view(entry).substr(0, equals));
    if (!name) return refuse(name.error().message);
    const std::string_view text = std::string_view(entry).substr(equals + 1);
    double rate = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    const bool good = error == std::errc{} && end == text.data() + text.size() && rate >= 0 && rate <= 1;
    if (!good) return refuse("the rate must be a number from 0 to 1");
    rates.rates_[name->flag][name->environment] = rate;
  }
  return rates;
}

double SampleRates::RateOf(std::string_view environment, std::string_view flag) const {
  const auto of_flag = rates_.find(flag);
  if (of_flag == rates_.end()) return 0;
  const auto here = of_flag->second.find(environment);
  const auto found = here != of_flag->second.end() ? here : of_flag->second.find(std::string_view());
  return found == of_flag->second.end() ? 0 : found->second;
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
