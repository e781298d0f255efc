// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace guidon::app {

// Names a set of keys, however they are ordered or stored: the sum of the keys' SHA-256, as 256-bit numbers
// (big-endian) modulo 2^256, in hexadecimal. So it follows from the one before and what changed, and anybody can
// compute it from a list. It tells sets apart; it is no proof against somebody who makes up keys in order to deceive.
std::string KeySetDigest(std::span<const std::string> keys);
// Of the set after a change. Precondition: all of `removed` and none of `added` were in it.
std::string KeySetDigestAfter(std::string_view digest, std::span<const std::string> added,
                              std::span<const std::string> removed);

}  // namespace guidon::app
