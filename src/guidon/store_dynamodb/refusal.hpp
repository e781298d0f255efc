// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/store/table.hpp"

// What DynamoDB says of a write that it did not carry out.
namespace guidon::store_dynamodb {

// The item that a failed condition met; nothing where the answer has none. Error: kCorrupt.
base::Result<std::optional<store::Item>> ExistingIn(std::string_view body);

// A cancelled transaction's reasons in the order of its operations, also with items that have expired. Errors:
// kUnavailable where the answer does not have one for each of `count` operations, kCorrupt.
base::Result<std::vector<store::CancellationReason>> ReasonsIn(std::string_view body, std::size_t count);

// A write that did not happen is charged by the item that stood in its way; the answer does not say it.
store::CapacityUnits UnitsOfRefusal(const store::Item* existing);

}  // namespace guidon::store_dynamodb
