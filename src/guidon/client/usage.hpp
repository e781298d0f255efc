// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace guidon::client {

// How often a variation of a flag was served to contexts of a tenant in one minute.
struct UsageRecord {
  std::int64_t minute = 0;  // since 1970
  std::string flag_key = {};
  std::string variation = {};  // "" = no value was served
  std::string tenant_id = {};  // "" = contexts without a tenant
  std::uint64_t count = 0;
};

// Different (minute, flag, variation, tenant) between two collections, in each part of the table.
inline constexpr std::size_t kUsageKeysPerPartMax = 4096;
// Records that wait to be sent: a few megabytes.
inline constexpr std::size_t kUsagePendingMax = 20'000;
inline constexpr std::size_t kUsageRecordsPerCallMax = 1000;  // the server takes no more

// Counts evaluations. Threads count in parts of their own and never wait for each other: who finds a part busy takes
// the next one, and who finds all busy counts a loss instead. Thread-safe.
class UsageCounter {
 public:
  void Count(std::int64_t minute, std::string_view flag, std::string_view variation, std::string_view tenant) noexcept;
  // Takes all counts out. For one thread.
  std::vector<UsageRecord> Collect();
  // Evaluations that could not be counted so far.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  struct KeyView {
    std::int64_t minute = 0;
    std::string_view flag;
    std::string_view variation;
    std::string_view tenant;
    friend bool operator==(const KeyView&, const KeyView&) = default;
  };
  struct Key {
    std::int64_t minute = 0;
    std::string flag;
    std::string variation;
    std::string tenant;
    KeyView View() const { return {.minute = minute, .flag = flag, .variation = variation, .tenant = tenant}; }
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const KeyView& key) const noexcept;
    std::size_t operator()(const Key& key) const noexcept { return (*this)(key.View()); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Key& a, const Key& b) const noexcept { return a.View() == b.View(); }
    bool operator()(const KeyView& a, const Key& b) const noexcept { return a == b.View(); }
    bool operator()(const Key& a, const KeyView& b) const noexcept { return a.View() == b; }
  };
  using Counts = std::unordered_map<Key, std::uint64_t, Hash, Equal>;
  static constexpr std::size_t kCacheLine = 64;
  struct alignas(kCacheLine) Part {
    std::atomic_flag busy;
    Counts counts;
  };
  static constexpr std::size_t kParts = 16;

  bool CountIn(Part& part, const KeyView& key);

  std::array<Part, kParts> parts_;
  std::atomic<std::uint64_t> lost_{0};
};

// What waits to be sent, oldest first. Not thread-safe.
class UsageQueue {
 public:
  // What does not fit any more pushes the oldest out. Returns how many evaluations were lost with that.
  std::uint64_t Add(std::vector<UsageRecord> records);
  bool empty() const { return records_.empty(); }
  std::size_t size() const { return records_.size(); }
  // The body of a call with the oldest records, at most kUsageRecordsPerCallMax. They stay until Sent.
  std::string Body(std::string_view client_id);
  // The records of the last body are off our hands.
  void Sent();
  // The same where they were refused. Returns how many evaluations were lost with them.
  std::uint64_t Drop();
  void Clear();

 private:
  std::deque<UsageRecord> records_;
  std::size_t in_body_ = 0;
};

// Which of many parts a thread begins with: a number that is this thread's alone.
std::size_t ThreadNumber() noexcept;

}  // namespace guidon::client
