// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/usage_counter.hpp"

#include "guidon/base/text.hpp"
#include "guidon/store/usage.hpp"

namespace guidon::app {

// The fingerprint is of the flag's key and definition: 64 bits tell apart what one node serves, and only those who may
// change flags could make two that are equal.
std::uint64_t UsageCounter::HashOf(Asker asker, const eval::Evaluation& evaluation, UsageKind kind) {
  __extension__ using Wide = unsigned __int128;
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ULL;
  const std::uint64_t variation = evaluation.variation == nullptr ? 0 : base::Fnv1a64(evaluation.variation->name);
  const std::uint64_t who = (std::uint64_t{asker} << 1U | static_cast<std::uint64_t>(kind)) + 1;
  const Wide product = static_cast<Wide>(eval::FingerprintOf(*evaluation.flag) ^ variation) * (who * kOdd | 1U);
  const auto hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  return hash == 0 ? 1 : hash;
}

UsageCounter::Asker UsageCounter::AskerOf(std::string_view environment, std::string_view tenant) {
  const std::pair key(environment, tenant);
  if (const auto known = asker_of_.find(key); known != asker_of_.end()) return known->second;
  const bool full = askers_.size() >= kAskersMax && !tenant.empty() && tenant != store::kOtherTenants;
  if (full) return AskerOf(environment, store::kOtherTenants);
  const auto asker = static_cast<Asker>(askers_.size());
  askers_.emplace_back(environment, tenant);
  asker_of_.emplace(askers_.back(), asker);
  return asker;
}

void UsageCounter::Insert(std::uint64_t hash, Asker asker, const eval::Evaluation& evaluation, UsageKind kind) {
  const std::string& tenant = askers_[asker].second;
  const bool shared = tenant.empty() || tenant == store::kOtherTenants;
  if (entries_.size() >= (shared ? 2 * kEntriesMax : kEntriesMax)) {
    if (shared) {
      ++dropped_;
    } else {
      Note(AskerOf(std::string(askers_[asker].first), store::kOtherTenants), evaluation, kind);
    }
    return;
  }
  if (entries_.size() * 2 >= slots_.size()) Grow();
  std::size_t at = hash & mask_;
  while (slots_[at].hash != 0) at = (at + 1) & mask_;
  slots_[at] = {.hash = hash, .count = 1, .entry = static_cast<std::uint32_t>(entries_.size())};
  entries_.push_back({.asker = asker,
                      .kind = kind,
                      .flag_key = std::string(eval::KeyOf(*evaluation.flag)),
                      .variation = evaluation.variation == nullptr ? std::string() : evaluation.variation->name});
}

void UsageCounter::Grow() {
  std::vector<Slot> larger(slots_.size() * 2);
  mask_ = larger.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.hash == 0) continue;
    std::size_t at = slot.hash & mask_;
    while (larger[at].hash != 0) at = (at + 1) & mask_;
    larger[at] = slot;
  }
  slots_ = std::move(larger);
}

std::vector<UsageCount> UsageCounter::Take() {
  std::vector<UsageCount> counts;
  counts.reserve(entries_.size());
  for (Slot& slot : slots_) {
    if (slot.hash == 0) continue;
    Entry& entry = entries_[slot.entry];
    const auto& [environment, tenant] = askers_[entry.asker];
    counts.push_back({.environment = environment,
                      .flag_key = std::move(entry.flag_key),
                      .variation = std::move(entry.variation),
                      .tenant_id = tenant,
                      .kind = entry.kind,
                      .count = slot.count});
    slot = {};
  }
  entries_.clear();
  askers_.clear();
  asker_of_.clear();
  return counts;
}

}  // namespace guidon::app
