// SPDX-License-Identifier: Apache-2.0
// Two networks and an address, one a line. Whatever is accepted holds together: a network includes itself, holds the
// address alone as a network where it holds the address, and everything that a network inside it holds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "guidon/eval/network.hpp"

namespace guidon::eval {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void Check(std::string_view text) {
  const std::string_view first = TakeLine(text);
  const std::string_view second = TakeLine(text);
  const std::string_view third = TakeLine(text);
  const auto outer = Network::Parse(first);
  const auto inner = Network::Parse(second);
  const auto address = ParseIpAddress(third);
  const auto alone = Network::Parse(third);
  if (outer) Require(outer->Includes(*outer));
  if (address) {
    Require(alone.has_value());
    Require(alone->Contains(*address));
    if (outer) Require(outer->Contains(*address) == outer->Includes(*alone));
  } else if (third.find('/') == std::string_view::npos) {
    Require(!alone.has_value());
  }
  if (outer && inner && outer->Includes(*inner) && address && inner->Contains(*address))
    Require(outer->Contains(*address));
  // No blank is part of an address.
  Require(!Network::Parse(" " + std::string(first)) && !Network::Parse(std::string(first) + " "));
}

}  // namespace
}  // namespace guidon::eval

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  guidon::eval::Check(std::string_view(reinterpret_cast<const char*>(data), size));  // NOLINT
  return 0;
}
