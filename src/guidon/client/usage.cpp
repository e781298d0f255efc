// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/usage.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <thread>
#include <utility>

#include "guidon/base/time.hpp"
#include "guidon/json/json.hpp"

namespace guidon::client {
namespace {

constexpr std::uint64_t kSeed = 0x9e3779b97f4a7c15;
constexpr std::uint64_t kFactor = 0xe7037ed1a0b428db;
constexpr unsigned kHalf = 32;
constexpr std::size_t kMinuteTextBytes = 16;  // "2026-11-23T15:36"

std::uint64_t Mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * kFactor;
  return hash ^ (hash >> kHalf);
}

std::uint64_t Mix(std::uint64_t hash, std::string_view text) {
  hash = Mix(hash, text.size());
  while (!text.empty()) {
    const std::size_t size = std::min(text.size(), sizeof(std::uint64_t));
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), size);
    hash = Mix(hash, word);
    text.remove_prefix(size);
  }
  return hash;
}

std::string MinuteText(std::int64_t minute) {
  const base::Timestamp time{std::chrono::minutes(minute)};
  return base::FormatTimestamp(time).substr(0, kMinuteTextBytes) + 'Z';
}

void AppendRecord(std::string& out, const UsageRecord& record) {
  out += "{\"minute\":";
  json::AppendQuoted(out, MinuteText(record.minute));
  out += ",\"flagKey\":";
  json::AppendQuoted(out, record.flag_key);
  if (!record.variation.empty()) {
    out += ",\"variation\":";
    json::AppendQuoted(out, record.variation);
  }
  if (!record.tenant_id.empty()) {
    out += ",\"tenantId\":";
    json::AppendQuoted(out, record.tenant_id);
  }
  out += ",\"count\":" + std::to_string(record.count) + '}';
}

}  // namespace

std::size_t ThreadNumber() noexcept {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t kNumber = threads.fetch_add(1, std::memory_order_relaxed);
  return kNumber;
}

std::size_t UsageCounter::Hash::operator()(const KeyView& key) const noexcept {
  return Mix(Mix(Mix(Mix(kSeed, static_cast<std::uint64_t>(key.minute)), key.flag), key.variation), key.tenant);
}

void UsageCounter::Count(std::int64_t minute, std::string_view flag, std::string_view variation,
                         std::string_view tenant) noexcept {
  const KeyView key{.minute = minute, .flag = flag, .variation = variation, .tenant = tenant};
  const std::size_t first = ThreadNumber();
  for (std::size_t i = 0; i < kParts; ++i) {
    Part& part = parts_[(first + i) % kParts];
    if (part.busy.test_and_set(std::memory_order_acquire)) continue;
    const bool counted = CountIn(part, key);
    part.busy.clear(std::memory_order_release);
    if (counted) return;
    break;
  }
  lost_.fetch_add(1, std::memory_order_relaxed);
}

bool UsageCounter::CountIn(Part& part, const KeyView& key) {
  if (const auto found = part.counts.find(key); found != part.counts.end()) {
    ++found->second;
    return true;
  }
  if (part.counts.size() >= kUsageKeysPerPartMax) return false;
  try {
    part.counts.emplace(Key{.minute = key.minute,
                            .flag = std::string(key.flag),
                            .variation = std::string(key.variation),
                            .tenant = std::string(key.tenant)},
                        1);
  } catch (...) {
    return false;  // no memory: an evaluation must not fail for a statistic
  }
  return true;
}

std::vector<UsageRecord> UsageCounter::Collect() {
  Counts all;
  for (Part& part : parts_) {
    Counts taken;
    // Held for less than a microsecond by whoever counts.
    while (part.busy.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    taken.swap(part.counts);
    part.busy.clear(std::memory_order_release);
    for (auto& [key, count] : taken) all[key] += count;
  }
  std::vector<UsageRecord> records;
  records.reserve(all.size());
  for (const auto& [key, count] : all)
    records.push_back({.minute = key.minute,
                       .flag_key = key.flag,
                       .variation = key.variation,
                       .tenant_id = key.tenant,
                       .count = count});
  return records;
}

std::uint64_t UsageQueue::Add(std::vector<UsageRecord> records) {
  std::ranges::move(records, std::back_inserter(records_));
  std::uint64_t lost = 0;
  while (records_.size() > kUsagePendingMax) {
    lost += records_.front().count;
    records_.pop_front();
    in_body_ -= std::min<std::size_t>(in_body_, 1);
  }
  return lost;
}

std::string UsageQueue::Body(std::string_view client_id) {
  in_body_ = std::min(records_.size(), kUsageRecordsPerCallMax);
  std::string body = "{\"client\":";
  json::AppendQuoted(body, client_id);
  body += ",\"records\":[";
  for (std::size_t i = 0; i < in_body_; ++i) {
    if (i > 0) body += ',';
    AppendRecord(body, records_[i]);
  }
  return body + "]}";
}

void UsageQueue::Sent() {
  records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(in_body_));
  in_body_ = 0;
}

std::uint64_t UsageQueue::Drop() {
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < in_body_; ++i) lost += records_[i].count;
  Sent();
  return lost;
}

void UsageQueue::Clear() {
  records_.clear();
  in_body_ = 0;
}

}  // namespace guidon::client
