// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "guidon/store/table.hpp"

// What can be told of a write whose answer was lost, from the item that is there now. Pure functions; `existing` is
// nullptr where there is no item or an expired one.
namespace guidon::store_dynamodb {

enum class Outcome : std::uint8_t {
  kHappened,  // its effect is there
  kNotYet,    // it is not, and the write may be sent again: its condition holds
  kUnclear,   // somebody has written since: it may have happened before that, or been refused
};

// Whether what the operation wants is what is there. A condition check wants nothing.
bool IsVisible(const store::TransactionOperation& operation, const store::Item* existing);

Outcome OutcomeOf(const store::TransactionOperation& operation, const store::Item* existing);

// The put that does for an expired or missing item what the update does for a missing one.
store::Put AsPutOfNewItem(const store::Update& update);

const store::Condition& ConditionOf(const store::TransactionOperation& operation);

}  // namespace guidon::store_dynamodb
