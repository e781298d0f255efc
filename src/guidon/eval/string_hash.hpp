// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace guidon::eval {

// For tables in memory only: the numbers differ between platforms, so nothing that leaves the process may use them.
struct StringHash {
  std::uint64_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

}  // namespace guidon::eval
