// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <optional>
#include <string_view>

namespace guidon::eval {

// A version by Semantic Versioning 2.0.0. The views point into the text that was parsed. Numbers stay text, so that
// none is too large.
struct SemVer {
  std::string_view major = "0";
  std::string_view minor = "0";
  std::string_view patch = "0";
  std::string_view prerelease = {};
};

// Also takes a leading 'v' and versions without patch or minor ("v1.2" is 1.2.0, "2-rc.1" is 2.0.0-rc.1), as people
// write them. Build metadata is checked and dropped. Nothing where `text` is no version (leading zeros, blanks, a
// fourth number, empty identifiers).
std::optional<SemVer> ParseSemVer(std::string_view text);

// Precedence, semver.org section 11.
std::strong_ordering Compare(const SemVer& a, const SemVer& b);

}  // namespace guidon::eval
