// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"

namespace guidon::base {

// UTC, milliseconds since 1970-01-01.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// "2026-11-22T04:23:00.123Z": ISO 8601, UTC, always milliseconds, so that text order is time order (spec 2).
std::string FormatTimestamp(Timestamp time);

// "2026-11-22".
std::string FormatDate(Timestamp time);

// Accepts RFC 3339: date, 'T', time with seconds, optional fraction (digits beyond milliseconds are cut), and 'Z' or
// an offset ±hh:mm. Refuses dates that do not exist, hour 24, leap seconds, and years outside 1970 to 9999.
// Error: kInvalidArgument naming `field`.
Result<Timestamp> ParseTimestamp(std::string_view text, std::string_view field = {});

// Accepts "2026-11-22". Error: kInvalidArgument naming `field`.
Result<Timestamp> ParseDate(std::string_view text, std::string_view field = {});

}  // namespace guidon::base
