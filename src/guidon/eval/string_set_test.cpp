// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/string_set.hpp"

#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace guidon::eval {
namespace {

std::vector<std::string> Numbered(int count) {
  std::vector<std::string> members;
  for (int i = 0; i < count; ++i) members.push_back("member-" + std::to_string(i));
  return members;
}

TEST(StringSet, HoldsItsMembersAndNothingElse) {
  for (const int count : {0, 1, 8, 9, 16, 17, 1000}) {
    const StringSet set(Numbered(count));
    EXPECT_EQ(set.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(set.empty(), count == 0);
    for (int i = 0; i < count; ++i) EXPECT_TRUE(set.Contains("member-" + std::to_string(i))) << count << " " << i;
    for (int i = count; i < count + 1000; ++i)
      EXPECT_FALSE(set.Contains("member-" + std::to_string(i))) << count << " " << i;
    EXPECT_FALSE(set.Contains(""));
    EXPECT_FALSE(set.Contains("member-"));
  }
}

TEST(StringSet, MayBeGivenAMemberTwice) {
  std::vector<std::string> members = Numbered(20);
  members.push_back("member-3");
  const StringSet set(members);
  EXPECT_TRUE(set.Contains("member-3"));
  EXPECT_FALSE(set.Contains("member-20"));
}

TEST(StringSet, WithAddsAndRemoves) {
  for (const int count : {0, 3, 8, 9, 100, 5000}) {
    const std::vector<std::string> members = Numbered(count);
    const std::span all(members);
    const std::span gone = all.first(all.size() / 2);
    const std::vector<std::string> added = {"", "new", std::string(100, 'x')};
    const StringSet before(members);
    const StringSet after = before.With(added, gone);
    EXPECT_EQ(after.size(), all.size() - gone.size() + added.size());
    for (const std::string& member : gone) EXPECT_FALSE(after.Contains(member)) << count << " " << member;
    for (const std::string& member : all.subspan(gone.size())) EXPECT_TRUE(after.Contains(member)) << count;
    for (const std::string& member : added) EXPECT_TRUE(after.Contains(member)) << count;
    EXPECT_FALSE(after.Contains("member-" + std::to_string(count)));
    EXPECT_EQ(before.size(), members.size());
    EXPECT_FALSE(before.Contains("new"));
    const StringSet none = after.With({}, added).With({}, all.subspan(gone.size()));
    EXPECT_TRUE(none.empty());
    EXPECT_FALSE(none.Contains("new"));
  }
}

TEST(StringSet, ADefaultOneIsEmpty) { EXPECT_FALSE(StringSet().Contains("")); }

}  // namespace
}  // namespace guidon::eval
