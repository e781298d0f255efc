// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace guidon::twin {

// Splitmix64: the same numbers on every machine and with every standard library, so that a seed names a run for good.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : state_(seed * 0x9e3779b97f4a7c15U ^ (stream + 1)) {
    Next();
    Next();
  }

  std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }
  // 0 to count - 1.
  int Below(int count) { return static_cast<int>((Next() >> 32U) * static_cast<std::uint64_t>(count) >> 32U); }
  // True once in `in` times.
  bool Chance(int in) { return Below(in) == 0; }
  template <class Items>
  const auto& Pick(const Items& items) {
    return items[static_cast<std::size_t>(Below(static_cast<int>(items.size())))];
  }

 private:
  std::uint64_t state_;
};

}  // namespace guidon::twin
