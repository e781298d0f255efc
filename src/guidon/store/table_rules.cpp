// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/table_rules.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "guidon/base/text.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

constexpr std::string_view kExpiryAttribute = "ttl";
constexpr std::size_t kReadUnitBytes = 4096;
constexpr std::size_t kWriteUnitBytes = 1024;

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

Status CheckKeyText(std::string_view text, std::size_t bytes_max, std::string_view field) {
  if (!text.empty() && text.size() <= bytes_max && base::IsUtf8(text)) return {};
  return Fail(ErrorCode::kInvalidArgument, fmt::format("a key must be UTF-8 text of 1 to {} bytes", bytes_max),
              std::string(field));
}

Status CheckSortText(std::string_view text) { return CheckKeyText(text, kSortKeyBytesMax, "sort"); }

Status CheckCondition(const Condition& condition) {
  for (const auto& [name, value] : condition.equals) {
    if (name.empty()) return Fail(ErrorCode::kInvalidArgument, "a condition names no attribute", "condition");
  }
  return {};
}

bool IsTableKeyAttribute(std::string_view name) { return name == "PK" || name == "SK"; }

Status CheckUpdateTargets(const Update& update) {
  std::set<std::string_view> seen;
  const auto check = [&](const std::string& name) -> Status {
    if (name.empty()) return Fail(ErrorCode::kInvalidArgument, "an update names no attribute", "update");
    if (IsTableKeyAttribute(name)) return Fail(ErrorCode::kInvalidArgument, "a table key cannot be changed", name);
    if (seen.insert(name).second) return {};
    return Fail(ErrorCode::kInvalidArgument, "an update names the attribute twice", name);
  };
  for (const auto& [name, value] : update.set) GUIDON_TRY(check(name));
  for (const auto& name : update.remove) GUIDON_TRY(check(name));
  return {};
}

// The attributes an update sets, as an item of their own: checked before anything is read.
Item SetAttributes(const Update& update) {
  Item item;
  item.Set("PK", update.key.pk);
  item.Set("SK", update.key.sk);
  for (const auto& [name, value] : update.set) item.Set(name, value);
  return item;
}

// What one operation brings along, for the limit of a transaction.
std::size_t RequestBytes(const TransactionOperation& operation) {
  const auto key_bytes = [](const Key& key) { return key.pk.size() + key.sk.size() + 4; };
  return std::visit(Overloaded{[](const Put& put) { return ItemSize(put.item); },
                               [](const Update& update) { return ItemSize(SetAttributes(update)); },
                               [&](const Delete& del) { return key_bytes(del.key); },
                               [&](const ConditionCheck& check) { return key_bytes(check.key); }},
                    operation);
}

template <class Range>
Status CheckDistinct(const Range& keys) {
  std::set<Key> seen;
  for (const Key& key : keys) {
    if (!seen.insert(key).second) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("the key {} / {} is named twice", key.pk, key.sk), "key");
    }
  }
  return {};
}

Status CheckCount(std::size_t count, std::size_t max, std::string_view what) {
  if (count == 0) return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is empty", what), "operations");
  if (count <= max) return {};
  return Fail(ErrorCode::kTooLarge, fmt::format("{} has {} entries, {} are allowed", what, count, max), "operations");
}

const Condition& ConditionOf(const TransactionOperation& operation) {
  return std::visit([](const auto& op) -> const Condition& { return op.condition; }, operation);
}

double WriteUnits(std::size_t bytes) {
  return static_cast<double>(std::max<std::size_t>(1, (bytes + kWriteUnitBytes - 1) / kWriteUnitBytes));
}

// The states of an item before and after a write, measured once for the table and all its indexes.
struct Change {
  Change(const Item* old_item, const Item* new_item)
      : before(old_item),
        after(new_item),
        old_units(WriteUnits(before != nullptr ? ItemSize(*before) : 0)),
        new_units(WriteUnits(after != nullptr ? ItemSize(*after) : 0)),
        same(before != nullptr && after != nullptr && *before == *after) {}
  const Item* before;
  const Item* after;
  double old_units;
  double new_units;
  bool same;
};

double IndexWriteUnits(const Change& change, Index index) {
  const auto old_key = change.before != nullptr ? IndexKeyOf(*change.before, index) : std::nullopt;
  const auto new_key = change.after != nullptr ? IndexKeyOf(*change.after, index) : std::nullopt;
  if (!old_key && !new_key) return 0;
  if (!new_key) return change.old_units;
  if (!old_key) return change.new_units;
  if (old_key != new_key) return change.old_units + change.new_units;
  return change.same ? 0 : std::max(change.old_units, change.new_units);
}

CapacityUnits UnitsOfWrite(const Item* before, const Item* after) {
  const Change change(before, after);
  double units = std::max(change.old_units, change.new_units);
  for (const Index index : kSecondaryIndexes) units += IndexWriteUnits(change, index);
  return {.write = units};
}

// DynamoDB charges a write that did not happen by the item that stood in its way.
CapacityUnits UnitsOfRefusal(const Item* existing) {
  return {.write = WriteUnits(existing != nullptr ? ItemSize(*existing) : 0)};
}

Item Updated(const Update& update, const Item* existing) {
  Item item = existing != nullptr ? *existing : Item{{"PK", update.key.pk}, {"SK", update.key.sk}};
  for (const auto& [name, value] : update.set) item.Set(name, value);
  for (const auto& name : update.remove) item.Erase(name);
  return item;
}

// The smallest text greater than every text that begins with `prefix`; nothing where there is none.
std::optional<std::string> EndOfPrefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (prefix.empty()) return {};
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::string JustAfter(std::string text) {
  text.push_back('\0');
  return text;
}

Status CheckSortCondition(const SortKeyCondition& sort) {
  return std::visit(Overloaded{[](const SortKeyAny&) -> Status { return {}; },
                               [](const SortKeyEquals& equals) { return CheckSortText(equals.value); },
                               [](const SortKeyBeginsWith& begins) { return CheckSortText(begins.prefix); },
                               [](const SortKeyBetween& between) -> Status {
                                 GUIDON_TRY(CheckSortText(between.low));
                                 GUIDON_TRY(CheckSortText(between.high));
                                 if (between.low <= between.high) return {};
                                 return Fail(ErrorCode::kInvalidArgument, "the lower bound is above the upper one",
                                             "sort");
                               },
                               [](const SortKeyGreater& greater) { return CheckSortText(greater.value); }},
                    sort);
}

Status CheckStart(const Query& query, const Position& start) {
  GUIDON_TRY(ValidateKey(start.key));
  const bool table = query.index == Index::kTable;
  const std::string& partition = table ? start.key.pk : start.index_partition;
  const std::string& sort = table ? start.key.sk : start.index_sort;
  const SortKeyRange range = RangeOf(query.sort);
  if (partition == query.partition && sort >= range.low && (!range.high || sort < *range.high)) return {};
  return Fail(ErrorCode::kInvalidArgument, "the position to go on from lies outside what the query asks for",
              "start_after");
}

CancellationReason ReasonOf(const Result<WritePlan>& plan, const Item* existing) {
  using Code = CancellationReason::Code;
  if (!plan) return {.code = plan.error().code == ErrorCode::kTooLarge ? Code::kTooLarge : Code::kInvalid};
  if (plan->applied) return {};
  return {.code = Code::kConditionFailed, .existing = existing != nullptr ? std::optional(*existing) : std::nullopt};
}

}  // namespace

std::optional<std::int64_t> ExpiryOf(const Item& item) {
  const AttributeValue* value = item.Find(kExpiryAttribute);
  const Number* number = value != nullptr ? value->AsNumber() : nullptr;
  return number != nullptr ? number->AsInt64() : std::nullopt;
}

bool IsExpired(std::optional<std::int64_t> expiry, base::Timestamp now) {
  return expiry && *expiry < std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
}

Key KeyOf(const Item& item) { return {*item.Find("PK")->AsString(), *item.Find("SK")->AsString()}; }

Key KeyOf(const TransactionOperation& operation) {
  return std::visit(Overloaded{[](const Put& put) { return KeyOf(put.item); }, [](const auto& op) { return op.key; }},
                    operation);
}

Key KeyOf(const BatchWriteOperation& operation) {
  return std::visit(Overloaded{[](const Item& item) { return KeyOf(item); }, [](const Key& key) { return key; }},
                    operation.put_or_delete);
}

std::optional<IndexKeyView> IndexKeyOf(const Item& item, Index index) {
  const IndexAttributes names = AttributesOf(index);
  const AttributeValue* partition = item.Find(names.partition);
  const AttributeValue* sort = item.Find(names.sort);
  if (partition == nullptr || sort == nullptr) return {};
  if (partition->AsString() == nullptr || sort->AsString() == nullptr) return {};
  return IndexKeyView{*partition->AsString(), *sort->AsString()};
}

Status ValidateKey(const Key& key) {
  GUIDON_TRY(CheckKeyText(key.pk, kPartitionKeyBytesMax, "PK"));
  return CheckKeyText(key.sk, kSortKeyBytesMax, "SK");
}

Status ValidateOperation(const TransactionOperation& operation) {
  GUIDON_TRY(CheckCondition(ConditionOf(operation)));
  if (const auto* put = std::get_if<Put>(&operation)) return ValidateItem(put->item);
  GUIDON_TRY(ValidateKey(KeyOf(operation)));
  const auto* update = std::get_if<Update>(&operation);
  if (update == nullptr) return {};
  GUIDON_TRY(CheckUpdateTargets(*update));
  return ValidateItem(SetAttributes(*update));
}

Status ValidateTransaction(std::span<const TransactionOperation> operations, std::string_view token) {
  GUIDON_TRY(CheckCount(operations.size(), kTransactionItemsMax, "the transaction"));
  if (token.size() > kTransactionTokenMax) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("longer than {} characters", kTransactionTokenMax), "token");
  }
  std::vector<Key> keys;
  std::size_t bytes = 0;
  for (const auto& operation : operations) {
    GUIDON_TRY(ValidateOperation(operation));
    keys.push_back(KeyOf(operation));
    bytes += RequestBytes(operation);
  }
  GUIDON_TRY(CheckDistinct(keys));
  if (bytes <= kTransactionBytesMax) return {};
  return Fail(ErrorCode::kTooLarge,
              fmt::format("the transaction has {} bytes, {} are allowed", bytes, kTransactionBytesMax), "operations");
}

Status ValidateBatchGet(std::span<const Key> keys) {
  GUIDON_TRY(CheckCount(keys.size(), kBatchGetItemsMax, "the batch"));
  for (const Key& key : keys) GUIDON_TRY(ValidateKey(key));
  return CheckDistinct(keys);
}

Status ValidateBatchWrite(std::span<const BatchWriteOperation> operations) {
  GUIDON_TRY(CheckCount(operations.size(), kBatchWriteItemsMax, "the batch"));
  std::vector<Key> keys;
  for (const auto& operation : operations) {
    const Item* item = std::get_if<Item>(&operation.put_or_delete);
    GUIDON_TRY(item != nullptr ? ValidateItem(*item) : ValidateKey(std::get<Key>(operation.put_or_delete)));
    keys.push_back(KeyOf(operation));
  }
  return CheckDistinct(keys);
}

Status ValidateQuery(const Query& query) {
  GUIDON_TRY(CheckKeyText(query.partition, kPartitionKeyBytesMax, "partition"));
  GUIDON_TRY(CheckSortCondition(query.sort));
  if (query.limit < 1 || query.limit > kQueryLimitMax) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("must be from 1 to {}", kQueryLimitMax), "limit");
  }
  return query.start_after ? CheckStart(query, *query.start_after) : Status{};
}

bool Holds(const Condition& condition, const Item* existing) {
  if (condition.existence == Condition::Existence::kAbsent && existing != nullptr) return false;
  if (condition.existence == Condition::Existence::kPresent && existing == nullptr) return false;
  const auto is_there = [&](const std::string& name) { return existing != nullptr && existing->Find(name) != nullptr; };
  if (std::ranges::any_of(condition.absent_attributes, is_there)) return false;
  return std::ranges::all_of(condition.equals, [&](const Condition::AttributeEquals& equals) {
    const AttributeValue* value = existing != nullptr ? existing->Find(equals.name) : nullptr;
    return value != nullptr && *value == equals.value;
  });
}

Result<WritePlan> PlanWrite(const TransactionOperation& operation, const Item* existing) {
  if (!Holds(ConditionOf(operation), existing)) {
    return WritePlan{.applied = false, .changes_item = false, .consumed = UnitsOfRefusal(existing)};
  }
  WritePlan plan;
  if (const auto* put = std::get_if<Put>(&operation)) {
    plan.put = &put->item;
  } else if (const auto* update = std::get_if<Update>(&operation)) {
    plan.updated = Updated(*update, existing);
    GUIDON_TRY(ValidateItem(*plan.updated));
  } else if (std::holds_alternative<ConditionCheck>(operation)) {
    return WritePlan{.changes_item = false, .consumed = UnitsOfRefusal(existing)};
  }
  plan.consumed = UnitsOfWrite(existing, plan.after());
  return plan;
}

TransactionPlan PlanTransaction(std::span<const TransactionOperation> operations,
                                std::span<const Item* const> existing) {
  TransactionPlan plan;
  CapacityUnits refusal;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    Result<WritePlan> write = PlanWrite(operations[i], existing[i]);
    plan.result.reasons.push_back(ReasonOf(write, existing[i]));
    plan.result.committed &= plan.result.reasons.back().code == CancellationReason::Code::kNone;
    refusal += UnitsOfRefusal(existing[i]);
    plan.writes.push_back(write ? *std::move(write) : WritePlan{.applied = false, .changes_item = false});
    plan.result.consumed += plan.writes.back().consumed;
  }
  if (plan.result.committed) {
    plan.result.reasons.clear();
  } else {
    plan.result.consumed = refusal;
  }
  plan.result.consumed += plan.result.consumed;  // a transaction costs double
  return plan;
}

TransactionOperation AsWrite(const BatchWriteOperation& operation) {
  return std::visit(Overloaded{[](const Item& item) { return TransactionOperation(Put{.item = item}); },
                               [](const Key& key) { return TransactionOperation(Delete{.key = key}); }},
                    operation.put_or_delete);
}

CapacityUnits ReadUnits(std::size_t bytes, Consistency consistency) {
  const std::size_t steps = std::max<std::size_t>(1, (bytes + kReadUnitBytes - 1) / kReadUnitBytes);
  return {.read = static_cast<double>(steps) * (consistency == Consistency::kStrong ? 1.0 : 0.5)};
}

Consistency ConsistencyOf(const Query& query) {
  return query.index == Index::kTable ? query.consistency : Consistency::kEventual;
}

SortKeyRange RangeOf(const SortKeyCondition& condition) {
  return std::visit(
      Overloaded{
          [](const SortKeyAny&) { return SortKeyRange{}; },
          [](const SortKeyEquals& equals) { return SortKeyRange{equals.value, JustAfter(equals.value)}; },
          [](const SortKeyBeginsWith& begins) { return SortKeyRange{begins.prefix, EndOfPrefix(begins.prefix)}; },
          [](const SortKeyBetween& between) { return SortKeyRange{between.low, JustAfter(between.high)}; },
          [](const SortKeyGreater& greater) { return SortKeyRange{JustAfter(greater.value), std::nullopt}; }},
      condition);
}

bool QueryPageBuilder::Add(Item item) {
  const std::size_t size = ItemSize(item);
  if (page_.items.size() == query_.limit || bytes_ + size > kQueryPageBytesMax) return false;
  bytes_ += size;
  page_.items.push_back(std::move(item));
  return true;
}

QueryPage QueryPageBuilder::Finish(bool more) {
  page_.consumed = ReadUnits(bytes_, ConsistencyOf(query_));
  if (stopped_after_) {
    page_.next = std::move(stopped_after_);
  } else if (more) {
    page_.next = PositionOf(page_.items.back(), query_.index);
  }
  return std::move(page_);
}

Position PositionOf(const Item& item, Index index) {
  Position position{.key = KeyOf(item)};
  if (index == Index::kTable) return position;
  const auto key = IndexKeyOf(item, index);
  position.index_partition = key->partition;
  position.index_sort = key->sort;
  return position;
}

}  // namespace guidon::store
