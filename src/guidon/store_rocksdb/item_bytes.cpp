// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_rocksdb/item_bytes.hpp"

#include <array>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "guidon/store/table_rules.hpp"

namespace guidon::store_rocksdb {
namespace {

using store::AttributeList;
using store::AttributeMap;
using store::AttributeValue;
using store::Binary;
using store::Item;
using store::Null;
using store::Number;
using store::StringSet;

constexpr char kVersion = 1;
// One more than any stored item has (ValidateItem), so that only damaged bytes reach it.
constexpr std::size_t kDepthMax = 34;

enum Tag : char {
  kString = 's',
  kNumber = 'n',
  kBinary = 'b',
  kTrue = 't',
  kFalse = 'f',
  kNull = '0',
  kList = 'l',
  kMap = 'm',
  kSet = 'S'
};

void AppendLength(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void AppendText(std::string& out, std::string_view text) {
  AppendLength(out, text.size());
  out.append(text);
}

void AppendExpiry(std::string& out, std::optional<std::int64_t> expiry) {
  out.push_back(expiry ? '\1' : '\0');
  if (!expiry) return;
  const auto bits = static_cast<std::uint64_t>(*expiry);
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>((bits >> shift) & 0xff));
}

void AppendMap(std::string& out, const AttributeMap& map);

struct AppendValue {
  std::string& out;

  void operator()(const std::string& text) const { Tagged(kString, text); }
  void operator()(const Number& number) const { Tagged(kNumber, number.text); }
  void operator()(const Binary& binary) const { Tagged(kBinary, binary.bytes); }
  void operator()(bool flag) const { out.push_back(flag ? kTrue : kFalse); }
  void operator()(Null) const { out.push_back(kNull); }
  void operator()(const AttributeList& list) const {
    out.push_back(kList);
    AppendLength(out, list.size());
    for (const auto& element : list) std::visit(*this, element.variant());
  }
  void operator()(const AttributeMap& map) const {
    out.push_back(kMap);
    AppendMap(out, map);
  }
  void operator()(const StringSet& set) const {
    out.push_back(kSet);
    AppendLength(out, set.size());
    for (const auto& element : set) AppendText(out, element);
  }

 private:
  void Tagged(Tag tag, std::string_view text) const {
    out.push_back(tag);
    AppendText(out, text);
  }
};

void AppendMap(std::string& out, const AttributeMap& map) {
  AppendLength(out, map.size());
  for (const auto& [name, value] : map) {
    AppendText(out, name);
    std::visit(AppendValue{out}, value.variant());
  }
}

// Takes things off the front of bytes that may be anything. After the first failure all further answers are empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool AtEnd() const { return bytes_.empty(); }

  std::optional<char> TakeByte() {
    if (bytes_.empty()) return {};
    const char byte = bytes_.front();
    bytes_.remove_prefix(1);
    return byte;
  }

  std::optional<std::uint64_t> TakeLength() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const auto byte = TakeByte();
      if (!byte) return {};
      value |= static_cast<std::uint64_t>(*byte & 0x7f) << shift;
      if ((*byte & 0x80) == 0) return value;
    }
    return {};
  }

  // Lives as long as the bytes.
  std::optional<std::string_view> TakeText() {
    const auto size = TakeLength();
    if (!size || *size > bytes_.size()) return {};
    const std::string_view text = bytes_.substr(0, *size);
    bytes_.remove_prefix(*size);
    return text;
  }

  std::optional<std::optional<std::int64_t>> TakeExpiry() {
    const auto mark = TakeByte();
    if (!mark || *mark < 0 || *mark > 1) return {};
    if (*mark == 0) return std::optional<std::int64_t>();
    if (bytes_.size() < 8) return {};
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[i])) << (8 * i);
    bytes_.remove_prefix(8);
    return static_cast<std::int64_t>(bits);
  }

  std::optional<AttributeMap> TakeMap(std::size_t depth) {
    const auto count = TakeCount();
    if (!count || depth > kDepthMax) return {};
    AttributeMap map;
    map.Reserve(*count);
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto name = TakeText();
      if (!name || !TakeEntry(map, *name, depth)) return {};
    }
    return map;
  }

  // The bytes of an item leave out its key.
  std::optional<Item> TakeItem(const store::Key& key) {
    const auto count = TakeCount();
    if (!count) return {};
    Item item;
    item.Reserve(*count + 2);
    using Part = std::pair<std::string_view, const std::string*>;
    const std::array<Part, 2> left_out{{{"PK", &key.pk}, {"SK", &key.sk}}};
    std::span<const Part> due(left_out);
    const auto add_due = [&] {
      const bool added = item.Append(due.front().first, *due.front().second);
      due = due.subspan(1);
      return added;
    };
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto name = TakeText();
      if (!name) return {};
      while (!due.empty() && due.front().first < *name) {
        if (!add_due()) return {};
      }
      if (!TakeEntry(item, *name, 0)) return {};
    }
    while (!due.empty()) {
      if (!add_due()) return {};
    }
    return item;
  }

 private:
  // An element takes at least one byte: a larger count is damage, and must not make anybody allocate.
  std::optional<std::uint64_t> TakeCount() {
    const auto count = TakeLength();
    if (!count || *count > bytes_.size()) return {};
    return count;
  }

  // Entries stand in the order of their names.
  bool TakeEntry(AttributeMap& map, std::string_view name, std::size_t depth) {
    auto value = TakeValue(depth + 1);
    return value && map.Append(name, *std::move(value));
  }

  std::optional<AttributeValue> TakeList(std::size_t depth) {
    const auto count = TakeCount();
    if (!count || depth > kDepthMax) return {};
    AttributeList list;
    for (std::uint64_t i = 0; i < *count; ++i) {
      auto value = TakeValue(depth + 1);
      if (!value) return {};
      list.push_back(*std::move(value));
    }
    return AttributeValue(std::move(list));
  }

  std::optional<AttributeValue> TakeSet() {
    const auto count = TakeCount();
    if (!count) return {};
    StringSet set;
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto text = TakeText();
      if (!text) return {};
      set.emplace_back(*text);
    }
    return AttributeValue(std::move(set));
  }

  template <class T>
  std::optional<AttributeValue> TakeTextAs() {
    const auto text = TakeText();
    if (!text) return {};
    return AttributeValue(T{std::string(*text)});
  }

  std::optional<AttributeValue> TakeValue(std::size_t depth) {
    const auto tag = TakeByte();
    if (!tag) return {};
    switch (*tag) {
      case kString: return TakeTextAs<std::string>();
      case kNumber: return TakeTextAs<Number>();
      case kBinary: return TakeTextAs<Binary>();
      case kTrue: return AttributeValue(true);
      case kFalse: return AttributeValue(false);
      case kNull: return AttributeValue(Null{});
      case kList: return TakeList(depth);
      case kMap: {
        auto map = TakeMap(depth);
        if (!map) return {};
        return AttributeValue(*std::move(map));
      }
      case kSet: return TakeSet();
      default: return {};
    }
  }

  std::string_view bytes_;
};

std::optional<Item> Decode(const store::Key& key, std::string_view bytes) {
  Reader reader(bytes);
  if (reader.TakeByte() != kVersion || !reader.TakeExpiry()) return {};
  auto item = reader.TakeItem(key);
  if (!item || !reader.AtEnd()) return {};
  return item;
}

}  // namespace

std::string EncodeItem(const Item& item) {
  std::string out{kVersion};
  AppendExpiry(out, store::ExpiryOf(item));
  AppendLength(out, item.size() - 2);
  for (const auto& [name, value] : item) {
    if (name == "PK" || name == "SK") continue;
    AppendText(out, name);
    std::visit(AppendValue{out}, value.variant());
  }
  return out;
}

base::Result<Item> DecodeItem(const store::Key& key, std::string_view bytes) {
  auto item = Decode(key, bytes);
  if (item) return *std::move(item);
  return base::Fail(base::ErrorCode::kCorrupt,
                    fmt::format("the stored item {} / {} cannot be read: its bytes are damaged, or were written by a "
                                "newer version; restore it from a backup or write it anew with that version",
                                key.pk, key.sk));
}

std::string EncodeEntry(std::optional<std::int64_t> expiry) {
  std::string out{kVersion};
  AppendExpiry(out, expiry);
  return out;
}

std::optional<std::optional<std::int64_t>> ReadExpiry(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.TakeByte() != kVersion) return {};
  return reader.TakeExpiry();
}

}  // namespace guidon::store_rocksdb
