// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/stream_tokens.hpp"

#include <string>

#include <gtest/gtest.h>

#include "guidon/app/crypto.hpp"
#include "guidon/base/text.hpp"

namespace guidon::app {
namespace {

const std::string kSecret(32, 's');

StreamGrant Grant() {
  return {.environment = "production",
          .tenant = "acme",
          .key_id = "0123456789abcdef",
          .expires_at = *base::ParseTimestamp("2026-11-23T12:00:00.000Z", "t"),
          .since = 4711};
}

// NIST SP 800-38A, F.5.5, first block.
TEST(Aes256CtrTest, IsAesInCounterMode) {
  const auto bytes = [](std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return out;
  };
  const std::string key = bytes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
  const std::string iv = bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  EXPECT_EQ(base::ToHex(Aes256Ctr(key, iv, bytes("6bc1bee22e409f96e93d7e117393172a"))),
            "601ec313775789a5b7a7f504bbf3d228");
}

TEST(StreamTokensTest, WhatWasIssuedIsReadOnEveryNodeWithTheSecret) {
  const StreamTokens one(kSecret);
  const StreamTokens other(kSecret);
  EXPECT_EQ(other.Read(one.Issue(Grant())), Grant());
  EXPECT_EQ(one.Issue(Grant()), other.Issue(Grant()));
  EXPECT_EQ(other.SequenceOf("s", one.EventId("s", 7)), 7U);
  EXPECT_FALSE(StreamTokens(std::string(32, 'x')).Read(one.Issue(Grant())));
}

TEST(StreamTokensTest, AnythingThatWasAlteredIsNothing) {
  const StreamTokens tokens(kSecret);
  const std::string token = tokens.Issue(Grant());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens.Read(altered)) << i;
    EXPECT_FALSE(tokens.Read(token.substr(0, i))) << i;
  }
  EXPECT_FALSE(tokens.Read(token + "A"));
  EXPECT_FALSE(tokens.Read(std::string(10'000, 'A')));
  // One sort of text is not another.
  EXPECT_FALSE(tokens.Read(tokens.EventId("s", 7)));
  EXPECT_FALSE(tokens.SequenceOf("s", token));
}

TEST(StreamTokensTest, AnIdOfOneScopeMeansNothingInAnother) {
  const StreamTokens tokens(kSecret);
  EXPECT_FALSE(tokens.SequenceOf("b", tokens.EventId("a", 7)));
  EXPECT_NE(tokens.EventId("a", 7), tokens.EventId("b", 7));
}

TEST(StreamTokensTest, TextsShowNeitherNumbersNorNames) {
  const StreamTokens tokens(kSecret);
  const auto bytes = base::FromBase64Url(tokens.Issue(Grant()));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->find("acme"), std::string::npos);
  // Neighbours have nothing in common: 32 characters, of which some agree by chance.
  const std::string a = tokens.EventId("s", 7);
  const std::string b = tokens.EventId("s", 8);
  ASSERT_EQ(a.size(), b.size());
  std::size_t same = 0;
  for (std::size_t i = 0; i < a.size(); ++i) same += a[i] == b[i] ? 1 : 0;
  EXPECT_LT(same, 8U);
}

TEST(StreamTokensTest, AGrantLastsHalfAWindowAtLeast) {
  const base::Timestamp start = Grant().expires_at;
  for (int minutes = 0; minutes < 26 * 60; minutes += 7) {
    const base::Timestamp now = start + std::chrono::minutes(minutes);
    const auto left = StreamGrantExpiry(now) - now;
    EXPECT_GE(left, kStreamGrantWindow / 2);
    EXPECT_LE(left, kStreamGrantWindow * 3 / 2);
    // Whoever has an old one gets a new one before it ends.
    EXPECT_GT(StreamWindow(StreamGrantExpiry(now) - std::chrono::milliseconds(1)), StreamWindow(now));
  }
}

}  // namespace
}  // namespace guidon::app
