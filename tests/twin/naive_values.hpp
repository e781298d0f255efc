// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/model/value.hpp"

// What the operators of spec 3 compare, written a second time: to be read beside the specification, not to be fast.
// Nothing here comes from guidon/eval.
namespace guidon::twin {

// Exact for 64-bit integers and doubles alike: this type has 64 bits of mantissa.
std::optional<long double> NumberOf(const model::Value& value);

// Semantic Versioning 2.0.0, with an optional v in front; minor and patch may be left out and count as 0.
struct Version {
  std::array<std::string, 3> numbers;  // decimal digits
  std::vector<std::string> prerelease;
};
std::optional<Version> ParseVersion(std::string_view text);
int CompareVersions(const Version& a, const Version& b);  // < 0, 0, > 0

// An IPv4 address has 32 bits, an IPv6 address 128.
using Bits = std::vector<bool>;
std::optional<Bits> ParseAddress(std::string_view text);
// ADDRESS or ADDRESS/BITS contains the address. IPv4 in its IPv6-mapped form is IPv4.
bool NetworkContains(std::string_view network, const Bits& address);

// Milliseconds since 1970 of an RFC 3339 time within the years 1970 to 9999.
std::optional<std::int64_t> ParseTime(std::string_view text);

// RE2 syntax, found anywhere in the text.
bool IsPattern(const std::string& pattern);
bool PatternMatches(const std::string& pattern, std::string_view text);

// MurmurHash3_x86_32, seed 0.
std::uint32_t Murmur3(std::string_view bytes);

}  // namespace guidon::twin
