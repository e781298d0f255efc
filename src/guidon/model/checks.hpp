// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"

// Checks that several entities of this module share. Not for other modules.
namespace guidon::model::checks {

// As base::IsUtf8, quick for the ASCII that nearly all text is.
bool IsUtf8(std::string_view text);

// [a-zA-Z0-9][a-zA-Z0-9._-]*, at most `bytes_max` long.
bool IsIdentifier(std::string_view text, std::size_t bytes_max);
base::Status Identifier(std::string_view text, std::size_t bytes_max, std::string_view field);

// One line of UTF-8 without control characters, at most `bytes_max` long; may be empty.
base::Status Line(std::string_view text, std::size_t bytes_max, std::string_view field);
// UTF-8 whose only control characters are tab and line ends, at most `bytes_max` long; may be empty.
base::Status Prose(std::string_view text, std::size_t bytes_max, std::string_view field);

// Path of an attribute in a context: names joined by dots, none of them empty.
base::Status AttributePath(std::string_view path, std::string_view field);

// Within what FormatTimestamp writes and ParseTimestamp reads: years 1970 to 9999.
base::Status Time(base::Timestamp time, std::string_view field);
base::Status Time(const std::optional<base::Timestamp>& time, std::string_view field);

// Versions are signed 64-bit numbers on the wire and in the table.
base::Status Version(std::uint64_t version);

}  // namespace guidon::model::checks
