// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/store/attribute.hpp"

namespace guidon::store {

// DynamoDB's limits that the port keeps on every backend.
inline constexpr std::size_t kItemBytesMax = 400UL * 1024;
inline constexpr std::size_t kTransactionItemsMax = 100;
inline constexpr std::size_t kTransactionBytesMax = 4UL * 1024 * 1024;
inline constexpr std::size_t kBatchGetItemsMax = 100;
inline constexpr std::size_t kBatchWriteItemsMax = 25;
inline constexpr std::size_t kQueryPageBytesMax = 1024UL * 1024;

struct Key {
  std::string pk;
  std::string sk;
  friend auto operator<=>(const Key&, const Key&) = default;
};

// The table itself (PK, SK) or one of its three global secondary indexes.
enum class Index : std::uint8_t { kTable, kGsi1Flags, kGsi2Owner, kGsi3Tenant };

// Attribute names of the index's partition and sort key, for example "GSI1PK" and "GSI1SK".
struct IndexAttributes {
  std::string_view partition;
  std::string_view sort;
};
IndexAttributes AttributesOf(Index index);
// "GSI1-FLAGS-INDEX" …; empty for the table.
std::string_view NameOf(Index index);

// What must be true of the item that is there for a write to happen. All given conditions must hold.
struct Condition {
  enum class Existence : std::uint8_t { kAny, kAbsent, kPresent };
  struct AttributeEquals {
    std::string name;
    AttributeValue value;
  };
  Existence existence = Existence::kAny;
  std::vector<AttributeEquals> equals = {};         // an absent attribute equals nothing
  std::vector<std::string> absent_attributes = {};  // none of these is in the item (an absent item has none)

  static Condition None() { return {}; }
  static Condition Absent() { return {.existence = Existence::kAbsent}; }
  static Condition Present() { return {.existence = Existence::kPresent}; }
  static Condition Equals(std::string name, AttributeValue value) {
    return {.existence = Existence::kAny, .equals = {{std::move(name), std::move(value)}}, .absent_attributes = {}};
  }
};

// Replaces the whole item, or creates it.
struct Put {
  Item item;
  Condition condition = {};
};
// Changes single attributes (creates the item where it is absent and the condition allows it). Key attributes of the
// table cannot be changed.
struct Update {
  Key key;
  std::vector<std::pair<std::string, AttributeValue>> set = {};
  std::vector<std::string> remove = {};
  Condition condition = {};
};
struct Delete {
  Key key;
  Condition condition = {};
};
// Only in transactions: fails the transaction where the condition does not hold.
struct ConditionCheck {
  Key key;
  Condition condition = {};
};
using TransactionOperation = std::variant<Put, Update, Delete, ConditionCheck>;

// Why each operation of a cancelled transaction did or did not stand in its way, in the order of the operations.
struct CancellationReason {
  enum class Code : std::uint8_t { kNone, kConditionFailed, kConflict, kTooLarge, kInvalid, kThrottled };
  Code code = Code::kNone;
  // With kConditionFailed: the item that is there (absent where there is none).
  std::optional<Item> existing = std::nullopt;
};

// Capacity units by DynamoDB's rule: a strongly consistent read costs 1 for each 4 KB begun (eventually consistent
// half), a write 1 for each KB begun of the larger of the old and new item, for the table and again for each index
// whose entry changes; transactions cost double.
struct CapacityUnits {
  double read = 0;
  double write = 0;
  CapacityUnits& operator+=(const CapacityUnits& other) {
    read += other.read;
    write += other.write;
    return *this;
  }
  friend bool operator==(const CapacityUnits&, const CapacityUnits&) = default;
};

enum class Consistency : std::uint8_t { kStrong, kEventual };  // index queries are always eventual

struct GetResult {
  std::optional<Item> item;
  CapacityUnits consumed;
};

struct WriteResult {
  // True when the write happened; false when its condition did not hold, with the item that is there.
  bool applied = true;
  std::optional<Item> existing = std::nullopt;
  CapacityUnits consumed = {};
};

struct TransactionResult {
  bool committed = true;
  std::vector<CancellationReason> reasons = {};  // only when not committed: one for each operation
  CapacityUnits consumed = {};
};

// Bounds on the sort key; inclusive. Text order is byte order.
struct SortKeyAny {};
struct SortKeyEquals {
  std::string value;
};
struct SortKeyBeginsWith {
  std::string prefix;
};
struct SortKeyBetween {
  std::string low;
  std::string high;
};
// Strictly greater than `value`.
struct SortKeyGreater {
  std::string value;
};
using SortKeyCondition = std::variant<SortKeyAny, SortKeyEquals, SortKeyBeginsWith, SortKeyBetween, SortKeyGreater>;

// Position after the last item of a page: what DynamoDB calls LastEvaluatedKey. Holds the table key, and the index key
// where an index is read.
struct Position {
  Key key;
  std::string index_partition = {};
  std::string index_sort = {};
  friend bool operator==(const Position&, const Position&) = default;
};

struct Query {
  Index index = Index::kTable;
  std::string partition;
  SortKeyCondition sort = SortKeyAny{};
  bool forward = true;
  std::size_t limit = 100;  // 1 to 1000 items looked at; a page may be shorter (1 MB, expired items)
  std::optional<Position> start_after = std::nullopt;
  Consistency consistency = Consistency::kEventual;
};

struct QueryPage {
  std::vector<Item> items;
  std::optional<Position> next;  // absent: this was the last page
  CapacityUnits consumed;
};

struct BatchGetResult {
  std::vector<Item> items;       // in no order; missing items are left out
  std::vector<Key> unprocessed;  // to be asked for again
  CapacityUnits consumed;
};

struct BatchWriteOperation {
  std::variant<Item, Key> put_or_delete;  // Item: put, Key: delete; no conditions, each on its own
};
struct BatchWriteResult {
  std::vector<BatchWriteOperation> unprocessed;
  CapacityUnits consumed;
};

// A DynamoDB-shaped table of items: the one port between Guidon and where its data lives.
//
// Items have string keys PK and SK and up to three pairs of index keys (GSI1PK/GSI1SK …); an index holds the items that
// have both of its attributes. Within one partition, items and index entries are ordered by sort key in byte order
// (index entries with equal sort keys: by PK, then SK).
//
// Promises every adapter keeps (tested by table_contract.hpp):
// - A write that returned is durable, and so are its index entries, together or not at all.
// - Transact applies all operations or none, as if at one moment; two operations on one key are refused
//   (kInvalidArgument).
// - A failed condition is an answer (applied = false), not an Error. Errors: kInvalidArgument and kTooLarge for what
//   ValidateItem or a limit refuses, kUnavailable when the backend cannot answer now, kCorrupt when it holds what
//   cannot be read.
// - An item whose attribute `ttl` (N, epoch seconds) is in the past is not returned by any read. Writes see it as
//   absent too.
// - Strong reads see every write that returned before they began. Embedded adapters read strongly everywhere.
// - `consumed` is computed by DynamoDB's rules, also where nothing is billed.
//
// Thread-safe. Calls may block on storage: never call from an I/O thread.
class Table {
 public:
  Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  virtual ~Table() = default;

  virtual base::Result<GetResult> Get(const Key& key, Consistency consistency = Consistency::kStrong) = 0;
  virtual base::Result<WriteResult> PutItem(const Put& put) = 0;
  virtual base::Result<WriteResult> UpdateItem(const Update& update) = 0;
  virtual base::Result<WriteResult> DeleteItem(const Delete& del) = 0;
  virtual base::Result<QueryPage> RunQuery(const Query& query) = 0;
  // At most kBatchGetItemsMax distinct keys.
  virtual base::Result<BatchGetResult> BatchGet(std::span<const Key> keys,
                                                Consistency consistency = Consistency::kEventual) = 0;
  // At most kBatchWriteItemsMax operations on distinct keys.
  virtual base::Result<BatchWriteResult> BatchWrite(std::span<const BatchWriteOperation> operations) = 0;
  // At most kTransactionItemsMax operations on distinct keys, kTransactionBytesMax together. `token` (at most 36
  // characters, may be empty) lets a backend recognise the same transaction sent twice.
  virtual base::Result<TransactionResult> Transact(std::span<const TransactionOperation> operations,
                                                   std::string_view token = {}) = 0;
  // Ok when the backend answers; else why not. Cheap: for readiness checks.
  virtual base::Status Ping() = 0;
};

}  // namespace guidon::store
