// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/key_set_digest.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/app/crypto.hpp"
#include "guidon/base/text.hpp"

namespace guidon::app {
namespace {

using Keys = std::vector<std::string>;

const std::string kNothing(64, '0');

TEST(KeySetDigest, OfOneKeyIsItsHash) {
  EXPECT_EQ(KeySetDigest({}), kNothing);
  EXPECT_EQ(KeySetDigest(Keys{"abc"}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(KeySetDigest(Keys{"abc"}), base::ToHex(Sha256("abc")));
}

// A carry leaves the highest word.
TEST(KeySetDigest, IsTheSumOfTheHashes) {
  EXPECT_EQ(KeySetDigest(Keys{"a", "b"}), "08bb6928ca5517152e4b8118ff058d82334469f89d507abd84f46634858a4958");
}

TEST(KeySetDigest, FollowsChangesWhateverTheirOrder) {
  Keys all;
  for (int i = 0; i < 300; ++i) all.push_back("user-" + std::to_string(i));
  const std::string whole = KeySetDigest(all);
  const std::span keys(all);
  const std::string part = KeySetDigest(keys.subspan(100));
  EXPECT_NE(part, whole);
  EXPECT_EQ(KeySetDigestAfter(part, keys.first(100), {}), whole);
  EXPECT_EQ(KeySetDigestAfter(whole, {}, keys.first(100)), part);
  EXPECT_EQ(KeySetDigestAfter(whole, {}, keys), kNothing);
  EXPECT_EQ(KeySetDigest(Keys(all.rbegin(), all.rend())), whole);
}

}  // namespace
}  // namespace guidon::app
