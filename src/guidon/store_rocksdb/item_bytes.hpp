// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/store/table.hpp"

// Bytes of RocksDB values.
//   item:         version (1 byte), expiry, number of attributes, attributes without PK and SK (the key has them)
//   index entry:  version (1 byte), expiry
//   expiry:       0x00, or 0x01 and epoch seconds (8 bytes, little endian)
//   attribute:    name, value;  value: type letter and payload;  text: length and bytes;  lengths: LEB128
// The expiry stands first so that compaction can decide without reading the item. RocksDB checks block checksums; this
// code only has to survive any bytes.
namespace guidon::store_rocksdb {

std::string EncodeItem(const store::Item& item);
// Error: kCorrupt naming the key.
base::Result<store::Item> DecodeItem(const store::Key& key, std::string_view bytes);

std::string EncodeEntry(std::optional<std::int64_t> expiry);

// The expiry of an item or entry. The outer optional is empty for bytes that are neither.
std::optional<std::optional<std::int64_t>> ReadExpiry(std::string_view bytes);

}  // namespace guidon::store_rocksdb
