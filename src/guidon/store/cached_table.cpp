// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/cached_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "guidon/base/log.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

using base::Result;

// No two keys have one text: the first length says where the second begins.
std::string NameOfItem(const Key& key) { return fmt::format("i{}:{}{}", key.pk.size(), key.pk, key.sk); }

void AppendPart(std::string& name, std::string_view part) { name += fmt::format("{}:{}", part.size(), part); }

std::string NameOfQuery(const Query& query) {
  std::string name =
      fmt::format("q{}{}{}#{}#", static_cast<int>(query.index), query.forward, query.limit, query.sort.index());
  AppendPart(name, query.partition);
  if (const auto* equals = std::get_if<SortKeyEquals>(&query.sort)) AppendPart(name, equals->value);
  if (const auto* begins = std::get_if<SortKeyBeginsWith>(&query.sort)) AppendPart(name, begins->prefix);
  if (const auto* greater = std::get_if<SortKeyGreater>(&query.sort)) AppendPart(name, greater->value);
  if (const auto* between = std::get_if<SortKeyBetween>(&query.sort)) {
    AppendPart(name, between->low);
    AppendPart(name, between->high);
  }
  if (query.start_after) {
    for (const auto* part : {&query.start_after->key.pk, &query.start_after->key.sk,
                             &query.start_after->index_partition, &query.start_after->index_sort})
      AppendPart(name, *part);
  }
  return name;
}

// What the item cache holds after a write that happened; nothing where only the table knows.
std::optional<std::optional<Item>> AfterWrite(const TransactionOperation& operation) {
  if (const auto* put = std::get_if<Put>(&operation)) return std::optional(put->item);
  if (std::holds_alternative<Delete>(operation)) return std::optional<Item>{};
  return std::nullopt;
}

}  // namespace

// --- the two caches ---

template <class T>
const CachedTable::Lru<T>::Entry* CachedTable::Lru<T>::Find(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return &*found->second;
}

template <class T>
bool CachedTable::Lru<T>::Store(std::string name, T value, base::Timestamp now, std::size_t max) {
  Erase(name);
  if (max == 0) return false;
  order_.push_front({name, std::move(value), now});
  entries_.emplace(std::move(name), order_.begin());
  if (order_.size() <= max) return false;
  entries_.erase(order_.back().name);
  order_.pop_back();
  return true;
}

template <class T>
void CachedTable::Lru<T>::Erase(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  order_.erase(found->second);
  entries_.erase(found);
}

CachedTable::CachedTable(Table& inner, const base::Clock& clock, CacheOptions options)
    : inner_(inner), clock_(clock), options_(options) {}

bool CachedTable::IsFresh(base::Timestamp stored_at) const { return clock_.Now() < stored_at + options_.ttl; }

CacheFigures CachedTable::figures() const {
  const std::lock_guard lock(mutex_);
  CacheFigures figures = figures_;
  figures.items = items_.size();
  figures.queries = pages_.size();
  return figures;
}

std::optional<GetResult> CachedTable::Cached(const std::string& name, bool also_old) {
  const auto* entry = items_.Find(name);
  if (entry == nullptr || (!also_old && !IsFresh(entry->stored_at))) return std::nullopt;
  if (entry->value && IsExpired(*entry->value, clock_.Now())) return GetResult{};
  return GetResult{.item = entry->value, .consumed = {}};
}

std::optional<QueryPage> CachedTable::CachedPage(const std::string& name, bool also_old) {
  const auto* entry = pages_.Find(name);
  if (entry == nullptr || (!also_old && !IsFresh(entry->stored_at))) return std::nullopt;
  QueryPage page = entry->value;
  std::erase_if(page.items, [this](const Item& item) { return IsExpired(item, clock_.Now()); });
  page.consumed = {};
  return page;
}

void CachedTable::StoreItem(const std::string& name, std::optional<Item> item) {
  if (items_.Store(name, std::move(item), clock_.Now(), options_.items_max)) ++figures_.evictions;
}

void CachedTable::StorePage(const std::string& name, QueryPage page) {
  if (pages_.Store(name, std::move(page), clock_.Now(), options_.queries_max)) ++figures_.evictions;
}

void CachedTable::NoteStale(const base::Error& error) {
  ++figures_.served_stale;
  if (std::exchange(stale_logged_, true)) return;
  base::Log(base::LogLevel::kWarn, "the store does not answer; what the cache holds is served although it is old",
            {{"error", std::string_view(error.message)}});
}

void CachedTable::NoteAnswer() {
  if (std::exchange(stale_logged_, false)) base::Log(base::LogLevel::kInfo, "the store behind the cache answers again");
}

// --- flights ---

// Waits until nobody reads this.
void CachedTable::JoinFlight(std::unique_lock<std::mutex>& lock, const std::string& name) {
  const auto found = flights_.find(name);
  if (found == flights_.end()) return;
  ++figures_.joined;
  const std::shared_ptr<Flight> flight = found->second;
  landed_.wait(lock, [&] { return flight->done; });
}

std::shared_ptr<CachedTable::Flight> CachedTable::BeginFlight(const std::string& name) {
  auto flight = std::make_shared<Flight>();
  flight->overtaken = writers_.contains(name);
  flights_[name] = flight;
  return flight;
}

void CachedTable::EndFlight(const std::string& name, const std::shared_ptr<Flight>& flight) {
  flight->done = true;
  const auto found = flights_.find(name);
  if (found != flights_.end() && found->second == flight) flights_.erase(found);
  landed_.notify_all();
}

// --- reads ---

Result<GetResult> CachedTable::Get(const Key& key, Consistency consistency) {
  if (consistency == Consistency::kStrong || !ValidateKey(key)) {
    const std::lock_guard lock(mutex_);
    ++figures_.passed;
  }
  if (consistency == Consistency::kStrong || !ValidateKey(key)) return inner_.Get(key, consistency);
  const std::string name = NameOfItem(key);
  std::unique_lock lock(mutex_);
  if (!Cached(name, false)) JoinFlight(lock, name);
  if (auto cached = Cached(name, false)) {
    ++figures_.item_hits;
    return *std::move(cached);
  }
  ++figures_.item_misses;
  const auto flight = BeginFlight(name);
  lock.unlock();
  auto got = inner_.Get(key, consistency);
  lock.lock();
  EndFlight(name, flight);
  if (got) {
    NoteAnswer();
    if (!flight->overtaken) StoreItem(name, got->item);
    return got;
  }
  if (got.error().code != base::ErrorCode::kUnavailable) return got;
  auto old = Cached(name, true);
  if (!old) return got;
  NoteStale(got.error());
  return *std::move(old);
}

Result<QueryPage> CachedTable::RunQuery(const Query& query) {
  const bool passes = ConsistencyOf(query) == Consistency::kStrong || options_.queries_max == 0;
  std::unique_lock lock(mutex_);
  if (passes || !ValidateQuery(query)) {
    ++figures_.passed;
    lock.unlock();
    return inner_.RunQuery(query);
  }
  const std::string name = NameOfQuery(query);
  if (!CachedPage(name, false)) JoinFlight(lock, name);
  if (auto cached = CachedPage(name, false)) {
    ++figures_.query_hits;
    return *std::move(cached);
  }
  ++figures_.query_misses;
  const auto flight = BeginFlight(name);
  lock.unlock();
  auto page = inner_.RunQuery(query);
  lock.lock();
  EndFlight(name, flight);
  if (page) {
    NoteAnswer();
    StorePage(name, *page);
    return page;
  }
  if (page.error().code != base::ErrorCode::kUnavailable) return page;
  auto old = CachedPage(name, true);
  if (!old) return page;
  NoteStale(page.error());
  return *std::move(old);
}

Result<BatchGetResult> CachedTable::BatchGet(std::span<const Key> keys, Consistency consistency) {
  GUIDON_TRY(ValidateBatchGet(keys));
  if (consistency == Consistency::kStrong) return inner_.BatchGet(keys, consistency);
  BatchGetResult result;
  std::vector<Key> missing;
  std::vector<std::shared_ptr<Flight>> flights;
  // What is found goes into an answer as large as the table's may be; the rest is asked for again, and found here.
  std::size_t bytes = 0;
  const auto add = [&](Item item) {
    bytes += ItemSize(item);
    if (bytes > kBatchGetBytesMax) return result.unprocessed.push_back(KeyOf(item));
    result.items.push_back(std::move(item));
  };
  const auto take = [&](const Key& key, bool also_old) {
    auto cached = Cached(NameOfItem(key), also_old);
    if (cached && cached->item) add(*std::move(cached->item));
    return cached.has_value();
  };
  std::unique_lock lock(mutex_);
  for (const Key& key : keys) {
    const bool hit = take(key, false);
    ++(hit ? figures_.item_hits : figures_.item_misses);
    if (hit) continue;
    missing.push_back(key);
    flights.push_back(BeginFlight(NameOfItem(key)));
  }
  if (missing.empty()) return result;
  lock.unlock();
  auto fetched = inner_.BatchGet(missing, consistency);
  lock.lock();
  for (std::size_t i = 0; i < missing.size(); ++i) EndFlight(NameOfItem(missing[i]), flights[i]);
  if (!fetched) {
    const bool all = fetched.error().code == base::ErrorCode::kUnavailable &&
                     std::ranges::all_of(missing, [&](const Key& key) { return take(key, true); });
    if (!all) return fetched;
    NoteStale(fetched.error());
    return result;
  }
  NoteAnswer();
  std::map<Key, const Item*> found;
  for (const Item& item : fetched->items) found[KeyOf(item)] = &item;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const bool open = std::ranges::find(fetched->unprocessed, missing[i]) != fetched->unprocessed.end();
    if (open || flights[i]->overtaken) continue;
    const auto item = found.find(missing[i]);
    StoreItem(NameOfItem(missing[i]), item != found.end() ? std::optional(*item->second) : std::nullopt);
  }
  for (Item& item : fetched->items) add(std::move(item));
  std::ranges::move(fetched->unprocessed, std::back_inserter(result.unprocessed));
  result.consumed = fetched->consumed;
  return result;
}

// --- writes ---

// Announces writes while it lives. `Happened` keeps what is known afterwards; without it the entry goes.
class CachedTable::WriteGuard {
 public:
  WriteGuard(CachedTable& table, const std::vector<Key>& keys) : table_(table) {
    const std::lock_guard lock(table_.mutex_);
    for (const Key& key : keys) {
      names_.push_back(NameOfItem(key));
      Writers& writers = table_.writers_[names_.back()];
      writers.overlapped = writers.overlapped || ++writers.count > 1;
      Overtake(names_.back());
    }
  }
  WriteGuard(const WriteGuard&) = delete;
  WriteGuard& operator=(const WriteGuard&) = delete;
  ~WriteGuard() {
    const std::lock_guard lock(table_.mutex_);
    for (const std::string& name : names_) {
      Overtake(name);
      const auto writers = table_.writers_.find(name);
      const auto known = known_.find(name);
      if (known == known_.end() || writers->second.overlapped) {
        table_.items_.Erase(name);
      } else if (known->second) {
        table_.StoreItem(name, *std::move(known->second));
      }
      if (--writers->second.count == 0) table_.writers_.erase(writers);
    }
  }
  // What the item is now; nothing inside: it was not touched.
  void Known(const Key& key, std::optional<std::optional<Item>> item) { known_[NameOfItem(key)] = std::move(item); }

 private:
  void Overtake(const std::string& name) {
    const auto flight = table_.flights_.find(name);
    if (flight != table_.flights_.end()) flight->second->overtaken = true;
  }

  CachedTable& table_;
  std::vector<std::string> names_;
  std::map<std::string, std::optional<std::optional<Item>>> known_;
};

Result<WriteResult> CachedTable::Write(const TransactionOperation& operation,
                                       const std::function<Result<WriteResult>()>& write) {
  GUIDON_TRY(ValidateOperation(operation));
  const Key key = KeyOf(operation);
  WriteGuard guard(*this, {key});
  auto result = write();
  if (!result) return result;
  if (const auto after = AfterWrite(operation); result->applied && after) guard.Known(key, after);
  // What stood in the way is what is there.
  if (!result->applied) guard.Known(key, std::optional(result->existing));
  return result;
}

Result<WriteResult> CachedTable::PutItem(const Put& put) {
  return Write(put, [&] { return inner_.PutItem(put); });
}

Result<WriteResult> CachedTable::UpdateItem(const Update& update) {
  return Write(update, [&] { return inner_.UpdateItem(update); });
}

Result<WriteResult> CachedTable::DeleteItem(const Delete& del) {
  return Write(del, [&] { return inner_.DeleteItem(del); });
}

Result<BatchWriteResult> CachedTable::BatchWrite(std::span<const BatchWriteOperation> operations) {
  GUIDON_TRY(ValidateBatchWrite(operations));
  std::vector<Key> keys;
  for (const auto& operation : operations) keys.push_back(KeyOf(operation));
  WriteGuard guard(*this, keys);
  auto result = inner_.BatchWrite(operations);
  if (!result) return result;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const bool open = std::ranges::any_of(result->unprocessed,
                                          [&](const BatchWriteOperation& left) { return KeyOf(left) == keys[i]; });
    if (!open) guard.Known(keys[i], AfterWrite(AsWrite(operations[i])));
  }
  return result;
}

Result<TransactionResult> CachedTable::Transact(std::span<const TransactionOperation> operations,
                                                std::string_view token) {
  GUIDON_TRY(ValidateTransaction(operations, token));
  std::vector<Key> keys;
  for (const auto& operation : operations) {
    if (!std::holds_alternative<ConditionCheck>(operation)) keys.push_back(KeyOf(operation));
  }
  WriteGuard guard(*this, keys);
  auto result = inner_.Transact(operations, token);
  if (!result || !result->committed) return result;
  for (const auto& operation : operations) {
    if (const auto after = AfterWrite(operation)) guard.Known(KeyOf(operation), after);
  }
  return result;
}

}  // namespace guidon::store
