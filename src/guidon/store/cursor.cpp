// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/cursor.hpp"

#include <cstdint>
#include <optional>

#include "guidon/base/text.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeaderBytes = 2;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kTextBytesMax = 0xffff;  // lengths are two bytes; no key is that long

void AppendText(std::string& out, std::string_view text) {
  out.push_back(static_cast<char>((text.size() >> 8) & 0xff));
  out.push_back(static_cast<char>(text.size() & 0xff));
  out.append(text);
}

std::optional<std::string> TakeText(std::string_view& bytes) {
  if (bytes.size() < 2) return {};
  const std::size_t size = static_cast<unsigned char>(bytes[0]) * 256UL + static_cast<unsigned char>(bytes[1]);
  bytes.remove_prefix(2);
  if (bytes.size() < size) return {};
  std::string text(bytes.substr(0, size));
  bytes.remove_prefix(size);
  return text;
}

std::string Checksum(std::string_view body, std::string_view partition) {
  std::string covered(body);
  AppendText(covered, partition.substr(0, kTextBytesMax));
  const std::uint64_t hash = base::Fnv1a64(covered);
  const auto folded = static_cast<std::uint32_t>(hash ^ (hash >> 32));
  std::string sum;
  for (int shift = 24; shift >= 0; shift -= 8) sum.push_back(static_cast<char>((folded >> shift) & 0xff));
  return sum;
}

// Fills in what the cursor leaves out because the list it belongs to says it already.
std::optional<Position> TakePosition(std::string_view bytes, Index index, std::string_view partition) {
  Position position;
  if (index == Index::kTable) {
    position.key.pk = partition;
  } else {
    position.index_partition = partition;
    auto sort = TakeText(bytes);
    auto pk = sort ? TakeText(bytes) : std::nullopt;
    if (!pk) return {};
    position.index_sort = *std::move(sort);
    position.key.pk = *std::move(pk);
  }
  auto sk = TakeText(bytes);
  if (!sk || !bytes.empty()) return {};
  position.key.sk = *std::move(sk);
  return position;
}

std::optional<Position> Decode(std::string_view text, Index index, std::string_view partition) {
  if (text.size() > kCursorCharactersMax) return {};
  const auto bytes = base::FromBase64Url(text);
  if (!bytes || bytes->size() < kHeaderBytes + kChecksumBytes) return {};
  const std::string_view all = *bytes;
  const std::string_view body = all.substr(0, all.size() - kChecksumBytes);
  if (body[0] != kVersion || body[1] != static_cast<char>(index)) return {};
  if (all.substr(body.size()) != Checksum(body, partition)) return {};
  return TakePosition(body.substr(kHeaderBytes), index, partition);
}

}  // namespace

std::string EncodeCursor(Index index, std::string_view partition, const Position& position) {
  std::string body{kVersion, static_cast<char>(index)};
  if (index != Index::kTable) {
    AppendText(body, position.index_sort);
    AppendText(body, position.key.pk);
  }
  AppendText(body, position.key.sk);
  return base::ToBase64Url(body + Checksum(body, partition));
}

base::Result<Position> DecodeCursor(std::string_view text, Index index, std::string_view expected_partition) {
  auto position = Decode(text, index, expected_partition);
  if (position && ValidateKey(position->key)) return *std::move(position);
  return base::Fail(base::ErrorCode::kInvalidArgument,
                    "the cursor is not one that this list gave out; ask for the first page without it", "cursor");
}

}  // namespace guidon::store
