// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <string>

#include "guidon/store/table.hpp"

namespace guidon::store_rocksdb {

// Locks that keys share by their hash. Whoever needs several gets them in one order, so that nobody waits in a circle.
// Held only while an item is checked and written, never while the device syncs. Thread-safe.
class KeyLocks {
 public:
  // Few, because they are held for microseconds only, and a transaction may take them all: thread sanitizer follows at
  // most 64 locks of one thread.
  static constexpr std::size_t kStripes = 32;
  using Stripes = std::bitset<kStripes>;

  class Guard {
   public:
    Guard(KeyLocks& locks, Stripes stripes) : locks_(locks), stripes_(stripes) {
      for (std::size_t i = 0; i < kStripes; ++i) {
        if (stripes_[i]) locks_.mutexes_[i].lock();
      }
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() {
      for (std::size_t i = kStripes; i-- > 0;) {
        if (stripes_[i]) locks_.mutexes_[i].unlock();
      }
    }

   private:
    KeyLocks& locks_;
    const Stripes stripes_;
  };

  Guard Lock(std::span<const store::Key> keys) {
    Stripes stripes;
    const std::hash<std::string> hash;
    for (const store::Key& key : keys) stripes.set((hash(key.pk) * 31 + hash(key.sk)) % kStripes);
    return Guard(*this, stripes);
  }

 private:
  std::array<std::mutex, kStripes> mutexes_;
};

}  // namespace guidon::store_rocksdb
