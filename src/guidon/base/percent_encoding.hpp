// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace guidon::base {

// RFC 3986 section 2.3: letters, digits, '-', '.', '_', '~'.
bool IsUnreserved(char c);

// Everything but unreserved characters as %XX: for one segment of a path, or a name or value of a query or form.
std::string PercentEncode(std::string_view text);

}  // namespace guidon::base
