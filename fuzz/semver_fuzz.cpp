// SPDX-License-Identifier: Apache-2.0
// Two versions, one a line. Whatever is accepted is ordered like numbers are, means the same when written out in full,
// and is ordered as flagd orders it where flagd takes it too.
#include "guidon/eval/semver.hpp"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/eval/flagd_semver.hpp"

namespace guidon::eval {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireInside(std::string_view part, std::string_view text) {
  // Parts that were left out are literals.
  if (part.empty() || part == "0") return;
  Require(part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
}

void CheckOne(std::string_view text) {
  const auto version = ParseSemVer(text);
  if (!version) return;
  for (const std::string_view part : {version->major, version->minor, version->patch, version->prerelease})
    RequireInside(part, text);
  Require(Compare(*version, *version) == std::strong_ordering::equal);
  std::string whole;
  for (const std::string_view number : {version->major, version->minor, version->patch}) {
    if (!whole.empty()) whole += '.';
    whole += number;
  }
  if (!version->prerelease.empty()) (whole += '-') += version->prerelease;
  const auto again = ParseSemVer(whole);
  Require(again.has_value() && Compare(*again, *version) == std::strong_ordering::equal);
  Require(!ParseSemVer(" " + whole) && !ParseSemVer(whole + "."));
}

int Sign(std::strong_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }
int Sign(int order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

void CheckTwo(std::string_view a, std::string_view b) {
  const auto ours_a = ParseSemVer(a);
  const auto ours_b = ParseSemVer(b);
  const auto flagds = flagd::CompareVersions(a, b);
  const auto mirrored = flagd::CompareVersions(b, a);
  Require(flagds.has_value() == mirrored.has_value());
  if (flagds) Require(Sign(flagds->order) == -Sign(mirrored->order) && (!flagds->same_minor || flagds->same_major));
  if (!ours_a || !ours_b) return;
  Require(Sign(Compare(*ours_a, *ours_b)) == -Sign(Compare(*ours_b, *ours_a)));
  if (flagds) Require(Sign(flagds->order) == Sign(Compare(*ours_a, *ours_b)));
}

}  // namespace
}  // namespace guidon::eval

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);  // NOLINT
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view first = text.substr(0, end);
  const std::string_view second = end == text.size() ? std::string_view() : text.substr(end + 1);
  guidon::eval::CheckOne(first);
  guidon::eval::CheckOne(second);
  guidon::eval::CheckTwo(first, second);
  return 0;
}
