// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/definitions_body.hpp"

#include <utility>

#include <zlib.h>

namespace guidon::api_http {
namespace {

// Definitions are repetitive: the fastest level makes them ten times smaller already.
constexpr int kLevel = 1;
constexpr int kRawWindow = -15;  // deflate without a header of its own
constexpr int kMemoryLevel = 8;  // zlib's default
constexpr std::string_view kGzipHead("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10);
constexpr unsigned kByteBits = 8;

void AppendLittleEndian(std::string& out, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>(number & 0xffU);
    number >>= kByteBits;
  }
}

std::uint32_t Checksum(std::string_view text) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

// Whole blocks up to a byte boundary, to which others can be added. Empty where zlib refuses.
std::string Deflate(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, kLevel, Z_DEFLATED, kRawWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  constexpr std::size_t kFlushBytes = 16;  // of the empty block at the end
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + kFlushBytes, '\0');
  // zlib takes no const, and does not write there.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = deflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_in == 0 && stream.avail_out > 0;
  out.resize(done ? out.size() - stream.avail_out : 0);
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string DefinitionsBody::Plain(std::string_view end) const {
  std::string out;
  out.reserve(beginning_.size() + end.size());
  out += beginning_;
  out += end;
  return out;
}

base::Result<std::string> DefinitionsBody::Gzip(std::string_view end) const {
  std::call_once(compressed_once_, [this] {
    compressed_ = Deflate(beginning_);
    checksum_ = Checksum(beginning_);
  });
  if (compressed_.empty()) return base::Fail(base::ErrorCode::kInternal, "the definitions cannot be compressed");
  constexpr std::size_t kFrameBytes = 32;
  std::string out;
  out.reserve(kGzipHead.size() + compressed_.size() + end.size() + kFrameBytes);
  out += kGzipHead;
  out += compressed_;
  out += '\x01';  // the last block, stored as it is
  AppendLittleEndian(out, end.size(), 2);
  AppendLittleEndian(out, ~end.size(), 2);
  out += end;
  const auto checksum = crc32_combine(checksum_, Checksum(end), static_cast<z_off_t>(end.size()));
  AppendLittleEndian(out, checksum, 4);
  AppendLittleEndian(out, beginning_.size() + end.size(), 4);
  return out;
}

}  // namespace guidon::api_http
