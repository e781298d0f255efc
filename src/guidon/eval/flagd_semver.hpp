// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace guidon::eval::flagd {

// What `sem_ver` asks of two versions.
struct VersionComparison {
  int order = 0;  // negative, 0 or positive, by semver.org section 11
  bool same_major = false;
  bool same_minor = false;  // and the same major
};

// Versions as flagd takes them: SemVer 2.0.0 with 'v' or 'V' in front, or one or two numbers ("1", "1.2"). Nothing
// where one is none, or has a number beyond 2^53 - 1.
std::optional<VersionComparison> CompareVersions(std::string_view a, std::string_view b);

}  // namespace guidon::eval::flagd
