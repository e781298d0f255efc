// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/store_rocksdb/item_bytes.hpp"
#include "guidon/store_rocksdb/key_codec.hpp"

namespace guidon::store_rocksdb {
namespace {

using store::AttributeList;
using store::AttributeMap;
using store::AttributeValue;
using store::Index;
using store::Item;
using store::Key;
using store::Number;
using store::Position;

Item EveryType() {
  return {{"PK", "p"},
          {"SK", "s"},
          {"text", "grüß dich"},
          {"long", std::string(300, 'x')},
          {"number", Number{"-12.5"}},
          {"bytes", store::Binary{std::string("\0\xff", 2)}},
          {"yes", true},
          {"no", false},
          {"nothing", store::Null{}},
          {"set", store::StringSet{"a", "b"}},
          {"list", AttributeList{"a", AttributeList{}, AttributeMap{{"deep", Number{"1"}}}}},
          {"ttl", Number{"1795321380"}}};
}

AttributeValue Nested(std::size_t levels) {
  AttributeValue value = "core";
  for (std::size_t i = 0; i < levels; ++i) value = AttributeMap{{"m", value}};
  return value;
}

TEST(ItemBytes, ReadBackWhatWasWritten) {
  for (const Item& item :
       {EveryType(), Item{{"PK", "p"}, {"SK", "s"}}, Item{{"PK", "p"}, {"SK", "s"}, {"x", Nested(32)}}}) {
    const auto decoded = DecodeItem({"p", "s"}, EncodeItem(item));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, item);
  }
}

TEST(ItemBytes, DoNotRepeatTheKey) {
  const Item item{{"PK", "partition"}, {"SK", "sorting"}, {"a", "b"}};
  EXPECT_EQ(EncodeItem(item).find("partition"), std::string::npos);
  EXPECT_LE(EncodeItem(item).size(), 8U);
}

TEST(ItemBytes, EveryCutIsCorruptAndNamesTheKey) {
  const std::string bytes = EncodeItem(EveryType());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = DecodeItem({"the-pk", "the-sk"}, std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(decoded.has_value()) << size;
    EXPECT_EQ(decoded.error().code, base::ErrorCode::kCorrupt);
    EXPECT_NE(decoded.error().message.find("the-pk / the-sk"), std::string::npos);
  }
  EXPECT_FALSE(DecodeItem({"p", "s"}, bytes + "x").has_value());
  std::string newer = bytes;
  newer[0] = 2;
  EXPECT_FALSE(DecodeItem({"p", "s"}, newer).has_value());
}

TEST(ItemBytes, AnyBytesAreReadSafely) {
  const std::string bytes = EncodeItem(EveryType());
  std::mt19937 random(3);
  std::uniform_int_distribution<int> byte(0, 255);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int round = 0; round < 20; ++round) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(byte(random));
      refused += DecodeItem({"p", "s"}, damaged).has_value() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, bytes.size());
  for (int round = 0; round < 20'000; ++round) {
    std::string noise(static_cast<std::size_t>(round % 60), '\0');
    for (char& c : noise) c = static_cast<char>(byte(random));
    if (noise.size() > 1) noise.replace(0, 2, std::string("\1\0", 2));
    (void)DecodeItem({"p", "s"}, noise);
    (void)ReadExpiry(noise);
  }
}

TEST(ItemBytes, AHugeCountOrDepthIsRefusedWithoutAllocating) {
  const std::string head("\1\0", 2);
  EXPECT_FALSE(DecodeItem({"p", "s"}, head + "\xff\xff\xff\xff\x0f").has_value());
  std::string deep = head + "\1\1a";
  for (int i = 0; i < 100'000; ++i) deep += "l\1";
  EXPECT_FALSE(DecodeItem({"p", "s"}, deep + "0").has_value());
}

TEST(Expiry, IsReadWithoutTheItem) {
  using Expiry = std::optional<std::int64_t>;
  EXPECT_EQ(ReadExpiry(EncodeItem(EveryType())), Expiry(1795321380));
  EXPECT_EQ(ReadExpiry(EncodeItem({{"PK", "p"}, {"SK", "s"}})), std::optional<Expiry>(Expiry()));
  for (const Expiry expiry : {Expiry(), Expiry(0), Expiry(-5), Expiry(INT64_MAX), Expiry(INT64_MIN)}) {
    EXPECT_EQ(ReadExpiry(EncodeEntry(expiry)), std::optional<Expiry>(expiry));
  }
  EXPECT_EQ(ReadExpiry(""), std::nullopt);
  EXPECT_EQ(ReadExpiry("\1\1abc"), std::nullopt);
  EXPECT_EQ(ReadExpiry("\1\2"), std::nullopt);
}

// Few different bytes, the dangerous ones among them, so that prefixes and escapes meet.
class TextSource {
 public:
  explicit TextSource(std::uint32_t seed) : random_(seed) {}
  std::string Next() {
    static constexpr char kBytes[] = {'\0', '\x01', '\x02', 'a', 'b', '\xff', '\xfe'};
    std::uniform_int_distribution<std::size_t> length(1, 4);
    std::uniform_int_distribution<std::size_t> pick(0, std::size(kBytes) - 1);
    std::string text(length(random_), ' ');
    for (char& c : text) c = kBytes[pick(random_)];
    return text;
  }

 private:
  std::mt19937 random_;
};

TEST(KeyCodec, KeepsOrderAndReadsBack) {
  TextSource text(5);
  using Parts = std::tuple<std::string, std::string, std::string, std::string>;
  std::vector<Parts> all;
  for (int i = 0; i < 3000; ++i) all.emplace_back(text.Next(), text.Next(), text.Next(), text.Next());
  const auto encode = [](const Parts& parts) {
    const auto& [partition, sort, pk, sk] = parts;
    return EncodeIndexKey(Index::kGsi2Owner, partition, sort, {pk, sk});
  };
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    EXPECT_EQ(all[i] < all[i + 1], encode(all[i]) < encode(all[i + 1]));
    const auto& [partition, sort, pk, sk] = all[i];
    EXPECT_EQ(DecodeIndexKey(encode(all[i])),
              (Position{.key = {pk, sk}, .index_partition = partition, .index_sort = sort}));
    const Key key{pk, sk};
    const Key next{std::get<2>(all[i + 1]), std::get<3>(all[i + 1])};
    EXPECT_EQ(DecodeItemKey(EncodeItemKey(key)), key);
    EXPECT_EQ(key < next, EncodeItemKey(key) < EncodeItemKey(next));
  }
}

TEST(KeyCodec, BoundsHoldExactlyWhatTheQueryAsksFor) {
  TextSource text(9);
  for (int i = 0; i < 5000; ++i) {
    const std::string partition = text.Next();
    const std::string sort = text.Next();
    const Key key{text.Next(), text.Next()};
    const std::string low = text.Next();
    const std::string asked = i % 2 == 0 ? partition : text.Next();
    const auto within = [](const KeyBounds& bounds, const std::string& at) {
      return at >= bounds.lower && at < bounds.upper;
    };
    const std::string entry = EncodeIndexKey(Index::kGsi1Flags, partition, sort, key);
    const std::string item = EncodeItemKey({partition, sort});
    for (const auto& [condition, holds] : std::vector<std::pair<store::SortKeyCondition, bool>>{
             {store::SortKeyAny{}, true},
             {store::SortKeyEquals{low}, sort == low},
             {store::SortKeyGreater{low}, sort > low},
             {store::SortKeyBeginsWith{low}, sort.starts_with(low)},
             {store::SortKeyBetween{low, low + "a"}, sort >= low && sort <= low + "a"}}) {
      store::Query query{.index = Index::kGsi1Flags, .partition = asked, .sort = condition};
      EXPECT_EQ(within(BoundsOf(query), entry), holds && asked == partition);
      query.index = Index::kTable;
      EXPECT_EQ(within(BoundsOf(query), item), holds && asked == partition);
    }
    EXPECT_TRUE(within(BoundsOfAll(Index::kGsi1Flags), entry));
    EXPECT_FALSE(within(BoundsOfAll(Index::kGsi2Owner), entry));
    EXPECT_TRUE(within(BoundsOfAll(Index::kTable), item));
  }
}

TEST(KeyCodec, RefusesBytesOfNobody) {
  for (const std::string& bytes :
       {std::string(), std::string("i"), std::string("iabc"), std::string("f"), std::string("i\0\1s", 4),
        std::string("ia\0", 3), std::string("ia\0\2s", 5), std::string("ia\0\1", 4)}) {
    EXPECT_EQ(DecodeItemKey(bytes), std::nullopt);
    EXPECT_EQ(DecodeIndexKey(bytes), std::nullopt);
  }
}

}  // namespace
}  // namespace guidon::store_rocksdb
