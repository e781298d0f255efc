// SPDX-License-Identifier: Apache-2.0
// Times as people and programs write them. What is accepted is within the years that can be written, comes back from
// its own text, and texts are ordered as times are.
#include "guidon/base/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace guidon::base {
namespace {

constexpr Timestamp kEnd = std::chrono::sys_days{std::chrono::year{10000} / 1 / 1};

void Require(bool holds) {
  if (!holds) std::abort();
}

template <class Parsed>
void CheckRefused(const Parsed& parsed) {
  if (parsed) return;
  Require(parsed.error().code == ErrorCode::kInvalidArgument && parsed.error().field == "field" &&
          !parsed.error().message.empty());
}

void Check(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const auto first = ParseTimestamp(text.substr(0, end), "field");
  const auto second = ParseTimestamp(text.substr(std::min(end + 1, text.size())), "field");
  for (const auto& time : {first, second}) {
    CheckRefused(time);
    if (!time) continue;
    Require(*time >= Timestamp{} && *time < kEnd);
    const std::string written = FormatTimestamp(*time);
    Require(written.size() == 24 && *ParseTimestamp(written) == *time);
    Require(FormatDate(*time) == written.substr(0, 10));
  }
  if (first && second) Require((*first < *second) == (FormatTimestamp(*first) < FormatTimestamp(*second)));
  const auto date = ParseDate(text, "field");
  CheckRefused(date);
  if (date) Require(FormatDate(*date) == text && *ParseTimestamp(std::string(text) + "T00:00:00Z") == *date);
}

}  // namespace
}  // namespace guidon::base

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  guidon::base::Check(std::string_view(reinterpret_cast<const char*>(data), size));  // NOLINT
  return 0;
}
