// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "guidon/store/table.hpp"

// Bytes of RocksDB keys. A letter says what it is, then the parts follow so that byte order is the order of the port:
//   f                                 layout of the store (one key)
//   i  PK SK                          item
//   1|2|3  GSIxPK GSIxSK PK SK        index entry
// Every part but the last is escaped (0x00 → 0x00 0xff) and ended by 0x00 0x01, so that no part can run into the next
// and "ab" never lies among the keys of "a".
namespace guidon::store_rocksdb {

inline constexpr std::string_view kFormatKey = "f";
inline constexpr char kItemSpace = 'i';

std::string EncodeItemKey(const store::Key& key);
std::string EncodeIndexKey(store::Index index, std::string_view partition, std::string_view sort,
                           const store::Key& key);

// Nothing for bytes that no Encode function makes.
std::optional<store::Key> DecodeItemKey(std::string_view bytes);
std::optional<store::Position> DecodeIndexKey(std::string_view bytes);

// Keys that a query looks at: from `lower` (inclusive) up to `upper` (exclusive). Precondition: ValidateQuery accepted.
struct KeyBounds {
  std::string lower;
  std::string upper;
};
KeyBounds BoundsOf(const store::Query& query);
// All keys of a space: the items (kTable), or the entries of an index.
KeyBounds BoundsOfAll(store::Index index);

}  // namespace guidon::store_rocksdb
