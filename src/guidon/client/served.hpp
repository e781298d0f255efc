// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "guidon/client/usage.hpp"

namespace guidon::client {

// A value that one thread replaces as a whole and any number of threads read, none of which ever waits: a reader adds
// to a count of its own part, reads, and takes it off again. The writer frees what it replaced once every reader that
// could still see it has left; it never waits for that, but looks again later. Different from base::Published, whose
// readers may meet the writer's lock: a thread that evaluates must not stand still because the one that publishes was
// suspended, nor because the process was forked while it held a lock.
template <class T>
class Served {
 public:
  Served() = default;
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  // Precondition: no reader is inside.
  ~Served() { delete current_.load(); }

  class Reader {
   public:
    explicit Reader(Served& served) : count_(served.parts_[ThreadNumber() % kParts].counts[served.phase_.load() % 2]) {
      count_.fetch_add(1);
      value_ = served.current_.load();
    }
    ~Reader() { count_.fetch_sub(1, std::memory_order_release); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    // nullptr before the first Publish. Valid while the reader lives.
    const T* value() const { return value_; }

   private:
    std::atomic<std::uint64_t>& count_;
    const T* value_ = nullptr;
  };

  // The writer's thread only.
  void Publish(std::unique_ptr<const T> next) {
    std::unique_ptr<const T> old(current_.exchange(next.release()));
    if (old) replaced_.push_back(std::move(old));
    Reclaim();
  }
  // Frees what nobody can be reading any more. Returns how many replaced values are left. The writer's thread only.
  std::size_t Reclaim() {
    while (!replaced_.empty() || !leaving_.empty()) {
      if (leaving_.empty()) {
        leaving_.swap(replaced_);
        flips_ = 0;
        phase_.fetch_add(1);
      }
      if (!IsEmpty((phase_.load() + 1) % 2)) break;
      // A reader may have read the phase before the flip and counted after it: only the second round is sure.
      if (++flips_ == 2) {
        leaving_.clear();
      } else {
        phase_.fetch_add(1);
      }
    }
    return replaced();
  }
  // How many replaced values are not freed yet. The writer's thread only.
  std::size_t replaced() const { return replaced_.size() + leaving_.size(); }
  // The writer's thread only, or where there is no other.
  const T* current() const { return current_.load(); }

 private:
  static constexpr std::size_t kParts = 32;
  static constexpr std::size_t kCacheLine = 64;
  struct alignas(kCacheLine) Part {
    std::array<std::atomic<std::uint64_t>, 2> counts{};
  };

  bool IsEmpty(std::uint64_t phase) const {
    for (const Part& part : parts_) {
      if (part.counts[phase].load() != 0) return false;
    }
    return true;
  }

  std::array<Part, kParts> parts_;
  std::atomic<std::uint64_t> phase_{0};
  std::atomic<const T*> current_{nullptr};
  std::vector<std::unique_ptr<const T>> replaced_;
  std::vector<std::unique_ptr<const T>> leaving_;
  int flips_ = 0;
};

}  // namespace guidon::client
