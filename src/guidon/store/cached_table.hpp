// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "guidon/base/clock.hpp"
#include "guidon/store/table.hpp"

namespace guidon::store {

struct CacheOptions {
  std::chrono::milliseconds ttl{60'000};
  std::size_t items_max = 1000;    // of the item cache; 0: none
  std::size_t queries_max = 1000;  // pages in the query cache; 0: none
};

// Counts since start.
struct CacheFigures {
  std::uint64_t item_hits = 0;
  std::uint64_t item_misses = 0;
  std::uint64_t query_hits = 0;
  std::uint64_t query_misses = 0;
  std::uint64_t passed = 0;        // strong reads
  std::uint64_t joined = 0;        // reads that waited for the same read of somebody else
  std::uint64_t served_stale = 0;  // because the store did not answer
  std::uint64_t evictions = 0;
  std::size_t items = 0;
  std::size_t queries = 0;
};

// A cache before another table, with the semantics of DynamoDB Accelerator (Developer Guide, "DAX and DynamoDB
// consistency models"):
//
// - Two caches: items by key (Get, BatchGet), pages by all parameters of their query. Both hold what is not there, too.
// - Only eventually consistent reads use them; strong reads pass, and neither read nor fill them.
// - Writes go through to the table and, once they happened, into the item cache. The query cache is not told: a page
// may
//   be as old as the time to live, whatever was written meanwhile.
// - Oldest use goes first where a cache is full. Reads of the same thing at the same time are one read.
// - When the table does not answer (kUnavailable), an entry that is past its time to live is better than none: it is
//   served, counted, and logged once until the table answers again.
//
// Writes that go past this cache, by another process, are seen when entries grow old. A hit consumes no units. An item
// whose own `ttl` has passed is never served. Thread-safe; does not own `inner`, which must outlive it.
class CachedTable final : public Table {
 public:
  CachedTable(Table& inner, const base::Clock& clock, CacheOptions options);

  base::Result<GetResult> Get(const Key& key, Consistency consistency) override;
  base::Result<WriteResult> PutItem(const Put& put) override;
  base::Result<WriteResult> UpdateItem(const Update& update) override;
  base::Result<WriteResult> DeleteItem(const Delete& del) override;
  base::Result<QueryPage> RunQuery(const Query& query) override;
  base::Result<BatchGetResult> BatchGet(std::span<const Key> keys, Consistency consistency) override;
  base::Result<BatchWriteResult> BatchWrite(std::span<const BatchWriteOperation> operations) override;
  base::Result<TransactionResult> Transact(std::span<const TransactionOperation> operations,
                                           std::string_view token) override;
  base::Status Ping() override { return inner_.Ping(); }

  CacheFigures figures() const;

 private:
  // Values by text, least recently used first out. Not thread-safe.
  template <class T>
  class Lru {
   public:
    struct Entry {
      std::string name;
      T value;
      base::Timestamp stored_at;
    };
    const Entry* Find(const std::string& name);  // and marks it as used; nullptr where it is absent
    bool Store(std::string name, T value, base::Timestamp now, std::size_t max);  // true where another had to go
    void Erase(const std::string& name);
    std::size_t size() const { return order_.size(); }

   private:
    std::list<Entry> order_;  // most recently used first
    std::unordered_map<std::string, typename std::list<Entry>::iterator> entries_;
  };
  // A read that is under way. What others write meanwhile makes its result too old to keep.
  struct Flight {
    bool done = false;
    bool overtaken = false;
  };
  // Writes of one item that are under way: where several overlap nobody knows which came last.
  struct Writers {
    int count = 0;
    bool overlapped = false;
  };
  class WriteGuard;

  bool IsFresh(base::Timestamp stored_at) const;
  std::shared_ptr<Flight> BeginFlight(const std::string& name);
  void EndFlight(const std::string& name, const std::shared_ptr<Flight>& flight);
  void JoinFlight(std::unique_lock<std::mutex>& lock, const std::string& name);
  void StoreItem(const std::string& name, std::optional<Item> item);
  void StorePage(const std::string& name, QueryPage page);
  std::optional<GetResult> Cached(const std::string& name, bool also_old);
  std::optional<QueryPage> CachedPage(const std::string& name, bool also_old);
  void NoteStale(const base::Error& error);
  void NoteAnswer();
  base::Result<WriteResult> Write(const TransactionOperation& operation,
                                  const std::function<base::Result<WriteResult>()>& write);

  Table& inner_;
  const base::Clock& clock_;
  const CacheOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable landed_;
  Lru<std::optional<Item>> items_;
  Lru<QueryPage> pages_;
  std::map<std::string, std::shared_ptr<Flight>> flights_;
  std::map<std::string, Writers> writers_;
  bool stale_logged_ = false;
  CacheFigures figures_;
};

}  // namespace guidon::store
