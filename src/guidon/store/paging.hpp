// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/store/cursor.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/store/table.hpp"

// How every repository function reads pages. Not for other modules.
namespace guidon::store {

// A page that turns out short (1 MB of large items, expired or left-out items) is filled up with this many more
// requests at most; then it goes out short, with a cursor.
inline constexpr std::size_t kQueriesPerPageMax = 8;
// A batch read is asked this often for what the backend left unprocessed.
inline constexpr int kBatchAttemptsMax = 6;

// Error: kInvalidArgument naming "limit".
base::Status CheckLimit(const PageRequest& request);

// Checks `request` and makes `query` go on where its cursor says. Errors: kInvalidArgument naming "limit" or "cursor"
// (also for a cursor of another list in the same partition).
base::Status StartQuery(Query& query, const PageRequest& request);

// Logs an item that cannot be read and counts it: one broken item must not keep a node from all others.
void LeaveOut(const Item& item, const base::Error& error, std::size_t& unreadable);

// Why an item is left out that does not say of itself what the list it was found in says.
base::Error Contradiction(std::string_view attribute);

// Reads until `request.limit` elements are there. `append(items, page)` adds what is good to `page.items`.
template <class T, class Append>
base::Result<Page<T>> ReadPage(Table& table, Query query, const PageRequest& request, Append append) {
  GUIDON_TRY(StartQuery(query, request));
  Page<T> page;
  for (std::size_t round = 0; round < kQueriesPerPageMax && page.items.size() < request.limit; ++round) {
    query.limit = request.limit - page.items.size();
    GUIDON_ASSIGN(QueryPage read, table.RunQuery(query));
    GUIDON_TRY(append(read.items, page));
    query.start_after = std::move(read.next);
    if (!query.start_after) return page;
  }
  page.next_cursor = EncodeCursor(query.index, query.partition, *query.start_after);
  return page;
}

// The same where every item stands for itself: `decode(item)` gives a Result<T>.
template <class T, class Decode>
base::Result<Page<T>> ReadEach(Table& table, Query query, const PageRequest& request, Decode decode) {
  return ReadPage<T>(table, std::move(query), request,
                     [&decode](const std::vector<Item>& items, Page<T>& page) -> base::Status {
                       for (const Item& item : items) {
                         base::Result<T> decoded = decode(item);
                         if (decoded) {
                           page.items.push_back(*std::move(decoded));
                         } else {
                           LeaveOut(item, decoded.error(), page.unreadable);
                         }
                       }
                       return {};
                     });
}

// The items of `keys` that are there, in no order; keys may repeat. In batches; what the backend leaves unprocessed is
// asked for again. Error: kUnavailable where it goes on doing so.
base::Result<std::vector<Item>> ReadItems(Table& table, std::vector<Key> keys, Consistency consistency);

// Carries out all operations, in batches; what the backend leaves unprocessed is sent again. Error: kUnavailable where
// it goes on doing so.
base::Status WriteItems(Table& table, std::vector<BatchWriteOperation> all);

// The entity of one key, or nothing.
template <class T, class Decode>
base::Result<std::optional<T>> ReadOne(Table& table, const Key& key, Decode decode) {
  GUIDON_ASSIGN(GetResult read, table.Get(key, Consistency::kStrong));
  if (!read.item) return std::nullopt;
  GUIDON_ASSIGN(T entity, decode(*read.item));
  return std::optional<T>(std::move(entity));
}

}  // namespace guidon::store
