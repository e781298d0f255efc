// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/cursor.hpp"

#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "guidon/base/text.hpp"

namespace guidon::store {
namespace {

constexpr std::array<Index, 4> kAllIndexes = {Index::kTable, Index::kGsi1Flags, Index::kGsi2Owner, Index::kGsi3Tenant};

Position PositionIn(Index index, const std::string& partition, const std::string& text) {
  if (index == Index::kTable) return {.key = {partition, text}};
  return {.key = {"FLAG#dev#" + text, "METADATA"}, .index_partition = partition, .index_sort = "METADATA#" + text};
}

void ExpectRefused(std::string_view text, Index index, std::string_view partition) {
  const auto result = DecodeCursor(text, index, partition);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(result.error().field, "cursor");
}

TEST(Cursor, ReadsBackWhatWasWritten) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(0, 127);
  std::uniform_int_distribution<std::size_t> length(1, 1024);
  for (int round = 0; round < 500; ++round) {
    std::string text(length(random), '\0');
    for (char& c : text) c = static_cast<char>(byte(random));
    const std::string partition = "TENANT#" + std::to_string(round);
    for (const Index index : kAllIndexes) {
      Position position = PositionIn(index, partition, text.substr(0, 900));
      const auto decoded = DecodeCursor(EncodeCursor(index, partition, position), index, partition);
      ASSERT_TRUE(decoded.has_value());
      EXPECT_EQ(*decoded, position);
    }
  }
}

TEST(Cursor, StaysWithinItsSizeForTheLongestKeys) {
  const Position longest{.key = {std::string(2048, 'p'), std::string(1024, 's')},
                         .index_partition = std::string(2048, 'g'),
                         .index_sort = std::string(1024, 'h')};
  const std::string text = EncodeCursor(Index::kGsi1Flags, longest.index_partition, longest);
  EXPECT_LE(text.size(), kCursorCharactersMax);
  EXPECT_EQ(DecodeCursor(text, Index::kGsi1Flags, longest.index_partition).value(), longest);
}

TEST(Cursor, EveryChangedCharacterIsRefused) {
  for (const Index index : kAllIndexes) {
    const std::string text = EncodeCursor(index, "TENANT#a", PositionIn(index, "TENANT#a", "checkout"));
    for (std::size_t i = 0; i < text.size(); ++i) {
      for (const char c : {'A', 'b', '7', '_', '=', '+', '\n', '\0'}) {
        if (text[i] == c) continue;
        std::string changed = text;
        changed[i] = c;
        ExpectRefused(changed, index, "TENANT#a");
      }
    }
  }
}

TEST(Cursor, EveryCutAndEveryAdditionIsRefused) {
  for (const Index index : kAllIndexes) {
    const std::string text = EncodeCursor(index, "TENANT#a", PositionIn(index, "TENANT#a", "checkout"));
    for (std::size_t size = 0; size < text.size(); ++size) ExpectRefused(text.substr(0, size), index, "TENANT#a");
    for (const char* more : {"A", "AA", "AAAA", "=", " "}) ExpectRefused(text + more, index, "TENANT#a");
  }
  ExpectRefused(std::string(kCursorCharactersMax + 1, 'A'), Index::kTable, "TENANT#a");
}

TEST(Cursor, BelongsToItsIndexAndPartition) {
  for (const Index index : kAllIndexes) {
    const std::string text = EncodeCursor(index, "TENANT#a", PositionIn(index, "TENANT#a", "checkout"));
    for (const Index other : kAllIndexes) {
      if (other != index) ExpectRefused(text, other, "TENANT#a");
    }
    for (const char* partition : {"TENANT#ab", "TENANT#", "TENANT#b", ""}) ExpectRefused(text, index, partition);
  }
}

TEST(Cursor, NeverPanicsOnRandomBytes) {
  std::mt19937 random(11);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(static_cast<std::size_t>(round % 40), '\0');
    for (char& c : bytes) c = static_cast<char>(byte(random));
    if (bytes.size() > 2) bytes[0] = 1;
    ExpectRefused(base::ToBase64Url(bytes), Index::kGsi2Owner, "p");
  }
}

TEST(Cursor, ShowsNothingButTheItemsOwnKeys) {
  const Position position = PositionIn(Index::kGsi3Tenant, "TENANT#secret", "checkout");
  const auto bytes = base::FromBase64Url(EncodeCursor(Index::kGsi3Tenant, "TENANT#secret", position));
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->find("secret"), std::string::npos);
  EXPECT_NE(bytes->find("checkout"), std::string::npos);
}

}  // namespace
}  // namespace guidon::store
