// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/table.hpp"

// DynamoDB's rules as pure functions, so that the adapters that have no DynamoDB behind them (memory, RocksDB) decide
// alike what is allowed, what a write makes of an item and what it costs. An adapter adds only storage and locking.
namespace guidon::store {

// DynamoDB's limits on key values.
inline constexpr std::size_t kPartitionKeyBytesMax = 2048;
inline constexpr std::size_t kSortKeyBytesMax = 1024;

inline constexpr std::size_t kQueryLimitMax = 1000;
inline constexpr std::size_t kTransactionTokenMax = 36;
inline constexpr std::size_t kBatchGetBytesMax = 16UL * 1024 * 1024;

// Attribute `ttl` in epoch seconds; nothing where it is absent or no whole number (DynamoDB ignores those).
std::optional<std::int64_t> ExpiryOf(const Item& item);
// True once `expiry` (epoch seconds) lies before `now`.
bool IsExpired(std::optional<std::int64_t> expiry, base::Timestamp now);
inline bool IsExpired(const Item& item, base::Timestamp now) { return IsExpired(ExpiryOf(item), now); }

// Precondition: ValidateItem accepted the item.
Key KeyOf(const Item& item);
Key KeyOf(const TransactionOperation& operation);
Key KeyOf(const BatchWriteOperation& operation);

// Partition and sort key of the item's entry in `index`; nothing where the item is not in it. The views live as long as
// the item is unchanged.
struct IndexKeyView {
  std::string_view partition;
  std::string_view sort;
  friend bool operator==(const IndexKeyView&, const IndexKeyView&) = default;
};
std::optional<IndexKeyView> IndexKeyOf(const Item& item, Index index);
inline constexpr std::array<Index, 3> kSecondaryIndexes = {Index::kGsi1Flags, Index::kGsi2Owner, Index::kGsi3Tenant};

// What a request must keep before anything is read. Errors: kInvalidArgument and kTooLarge, naming attribute or
// parameter.
base::Status ValidateKey(const Key& key);
base::Status ValidateOperation(const TransactionOperation& operation);
base::Status ValidateTransaction(std::span<const TransactionOperation> operations, std::string_view token);
base::Status ValidateBatchGet(std::span<const Key> keys);
base::Status ValidateBatchWrite(std::span<const BatchWriteOperation> operations);
base::Status ValidateQuery(const Query& query);

// Whether the item that is there (nullptr: none) satisfies the condition.
bool Holds(const Condition& condition, const Item* existing);

// What one write makes of one item. `consumed` is that of a single write; a transaction pays double. Lives no longer
// than the operation that it is the plan of.
struct WritePlan {
  bool applied = true;
  bool changes_item = true;          // false: only checked
  const Item* put = nullptr;         // the item of the operation that replaces what is there
  std::optional<Item> updated = {};  // what an update makes
  CapacityUnits consumed = {};
  // nullptr: no item afterwards.
  const Item* after() const { return put != nullptr ? put : updated ? &*updated : nullptr; }
};
// `existing`: the item that is there, nullptr where there is none or it has expired. Precondition: ValidateOperation
// accepted. Errors: what ValidateItem says of the item an update would make.
base::Result<WritePlan> PlanWrite(const TransactionOperation& operation, const Item* existing);

// What a transaction does: its answer and, where it commits, the plan of each operation.
struct TransactionPlan {
  TransactionResult result;
  std::vector<WritePlan> writes = {};
};
// `existing[i]` is the item of `operations[i]`, as for PlanWrite. Precondition: ValidateTransaction accepted. An update
// whose outcome ValidateItem refuses cancels the transaction (kTooLarge or kInvalid among the reasons).
TransactionPlan PlanTransaction(std::span<const TransactionOperation> operations,
                                std::span<const Item* const> existing);

// A batch's put or delete as the unconditional write that it is.
TransactionOperation AsWrite(const BatchWriteOperation& operation);

// Units of reading `bytes`: 4 KB steps, at least one, halved where eventual consistency is enough.
CapacityUnits ReadUnits(std::size_t bytes, Consistency consistency);
// The consistency a query is charged for: an index is always read eventually.
Consistency ConsistencyOf(const Query& query);

// Sort keys a query looks at: from `low` (inclusive) up to `high` (exclusive; nothing: no upper end).
struct SortKeyRange {
  std::string low = {};
  std::optional<std::string> high = {};
};
SortKeyRange RangeOf(const SortKeyCondition& condition);

// Adds up one page; the same arithmetic for every embedded adapter.
class QueryPageBuilder {
 public:
  explicit QueryPageBuilder(const Query& query) : query_(query) {}
  // False where the page is full: the item belongs to the next page, and `Finish(true)` says so.
  bool Add(Item item);
  // Leaves the page where it stands although it has room: `last` is where the next one goes on.
  void StopAfter(Position last) { stopped_after_ = std::move(last); }
  QueryPage Finish(bool more);

 private:
  const Query& query_;
  QueryPage page_;
  std::size_t bytes_ = 0;
  std::optional<Position> stopped_after_;
};

// Position of `item` in the order of `index`. Precondition: the item is in it.
Position PositionOf(const Item& item, Index index);

}  // namespace guidon::store
