// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/digest.hpp"

#include <array>
#include <cstdlib>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace guidon::aws {
namespace {

constexpr std::size_t kSha256Bytes = 32;

const unsigned char* BytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// Eight tables, so that a step takes eight bytes: answers have megabytes.
using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr CrcTables MakeCrcTables() {
  CrcTables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
    tables[0][byte] = value;
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    for (std::size_t table = 1; table < tables.size(); ++table)
      tables[table][byte] = (tables[table - 1][byte] >> 8U) ^ tables[0][tables[table - 1][byte] & 0xFFU];
  }
  return tables;
}

constexpr CrcTables kCrc = MakeCrcTables();

}  // namespace

std::string Sha256(std::string_view bytes) {
  std::string digest(kSha256Bytes, '\0');
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
                 nullptr) != 1)
    std::abort();
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view message) {
  std::string digest(kSha256Bytes, '\0');
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), BytesOf(message), message.size(),
           reinterpret_cast<unsigned char*>(digest.data()), &size) == nullptr)
    std::abort();
  return digest;
}

std::uint32_t Crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  const unsigned char* at = BytesOf(bytes);
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    const std::uint32_t low = crc ^ (std::uint32_t{at[0]} | std::uint32_t{at[1]} << 8U | std::uint32_t{at[2]} << 16U |
                                     std::uint32_t{at[3]} << 24U);
    crc = kCrc[7][low & 0xFFU] ^ kCrc[6][(low >> 8U) & 0xFFU] ^ kCrc[5][(low >> 16U) & 0xFFU] ^ kCrc[4][low >> 24U] ^
          kCrc[3][at[4]] ^ kCrc[2][at[5]] ^ kCrc[1][at[6]] ^ kCrc[0][at[7]];
  }
  for (; left > 0; --left, ++at) crc = (crc >> 8U) ^ kCrc[0][(crc ^ *at) & 0xFFU];
  return ~crc;
}

}  // namespace guidon::aws
