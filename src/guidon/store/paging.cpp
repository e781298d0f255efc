// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/paging.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "guidon/base/log.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

// Doubled from attempt to attempt, and only where the backend made no progress at all.
constexpr std::chrono::milliseconds kBackoffBase{5};

bool Covers(const SortKeyCondition& condition, std::string_view sort) {
  const SortKeyRange range = RangeOf(condition);
  return sort >= range.low && (!range.high || sort < *range.high);
}

std::string_view TextOf(const Item& item, std::string_view name) {
  const AttributeValue* value = item.Find(name);
  return value != nullptr && value->AsString() != nullptr ? std::string_view(*value->AsString()) : std::string_view{};
}

// One batch, whole.
Status ReadBatch(Table& table, std::span<const Key> keys, Consistency consistency, std::vector<Item>& items) {
  std::vector<Key> wanted(keys.begin(), keys.end());
  auto backoff = kBackoffBase;
  for (int attempt = 0; attempt < kBatchAttemptsMax; ++attempt) {
    GUIDON_ASSIGN(BatchGetResult read, table.BatchGet(wanted, consistency));
    std::ranges::move(read.items, std::back_inserter(items));
    if (read.unprocessed.empty()) return {};
    const bool is_last = attempt + 1 == kBatchAttemptsMax;
    if (!is_last && read.unprocessed.size() == wanted.size()) {
      std::this_thread::sleep_for(backoff);
      backoff *= 2;
    }
    wanted = std::move(read.unprocessed);
  }
  return Fail(ErrorCode::kUnavailable, "the store leaves reads unprocessed (throttled); try again later");
}

}  // namespace

Status CheckLimit(const PageRequest& request) {
  if (request.limit >= 1 && request.limit <= kPageLimitMax) return {};
  return Fail(ErrorCode::kInvalidArgument, fmt::format("must be 1 to {}", kPageLimitMax), "limit");
}

Status StartQuery(Query& query, const PageRequest& request) {
  GUIDON_TRY(CheckLimit(request));
  if (request.cursor.empty()) return {};
  GUIDON_ASSIGN(Position position, DecodeCursor(request.cursor, query.index, query.partition));
  if (!Covers(query.sort, query.index == Index::kTable ? position.key.sk : position.index_sort))
    return Fail(ErrorCode::kInvalidArgument, "the cursor belongs to another list", "cursor");
  query.start_after = std::move(position);
  return {};
}

void LeaveOut(const Item& item, const base::Error& error, std::size_t& unreadable) {
  ++unreadable;
  // An assignment's sort key holds a user's id, which no log may hold.
  const std::string_view sort = TextOf(item, "SK");
  base::Log(base::LogLevel::kError, "an item of the table cannot be read and is left out",
            {{"pk", TextOf(item, "PK")},
             {"sk", sort.starts_with("ASSIGN#") ? std::string_view("ASSIGN#…") : sort},
             {"field", std::string_view(error.field)},
             {"problem", std::string_view(error.message)}});
}

base::Error Contradiction(std::string_view attribute) {
  return {.code = ErrorCode::kCorrupt,
          .message = "the item contradicts the list it is in",
          .field = std::string(attribute)};
}

Result<std::vector<Item>> ReadItems(Table& table, std::vector<Key> keys, Consistency consistency) {
  std::ranges::sort(keys);
  const auto twins = std::ranges::unique(keys);
  keys.erase(twins.begin(), twins.end());
  std::vector<Item> items;
  items.reserve(keys.size());
  for (std::size_t at = 0; at < keys.size(); at += kBatchGetItemsMax) {
    const std::size_t count = std::min(kBatchGetItemsMax, keys.size() - at);
    GUIDON_TRY(ReadBatch(table, std::span(keys).subspan(at, count), consistency, items));
  }
  return items;
}

Status WriteItems(Table& table, std::vector<BatchWriteOperation> all) {
  for (std::size_t at = 0; at < all.size(); at += kBatchWriteItemsMax) {
    const std::size_t count = std::min(kBatchWriteItemsMax, all.size() - at);
    std::vector<BatchWriteOperation> batch(
        std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(at)),
        std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(at + count)));
    auto backoff = kBackoffBase;
    for (int attempt = 0; !batch.empty(); ++attempt) {
      if (attempt == kBatchAttemptsMax)
        return Fail(ErrorCode::kUnavailable, "the store leaves writes unprocessed (throttled); try again later");
      if (attempt > 0) std::this_thread::sleep_for(backoff *= 2);
      GUIDON_ASSIGN(BatchWriteResult written, table.BatchWrite(batch));
      if (written.unprocessed.size() < batch.size()) attempt = 0;
      batch = std::move(written.unprocessed);
    }
  }
  return {};
}

}  // namespace guidon::store
