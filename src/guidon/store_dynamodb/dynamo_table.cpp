// SPDX-License-Identifier: Apache-2.0
// Reads, batches and what all operations share; single writes and transactions have files of their own.
#include "guidon/store_dynamodb/dynamo_table.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "guidon/store/table_rules.hpp"
#include "guidon/store_dynamodb/effects.hpp"
#include "guidon/store_dynamodb/requests.hpp"
#include "guidon/store_dynamodb/transaction.hpp"
#include "guidon/store_dynamodb/wire.hpp"
#include "guidon/store_dynamodb/writing.hpp"

namespace guidon::store_dynamodb {
namespace {

using base::ErrorCode;
using base::Result;
using store::Item;
using store::Key;

// Nobody has it: keys of spec 2 name their entity.
constexpr std::string_view kPingKey = "PING";
// A readiness check must answer before whoever asks gives up.
constexpr std::chrono::milliseconds kPingTimeMax{2000};
// So much of a batch's answer means that DynamoDB stopped because of its size: the caller takes it in parts, too.
constexpr std::size_t kFullBatchBytes = store::kBatchGetBytesMax - store::kItemBytesMax;

// The value below `outer` that is this table's.
const model::Value* PartOf(const model::Object& answer, std::string_view outer, std::string_view table) {
  const model::Value* parts = answer.Find(outer);
  return parts != nullptr && parts->AsObject() != nullptr ? parts->AsObject()->Find(table) : nullptr;
}

Result<std::vector<Item>> ItemsFrom(const model::Value* list) {
  std::vector<Item> items;
  if (list == nullptr || list->AsList() == nullptr) return items;
  items.reserve(list->AsList()->size());
  for (const model::Value& value : *list->AsList()) {
    GUIDON_ASSIGN(Item item, ItemFrom(value));
    items.push_back(std::move(item));
  }
  return items;
}

// Text attributes of a key that DynamoDB gives back.
std::string TextOf(const Item& key, std::string_view name) {
  const store::AttributeValue* value = key.Find(name);
  const std::string* text = value != nullptr ? value->AsString() : nullptr;
  return text != nullptr ? *text : std::string();
}

Result<std::optional<store::Position>> NextOf(const model::Object& answer, store::Index index) {
  const model::Value* last = answer.Find("LastEvaluatedKey");
  if (last == nullptr) return std::optional<store::Position>{};
  GUIDON_ASSIGN(const Item key, ItemFrom(*last));
  store::Position position{.key = {TextOf(key, "PK"), TextOf(key, "SK")}};
  if (index != store::Index::kTable) {
    position.index_partition = TextOf(key, store::AttributesOf(index).partition);
    position.index_sort = TextOf(key, store::AttributesOf(index).sort);
  }
  return std::optional(std::move(position));
}

Result<std::vector<Key>> KeysFrom(const model::Value* request) {
  std::vector<Key> keys;
  const model::Object* object = request != nullptr ? request->AsObject() : nullptr;
  GUIDON_ASSIGN(const std::vector<Item> items, ItemsFrom(object != nullptr ? object->Find("Keys") : nullptr));
  for (const Item& item : items) keys.push_back({TextOf(item, "PK"), TextOf(item, "SK")});
  return keys;
}

// Keys of the puts and deletes that were left undone.
Result<std::vector<Key>> UnprocessedWrites(const model::Value* requests) {
  std::vector<Key> keys;
  if (requests == nullptr || requests->AsList() == nullptr) return keys;
  for (const model::Value& request : *requests->AsList()) {
    const model::Object* object = request.AsObject();
    if (object == nullptr || object->empty() || object->begin()->second.AsObject() == nullptr) continue;
    const model::Object& inner = *object->begin()->second.AsObject();
    const model::Value* what = inner.Find("Item");
    if (what == nullptr) what = inner.Find("Key");
    if (what == nullptr) continue;
    GUIDON_ASSIGN(const Item item, ItemFrom(*what));
    keys.push_back({TextOf(item, "PK"), TextOf(item, "SK")});
  }
  return keys;
}

}  // namespace

DynamoTable::DynamoTable(aws::Client& client, std::string table_name, const base::Clock& clock)
    : client_(client), name_(std::move(table_name)), clock_(clock) {}

std::int64_t DynamoTable::NowSeconds() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.Now()).time_since_epoch().count();
}

bool DynamoTable::IsExpired(const Item& item) const { return store::IsExpired(item, clock_.Now()); }

void DynamoTable::Count(std::uint64_t DynamoFigures::* counter, std::uint64_t by) {
  const std::lock_guard lock(figures_mutex_);
  figures_.*counter += by;
}

DynamoFigures DynamoTable::figures() const {
  const std::lock_guard lock(figures_mutex_);
  return figures_;
}

// In the port's words: what is wrong with a request is told from what is wrong with the service.
base::Error DynamoTable::Explain(std::string_view operation, const aws::ServiceError& error) const {
  const bool too_large =
      error.type == "ItemCollectionSizeLimitExceededException" ||
      (error.type == "ValidationException" && error.message.contains("size") && error.message.contains("exceed"));
  if (too_large) return {.code = ErrorCode::kTooLarge, .message = error.message, .field = "item"};
  if (error.type == "ValidationException")
    return {.code = ErrorCode::kInvalidArgument, .message = error.message, .field = "item"};
  std::string message = fmt::format("DynamoDB table {}, {}: {}", name_, operation, error.message);
  if (error.code == ErrorCode::kNotFound)
    message +=
        fmt::format("; check --table, --region and the endpoint, or make it: guidon table create --table {}", name_);
  if (error.outcome_unknown) message += "; a change may have been carried out all the same";
  return {.code = ErrorCode::kUnavailable, .message = std::move(message)};
}

Result<model::Object> DynamoTable::Read(std::string_view operation, const std::string& body,
                                        aws::WaitClock::Time deadline) {
  const auto answer = client_.Call(operation, body, {.repeat = aws::Repeat::kSafe, .deadline = deadline});
  if (!answer) {
    aws::ServiceError error = answer.error();
    error.outcome_unknown = false;  // a read has none
    return std::unexpected(Explain(operation, error));
  }
  return ParseAnswer(answer->body);
}

bool DynamoTable::PauseBeforeAttempt(int attempt, bool throttled, aws::WaitClock::Time deadline) {
  const auto delay = aws::RetryDelay(client_.options().retry, attempt, throttled, client_.Random());
  if (client_.wait_clock().Now() + delay >= deadline) return false;
  return client_.wait_clock().Pause(delay, {});
}

Result<DynamoTable::RawItem> DynamoTable::GetRaw(const Key& key, store::Consistency consistency,
                                                 aws::WaitClock::Time deadline) {
  GUIDON_ASSIGN(const model::Object answer, Read("GetItem", GetBody(name_, key, consistency), deadline));
  RawItem raw{.item = std::nullopt, .consumed = ConsumedIn(answer, false)};
  if (const model::Value* item = answer.Find("Item")) {
    GUIDON_ASSIGN(raw.item, ItemFrom(*item));
  }
  return raw;
}

Result<store::GetResult> DynamoTable::Get(const Key& key, store::Consistency consistency) {
  GUIDON_TRY(store::ValidateKey(key));
  GUIDON_ASSIGN(RawItem raw, GetRaw(key, consistency, client_.DeadlineFromNow()));
  if (raw.item && IsExpired(*raw.item)) raw.item.reset();
  return store::GetResult{.item = std::move(raw.item), .consumed = raw.consumed};
}

Result<store::QueryPage> DynamoTable::RunQuery(const store::Query& query) {
  GUIDON_TRY(store::ValidateQuery(query));
  GUIDON_ASSIGN(const model::Object answer, Read("Query", QueryBody(name_, query), client_.DeadlineFromNow()));
  store::QueryPage page;
  GUIDON_ASSIGN(page.items, ItemsFrom(answer.Find("Items")));
  std::erase_if(page.items, [this](const Item& item) { return IsExpired(item); });
  GUIDON_ASSIGN(page.next, NextOf(answer, query.index));
  page.consumed = ConsumedIn(answer, false);
  return page;
}

Result<store::BatchGetResult> DynamoTable::BatchGetUntil(std::span<const Key> keys, store::Consistency consistency,
                                                         aws::WaitClock::Time deadline) {
  store::BatchGetResult result;
  std::vector<Key> open(keys.begin(), keys.end());
  std::size_t bytes = 0;
  for (int attempt = 1; !open.empty(); ++attempt) {
    GUIDON_ASSIGN(const model::Object answer, Read("BatchGetItem", BatchGetBody(name_, open, consistency), deadline));
    GUIDON_ASSIGN(std::vector<Item> items, ItemsFrom(PartOf(answer, "Responses", name_)));
    for (Item& item : items) {
      bytes += store::ItemSize(item);
      if (!IsExpired(item)) result.items.push_back(std::move(item));
    }
    result.consumed += ConsumedIn(answer, false);
    GUIDON_ASSIGN(open, KeysFrom(PartOf(answer, "UnprocessedKeys", name_)));
    if (open.empty() || bytes >= kFullBatchBytes || attempt == client_.options().retry.attempts_max) break;
    Count(&DynamoFigures::unprocessed, open.size());
    if (!PauseBeforeAttempt(attempt, false, deadline)) break;
  }
  result.unprocessed = std::move(open);
  return result;
}

Result<store::BatchGetResult> DynamoTable::BatchGet(std::span<const Key> keys, store::Consistency consistency) {
  GUIDON_TRY(store::ValidateBatchGet(keys));
  return BatchGetUntil(keys, consistency, client_.DeadlineFromNow());
}

// The puts and deletes of one batch on their way.
class DynamoTable::BatchWriting {
 public:
  BatchWriting(DynamoTable& table, std::span<const store::BatchWriteOperation> operations)
      : table_(table), deadline_(table.client_.DeadlineFromNow()) {
    for (const auto& operation : operations) open_.emplace(store::KeyOf(operation), operation);
  }

  Result<store::BatchWriteResult> Run() {
    store::BatchWriteResult result;
    for (int attempt = 1; !open_.empty(); ++attempt) {
      GUIDON_TRY(SendOpen(result));
      if (open_.empty() || attempt == table_.client_.options().retry.attempts_max) break;
      table_.Count(&DynamoFigures::unprocessed, open_.size());
      if (!table_.PauseBeforeAttempt(attempt, false, deadline_)) break;
    }
    for (auto& [key, operation] : open_) result.unprocessed.push_back(std::move(operation));
    return result;
  }

 private:
  // Leaves those open that are still to be done.
  base::Status SendOpen(store::BatchWriteResult& result) {
    std::vector<store::BatchWriteOperation> operations;
    for (const auto& [key, operation] : open_) operations.push_back(operation);
    const auto answer = table_.client_.Call("BatchWriteItem", BatchWriteBody(table_.name_, operations),
                                            {.repeat = aws::Repeat::kNever, .deadline = deadline_});
    if (!answer && answer.error().outcome_unknown) return ReadBack(answer.error());
    if (!answer) {
      aws::ServiceError error = answer.error();
      error.outcome_unknown = answers_lost_;
      return std::unexpected(table_.Explain("BatchWriteItem", error));
    }
    GUIDON_ASSIGN(const model::Object object, ParseAnswer(answer->body));
    result.consumed += ConsumedIn(object, true);
    GUIDON_ASSIGN(const std::vector<Key> left, UnprocessedWrites(PartOf(object, "UnprocessedItems", table_.name_)));
    std::erase_if(open_, [&](const auto& entry) { return std::ranges::find(left, entry.first) == left.end(); });
    return {};
  }

  // The answer was lost: what is there already need not be sent again.
  base::Status ReadBack(const aws::ServiceError& lost) {
    answers_lost_ = true;
    table_.Count(&DynamoFigures::outcomes_read_back);
    std::vector<Key> keys;
    for (const auto& [key, operation] : open_) keys.push_back(key);
    const auto found = table_.BatchGetUntil(keys, store::Consistency::kStrong, deadline_);
    if (!found || !found->unprocessed.empty()) return std::unexpected(table_.Explain("BatchWriteItem", lost));
    std::map<Key, const Item*> items;
    for (const Item& item : found->items) items[store::KeyOf(item)] = &item;
    std::erase_if(open_, [&](const auto& entry) {
      const auto item = items.find(entry.first);
      return IsVisible(store::AsWrite(entry.second), item != items.end() ? item->second : nullptr);
    });
    if (open_.empty()) table_.Count(&DynamoFigures::outcomes_happened);
    return {};
  }

  DynamoTable& table_;
  const aws::WaitClock::Time deadline_;
  std::map<Key, store::BatchWriteOperation> open_;
  bool answers_lost_ = false;
};

Result<store::BatchWriteResult> DynamoTable::BatchWrite(std::span<const store::BatchWriteOperation> operations) {
  GUIDON_TRY(store::ValidateBatchWrite(operations));
  return BatchWriting(*this, operations).Run();
}

Result<store::WriteResult> DynamoTable::PutItem(const store::Put& put) {
  const store::TransactionOperation operation = put;
  GUIDON_TRY(store::ValidateOperation(operation));
  return Writing(*this, operation).Run();
}

Result<store::WriteResult> DynamoTable::UpdateItem(const store::Update& update) {
  const store::TransactionOperation operation = update;
  GUIDON_TRY(store::ValidateOperation(operation));
  return Writing(*this, operation).Run();
}

Result<store::WriteResult> DynamoTable::DeleteItem(const store::Delete& del) {
  const store::TransactionOperation operation = del;
  GUIDON_TRY(store::ValidateOperation(operation));
  return Writing(*this, operation).Run();
}

Result<store::TransactionResult> DynamoTable::Transact(std::span<const store::TransactionOperation> operations,
                                                       std::string_view token) {
  GUIDON_TRY(store::ValidateTransaction(operations, token));
  return Transaction(*this, operations, token).Run();
}

Result<store::ScanPage> DynamoTable::RunScan(const store::Scan& scan) {
  GUIDON_TRY(store::ValidateScan(scan));
  GUIDON_ASSIGN(const model::Object answer, Read("Scan", ScanBody(name_, scan), client_.DeadlineFromNow()));
  store::ScanPage page;
  GUIDON_ASSIGN(page.items, ItemsFrom(answer.Find("Items")));
  std::erase_if(page.items, [this](const Item& item) { return IsExpired(item); });
  GUIDON_ASSIGN(const auto next, NextOf(answer, store::Index::kTable));
  if (next) page.next = next->key;
  page.consumed = ConsumedIn(answer, false);
  return page;
}

base::Status DynamoTable::Ping() {
  const Key key{std::string(kPingKey), std::string(kPingKey)};
  const auto raw = GetRaw(key, store::Consistency::kEventual, client_.wait_clock().Now() + kPingTimeMax);
  if (!raw) return std::unexpected(raw.error());
  return {};
}

}  // namespace guidon::store_dynamodb
