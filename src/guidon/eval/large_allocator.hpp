// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace guidon::eval {

// Memory for tables of many megabytes that are read at random: on huge pages where the system grants them, since with
// small ones nearly every read first misses the processor's table of pages. Smaller ones come from the usual heap.
template <class T>
class LargeAllocator {
 public:
  using value_type = T;

  LargeAllocator() = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor): allocators convert

  T* allocate(std::size_t count) {  // NOLINT(readability-identifier-naming): the standard's name
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kLargeBytes) return static_cast<T*>(::operator new(bytes));
    const std::size_t whole_pages = (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
    void* memory = std::aligned_alloc(kHugePageBytes, whole_pages);
    if (memory == nullptr) throw std::bad_alloc();  // what every allocator must do
#if defined(__linux__)
    madvise(memory, whole_pages, MADV_HUGEPAGE);  // a wish: refused, everything works on small pages
#endif
    return static_cast<T*>(memory);
  }

  void deallocate(T* memory, std::size_t count) noexcept {  // NOLINT(readability-identifier-naming)
    if (count * sizeof(T) < kLargeBytes) {
      ::operator delete(memory);
    } else {
      std::free(memory);
    }
  }

  friend bool operator==(const LargeAllocator&, const LargeAllocator&) { return true; }

 private:
  static constexpr std::size_t kHugePageBytes = 2UL << 20;
  static constexpr std::size_t kLargeBytes = 4UL << 20;  // less than that mostly stays in the processor's caches
};

}  // namespace guidon::eval
