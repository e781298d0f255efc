// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/replicating_table.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "guidon/base/log.hpp"

namespace guidon::store {
namespace {

using base::Result;

constexpr std::array<std::string_view, 4> kKeptPartitions = {"FLAG#", "SEGMENT#", "EMERGENCY#", "APIKEY#"};
constexpr std::string_view kMarkKey = "COPY";
constexpr std::size_t kCopyPage = 1000;

Key KeyOfItem(const Item& item) { return {*item.Find("PK")->AsString(), *item.Find("SK")->AsString()}; }

bool IsKept(const Key& key) {
  if (key.pk.starts_with("CHANGES#")) return key.sk == "HEAD";
  // Evaluation logs lie beside their flag; work on segments is for whoever writes to the store.
  if (key.sk.starts_with("EVAL#") || key.sk.starts_with("PARTS#")) return false;
  return std::ranges::any_of(kKeptPartitions, [&](auto prefix) { return key.pk.starts_with(prefix); });
}

// Whether `kept` is a later state of the same thing than `fresh`, which was read before that was written, or from an
// index that lags.
bool IsLater(const Item& kept, const Item& fresh) {
  const auto number = [](const Item& item, std::string_view name) {
    const AttributeValue* value = item.Find(name);
    return value != nullptr && value->AsNumber() != nullptr ? value->AsNumber()->AsInt64() : std::nullopt;
  };
  const AttributeValue* was = kept.Find("createdAt");
  const AttributeValue* is = fresh.Find("createdAt");
  if ((was == nullptr) != (is == nullptr) || (was != nullptr && !(*was == *is))) return false;
  const auto later = number(kept, "version");
  const auto earlier = number(fresh, "version");
  return later && earlier && *later > *earlier;
}

// Where an item stands in what a query reads.
using Place = std::tuple<std::string, std::string, std::string>;

Place PlaceOf(Index index, const Item& item) {
  Key key = KeyOfItem(item);
  std::string sort = index == Index::kTable ? key.sk : *item.Find(AttributesOf(index).sort)->AsString();
  return {std::move(sort), std::move(key.pk), std::move(key.sk)};
}

Place PlaceOf(Index index, const Position& position) {
  return {index == Index::kTable ? position.key.sk : position.index_sort, position.key.pk, position.key.sk};
}

std::unexpected<base::Error> Refused() {
  return base::Fail(base::ErrorCode::kUnavailable,
                    "The store does not answer. This node serves the copy that it has on disk and refuses changes "
                    "until the store is back. Nothing was written.");
}

}  // namespace

void ReplicatingTable::Note(const base::Status& status) {
  if (status || copy_failures_.fetch_add(1) != 0) return;
  base::Log(base::LogLevel::kWarn,
            "The copy on disk cannot be written; a start while the store is down would be from an older state.",
            {{"error", std::string_view(status.error().message)}});
}

void ReplicatingTable::Keep(const Item& item) {
  const Key key = KeyOfItem(item);
  if (!IsKept(key)) return;
  const auto there = replica_.Get(key, Consistency::kStrong);
  if (there && there->item && (*there->item == item || IsLater(*there->item, item))) return;
  const auto put = replica_.PutItem({.item = item});
  Note(put ? base::Status{} : std::unexpected(put.error()));
}

void ReplicatingTable::Forget(const Key& key) {
  if (!IsKept(key)) return;
  const auto gone = replica_.DeleteItem({.key = key});
  Note(gone ? base::Status{} : std::unexpected(gone.error()));
}

// After an update, which does not say what the whole item is.
void ReplicatingTable::KeepWhatIsThere(const Key& key) {
  if (!IsKept(key)) return;
  const auto there = inner_.Get(key, Consistency::kStrong);
  if (!there) return;
  if (there->item) {
    Keep(*there->item);
  } else {
    Forget(key);
  }
}

void ReplicatingTable::ForgetWhatIsMissing(const Query& query, const QueryPage& page) {
  std::set<Key> there;
  for (const Item& item : page.items) there.insert(KeyOfItem(item));
  Query same = query;
  same.limit = kCopyPage;
  same.consistency = Consistency::kStrong;
  std::vector<Key> missing;
  while (true) {
    const auto kept = replica_.RunQuery(same);
    if (!kept) return Note(std::unexpected(kept.error()));
    for (const Item& item : kept->items) {
      if (page.next) {
        const Place place = PlaceOf(query.index, item);
        const Place end = PlaceOf(query.index, *page.next);
        if (query.forward ? place > end : place < end) {
          for (const Key& key : missing) Forget(key);
          return;
        }
      }
      Key key = KeyOfItem(item);
      if (!there.contains(key)) missing.push_back(std::move(key));
    }
    if (!kept->next) break;
    same.start_after = kept->next;
  }
  for (const Key& key : missing) Forget(key);
}

base::Status ReplicatingTable::Mark(base::Timestamp at) {
  const auto put = replica_.PutItem({.item = {{"PK", kMarkKey}, {"SK", kMarkKey}, {"at", base::FormatTimestamp(at)}}});
  const base::Status status = put ? base::Status{} : std::unexpected(put.error());
  Note(status);
  return status;
}

Result<std::optional<base::Timestamp>> ReplicatingTable::MarkedAt() {
  GUIDON_ASSIGN(const auto mark, replica_.Get({std::string(kMarkKey), std::string(kMarkKey)}, Consistency::kStrong));
  if (!mark.item) return std::nullopt;
  const AttributeValue* at = mark.item->Find("at");
  if (at == nullptr || at->AsString() == nullptr)
    return base::Fail(base::ErrorCode::kCorrupt, "The copy on disk does not say of when it is.");
  GUIDON_ASSIGN(const base::Timestamp time, base::ParseTimestamp(*at->AsString(), "at"));
  return std::optional<base::Timestamp>(time);
}

Result<GetResult> ReplicatingTable::Get(const Key& key, Consistency consistency) {
  if (from_copy_.load()) return replica_.Get(key, Consistency::kStrong);
  auto result = inner_.Get(key, consistency);
  if (!result) return result;
  if (result->item) {
    Keep(*result->item);
  } else if (consistency == Consistency::kStrong) {
    Forget(key);
  }
  return result;
}

Result<WriteResult> ReplicatingTable::PutItem(const Put& put) {
  if (from_copy_.load()) return Refused();
  auto result = inner_.PutItem(put);
  if (result && result->applied) Keep(put.item);
  return result;
}

Result<WriteResult> ReplicatingTable::UpdateItem(const Update& update) {
  if (from_copy_.load()) return Refused();
  auto result = inner_.UpdateItem(update);
  if (result && result->applied) KeepWhatIsThere(update.key);
  return result;
}

Result<WriteResult> ReplicatingTable::DeleteItem(const Delete& del) {
  if (from_copy_.load()) return Refused();
  auto result = inner_.DeleteItem(del);
  if (result && result->applied) Forget(del.key);
  return result;
}

Result<QueryPage> ReplicatingTable::RunQuery(const Query& query) {
  if (from_copy_.load()) return replica_.RunQuery(query);
  auto page = inner_.RunQuery(query);
  if (!page) return page;
  for (const Item& item : page->items) Keep(item);
  ForgetWhatIsMissing(query, *page);
  return page;
}

Result<BatchGetResult> ReplicatingTable::BatchGet(std::span<const Key> keys, Consistency consistency) {
  if (from_copy_.load()) return replica_.BatchGet(keys, Consistency::kStrong);
  auto result = inner_.BatchGet(keys, consistency);
  if (!result) return result;
  std::set<Key> left(keys.begin(), keys.end());
  for (const Key& key : result->unprocessed) left.erase(key);
  for (const Item& item : result->items) {
    left.erase(KeyOfItem(item));
    Keep(item);
  }
  if (consistency == Consistency::kStrong) {
    for (const Key& key : left) Forget(key);
  }
  return result;
}

Result<BatchWriteResult> ReplicatingTable::BatchWrite(std::span<const BatchWriteOperation> operations) {
  if (from_copy_.load()) return Refused();
  auto result = inner_.BatchWrite(operations);
  // What was left undone is sent again and passes by then.
  if (!result || !result->unprocessed.empty()) return result;
  for (const BatchWriteOperation& operation : operations) {
    if (const Item* item = std::get_if<Item>(&operation.put_or_delete)) {
      Keep(*item);
    } else {
      Forget(std::get<Key>(operation.put_or_delete));
    }
  }
  return result;
}

Result<TransactionResult> ReplicatingTable::Transact(std::span<const TransactionOperation> operations,
                                                     std::string_view token) {
  if (from_copy_.load()) return Refused();
  auto result = inner_.Transact(operations, token);
  if (!result || !result->committed) return result;
  for (const TransactionOperation& operation : operations) {
    if (const Put* put = std::get_if<Put>(&operation)) {
      Keep(put->item);
    } else if (const Delete* del = std::get_if<Delete>(&operation)) {
      Forget(del->key);
    } else if (const Update* update = std::get_if<Update>(&operation)) {
      KeepWhatIsThere(update->key);
    }
  }
  return result;
}

}  // namespace guidon::store
