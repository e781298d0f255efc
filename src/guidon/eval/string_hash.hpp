// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace guidon::eval {

// For tables in memory only: the numbers differ between platforms, so nothing that leaves the process may use them.
// Multiply-and-fold as in Wang Yi's wyhash; inline and without a branch on the contents, because a lookup of a flag is
// little more than this.
struct StringHash {
  std::uint64_t operator()(std::string_view text) const noexcept {
    const char* at = text.data();
    std::size_t left = text.size();
    std::uint64_t seed = kStart ^ left;
    for (; left > 16; at += 16, left -= 16)
      seed = Fold(Load<std::uint64_t>(at) ^ kFirst, Load<std::uint64_t>(at + 8) ^ seed);
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    if (left >= 8) {
      first = Load<std::uint64_t>(at);
      second = Load<std::uint64_t>(at + left - 8);
    } else if (left >= 4) {
      first = Load<std::uint32_t>(at);
      second = Load<std::uint32_t>(at + left - 4);
    } else if (left > 0) {
      first = std::uint64_t{Load<std::uint8_t>(at)} << 16U | std::uint64_t{Load<std::uint8_t>(at + left / 2)} << 8U |
              Load<std::uint8_t>(at + left - 1);
    }
    return Fold(kSecond ^ seed, Fold(first ^ kFirst, second ^ seed));
  }

 private:
  // Odd, with as many ones as zeros in every byte or nearly so.
  static constexpr std::uint64_t kStart = 0x9e3779b97f4a7c15ULL;
  static constexpr std::uint64_t kFirst = 0xa0761d6478bd642fULL;
  static constexpr std::uint64_t kSecond = 0xe7037ed1a0b428dbULL;

  template <class Word>
  static Word Load(const char* at) {
    Word word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  }
  static std::uint64_t Fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  }
};

// The first bytes of a text as one number: texts of the same size up to eight bytes are equal where their heads are.
inline std::uint64_t HeadOf(std::string_view text) {
  const std::size_t size = text.size();
  const auto load = [&]<class Word>(Word word, std::size_t at) {
    std::memcpy(&word, text.data() + at, sizeof(word));
    return std::uint64_t{word};
  };
  if (size >= 8) return load(std::uint64_t{}, 0);
  if (size >= 4) return load(std::uint32_t{}, 0) | load(std::uint32_t{}, size - 4) << 32U;
  if (size >= 2) return load(std::uint16_t{}, 0) | load(std::uint16_t{}, size - 2) << 16U;
  return size == 0 ? 0 : load(std::uint8_t{}, 0);
}

// Equal strings, told apart without a call where they are short.
inline bool SameText(std::string_view a, std::string_view b) {
  if (a.size() != b.size() || HeadOf(a) != HeadOf(b)) return false;
  return a.size() <= 8 || std::memcmp(a.data() + 8, b.data() + 8, a.size() - 8) == 0;
}

}  // namespace guidon::eval
