// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/base/time.hpp"
#include "guidon/store/attribute.hpp"
#include "guidon/store/keys.hpp"
#include "guidon/store/table.hpp"

// What all encoders share: keys, and attributes that are left out where they say nothing.
namespace guidon::store {

// Attributes in the order in which one thinks of them; Done() puts them into the item's.
class ItemBuilder {
 public:
  void Set(std::string_view name, AttributeValue value) { entries_.emplace_back(name, std::move(value)); }
  Item Done() && { return Item::FromEntries(std::move(entries_)); }

 private:
  static constexpr std::size_t kUsual = 32;  // attributes of a flag
  static std::vector<AttributeMap::Entry> WithRoom() {
    std::vector<AttributeMap::Entry> entries;
    entries.reserve(kUsual);
    return entries;
  }
  std::vector<AttributeMap::Entry> entries_ = WithRoom();
};

inline void SetKey(ItemBuilder& item, Key key) {
  item.Set("PK", std::move(key.pk));
  item.Set("SK", std::move(key.sk));
}

inline void SetIndexKey(ItemBuilder& item, Index index, IndexKey key) {
  const IndexAttributes names = AttributesOf(index);
  item.Set(names.partition, std::move(key.partition));
  item.Set(names.sort, std::move(key.sort));
}

inline void SetOptional(ItemBuilder& item, std::string_view name, const std::optional<std::string>& text) {
  if (text) item.Set(name, *text);
}

inline void SetOptional(ItemBuilder& item, std::string_view name, const std::optional<base::Timestamp>& time) {
  if (time) item.Set(name, base::FormatTimestamp(*time));
}

inline void SetUnlessEmpty(ItemBuilder& item, std::string_view name, const std::string& text) {
  if (!text.empty()) item.Set(name, text);
}

inline void SetTexts(ItemBuilder& item, std::string_view name, const std::vector<std::string>& texts) {
  if (!texts.empty()) item.Set(name, AttributeList(texts.begin(), texts.end()));
}

// Version 0 stands for an item of another program, which has no such attribute.
inline void SetVersion(ItemBuilder& item, std::uint64_t version) {
  if (version > 0) item.Set("version", Number::From(static_cast<std::int64_t>(version)));
}

template <class Fields>
void SetHistory(ItemBuilder& item, const Fields& fields) {
  SetVersion(item, fields.version);
  item.Set("updatedAt", base::FormatTimestamp(fields.updated_at));
  SetUnlessEmpty(item, "updatedBy", fields.updated_by);
}

// DynamoDB removes the item some time after `at`; every backend hides it from then on.
inline void SetTtl(ItemBuilder& item, base::Timestamp at) {
  item.Set("ttl", Number::From(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count()));
}

}  // namespace guidon::store
