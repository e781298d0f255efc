// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/crypto.hpp"

#include <string>

#include <gtest/gtest.h>

#include "guidon/base/text.hpp"

namespace guidon::app {
namespace {

// FIPS 180-4 examples, as NIST publishes them.
TEST(Sha256, MatchesThePublishedExamples) {
  EXPECT_EQ(base::ToHex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(base::ToHex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// RFC 4231, test cases 1, 2 and 6.
TEST(HmacSha256, MatchesThePublishedExamples) {
  EXPECT_EQ(base::ToHex(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(base::ToHex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(base::ToHex(HmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, DoesNotCarryAKeyOverToTheNextCall) {
  const std::string first = HmacSha256("a", "text");
  const std::string without_key = HmacSha256("", "text");
  EXPECT_NE(without_key, first);
  EXPECT_EQ(HmacSha256("a", "text"), first);
  EXPECT_EQ(HmacSha256("", "text"), without_key);
}

TEST(ConstantTimeEqual, ComparesLengthAndBytes) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("same", "same"));
  EXPECT_FALSE(ConstantTimeEqual("same", "sane"));
  EXPECT_FALSE(ConstantTimeEqual("same", "sam"));
}

}  // namespace
}  // namespace guidon::app
