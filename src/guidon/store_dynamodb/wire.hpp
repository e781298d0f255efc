// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/table.hpp"

// Items ↔ the JSON of DynamoDB's low-level API: {"PK":{"S":"p"},"n":{"N":"1"},…}.
namespace guidon::store_dynamodb {

// RFC 4648 section 4, with padding.
std::string ToBase64(std::string_view bytes);
std::optional<std::string> FromBase64(std::string_view text);

void AppendValue(std::string& out, const store::AttributeValue& value);
void AppendItem(std::string& out, const store::Item& item);
void AppendKey(std::string& out, const store::Key& key);

// Sets of numbers and of bytes, which Guidon never writes, come as lists: an attribute of somebody else's must not make
// an item unreadable. Error: kCorrupt naming the attribute.
base::Result<store::Item> ItemFrom(const model::Value& json);

// An answer's text. Error: kUnavailable where it is no JSON object: whatever answers there is not DynamoDB.
base::Result<model::Object> ParseAnswer(std::string_view body);

// Capacity in an answer's ConsumedCapacity: one object or a list of them. `writes`: which side it counts for where the
// answer does not say.
store::CapacityUnits ConsumedIn(const model::Object& answer, bool writes);

}  // namespace guidon::store_dynamodb
