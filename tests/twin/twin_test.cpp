// SPDX-License-Identifier: Apache-2.0
// The engine against a second implementation of spec 3 that was written to be read: random definitions and contexts
// must get the same answer from both. GUIDON_TEST_TWIN_PAIRS (pairs of definition and context) and
// GUIDON_TEST_TWIN_SEED control the run; a failure prints the seed and a case for conformance/eval.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include <gtest/gtest.h>

#include "comparison.hpp"
#include "counter_example.hpp"
#include "generator.hpp"

namespace guidon::twin {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GUIDON_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GUIDON_TEST_SANITIZED 1
#endif
#endif
#ifdef GUIDON_TEST_SANITIZED
constexpr std::uint64_t kPairs = 400'000;  // twenty times slower, and looking for other mistakes
#else
constexpr std::uint64_t kPairs = 5'000'000;  // what the issue asks of a run
#endif
constexpr std::uint64_t kSeed = 20'261'123;
// From here on every place of the specification must have been met often enough to mean something.
constexpr std::uint64_t kPairsForCoverage = 400'000;
constexpr std::uint64_t kMetMin = 20;

std::uint64_t FromEnvironment(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::stoull(text);
}

TEST(Twin, AgreesWithTheEngineOnEveryAnswer) {
  const std::uint64_t wanted = FromEnvironment("GUIDON_TEST_TWIN_PAIRS", kPairs);
  const std::uint64_t seed = FromEnvironment("GUIDON_TEST_TWIN_SEED", kSeed);
  Coverage coverage;
  std::uint64_t pairs = 0;
  std::uint64_t scenarios = 0;
  for (; pairs < wanted; ++scenarios) {
    Random random(seed, scenarios);
    auto difference = CompareAll(AnyScenario(random), coverage, pairs);
    ASSERT_FALSE(difference) << "seed " << seed << ", scenario " << scenarios << "\n"
                             << ToText(Shrink(*std::move(difference)));
  }
  std::cout << "seed " << seed << ": " << pairs << " pairs of " << scenarios << " environments\n" << coverage.Report();
  if (pairs < kPairsForCoverage) return;
  for (const std::string& rare : coverage.RarerThan(kMetMin)) ADD_FAILURE() << "hardly met: " << rare;
}

}  // namespace
}  // namespace guidon::twin
