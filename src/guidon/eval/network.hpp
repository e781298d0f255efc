// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace guidon::eval {

// An IP address in 16 bytes; IPv4 as the mapped form ::ffff:a.b.c.d, so that both ways to write one address are equal.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v4 = false;
};
// Nothing where `text` is no address (RFC 4291 text forms and dotted decimal, no zone, no port).
std::optional<IpAddress> ParseIpAddress(std::string_view text);

// An address range in CIDR notation.
class Network {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or an address alone. Bits beyond the prefix are ignored ("10.1.2.3/8" is
  // 10.0.0.0/8). Nothing where `text` is neither.
  static std::optional<Network> Parse(std::string_view text);

  // An IPv4 address is in no IPv6 network but those below ::ffff:0:0/96: "::/0" means every IPv6 address.
  bool Contains(const IpAddress& address) const;
  // Every address of the other network is in this one.
  bool Includes(const Network& other) const;

 private:
  bool SharesPrefix(const IpAddress& address) const;

  IpAddress base_;
  unsigned prefix_bits_ = 0;  // of 128
};

}  // namespace guidon::eval
