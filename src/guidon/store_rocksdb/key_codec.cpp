// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_rocksdb/key_codec.hpp"

#include "guidon/store/table_rules.hpp"

namespace guidon::store_rocksdb {
namespace {

using store::Index;
using store::Key;
using store::Position;

constexpr char kEscape = '\0';
constexpr char kEscapedZero = '\xff';
constexpr char kEnd = '\x01';
constexpr char kAfterEnd = '\x02';

char SpaceOf(Index index) {
  switch (index) {
    case Index::kTable: return kItemSpace;
    case Index::kGsi1Flags: return '1';
    case Index::kGsi2Owner: return '2';
    case Index::kGsi3Tenant: return '3';
  }
  return kItemSpace;
}

void AppendEscaped(std::string& out, std::string_view text) {
  while (true) {
    const std::size_t zero = text.find(kEscape);
    out.append(text.substr(0, zero));
    if (zero == std::string_view::npos) return;
    out.push_back(kEscape);
    out.push_back(kEscapedZero);
    text.remove_prefix(zero + 1);
  }
}

void AppendPart(std::string& out, std::string_view text) {
  AppendEscaped(out, text);
  out.push_back(kEscape);
  out.push_back(kEnd);
}

// Takes one ended part off the front.
std::optional<std::string> TakePart(std::string_view& bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != kEscape) {
      text.push_back(bytes[i]);
      continue;
    }
    if (++i == bytes.size()) return {};
    if (bytes[i] == kEnd) {
      bytes.remove_prefix(i + 1);
      return text;
    }
    if (bytes[i] != kEscapedZero) return {};
    text.push_back(kEscape);
  }
  return {};
}

// The last part is not escaped.
std::optional<Key> TakeKey(std::string_view bytes) {
  auto pk = TakePart(bytes);
  if (!pk || pk->empty() || bytes.empty()) return {};
  return Key{*std::move(pk), std::string(bytes)};
}

}  // namespace

std::string EncodeItemKey(const Key& key) {
  std::string out;
  out.reserve(key.pk.size() + key.sk.size() + 3);
  out.push_back(kItemSpace);
  AppendPart(out, key.pk);
  out.append(key.sk);
  return out;
}

std::string EncodeIndexKey(Index index, std::string_view partition, std::string_view sort, const Key& key) {
  std::string out;
  out.reserve(partition.size() + sort.size() + key.pk.size() + key.sk.size() + 7);
  out.push_back(SpaceOf(index));
  AppendPart(out, partition);
  AppendPart(out, sort);
  AppendPart(out, key.pk);
  out.append(key.sk);
  return out;
}

std::optional<Key> DecodeItemKey(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != kItemSpace) return {};
  return TakeKey(bytes.substr(1));
}

std::optional<Position> DecodeIndexKey(std::string_view bytes) {
  if (bytes.empty() || bytes.front() < '1' || bytes.front() > '3') return {};
  bytes.remove_prefix(1);
  auto partition = TakePart(bytes);
  auto sort = partition ? TakePart(bytes) : std::nullopt;
  auto key = sort ? TakeKey(bytes) : std::nullopt;
  if (!key) return {};
  return Position{.key = *std::move(key), .index_partition = *std::move(partition), .index_sort = *std::move(sort)};
}

KeyBounds BoundsOf(const store::Query& query) {
  const bool table = query.index == Index::kTable;
  const auto append_sort = [&](std::string& out, std::string_view sort) {
    if (table) {
      out.append(sort);
    } else {
      AppendEscaped(out, sort);
    }
  };
  std::string prefix(1, SpaceOf(query.index));
  AppendPart(prefix, query.partition);
  const store::SortKeyRange range = store::RangeOf(query.sort);
  KeyBounds bounds{.lower = prefix, .upper = prefix};
  append_sort(bounds.lower, range.low);
  if (range.high) {
    append_sort(bounds.upper, *range.high);
  } else {
    bounds.upper.back() = kAfterEnd;
  }
  if (!query.start_after) return bounds;

  const Position& start = *query.start_after;
  std::string at = table ? EncodeItemKey(start.key)
                         : EncodeIndexKey(query.index, start.index_partition, start.index_sort, start.key);
  if (query.forward) {
    at.push_back('\0');  // the very next key there can be
    bounds.lower = std::move(at);
  } else {
    bounds.upper = std::move(at);
  }
  return bounds;
}

KeyBounds BoundsOfAll(Index index) {
  const char space = SpaceOf(index);
  return {.lower = std::string(1, space), .upper = std::string(1, static_cast<char>(space + 1))};
}

}  // namespace guidon::store_rocksdb
