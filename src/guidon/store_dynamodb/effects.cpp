// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_dynamodb/effects.hpp"

#include <algorithm>

#include "guidon/store/table_rules.hpp"

namespace guidon::store_dynamodb {
namespace {

bool IsVisible(const store::Update& update, const store::Item* existing) {
  if (existing == nullptr) return false;
  const bool set = std::ranges::all_of(update.set, [&](const auto& entry) {
    const store::AttributeValue* value = existing->Find(entry.first);
    return value != nullptr && *value == entry.second;
  });
  return set && std::ranges::none_of(update.remove, [&](const auto& name) { return existing->Find(name) != nullptr; });
}

}  // namespace

const store::Condition& ConditionOf(const store::TransactionOperation& operation) {
  return std::visit([](const auto& op) -> const store::Condition& { return op.condition; }, operation);
}

bool IsVisible(const store::TransactionOperation& operation, const store::Item* existing) {
  if (const auto* put = std::get_if<store::Put>(&operation)) return existing != nullptr && *existing == put->item;
  if (const auto* update = std::get_if<store::Update>(&operation)) return IsVisible(*update, existing);
  return std::holds_alternative<store::ConditionCheck>(operation) || existing == nullptr;
}

Outcome OutcomeOf(const store::TransactionOperation& operation, const store::Item* existing) {
  // A missing item says that somebody deleted it, not who: that is enough only where the delete did not care.
  const auto* del = std::get_if<store::Delete>(&operation);
  const bool says_who = del == nullptr || store::Holds(del->condition, nullptr);
  if (IsVisible(operation, existing)) return says_who ? Outcome::kHappened : Outcome::kUnclear;
  return store::Holds(ConditionOf(operation), existing) ? Outcome::kNotYet : Outcome::kUnclear;
}

store::Put AsPutOfNewItem(const store::Update& update) {
  store::Put put{.item = {{"PK", update.key.pk}, {"SK", update.key.sk}}, .condition = store::Condition::Absent()};
  for (const auto& [name, value] : update.set) put.item.Set(name, value);
  return put;
}

}  // namespace guidon::store_dynamodb
