// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace guidon::eval {

// MurmurHash3_x86_32 with seed 0 over a salt followed by a unit, without building the joined string (spec 3,
// "Bucketing"). What the salt comes to is worked out once.
class UnitHash {
 public:
  explicit UnitHash(std::string_view salt) { Add(salt); }
  std::uint32_t Of(std::string_view unit) const {
    UnitHash hash = *this;
    hash.Add(unit);
    return hash.Finish();
  }

 private:
  // Austin Appleby's MurmurHash3_x86_32 (public domain), fed in pieces.
  void Add(std::string_view bytes) {
    length_ += static_cast<std::uint32_t>(bytes.size());
    while (tail_bits_ != 0 && !bytes.empty()) AddByte(TakeByte(bytes));
    while (bytes.size() >= 4) {
      MixBlock(ByteAt(bytes, 0) | ByteAt(bytes, 1) << 8U | ByteAt(bytes, 2) << 16U | ByteAt(bytes, 3) << 24U);
      bytes.remove_prefix(4);
    }
    while (!bytes.empty()) AddByte(TakeByte(bytes));
  }
  void AddByte(std::uint32_t byte) {
    tail_ |= byte << tail_bits_;
    tail_bits_ += 8;
    if (tail_bits_ < 32) return;
    MixBlock(tail_);
    tail_ = 0;
    tail_bits_ = 0;
  }
  void MixBlock(std::uint32_t block) { hash_ = std::rotl(hash_ ^ Scramble(block), 13) * 5 + 0xe6546b64U; }
  std::uint32_t Finish() const {
    std::uint32_t hash = hash_;
    if (tail_bits_ != 0) hash ^= Scramble(tail_);
    hash ^= length_;
    hash = (hash ^ hash >> 16U) * 0x85ebca6bU;
    hash = (hash ^ hash >> 13U) * 0xc2b2ae35U;
    return hash ^ hash >> 16U;
  }
  static std::uint32_t ByteAt(std::string_view bytes, std::size_t index) {
    return static_cast<unsigned char>(bytes[index]);
  }
  static std::uint32_t TakeByte(std::string_view& bytes) {
    const std::uint32_t byte = ByteAt(bytes, 0);
    bytes.remove_prefix(1);
    return byte;
  }
  static std::uint32_t Scramble(std::uint32_t block) { return std::rotl(block * 0xcc9e2d51U, 15) * 0x1b873593U; }

  std::uint32_t hash_ = 0;
  std::uint32_t length_ = 0;
  std::uint32_t tail_ = 0;  // bytes that do not fill a block yet
  std::uint32_t tail_bits_ = 0;
};

inline std::uint32_t HashUnit(std::string_view salt, std::string_view unit) { return UnitHash(salt).Of(unit); }

// (uint64(hash) * total_weight) >> 32: 0 to total_weight - 1. `total_weight` is 1 to 2^31 - 1.
constexpr std::uint64_t BucketOf(std::uint32_t hash, std::uint64_t total_weight) {
  return (std::uint64_t{hash} * total_weight) >> 32U;
}

}  // namespace guidon::eval
