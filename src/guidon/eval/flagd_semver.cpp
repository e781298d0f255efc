// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/flagd_semver.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "guidon/eval/semver.hpp"

namespace guidon::eval::flagd {
namespace {

constexpr std::size_t kVersionBytesMax = 256;
constexpr std::string_view kNumberMax = "9007199254740991";  // 2^53 - 1

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsInRange(std::string_view number) {
  return number.size() < kNumberMax.size() || (number.size() == kNumberMax.size() && number <= kNumberMax);
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// "1" or "1.2", nothing else.
bool IsShort(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto is_number = [](std::string_view part) { return !part.empty() && std::ranges::all_of(part, IsDigit); };
  return dot == std::string_view::npos ? is_number(text)
                                       : is_number(text.substr(0, dot)) && is_number(text.substr(dot + 1));
}

std::optional<SemVer> Parse(std::string_view text) {
  if (text.starts_with('v') || text.starts_with('V')) text.remove_prefix(1);
  if (text.size() > kVersionBytesMax) return std::nullopt;
  const bool is_short = IsShort(text);
  if (!is_short) text = Trim(text);
  const std::optional<SemVer> version = ParseSemVer(text);
  if (!version) return std::nullopt;
  // The engine's own parser also takes short versions with more behind them ("2-rc.1").
  const std::string_view numbers = text.substr(0, text.find_first_of("-+"));
  if (!is_short && std::ranges::count(numbers, '.') != 2) return std::nullopt;
  if (!IsInRange(version->major) || !IsInRange(version->minor) || !IsInRange(version->patch)) return std::nullopt;
  return version;
}

}  // namespace

std::optional<VersionComparison> CompareVersions(std::string_view a, std::string_view b) {
  const auto left = Parse(a);
  const auto right = Parse(b);
  if (!left || !right) return std::nullopt;
  const auto order = Compare(*left, *right);
  const bool same_major = left->major == right->major;
  return VersionComparison{.order = order < 0   ? -1
                                    : order > 0 ? 1
                                                : 0,
                           .same_major = same_major,
                           .same_minor = same_major && left->minor == right->minor};
}

}  // namespace guidon::eval::flagd
