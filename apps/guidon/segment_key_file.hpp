// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/guidon/failure.hpp"

namespace guidon::cli {

// Keys of a segment, one a line: as they are, or as JSON strings or objects with a "key" (JSON Lines). Empty lines and
// a byte order mark are left out, CRLF ends a line like LF. A first line that begins with '"' or '{' says that all are
// JSON. Returns them sorted, each once: neighbours lie in the same part of a large segment, so portions of them cost
// less. Errors: kUsage with the line at fault.
Outcome<std::vector<std::string>> ParseSegmentKeys(std::string_view text);

}  // namespace guidon::cli
