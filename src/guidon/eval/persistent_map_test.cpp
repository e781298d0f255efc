// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/persistent_map.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace guidon::eval {
namespace {

// Leaves so little of the hash that most keys share a path down to a bucket.
struct PoorHash {
  std::uint64_t operator()(std::string_view text) const { return StringHash{}(text) & 0x8200000000000003ULL; }
};

template <class Map>
std::map<std::string, int> ContentOf(const Map& map) {
  std::map<std::string, int> content;
  map.ForEach([&](const std::string& key, const auto& value) { content[key] = value; });
  return content;
}

// Does what `steps` say to a map and to a std::map, keeps old copies, and checks that neither ever differs.
template <class Map>
void CheckAgainstModel(const std::vector<std::pair<std::uint8_t, int>>& steps) {
  Map map;
  std::map<std::string, int> model;
  std::vector<std::pair<Map, std::map<std::string, int>>> copies;
  for (const auto& [key_number, value] : steps) {
    const std::string key = "key-" + std::to_string(key_number % 64);
    if (value % 4 == 0) {
      RC_ASSERT(map.Erase(key) == (model.erase(key) == 1));
    } else {
      RC_ASSERT(map.Set(key, value) == model.insert_or_assign(key, value).second);
    }
    if (value % 5 == 0) copies.emplace_back(map, model);
    RC_ASSERT(map.size() == model.size());
    const int* found = map.Find(key);
    RC_ASSERT((found != nullptr) == model.contains(key));
    if (found != nullptr) RC_ASSERT(*found == model.at(key));
  }
  RC_ASSERT(ContentOf(map) == model);
  for (const auto& [copy, expected] : copies) RC_ASSERT(ContentOf(copy) == expected);
}

RC_GTEST_PROP(PersistentMap, BehavesAsAMapAndCopiesStayAsTheyWere,
              (const std::vector<std::pair<std::uint8_t, int>>& steps)) {
  CheckAgainstModel<PersistentMap<int>>(steps);
}

RC_GTEST_PROP(PersistentMap, HoldsKeysWhoseHashesAreEqual, (const std::vector<std::pair<std::uint8_t, int>>& steps)) {
  CheckAgainstModel<PersistentMap<int, PoorHash>>(steps);
}

TEST(PersistentMap, FindsNothingInAnEmptyMap) {
  PersistentMap<int> map;
  EXPECT_EQ(map.Find("a"), nullptr);
  EXPECT_FALSE(map.Erase("a"));
  EXPECT_TRUE(map.empty());
}

TEST(PersistentMap, SharesValuesBetweenCopiesAndFreesThemWithTheLast) {
  const auto value = std::make_shared<int>(7);
  {
    PersistentMap<std::shared_ptr<int>> first;
    for (int i = 0; i < 1000; ++i) first.Set("other-" + std::to_string(i), nullptr);
    first.Set("a", value);
    PersistentMap<std::shared_ptr<int>> second = first;
    second.Set("b", nullptr);
    EXPECT_EQ(value.use_count(), 2) << "one for the test, one for both maps";
    EXPECT_EQ(second.Find("a"), first.Find("a"));
    EXPECT_EQ(first.Find("b"), nullptr);
    second.Erase("a");
    EXPECT_NE(first.Find("a"), nullptr);
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(PersistentMap, HoldsManyKeys) {
  constexpr int kCount = 100'000;
  PersistentMap<int> map;
  for (int i = 0; i < kCount; ++i) EXPECT_TRUE(map.Set("tenant-" + std::to_string(i), i));
  ASSERT_EQ(map.size(), std::size_t{kCount});
  for (int i = 0; i < kCount; ++i) {
    const int* found = map.Find("tenant-" + std::to_string(i));
    ASSERT_NE(found, nullptr) << i;
    ASSERT_EQ(*found, i);
  }
  EXPECT_EQ(map.Find("tenant-100000"), nullptr);
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(map.Erase("tenant-" + std::to_string(i)));
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(ContentOf(map).size(), 0U);
}

}  // namespace
}  // namespace guidon::eval
