// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_dynamodb/refusal.hpp"

#include <algorithm>

#include "guidon/store/attribute.hpp"
#include "guidon/store_dynamodb/wire.hpp"

namespace guidon::store_dynamodb {
namespace {

using base::ErrorCode;
using base::Result;
using Code = store::CancellationReason::Code;

constexpr std::size_t kWriteUnitBytes = 1024;

std::string TextAt(const model::Object& object, std::string_view name) {
  const model::Value* value = object.Find(name);
  const std::string* text = value != nullptr ? value->AsString() : nullptr;
  return text != nullptr ? *text : std::string();
}

Code CodeOf(std::string_view code, std::string_view message) {
  if (code.empty() || code == "None") return Code::kNone;
  if (code == "ConditionalCheckFailed") return Code::kConditionFailed;
  if (code == "TransactionConflict") return Code::kConflict;
  if (code == "ProvisionedThroughputExceeded" || code == "ThrottlingError" || code == "RequestLimitExceeded")
    return Code::kThrottled;
  const bool size = message.contains("size") && message.contains("exceed");
  return code == "ItemCollectionSizeLimitExceeded" || size ? Code::kTooLarge : Code::kInvalid;
}

Result<std::optional<store::Item>> ItemAt(const model::Object& object) {
  const model::Value* item = object.Find("Item");
  if (item == nullptr || item->AsObject() == nullptr || item->AsObject()->empty()) return std::optional<store::Item>{};
  GUIDON_ASSIGN(store::Item decoded, ItemFrom(*item));
  return std::optional(std::move(decoded));
}

}  // namespace

Result<std::optional<store::Item>> ExistingIn(std::string_view body) {
  GUIDON_ASSIGN(const model::Object answer, ParseAnswer(body));
  return ItemAt(answer);
}

Result<std::vector<store::CancellationReason>> ReasonsIn(std::string_view body, std::size_t count) {
  GUIDON_ASSIGN(const model::Object answer, ParseAnswer(body));
  const model::Value* list = answer.Find("CancellationReasons");
  if (list == nullptr || list->AsList() == nullptr || list->AsList()->size() != count)
    return base::Fail(ErrorCode::kUnavailable, "a cancelled transaction without its reasons");
  std::vector<store::CancellationReason> reasons;
  for (const model::Value& value : *list->AsList()) {
    if (value.AsObject() == nullptr)
      return base::Fail(ErrorCode::kUnavailable, "a cancellation reason that is no object");
    const model::Object& reason = *value.AsObject();
    store::CancellationReason& out = reasons.emplace_back(
        store::CancellationReason{.code = CodeOf(TextAt(reason, "Code"), TextAt(reason, "Message"))});
    GUIDON_ASSIGN(out.existing, ItemAt(reason));
  }
  return reasons;
}

store::CapacityUnits UnitsOfRefusal(const store::Item* existing) {
  const std::size_t bytes = existing != nullptr ? store::ItemSize(*existing) : 0;
  return {.write = static_cast<double>(std::max<std::size_t>(1, (bytes + kWriteUnitBytes - 1) / kWriteUnitBytes))};
}

}  // namespace guidon::store_dynamodb
