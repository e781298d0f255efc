// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace guidon::base {

// An immutable value that is replaced as a whole while many threads read it (docs/adr/0004).
//
// Readers that are on a hot path own a Reader each: as long as nothing new was published, reading is one load of a
// number that nobody writes, without a lock or a shared reference count. Everybody else calls Get(). Thread-safe.
template <class T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> first) : current_(std::move(first)) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
  ~Published() = default;

  void Publish(std::shared_ptr<const T> next) {
    {
      const std::lock_guard lock(mutex_);
      current_.swap(next);
      generation_.fetch_add(1, std::memory_order_release);
    }
    // `next` is now the old value; it may be freed here, outside the lock.
  }

  std::shared_ptr<const T> Get() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  // One thread's view. Keeps the value it last read alive, so an idle owner calls Refresh() now and then. Not
  // thread-safe; must not outlive the Published.
  class Reader {
   public:
    explicit Reader(const Published& source) : source_(&source) { Refresh(); }

    // Valid until the next call of Current() or Refresh().
    const T& Current() {
      if (source_->generation_.load(std::memory_order_acquire) != generation_) [[unlikely]]
        Refresh();
      return *value_;
    }

    void Refresh() {
      const std::lock_guard lock(source_->mutex_);
      value_ = source_->current_;
      generation_ = source_->generation_.load(std::memory_order_relaxed);
    }

   private:
    const Published* source_;
    std::shared_ptr<const T> value_;
    std::uint64_t generation_ = 0;
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> current_;
  std::atomic<std::uint64_t> generation_{1};
};

}  // namespace guidon::base
