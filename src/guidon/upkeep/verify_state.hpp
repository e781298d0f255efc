// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/upkeep/scanning.hpp"
#include "guidon/upkeep/verify.hpp"

// What a check keeps until it has seen everything. Not for other modules.
namespace guidon::upkeep {

// What has been seen of one change log.
struct LogSeen {
  std::uint64_t entries = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> head = std::nullopt;
};

struct VerifyState {
  Positions positions;
  VerifyReport report = {};
  std::map<std::string, LogSeen, std::less<>> logs = {};  // by scope

  std::string ToText(std::string_view table_name) const;
  // Errors: kCorrupt, kUnsupported, kConflict (another table's).
  static base::Result<VerifyState> From(std::string_view text, std::string_view table_name);
};

}  // namespace guidon::upkeep
