// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/eval/evaluator.hpp"

namespace guidon::app {

enum class UsageKind : std::uint8_t {
  kEvaluation,  // somebody asked for this flag by name
  kBulk,        // it was in the answer for all flags of a context
};

// So many evaluations of one flag that gave one variation to one tenant.
struct UsageCount {
  std::string environment;
  std::string flag_key;
  std::string variation;  // "" = none
  std::string tenant_id;  // "" = none, store::kOtherTenants = not told apart
  UsageKind kind = UsageKind::kEvaluation;
  std::uint64_t count = 0;
  friend bool operator==(const UsageCount&, const UsageCount&) = default;
};

// Counts evaluations of one thread. After the first of its kind an evaluation costs one probe of a table, without an
// allocation, lock or comparison of texts. Not thread-safe.
class UsageCounter {
 public:
  // Combinations of flag, variation, tenant and kind between two calls of Take; more are counted for kOtherTenants,
  // which has as much room again.
  static constexpr std::size_t kEntriesMax = 16'384;
  static constexpr std::size_t kAskersMax = 4096;

  // Who asks, for any number of evaluations until the next Take.
  using Asker = std::uint32_t;
  // `tenant`: a valid id, or "". Costs a lookup, and for a new tenant an entry.
  Asker AskerOf(std::string_view environment, std::string_view tenant);
  // Does nothing where there was no flag.
  void Note(Asker asker, const eval::Evaluation& evaluation, UsageKind kind) {
    if (evaluation.flag == nullptr) return;
    const std::uint64_t hash = HashOf(asker, evaluation, kind);
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.hash == hash) {
        ++slot.count;
        return;
      }
      if (slot.hash == 0) break;
    }
    Insert(hash, asker, evaluation, kind);
  }
  bool empty() const { return entries_.empty(); }
  bool half_full() const { return entries_.size() >= kEntriesMax / 2; }
  // Everything since the last call; begins anew.
  std::vector<UsageCount> Take();
  // Evaluations that found no place.
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Slot {
    std::uint64_t hash = 0;  // 0: free
    std::uint64_t count = 0;
    std::uint32_t entry = 0;
  };
  struct Entry {
    Asker asker;
    UsageKind kind;
    std::string flag_key;
    std::string variation;
  };
  struct AskerLess {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const {
      const int first = std::string_view(a.first).compare(b.first);
      return first != 0 ? first < 0 : std::string_view(a.second) < std::string_view(b.second);
    }
  };
  static constexpr std::size_t kSlotsAtFirst = 256;

  static std::uint64_t HashOf(Asker asker, const eval::Evaluation& evaluation, UsageKind kind);
  void Insert(std::uint64_t hash, Asker asker, const eval::Evaluation& evaluation, UsageKind kind);
  void Grow();

  std::vector<Slot> slots_ = std::vector<Slot>(kSlotsAtFirst);
  std::size_t mask_ = kSlotsAtFirst - 1;
  std::vector<Entry> entries_;
  std::vector<std::pair<std::string, std::string>> askers_;  // environment, tenant
  std::map<std::pair<std::string, std::string>, Asker, AskerLess> asker_of_;
  std::uint64_t dropped_ = 0;
};

}  // namespace guidon::app
