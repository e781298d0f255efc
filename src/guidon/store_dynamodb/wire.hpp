// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/item_json.hpp"
#include "guidon/store/table.hpp"

// Answers of DynamoDB's low-level API. Items in them are the port's (store/item_json.hpp).
namespace guidon::store_dynamodb {

using store::AppendItem;
using store::AppendKey;
using store::AppendValue;
using store::FromBase64;
using store::ItemFrom;
using store::ToBase64;

// An answer's text. Error: kUnavailable where it is no JSON object: whatever answers there is not DynamoDB.
base::Result<model::Object> ParseAnswer(std::string_view body);

// Capacity in an answer's ConsumedCapacity: one object or a list of them. `writes`: which side it counts for where the
// answer does not say.
store::CapacityUnits ConsumedIn(const model::Object& answer, bool writes);

}  // namespace guidon::store_dynamodb
