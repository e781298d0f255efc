// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/network.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace guidon::eval {
namespace {

bool IsIn(std::string_view address, std::string_view network) {
  const auto parsed_address = ParseIpAddress(address);
  const auto parsed_network = Network::Parse(network);
  EXPECT_TRUE(parsed_address) << address;
  EXPECT_TRUE(parsed_network) << network;
  return parsed_address && parsed_network && parsed_network->Contains(*parsed_address);
}

TEST(Network, IncludesNetworksThatHoldNothingElse) {
  const auto includes = [](std::string_view wide, std::string_view narrow) {
    return Network::Parse(wide)->Includes(*Network::Parse(narrow));
  };
  EXPECT_TRUE(includes("10.0.0.0/8", "10.1.0.0/16"));
  EXPECT_TRUE(includes("10.0.0.0/8", "10.0.0.0/8"));
  EXPECT_FALSE(includes("10.1.0.0/16", "10.0.0.0/8"));
  EXPECT_FALSE(includes("10.0.0.0/8", "11.0.0.0/16"));
  EXPECT_TRUE(includes("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_TRUE(includes("2001:db8::/32", "2001:db8:1::/48"));
  EXPECT_TRUE(includes("::/0", "2001:db8::/32"));
  EXPECT_FALSE(includes("::/0", "10.0.0.0/8"));
  EXPECT_FALSE(includes("0.0.0.0/0", "::/0"));
}

TEST(Network, HoldsTheAddressesOfItsPrefix) {
  EXPECT_TRUE(IsIn("10.0.0.0", "10.0.0.0/8"));
  EXPECT_TRUE(IsIn("10.255.255.255", "10.0.0.0/8"));
  EXPECT_FALSE(IsIn("11.0.0.0", "10.0.0.0/8"));
  EXPECT_TRUE(IsIn("192.168.1.129", "192.168.1.128/25"));
  EXPECT_FALSE(IsIn("192.168.1.127", "192.168.1.128/25"));
  EXPECT_TRUE(IsIn("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(IsIn("192.0.2.2", "192.0.2.1"));
  EXPECT_TRUE(IsIn("192.0.2.1", "192.0.2.1/32"));
  EXPECT_TRUE(IsIn("2001:db8::1", "2001:db8::/32"));
  EXPECT_FALSE(IsIn("2001:db9::1", "2001:db8::/32"));
  EXPECT_TRUE(IsIn("2001:db8:0:0:8000::", "2001:db8:0:0:8000::/65"));
  EXPECT_FALSE(IsIn("2001:db8:0:0:7fff::", "2001:db8:0:0:8000::/65"));
  EXPECT_TRUE(IsIn("2001:DB8::A", "2001:db8::a"));
}

TEST(Network, IgnoresBitsBeyondThePrefix) { EXPECT_TRUE(IsIn("10.9.9.9", "10.1.2.3/8")); }

TEST(Network, TakesBothWaysToWriteAnIpv4Address) {
  EXPECT_TRUE(IsIn("::ffff:10.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(IsIn("10.1.2.3", "::ffff:10.0.0.0/104"));
  EXPECT_TRUE(IsIn("10.1.2.3", "::ffff:0:0/96"));
}

TEST(Network, EverythingOfOneFamilyIsNothingOfTheOther) {
  EXPECT_TRUE(IsIn("203.0.113.9", "0.0.0.0/0"));
  EXPECT_FALSE(IsIn("2001:db8::1", "0.0.0.0/0"));
  EXPECT_TRUE(IsIn("2001:db8::1", "::/0"));
  EXPECT_FALSE(IsIn("203.0.113.9", "::/0"));
}

TEST(Network, RefusesWhatIsNone) {
  for (const std::string_view text : {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0/8",
                                      "::/129", "10.0.0.0/8/8", "host", "10.0.0.0 /8", "::ffff:10.0.0.0/ 1", "/8"})
    EXPECT_FALSE(Network::Parse(text)) << text;
}

TEST(IpAddress, RefusesWhatIsNone) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "256.1.1.1"sv, "01.2.3.4"sv, "1.2.3.4:80"sv,
                                      "fe80::1%eth0"sv, "::1::"sv, "1.2.3.4\0"sv, "10.0.0.0/8"sv})
    EXPECT_FALSE(ParseIpAddress(text)) << text;
  EXPECT_FALSE(ParseIpAddress(std::string(1000, '1')));
}

}  // namespace
}  // namespace guidon::eval
