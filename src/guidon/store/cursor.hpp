// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/store/table.hpp"

namespace guidon::store {

// Longest cursor: the longest keys DynamoDB allows, in base 64, rounded up.
inline constexpr std::size_t kCursorCharactersMax = 6000;

// The position after a page as text that a client keeps and gives back: base64url of a version byte, the index, the
// item's own keys and a checksum that also covers `partition`. The partition is not in it: whoever decodes it has to
// know which list it belongs to. It holds nothing but keys of the last item the client was given. The checksum finds
// mistakes and mix-ups; it is no secret, and needs none: a position is only ever used inside the caller's partition.
std::string EncodeCursor(Index index, std::string_view partition, const Position& position);

// Error: kInvalidArgument naming "cursor" for text that was changed, cut, or belongs to another index or partition (and
// so to another tenant).
base::Result<Position> DecodeCursor(std::string_view text, Index index, std::string_view expected_partition);

}  // namespace guidon::store
