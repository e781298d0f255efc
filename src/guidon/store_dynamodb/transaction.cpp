// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_dynamodb/transaction.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "guidon/base/random.hpp"
#include "guidon/store/table_rules.hpp"
#include "guidon/store_dynamodb/effects.hpp"
#include "guidon/store_dynamodb/refusal.hpp"
#include "guidon/store_dynamodb/requests.hpp"
#include "guidon/store_dynamodb/wire.hpp"

namespace guidon::store_dynamodb {
namespace {

using base::ErrorCode;
using base::Result;
using store::CancellationReason;
using store::Item;
using store::Key;
using store::TransactionResult;
using Code = CancellationReason::Code;

constexpr std::string_view kOperation = "TransactWriteItems";

bool IsInterference(const CancellationReason& reason) {
  return reason.code == Code::kConflict || reason.code == Code::kThrottled;
}

store::CapacityUnits UnitsOfCancellation(const std::vector<CancellationReason>& reasons) {
  store::CapacityUnits units;
  for (const CancellationReason& reason : reasons)
    units += UnitsOfRefusal(reason.existing ? &*reason.existing : nullptr);
  units += units;  // a transaction costs double
  return units;
}

}  // namespace

DynamoTable::Transaction::Transaction(DynamoTable& table, std::span<const store::TransactionOperation> operations,
                                      std::string_view token)
    : table_(table),
      wanted_(operations),
      deadline_(table.client_.DeadlineFromNow()),
      token_(token.empty() ? base::RandomId() : std::string(token)),
      sent_(operations.begin(), operations.end()) {
  Build();
}

void DynamoTable::Transaction::Build() { body_ = TransactionBody(table_.name_, sent_, token_, table_.NowSeconds()); }

Result<TransactionResult> DynamoTable::Transaction::Run() {
  const int attempts_max = table_.client_.options().retry.attempts_max;
  for (int attempt = 1;; ++attempt) {
    Decision decision = SendOnce();
    const bool cancelled = decision && *decision && !(*decision)->committed;
    // Conflicts and throttles pass; a failed condition does not.
    const bool may_pass = cancelled && std::ranges::all_of((*decision)->reasons, [](const CancellationReason& reason) {
                            return reason.code == Code::kNone || IsInterference(reason);
                          });
    if (decision && !may_pass) return *std::move(decision);
    const bool again = attempt < attempts_max && table_.PauseBeforeAttempt(attempt, throttled_, deadline_);
    if (again) continue;
    // That this attempt was cancelled says nothing of an earlier one of which nothing was heard.
    if (answers_lost_ || !decision) return *AfterUnknown({.message = "it did not come to an end in time"});
    return *std::move(decision);
  }
}

DynamoTable::Transaction::Decision DynamoTable::Transaction::SendOnce() {
  const auto answer = table_.client_.Call(kOperation, body_, {.repeat = aws::Repeat::kSafe, .deadline = deadline_});
  if (answer) {
    const auto object = ParseAnswer(answer->body);
    return TransactionResult{.consumed = object ? ConsumedIn(*object, true) : store::CapacityUnits{}};
  }
  const aws::ServiceError& error = answer.error();
  answers_lost_ = answers_lost_ || error.lost_answers > 0;
  if (error.type == "TransactionCanceledException") return AfterCancellation(error);
  if (answers_lost_ || error.type == "TransactionInProgressException" ||
      error.type == "IdempotentParameterMismatchException")
    return AfterUnknown(error);
  return std::unexpected(table_.Explain(kOperation, error));
}

DynamoTable::Transaction::Decision DynamoTable::Transaction::AfterCancellation(const aws::ServiceError& error) {
  auto reasons = ReasonsIn(error.body, wanted_.size());
  if (!reasons) return std::unexpected(reasons.error());
  const auto has = [&](Code code) {
    return std::ranges::find(*reasons, code, &CancellationReason::code) != reasons->end();
  };
  // DynamoDB knows its tokens; what only speaks its API may carry a transaction out twice, and the second time is
  // refused because of the first.
  if (answers_lost_ && has(Code::kConditionFailed) && AllIsThere()) {
    table_.Count(&DynamoFigures::outcomes_happened);
    return TransactionResult{};
  }
  if (has(Code::kConflict)) table_.Count(&DynamoFigures::transaction_conflicts);
  throttled_ = has(Code::kThrottled);
  if (throttled_) table_.Count(&DynamoFigures::transactions_throttled);
  if (ReplaceExpired(*reasons)) return std::nullopt;
  for (std::size_t i = 0; i < reasons->size(); ++i) {
    CancellationReason& reason = (*reasons)[i];
    if (reason.existing && table_.IsExpired(*reason.existing)) reason.existing.reset();
    // The put in place of an update met a new item: nothing that the caller's condition speaks of.
    if (reason.code == Code::kConditionFailed && sent_[i].index() != wanted_[i].index()) reason = {Code::kConflict, {}};
  }
  const store::CapacityUnits units = UnitsOfCancellation(*reasons);
  return TransactionResult{.committed = false, .reasons = *std::move(reasons), .consumed = units};
}

// Where nothing but expired items stands in the way of updates: true, and they are puts of new items from now on.
bool DynamoTable::Transaction::ReplaceExpired(const std::vector<CancellationReason>& reasons) {
  std::vector<std::size_t> expired;
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    if (reasons[i].code == Code::kNone) continue;
    const auto* update = std::get_if<store::Update>(&sent_[i]);
    const bool replaceable = reasons[i].code == Code::kConditionFailed && update != nullptr && reasons[i].existing &&
                             table_.IsExpired(*reasons[i].existing) && store::Holds(update->condition, nullptr);
    if (!replaceable) return false;
    expired.push_back(i);
  }
  for (const std::size_t i : expired) sent_[i] = AsPutOfNewItem(std::get<store::Update>(sent_[i]));
  if (expired.empty()) return false;
  token_ = base::RandomId();
  Build();
  return true;
}

bool DynamoTable::Transaction::AllIsThere() {
  table_.Count(&DynamoFigures::outcomes_read_back);
  std::vector<Key> keys;
  for (const auto& operation : sent_) {
    if (!std::holds_alternative<store::ConditionCheck>(operation)) keys.push_back(store::KeyOf(operation));
  }
  if (keys.empty()) return false;
  const auto found = table_.BatchGetUntil(keys, store::Consistency::kStrong, deadline_);
  if (!found || !found->unprocessed.empty()) return false;
  std::map<Key, const Item*> items;
  for (const Item& item : found->items) items[store::KeyOf(item)] = &item;
  return std::ranges::all_of(sent_, [&](const store::TransactionOperation& operation) {
    const auto item = items.find(store::KeyOf(operation));
    return IsVisible(operation, item != items.end() ? item->second : nullptr);
  });
}

DynamoTable::Transaction::Decision DynamoTable::Transaction::AfterUnknown(const aws::ServiceError& error) {
  if (AllIsThere()) {
    table_.Count(&DynamoFigures::outcomes_happened);
    return TransactionResult{};
  }
  if (error.type == "IdempotentParameterMismatchException")
    return base::Fail(ErrorCode::kInvalidArgument, "another transaction has used this token", "token");
  aws::ServiceError unknown = error;
  unknown.outcome_unknown = answers_lost_ || error.type == "TransactionInProgressException";
  if (unknown.outcome_unknown) table_.Count(&DynamoFigures::outcomes_unclear);
  return std::unexpected(table_.Explain(kOperation, unknown));
}

}  // namespace guidon::store_dynamodb
