// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/key_set_digest.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "guidon/app/crypto.hpp"
#include "guidon/base/text.hpp"

namespace guidon::app {
namespace {

constexpr std::size_t kWords = 4;
constexpr std::size_t kWordBytes = 8;
constexpr std::size_t kWordDigits = 16;

// A 256-bit number, its least significant word first.
using Sum = std::array<std::uint64_t, kWords>;

Sum SumOf(std::string_view key) {
  const std::string hash = Sha256(key);
  Sum sum{};
  for (std::size_t i = 0; i < kSha256Bytes; ++i) {
    std::uint64_t& word = sum[kWords - 1 - i / kWordBytes];
    word = word << 8U | static_cast<unsigned char>(hash[i]);
  }
  return sum;
}

void Add(Sum& sum, const Sum& other) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint64_t once = sum[i] + other[i];
    const std::uint64_t twice = once + carry;
    carry = static_cast<std::uint64_t>(once < other[i]) + static_cast<std::uint64_t>(twice < carry);
    sum[i] = twice;
  }
}

void Subtract(Sum& sum, const Sum& other) {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint64_t once = sum[i] - other[i];
    const std::uint64_t twice = once - borrow;
    borrow = static_cast<std::uint64_t>(sum[i] < other[i]) + static_cast<std::uint64_t>(once < borrow);
    sum[i] = twice;
  }
}

// Zero where it is no digest.
Sum Parse(std::string_view digest) {
  Sum sum{};
  if (digest.size() != kWords * kWordDigits) return sum;
  for (std::size_t i = 0; i < kWords; ++i) {
    const char* const at = digest.data() + i * kWordDigits;
    std::from_chars(at, at + kWordDigits, sum[kWords - 1 - i], 16);
  }
  return sum;
}

std::string Text(const Sum& sum) {
  std::string bytes;
  for (std::size_t i = 0; i < kSha256Bytes; ++i) {
    const std::uint64_t word = sum[kWords - 1 - i / kWordBytes];
    bytes.push_back(static_cast<char>(word >> (56 - 8 * (i % kWordBytes)) & 0xffU));
  }
  return base::ToHex(bytes);
}

}  // namespace

std::string KeySetDigest(std::span<const std::string> keys) { return KeySetDigestAfter({}, keys, {}); }

std::string KeySetDigestAfter(std::string_view digest, std::span<const std::string> added,
                              std::span<const std::string> removed) {
  Sum sum = Parse(digest);
  for (const std::string& key : added) Add(sum, SumOf(key));
  for (const std::string& key : removed) Subtract(sum, SumOf(key));
  return Text(sum);
}

}  // namespace guidon::app
