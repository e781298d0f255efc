// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_dynamodb/writing.hpp"

#include <utility>

#include "guidon/store/table_rules.hpp"
#include "guidon/store_dynamodb/effects.hpp"
#include "guidon/store_dynamodb/refusal.hpp"
#include "guidon/store_dynamodb/requests.hpp"
#include "guidon/store_dynamodb/wire.hpp"

namespace guidon::store_dynamodb {
namespace {

using base::Result;
using store::Item;
using store::WriteResult;

// Sending, finding the item expired, sending as a put, and each of it again after a lost answer.
constexpr int kRoundsMax = 8;

}  // namespace

Result<WriteResult> DynamoTable::Writing::Run() {
  for (int round = 1; round <= kRoundsMax; ++round) {
    if (Decision decision = SendOnce()) return *std::move(decision);
    if (!table_.PauseBeforeAttempt(round, false, deadline_)) break;
  }
  if (answers_lost_) table_.Count(&DynamoFigures::outcomes_unclear);
  return std::unexpected(ErrorOf({.message = "it did not come to an end in time"}));
}

DynamoTable::Writing::Decision DynamoTable::Writing::SendOnce() {
  const store::TransactionOperation& operation = instead_ ? *instead_ : wanted_;
  const std::string_view name = OperationNameOf(operation);
  const auto answer = table_.client_.Call(name, WriteBody(table_.name_, operation, table_.NowSeconds()),
                                          {.repeat = aws::Repeat::kNever, .deadline = deadline_});
  if (answer) {
    const auto object = ParseAnswer(answer->body);
    // It was carried out: an answer that cannot be read costs only the count of units.
    return WriteResult{.consumed = object ? ConsumedIn(*object, true) : store::CapacityUnits{}};
  }
  if (answer.error().type == "ConditionalCheckFailedException") return AfterRefusal(answer.error());
  if (answer.error().outcome_unknown) return AfterLostAnswer(answer.error());
  return std::unexpected(ErrorOf(answer.error()));
}

// What is refused now says nothing of an earlier attempt, which may be under way still.
base::Error DynamoTable::Writing::ErrorOf(aws::ServiceError error) const {
  error.outcome_unknown = error.outcome_unknown || answers_lost_;
  return table_.Explain(OperationNameOf(wanted_), error);
}

DynamoTable::Writing::Decision DynamoTable::Writing::Refused(std::optional<Item> existing) const {
  const store::CapacityUnits units = UnitsOfRefusal(existing ? &*existing : nullptr);
  return WriteResult{.applied = false, .existing = std::move(existing), .consumed = units};
}

// The condition would hold for no item, and an expired one is none: puts and deletes say so in their condition, updates
// become a put.
DynamoTable::Writing::Decision DynamoTable::Writing::MeetsExpired() {
  if (!store::Holds(ConditionOf(wanted_), nullptr)) return Refused(std::nullopt);
  const auto* update = std::get_if<store::Update>(&wanted_);
  if (update != nullptr) instead_ = AsPutOfNewItem(*update);
  return std::nullopt;
}

DynamoTable::Writing::Decision DynamoTable::Writing::AfterRefusal(const aws::ServiceError& error) {
  auto existing = ExistingIn(error.body);
  if (!existing) return std::unexpected(existing.error());
  // Nothing is said of an item although one must be there: ask.
  if (!*existing && (instead_ || store::Holds(ConditionOf(wanted_), nullptr))) {
    auto raw = table_.GetRaw(store::KeyOf(wanted_), store::Consistency::kStrong, deadline_);
    if (!raw) return std::unexpected(ErrorOf({.message = raw.error().message}));
    existing = std::move(raw->item);
  }
  if (*existing && table_.IsExpired(**existing)) return MeetsExpired();
  // An earlier attempt of which nothing was heard may be what stands in the way of this one, or may have come just
  // before what does.
  if (answers_lost_) return AfterLateArrival(*existing ? &**existing : nullptr);
  if (instead_) {  // somebody made a new item meanwhile: the update applies to that one
    instead_.reset();
    return std::nullopt;
  }
  if (!*existing && store::Holds(ConditionOf(wanted_), nullptr)) return std::nullopt;  // it has gone meanwhile
  return Refused(*std::move(existing));
}

DynamoTable::Writing::Decision DynamoTable::Writing::AfterLateArrival(const Item* existing) {
  if (OutcomeOf(wanted_, existing) == Outcome::kHappened) {
    table_.Count(&DynamoFigures::outcomes_happened);
    return WriteResult{};
  }
  table_.Count(&DynamoFigures::outcomes_unclear);
  return std::unexpected(ErrorOf({.message = "its answer was lost, and somebody has written since"}));
}

DynamoTable::Writing::Decision DynamoTable::Writing::AfterLostAnswer(const aws::ServiceError& error) {
  answers_lost_ = true;
  table_.Count(&DynamoFigures::outcomes_read_back);
  auto raw = table_.GetRaw(store::KeyOf(wanted_), store::Consistency::kStrong, deadline_);
  Outcome outcome = Outcome::kUnclear;
  if (raw) {
    if (raw->item && table_.IsExpired(*raw->item)) raw->item.reset();
    outcome = OutcomeOf(wanted_, raw->item ? &*raw->item : nullptr);
  }
  if (outcome == Outcome::kNotYet) return std::nullopt;
  if (outcome == Outcome::kHappened) {
    table_.Count(&DynamoFigures::outcomes_happened);
    return WriteResult{.consumed = raw->consumed};
  }
  table_.Count(&DynamoFigures::outcomes_unclear);
  return std::unexpected(table_.Explain(OperationNameOf(wanted_), error));
}

}  // namespace guidon::store_dynamodb
