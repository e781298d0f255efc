// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace guidon::base {

// True for well-formed UTF-8 (no overlong forms, surrogates, or code points beyond U+10FFFF).
bool IsUtf8(std::string_view bytes);

// True where a byte is below 0x20 or is 0x7f.
bool HasControlCharacter(std::string_view text);

// Without spaces, tabs and line ends at both ends.
std::string_view Trim(std::string_view text);

std::string ToHex(std::string_view bytes);

// Base 64 with the URL alphabet (RFC 4648 section 5), without padding.
std::string ToBase64Url(std::string_view bytes);
// Nothing where `text` has a character outside the alphabet, an impossible length or non-zero spare bits.
std::optional<std::string> FromBase64Url(std::string_view text);

// 64-bit FNV-1a: for checksums and hash tables, not for secrets.
std::uint64_t Fnv1a64(std::string_view bytes);

}  // namespace guidon::base
