// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace guidon::cli {

// The one of `names` that `wrong` was most likely meant to be; "" where none is near (more letters are wrong than a
// third of the name's length, and one for short names).
std::string NearestName(std::string_view wrong, const std::vector<std::string>& names);

}  // namespace guidon::cli
