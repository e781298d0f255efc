// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/network.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace guidon::eval {
namespace {

constexpr std::size_t kMappedPrefixBytes = 12;
constexpr unsigned kMappedPrefixBits = 96;
constexpr std::array<std::uint8_t, kMappedPrefixBytes> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool IsMapped(const IpAddress& address) {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
}

std::optional<unsigned> ParsePrefix(std::string_view text, unsigned bits_max) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc{} || end != text.data() + text.size() || bits > bits_max) return std::nullopt;
  return bits;
}

}  // namespace

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  // inet_pton wants a terminated string.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(terminated.data(), text.data(), text.size());
  IpAddress address;
  if (text.find(':') == std::string_view::npos) {
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
    address.is_v4 = true;
    if (inet_pton(AF_INET, terminated.data(), address.bytes.data() + kMappedPrefixBytes) != 1) return std::nullopt;
    return address;
  }
  if (inet_pton(AF_INET6, terminated.data(), address.bytes.data()) != 1) return std::nullopt;
  address.is_v4 = IsMapped(address);
  return address;
}

std::optional<Network> Network::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  const auto address = ParseIpAddress(address_text);
  if (!address) return std::nullopt;
  const bool dotted = address_text.find(':') == std::string_view::npos;
  Network network;
  network.base_ = *address;
  network.prefix_bits_ = 128;
  if (slash == std::string_view::npos) return network;
  const auto bits = ParsePrefix(text.substr(slash + 1), dotted ? 32 : 128);
  if (!bits) return std::nullopt;
  network.prefix_bits_ = dotted ? kMappedPrefixBits + *bits : *bits;
  return network;
}

bool Network::Contains(const IpAddress& address) const {
  return (!address.is_v4 || prefix_bits_ >= kMappedPrefixBits) && SharesPrefix(address);
}

bool Network::Includes(const Network& other) const {
  const bool other_is_v4 = other.prefix_bits_ >= kMappedPrefixBits && IsMapped(other.base_);
  if (other_is_v4 && prefix_bits_ < kMappedPrefixBits) return false;
  return other.prefix_bits_ >= prefix_bits_ && SharesPrefix(other.base_);
}

bool Network::SharesPrefix(const IpAddress& address) const {
  const std::size_t whole_bytes = prefix_bits_ / 8;
  if (!std::equal(base_.bytes.begin(), base_.bytes.begin() + whole_bytes, address.bytes.begin())) return false;
  const unsigned bits = prefix_bits_ % 8;
  if (bits == 0) return true;
  const unsigned difference = unsigned{base_.bytes[whole_bytes]} ^ unsigned { address.bytes[whole_bytes] };
  return difference >> (8 - bits) == 0;
}

}  // namespace guidon::eval
