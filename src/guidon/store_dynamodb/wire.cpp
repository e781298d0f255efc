// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_dynamodb/wire.hpp"

#include <utility>

#include "guidon/json/json.hpp"

namespace guidon::store_dynamodb {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::Value;

// A page holds 1 MB and a batch 16 MB of data, which escapes and base 64 make longer.
constexpr std::size_t kAnswerBytesMax = 64UL * 1024 * 1024;

double NumberAt(const model::Object& object, std::string_view name) {
  const Value* value = object.Find(name);
  if (value == nullptr) return 0;
  if (value->AsInteger() != nullptr) return static_cast<double>(*value->AsInteger());
  return value->AsDouble() != nullptr ? *value->AsDouble() : 0;
}

store::CapacityUnits UnitsOf(const Value& consumed, bool writes) {
  const model::Object* object = consumed.AsObject();
  if (object == nullptr) return {};
  store::CapacityUnits units{.read = NumberAt(*object, "ReadCapacityUnits"),
                             .write = NumberAt(*object, "WriteCapacityUnits")};
  if (units == store::CapacityUnits{}) (writes ? units.write : units.read) = NumberAt(*object, "CapacityUnits");
  return units;
}

}  // namespace

Result<model::Object> ParseAnswer(std::string_view body) {
  auto value = json::Parse(body, {.bytes_max = kAnswerBytesMax, .depth_max = store::kItemJsonDepthMax});
  if (value && value->AsObject() != nullptr) return std::move(*value->MutableObject());
  return Fail(ErrorCode::kUnavailable, "the answer is no JSON object: is the endpoint DynamoDB's?");
}

store::CapacityUnits ConsumedIn(const model::Object& answer, bool writes) {
  const Value* consumed = answer.Find("ConsumedCapacity");
  if (consumed == nullptr) return {};
  if (consumed->AsList() == nullptr) return UnitsOf(*consumed, writes);
  store::CapacityUnits units;
  for (const Value& part : *consumed->AsList()) units += UnitsOf(part, writes);
  return units;
}

}  // namespace guidon::store_dynamodb
