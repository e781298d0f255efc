// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_rocksdb/rocks_table.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/write_batch.h>

#include "guidon/store/table_rules.hpp"
#include "guidon/store_rocksdb/database.hpp"
#include "guidon/store_rocksdb/item_bytes.hpp"
#include "guidon/store_rocksdb/key_codec.hpp"
#include "guidon/store_rocksdb/key_locks.hpp"

namespace guidon::store_rocksdb {
namespace {

using base::Result;
using base::Status;
using store::Index;
using store::Item;
using store::Key;

// Index entries looked up together: one request to RocksDB, and not much read in vain when the page is full.
constexpr std::size_t kLookupBatch = 128;
// A page ends early rather than read past more expired items than this.
constexpr std::size_t kExpiredSkippedMax = 10'000;
constexpr std::size_t kReportedProblemsMax = 100;

// An item as it is on the device; `expired` ones count as absent, but their index entries have to be cleared up.
struct Stored {
  std::optional<Item> item;
  bool expired = false;
  const Item* Visible() const { return item && !expired ? &*item : nullptr; }
};

// Walks the keys within bounds, in either direction.
class Scan {
 public:
  Scan(rocksdb::DB& db, KeyBounds bounds, bool forward, const rocksdb::Snapshot* snapshot)
      : bounds_(std::move(bounds)), lower_(bounds_.lower), upper_(bounds_.upper), forward_(forward) {
    rocksdb::ReadOptions options;
    options.iterate_lower_bound = &lower_;
    options.iterate_upper_bound = &upper_;
    options.snapshot = snapshot;
    iterator_.reset(db.NewIterator(options));
    if (forward_) {
      iterator_->SeekToFirst();
    } else {
      iterator_->SeekToLast();
    }
  }
  bool Valid() const { return iterator_->Valid(); }
  void Next() {
    if (forward_) {
      iterator_->Next();
    } else {
      iterator_->Prev();
    }
  }
  std::string_view key() const { return iterator_->key().ToStringView(); }
  std::string_view value() const { return iterator_->value().ToStringView(); }
  rocksdb::Status status() const { return iterator_->status(); }

 private:
  const KeyBounds bounds_;
  const rocksdb::Slice lower_;
  const rocksdb::Slice upper_;
  const bool forward_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

std::unexpected<base::Error> UnreadableKey() {
  return base::Fail(
      base::ErrorCode::kCorrupt,
      "the store holds a key that no Guidon store has; keep a copy of the directory and restore a backup");
}

std::optional<std::string> EntryKeyOf(const Item* item, Index index) {
  if (item == nullptr) return {};
  const auto view = store::IndexKeyOf(*item, index);
  if (!view) return {};
  return EncodeIndexKey(index, view->partition, view->sort, store::KeyOf(*item));
}

// The index entries that differ between what is stored (expired or not) and what shall be.
void AppendEntryChanges(rocksdb::WriteBatch& batch, const Item* before, const Item* after) {
  const auto new_expiry = after != nullptr ? store::ExpiryOf(*after) : std::nullopt;
  for (const Index index : store::kSecondaryIndexes) {
    const auto old_key = EntryKeyOf(before, index);
    const auto new_key = EntryKeyOf(after, index);
    if (old_key && old_key != new_key) batch.Delete(*old_key);
    if (new_key && (old_key != new_key || store::ExpiryOf(*before) != new_expiry)) {
      batch.Put(*new_key, EncodeEntry(new_expiry));
    }
  }
}

void AppendChange(rocksdb::WriteBatch& batch, const Key& key, const Item* before, const Item* after) {
  if (after != nullptr) {
    batch.Put(EncodeItemKey(key), EncodeItem(*after));
  } else if (before != nullptr) {
    batch.Delete(EncodeItemKey(key));
  }
  AppendEntryChanges(batch, before, after);
}

}  // namespace

class RocksTable::Impl {
 public:
  Impl(std::unique_ptr<Database> database, const base::Clock& clock) : database_(std::move(database)), clock_(clock) {}

  Result<store::GetResult> Get(const Key& key, store::Consistency consistency);
  Result<store::WriteResult> Write(const store::TransactionOperation& operation);
  Result<store::QueryPage> RunQuery(const store::Query& query);
  Result<store::BatchGetResult> BatchGet(std::span<const Key> keys, store::Consistency consistency);
  Result<store::BatchWriteResult> BatchWrite(std::span<const store::BatchWriteOperation> operations);
  Result<store::TransactionResult> Transact(std::span<const store::TransactionOperation> operations,
                                            std::string_view token);
  Result<store::ScanPage> RunScan(const store::Scan& scan);
  Status Ping();
  Result<IntegrityReport> VerifyIndexes();
  Status ForEachItem(const std::function<Status(const Item&)>& callback);
  Database& database() { return *database_; }

 private:
  // Makes, from the items that are there (one for each key), what each key shall hold. An empty answer changes nothing.
  using Planner = std::function<Result<std::vector<store::WritePlan>>(std::span<const Item* const>)>;

  // `snapshot` may be nullptr: as of now. Answers in the order of the keys.
  Result<std::vector<Stored>> Read(rocksdb::DB& db, std::span<const Key> keys, const rocksdb::Snapshot* snapshot);
  // Reads, plans and writes while no other writer has these keys; returns when the outcome is durable.
  Status Modify(std::span<const Key> keys, const Planner& planner);
  Result<std::uint64_t> ModifyLocked(std::span<const Key> keys, const Planner& planner);

  Result<store::QueryPage> QueryItems(const store::Query& query);
  Result<store::QueryPage> QueryIndex(const store::Query& query);
  struct Entry {
    store::Position position;
    bool expires = false;
  };
  struct EntryBatch {
    std::vector<Entry> entries;
    std::optional<store::Position> gave_up_after;  // too many expired ones in a row
  };
  // The live entries next in `scan`, at most `max`; `expired` counts on with those it passed.
  Result<EntryBatch> TakeEntries(Scan& scan, std::size_t max, std::size_t& expired);
  // The item of an entry; nothing for what an expired item left behind.
  Result<std::optional<Item>> ItemOfEntry(const Entry& entry, Index index, Stored stored);

  void CheckItem(rocksdb::DB& db, const Item& item, const rocksdb::Snapshot* snapshot, IntegrityReport& report);
  Status CheckEntries(rocksdb::DB& db, Index index, const rocksdb::Snapshot* snapshot, base::Timestamp now,
                      IntegrityReport& report);

  std::unexpected<base::Error> Failed(const rocksdb::Status& status) {
    return std::unexpected(database_->ErrorOf(status));
  }

  const std::unique_ptr<Database> database_;
  const base::Clock& clock_;
  KeyLocks locks_;
};

Result<std::vector<Stored>> RocksTable::Impl::Read(rocksdb::DB& db, std::span<const Key> keys,
                                                   const rocksdb::Snapshot* snapshot) {
  const base::Timestamp now = clock_.Now();
  std::vector<std::string> encoded;
  encoded.reserve(keys.size());
  for (const Key& key : keys) encoded.push_back(EncodeItemKey(key));
  const std::vector<rocksdb::Slice> slices(encoded.begin(), encoded.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  db.MultiGet(options, db.DefaultColumnFamily(), keys.size(), slices.data(), values.data(), statuses.data());

  std::vector<Stored> items(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) return Failed(statuses[i]);
    GUIDON_ASSIGN(items[i].item, DecodeItem(keys[i], values[i].ToStringView()));
    items[i].expired = store::IsExpired(*items[i].item, now);
  }
  return items;
}

Result<std::uint64_t> RocksTable::Impl::ModifyLocked(std::span<const Key> keys, const Planner& planner) {
  GUIDON_ASSIGN(const Database::Handle db, database_->Acquire());
  GUIDON_ASSIGN(const std::vector<Stored> stored, Read(*db, keys, nullptr));
  std::vector<const Item*> visible;
  for (const Stored& one : stored) visible.push_back(one.Visible());
  GUIDON_ASSIGN(const std::vector<store::WritePlan> plans, planner(visible));

  rocksdb::WriteBatch batch;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (!plans[i].changes_item) continue;
    AppendChange(batch, keys[i], stored[i].item ? &*stored[i].item : nullptr, plans[i].after());
  }
  if (batch.Count() == 0) return 0;
  return database_->Write(db, batch);
}

Status RocksTable::Impl::Modify(std::span<const Key> keys, const Planner& planner) {
  GUIDON_TRY(database_->EnsureWritable());
  std::uint64_t ticket = 0;
  {
    const KeyLocks::Guard guard = locks_.Lock(keys);
    GUIDON_ASSIGN(ticket, ModifyLocked(keys, planner));
  }
  return database_->WaitDurable(ticket);
}

Result<store::GetResult> RocksTable::Impl::Get(const Key& key, store::Consistency consistency) {
  GUIDON_TRY(store::ValidateKey(key));
  GUIDON_ASSIGN(const Database::Handle db, database_->Acquire());
  GUIDON_ASSIGN(std::vector<Stored> stored, Read(*db, {&key, 1}, nullptr));
  store::GetResult result;
  if (stored[0].Visible() != nullptr) result.item = std::move(stored[0].item);
  result.consumed = store::ReadUnits(result.item ? store::ItemSize(*result.item) : 0, consistency);
  return result;
}

Result<store::WriteResult> RocksTable::Impl::Write(const store::TransactionOperation& operation) {
  GUIDON_TRY(store::ValidateOperation(operation));
  const Key key = store::KeyOf(operation);
  store::WriteResult result;
  GUIDON_TRY(Modify({&key, 1}, [&](std::span<const Item* const> items) -> Result<std::vector<store::WritePlan>> {
    GUIDON_ASSIGN(store::WritePlan plan, store::PlanWrite(operation, items[0]));
    result.applied = plan.applied;
    result.consumed = plan.consumed;
    if (!plan.applied && items[0] != nullptr) result.existing = *items[0];
    std::vector<store::WritePlan> plans;
    plans.push_back(std::move(plan));
    return plans;
  }));
  return result;
}

Result<store::BatchWriteResult> RocksTable::Impl::BatchWrite(std::span<const store::BatchWriteOperation> operations) {
  GUIDON_TRY(store::ValidateBatchWrite(operations));
  std::vector<Key> keys;
  std::vector<store::TransactionOperation> writes;
  for (const auto& operation : operations) {
    keys.push_back(store::KeyOf(operation));
    writes.push_back(store::AsWrite(operation));
  }
  store::BatchWriteResult result;
  GUIDON_TRY(Modify(keys, [&](std::span<const Item* const> items) -> Result<std::vector<store::WritePlan>> {
    std::vector<store::WritePlan> plans;
    for (std::size_t i = 0; i < items.size(); ++i) {
      GUIDON_ASSIGN(store::WritePlan plan, store::PlanWrite(writes[i], items[i]));
      result.consumed += plan.consumed;
      plans.push_back(std::move(plan));
    }
    return plans;
  }));
  return result;
}

Result<store::TransactionResult> RocksTable::Impl::Transact(std::span<const store::TransactionOperation> operations,
                                                            std::string_view token) {
  GUIDON_TRY(store::ValidateTransaction(operations, token));
  std::vector<Key> keys;
  for (const auto& operation : operations) keys.push_back(store::KeyOf(operation));
  store::TransactionResult result;
  GUIDON_TRY(Modify(keys, [&](std::span<const Item* const> items) -> Result<std::vector<store::WritePlan>> {
    store::TransactionPlan plan = store::PlanTransaction(operations, items);
    result = std::move(plan.result);
    if (!result.committed) plan.writes.clear();
    return std::move(plan.writes);
  }));
  return result;
}

Result<store::BatchGetResult> RocksTable::Impl::BatchGet(std::span<const Key> keys, store::Consistency consistency) {
  GUIDON_TRY(store::ValidateBatchGet(keys));
  GUIDON_ASSIGN(const Database::Handle db, database_->Acquire());
  GUIDON_ASSIGN(std::vector<Stored> stored, Read(*db, keys, nullptr));
  store::BatchGetResult result;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Item* item = stored[i].Visible();
    const std::size_t size = item != nullptr ? store::ItemSize(*item) : 0;
    if (bytes + size > store::kBatchGetBytesMax) {
      result.unprocessed.push_back(keys[i]);
      continue;
    }
    bytes += size;
    result.consumed += store::ReadUnits(size, consistency);
    if (item != nullptr) result.items.push_back(*std::move(stored[i].item));
  }
  return result;
}

Result<store::QueryPage> RocksTable::Impl::RunQuery(const store::Query& query) {
  GUIDON_TRY(store::ValidateQuery(query));
  return query.index == Index::kTable ? QueryItems(query) : QueryIndex(query);
}

Result<store::QueryPage> RocksTable::Impl::QueryItems(const store::Query& query) {
  const base::Timestamp now = clock_.Now();
  store::QueryPageBuilder page(query);
  std::size_t expired = 0;
  GUIDON_ASSIGN(const Database::Handle db, database_->Acquire());
  Scan scan(*db, BoundsOf(query), query.forward, nullptr);
  for (; scan.Valid(); scan.Next()) {
    auto key = DecodeItemKey(scan.key());
    if (!key) return UnreadableKey();
    const auto expiry = ReadExpiry(scan.value());
    if (expiry && store::IsExpired(*expiry, now)) {  // unreadable ones fail below
      if (++expired < kExpiredSkippedMax) continue;
      page.StopAfter({.key = *std::move(key)});
      return page.Finish(true);
    }
    GUIDON_ASSIGN(Item item, DecodeItem(*key, scan.value()));
    if (!page.Add(std::move(item))) return page.Finish(true);
  }
  if (!scan.status().ok()) return Failed(scan.status());
  return page.Finish(false);
}

Result<RocksTable::Impl::EntryBatch> RocksTable::Impl::TakeEntries(Scan& scan, std::size_t max, std::size_t& expired) {
  const base::Timestamp now = clock_.Now();
  EntryBatch batch;
  for (; scan.Valid() && batch.entries.size() < max; scan.Next()) {
    auto position = DecodeIndexKey(scan.key());
    const auto expiry = ReadExpiry(scan.value());
    if (!position || !expiry) return UnreadableKey();
    if (!store::IsExpired(*expiry, now)) {
      batch.entries.push_back({.position = *std::move(position), .expires = expiry->has_value()});
    } else if (++expired >= kExpiredSkippedMax) {
      batch.gave_up_after = *std::move(position);
      return batch;
    }
  }
  if (!scan.status().ok()) return Failed(scan.status());
  return batch;
}

Result<std::optional<Item>> RocksTable::Impl::ItemOfEntry(const Entry& entry, Index index, Stored stored) {
  if (stored.item && stored.expired) return std::optional<Item>();
  const store::Position& at = entry.position;
  const auto view = stored.item ? store::IndexKeyOf(*stored.item, index) : std::nullopt;
  if (view && view->partition == at.index_partition && view->sort == at.index_sort) return std::move(stored.item);
  // Compaction drops an item and its entries one by one; a clock that was set back shows what is left of them.
  if (entry.expires) return std::optional<Item>();
  return base::Fail(base::ErrorCode::kCorrupt,
                    fmt::format("the index entry {} / {} in {} points to the item {} / {}, which does not have it; "
                                "restore a backup",
                                at.index_partition, at.index_sort, store::NameOf(index), at.key.pk, at.key.sk));
}

Result<store::QueryPage> RocksTable::Impl::QueryIndex(const store::Query& query) {
  GUIDON_ASSIGN(const Database::Handle db, database_->Acquire());
  rocksdb::ManagedSnapshot snapshot(&*db);  // entries and items of one moment
  store::QueryPageBuilder page(query);
  std::size_t expired = 0;
  Scan scan(*db, BoundsOf(query), query.forward, snapshot.snapshot());
  do {
    // One more than the page takes tells whether there is another page.
    GUIDON_ASSIGN(EntryBatch batch, TakeEntries(scan, std::min(query.limit + 1, kLookupBatch), expired));
    std::vector<Key> keys;
    for (const Entry& entry : batch.entries) keys.push_back(entry.position.key);
    GUIDON_ASSIGN(std::vector<Stored> stored, Read(*db, keys, snapshot.snapshot()));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      GUIDON_ASSIGN(std::optional<Item> item, ItemOfEntry(batch.entries[i], query.index, std::move(stored[i])));
      if (item && !page.Add(*std::move(item))) return page.Finish(true);
    }
    if (batch.gave_up_after) {
      page.StopAfter(*std::move(batch.gave_up_after));
      return page.Finish(true);
    }
  } while (scan.Valid());
  return page.Finish(false);
}

Result<store::ScanPage> RocksTable::Impl::RunScan(const store::Scan& wanted) {
  GUIDON_TRY(store::ValidateScan(wanted));
  const base::Timestamp now = clock_.Now();
  KeyBounds bounds = BoundsOfAll(Index::kTable);
  if (wanted.start_after) bounds.lower = EncodeItemKey(*wanted.start_after) + '\0';
  store::ScanPageBuilder page(wanted);
  std::size_t skipped = 0;  // expired, or of another segment
  GUIDON_ASSIGN(const Database::Handle db, database_->Acquire());
  Scan scan(*db, std::move(bounds), true, nullptr);
  for (; scan.Valid(); scan.Next()) {
    auto key = DecodeItemKey(scan.key());
    if (!key) return UnreadableKey();
    const auto expiry = ReadExpiry(scan.value());
    if ((expiry && store::IsExpired(*expiry, now)) || !store::IsInSegment(key->pk, wanted)) {
      if (++skipped < kExpiredSkippedMax) continue;
      page.StopAfter(*std::move(key));
      return page.Finish(true);
    }
    GUIDON_ASSIGN(Item item, DecodeItem(*key, scan.value()));
    if (!page.Add(std::move(item))) return page.Finish(true);
  }
  if (!scan.status().ok()) return Failed(scan.status());
  return page.Finish(false);
}

Status RocksTable::Impl::Ping() {
  GUIDON_TRY(database_->EnsureWritable());
  GUIDON_ASSIGN(const Database::Handle db, database_->Acquire());
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db->Get({}, db->DefaultColumnFamily(), kFormatKey, &value);
  if (!status.ok()) return Failed(status);
  return {};
}

Status RocksTable::Impl::ForEachItem(const std::function<Status(const Item&)>& callback) {
  const base::Timestamp now = clock_.Now();
  GUIDON_ASSIGN(const Database::Handle db, database_->Acquire());
  Scan scan(*db, BoundsOfAll(Index::kTable), true, nullptr);
  for (; scan.Valid(); scan.Next()) {
    const auto key = DecodeItemKey(scan.key());
    if (!key) return UnreadableKey();
    GUIDON_ASSIGN(const Item item, DecodeItem(*key, scan.value()));
    if (!store::IsExpired(item, now)) GUIDON_TRY(callback(item));
  }
  if (!scan.status().ok()) return Failed(scan.status());
  return {};
}

namespace {

void AddProblem(IntegrityReport& report, std::string problem) {
  if (report.problems.size() < kReportedProblemsMax) report.problems.push_back(std::move(problem));
}

}  // namespace

void RocksTable::Impl::CheckItem(rocksdb::DB& db, const Item& item, const rocksdb::Snapshot* snapshot,
                                 IntegrityReport& report) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  ++report.items;
  for (const Index index : store::kSecondaryIndexes) {
    const auto entry = EntryKeyOf(&item, index);
    if (!entry) continue;
    std::string value;
    const rocksdb::Status status = db.Get(options, *entry, &value);
    if (status.ok() && value == EncodeEntry(store::ExpiryOf(item))) continue;
    ++report.items_without_entry;
    const Key key = store::KeyOf(item);
    AddProblem(report, fmt::format("{} / {} is not as it should be in {}", key.pk, key.sk, store::NameOf(index)));
  }
}

Status RocksTable::Impl::CheckEntries(rocksdb::DB& db, Index index, const rocksdb::Snapshot* snapshot,
                                      base::Timestamp now, IntegrityReport& report) {
  Scan scan(db, BoundsOfAll(index), true, snapshot);
  for (; scan.Valid(); scan.Next()) {
    const auto expiry = ReadExpiry(scan.value());
    if (expiry && store::IsExpired(*expiry, now)) continue;
    const auto entry = DecodeIndexKey(scan.key());
    if (!entry) return UnreadableKey();
    ++report.index_entries;
    GUIDON_ASSIGN(const std::vector<Stored> stored, Read(db, {&entry->key, 1}, snapshot));
    const auto view = stored[0].item ? store::IndexKeyOf(*stored[0].item, index) : std::nullopt;
    if (view && view->partition == entry->index_partition && view->sort == entry->index_sort) continue;
    ++report.entries_without_item;
    AddProblem(report, fmt::format("{} / {} in {} points to {} / {}, which does not have it", entry->index_partition,
                                   entry->index_sort, store::NameOf(index), entry->key.pk, entry->key.sk));
  }
  if (!scan.status().ok()) return Failed(scan.status());
  return {};
}

Result<IntegrityReport> RocksTable::Impl::VerifyIndexes() {
  const base::Timestamp now = clock_.Now();
  GUIDON_ASSIGN(const Database::Handle db, database_->Acquire());
  rocksdb::ManagedSnapshot snapshot(&*db);
  IntegrityReport report;
  Scan scan(*db, BoundsOfAll(Index::kTable), true, snapshot.snapshot());
  for (; scan.Valid(); scan.Next()) {
    const auto key = DecodeItemKey(scan.key());
    if (!key) return UnreadableKey();
    GUIDON_ASSIGN(const Item item, DecodeItem(*key, scan.value()));
    if (!store::IsExpired(item, now)) CheckItem(*db, item, snapshot.snapshot(), report);
  }
  if (!scan.status().ok()) return Failed(scan.status());
  for (const Index index : store::kSecondaryIndexes) {
    GUIDON_TRY(CheckEntries(*db, index, snapshot.snapshot(), now, report));
  }
  return report;
}

RocksTable::RocksTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksTable::~RocksTable() = default;

Result<std::unique_ptr<RocksTable>> RocksTable::Open(const RocksOptions& options) {
  GUIDON_ASSIGN(std::unique_ptr<Database> database, Database::Open(options));
  return std::unique_ptr<RocksTable>(new RocksTable(std::make_unique<Impl>(std::move(database), *options.clock)));
}

Result<store::GetResult> RocksTable::Get(const Key& key, store::Consistency consistency) {
  return impl_->Get(key, consistency);
}
Result<store::WriteResult> RocksTable::PutItem(const store::Put& put) { return impl_->Write(put); }
Result<store::WriteResult> RocksTable::UpdateItem(const store::Update& update) { return impl_->Write(update); }
Result<store::WriteResult> RocksTable::DeleteItem(const store::Delete& del) { return impl_->Write(del); }
Result<store::QueryPage> RocksTable::RunQuery(const store::Query& query) { return impl_->RunQuery(query); }
Result<store::BatchGetResult> RocksTable::BatchGet(std::span<const Key> keys, store::Consistency consistency) {
  return impl_->BatchGet(keys, consistency);
}
Result<store::BatchWriteResult> RocksTable::BatchWrite(std::span<const store::BatchWriteOperation> operations) {
  return impl_->BatchWrite(operations);
}
Result<store::TransactionResult> RocksTable::Transact(std::span<const store::TransactionOperation> operations,
                                                      std::string_view token) {
  return impl_->Transact(operations, token);
}
Result<store::ScanPage> RocksTable::RunScan(const store::Scan& scan) { return impl_->RunScan(scan); }
Status RocksTable::Ping() { return impl_->Ping(); }
Status RocksTable::Flush() { return impl_->database().Flush(); }
Status RocksTable::Compact() { return impl_->database().Compact(); }
Result<IntegrityReport> RocksTable::VerifyIndexes() { return impl_->VerifyIndexes(); }
Status RocksTable::ForEachItem(const std::function<Status(const Item&)>& callback) {
  return impl_->ForEachItem(callback);
}

}  // namespace guidon::store_rocksdb
