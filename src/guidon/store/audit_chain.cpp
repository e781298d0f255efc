// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/audit_chain.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "guidon/store/item_json.hpp"

namespace guidon::store {
namespace {

using base::Result;
using base::Status;

constexpr std::size_t kItemsPerQuery = 500;
constexpr std::size_t kTimeCharacters = 24;  // "2026-11-22T04:23:00.123Z"
// Above every sort key of ours and of whoever forges one, and the character after '#'.
constexpr std::string_view kAfterAll = "\xF4\x8F\xBF\xBF";
constexpr char kAfterTime = '$';
constexpr std::string_view kBeforeAll = " ";

}  // namespace

std::string SealedText(const Item& item) {
  std::string text;
  if (item.Find(kAuditHashAttribute) == nullptr) {
    AppendItem(text, item);
    return text;
  }
  Item rest = item;
  rest.Erase(kAuditHashAttribute);
  AppendItem(text, rest);
  return text;
}

AuditReader::AuditReader(Table& table, AuditPlace begin, base::Timestamp end)
    : table_(table),
      place_(std::move(begin)),
      last_date_(base::FormatDate(end)),
      last_sort_(base::FormatTimestamp(end) + kAfterTime) {}

AuditPlace AuditReader::place() const { return place_; }

std::string_view AuditReader::MomentOf(const Item& item) {
  const std::string_view sort = *item.Find("SK")->AsString();
  return sort.substr(0, kTimeCharacters);
}

void AuditReader::OpenDay() {
  const std::string low = place_.sort.empty() ? std::string(kBeforeAll) : place_.sort;
  const std::string high = place_.date == last_date_ ? last_sort_ : std::string(kAfterAll);
  for (unsigned shard = 0; shard < kAuditShards; ++shard) {
    shards_.push_back({.query = {.partition = AuditPartition(place_.date, shard),
                                 .sort = SortKeyBetween{low, std::max(low, high)},
                                 .limit = kItemsPerQuery,
                                 .consistency = Consistency::kStrong},
                       .items = {}});
  }
}

Status AuditReader::Fill(Shard& shard) {
  while (shard.items.empty() && !shard.done) {
    GUIDON_ASSIGN(QueryPage page, table_.RunQuery(shard.query));
    for (Item& item : page.items) shard.items.push_back(std::move(item));
    shard.done = !page.next.has_value();
    shard.query.start_after = std::move(page.next);
  }
  return {};
}

Result<bool> AuditReader::Next(std::vector<Item>& items) {
  items.clear();
  if (place_.date > last_date_) return false;
  if (shards_.empty()) OpenDay();
  std::optional<std::string> moment;
  for (Shard& shard : shards_) {
    GUIDON_TRY(Fill(shard));
    if (shard.items.empty()) continue;
    const std::string_view first = MomentOf(shard.items.front());
    if (!moment || first < *moment) moment = std::string(first);
  }
  if (!moment) {
    GUIDON_ASSIGN(const base::Timestamp day, base::ParseDate(place_.date));
    place_ = {.date = base::FormatDate(day + std::chrono::days{1})};
    shards_.clear();
    return true;
  }
  for (Shard& shard : shards_) {
    while (true) {
      GUIDON_TRY(Fill(shard));
      if (shard.items.empty() || MomentOf(shard.items.front()) != *moment) break;
      items.push_back(std::move(shard.items.front()));
      shard.items.pop_front();
    }
  }
  place_.sort = *moment + std::string(kAfterAll);
  return true;
}

}  // namespace guidon::store
