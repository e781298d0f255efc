// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "guidon/store/table_rules.hpp"

// Cursors as clients send them. Input: a byte that chooses the index, a length byte and the partition, then either the
// text of a cursor (first byte of the rest even) or the keys of a position to be encoded.
//
// Nothing may crash; a cursor that is accepted is the one its position encodes to, lies in the partition it was asked
// for, and is refused for any other.
namespace guidon::store {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string_view Take(std::string_view& bytes, std::size_t size) {
  const std::string_view text = bytes.substr(0, size);
  bytes.remove_prefix(text.size());
  return text;
}

unsigned TakeByte(std::string_view& bytes) {
  const std::string_view byte = Take(bytes, 1);
  return byte.empty() ? 0U : static_cast<unsigned char>(byte.front());
}

std::string TakeText(std::string_view& bytes) { return std::string(Take(bytes, TakeByte(bytes))); }

void CheckText(std::string_view text, Index index, const std::string& partition) {
  const auto position = DecodeCursor(text, index, partition);
  if (!position) {
    Require(position.error().code == base::ErrorCode::kInvalidArgument && position.error().field == "cursor");
    return;
  }
  Require((index == Index::kTable ? position->key.pk : position->index_partition) == partition);
  Require(EncodeCursor(index, partition, *position) == text);
}

void CheckPosition(std::string_view bytes, Index index, const std::string& partition) {
  Position position{.key = {TakeText(bytes), TakeText(bytes)}};
  if (index == Index::kTable) {
    position.key.pk = partition;
  } else {
    position.index_partition = partition;
    position.index_sort = TakeText(bytes);
  }
  const std::string text = EncodeCursor(index, partition, position);
  const auto back = DecodeCursor(text, index, partition);
  if (back) {
    Require(*back == position);
  } else {
    // Only keys that no item can have are refused.
    Require(!ValidateKey(position.key));
  }
  Require(!DecodeCursor(text, index, partition + "b"));
  Require(!DecodeCursor(text, index == Index::kTable ? Index::kGsi1Flags : Index::kTable, partition));
}

}  // namespace
}  // namespace guidon::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace guidon::store;  // NOLINT(google-build-using-namespace)
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto index = static_cast<Index>(TakeByte(bytes) % 4);
  const std::string partition = TakeText(bytes);
  if (TakeByte(bytes) % 2 == 0) {
    CheckText(bytes, index, partition);
  } else {
    CheckPosition(bytes, index, partition);
  }
  return 0;
}
