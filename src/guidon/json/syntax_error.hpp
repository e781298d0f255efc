// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace guidon::json {

// For a text that the parser refused: what is wrong where, as the end of a sentence ("unexpected character at line 2,
// column 5"). Slow and only for messages; where it finds nothing wrong it says so vaguely. Not for other modules.
std::string DescribeSyntaxError(std::string_view text);

}  // namespace guidon::json
