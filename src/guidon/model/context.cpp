// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/context.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "guidon/model/checks.hpp"
#include "guidon/model/field_path.hpp"
#include "guidon/model/ids.hpp"
#include "guidon/model/limits.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Status;

Status CheckString(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return Fail(ErrorCode::kTooLarge, "is " + std::to_string(text.size()) + " bytes long; at most " +
                                          std::to_string(bytes_max) + " are allowed");
  if (!checks::IsUtf8(text)) return Fail(ErrorCode::kInvalidArgument, "is not valid UTF-8");
  return {};
}

// Counts values with all that are nested in them, because evaluation walks lists.
class AttributesCheck {
 public:
  Status CheckObject(const Object& object, std::size_t depth_left) {
    for (const auto& [name, value] : object) {
      auto status = CheckString(name, kAttributeNameBytesMax);
      if (status) [[likely]]
        status = CheckValue(value, depth_left);
      if (!status) [[unlikely]]
        return At(PathName(name), std::move(status));
    }
    return {};
  }

 private:
  Status CheckValue(const Value& value, std::size_t depth_left) {
    if (++value_count_ > kContextValuesMax)
      return Fail(ErrorCode::kTooLarge, "is one value too many; a context holds at most " +
                                            std::to_string(kContextValuesMax) + " with all nested ones");
    if (const std::string* text = value.AsString()) return CheckString(*text, kContextStringBytesMax);
    if (const double* number = value.AsDouble(); number != nullptr && !std::isfinite(*number))
      return Fail(ErrorCode::kInvalidArgument, "must be a finite number");
    const List* list = value.AsList();
    const Object* object = value.AsObject();
    if (list == nullptr && object == nullptr) return {};
    if (depth_left == 0)
      return Fail(ErrorCode::kTooLarge, "is nested more than " + std::to_string(kContextDepthMax) + " levels deep");
    if (object != nullptr) return CheckObject(*object, depth_left - 1);
    for (std::size_t i = 0; i < list->size(); ++i) GUIDON_TRY(At("", i, CheckValue((*list)[i], depth_left - 1)));
    return {};
  }

  std::size_t value_count_ = 0;
};

}  // namespace

base::Result<Context> Context::Create(Fields fields) {
  if (fields.targeting_key) {
    if (fields.targeting_key->empty())
      return Fail(ErrorCode::kInvalidArgument, "must not be empty; leave it out instead", "targetingKey");
    GUIDON_TRY(At("targetingKey", CheckString(*fields.targeting_key, kTargetingKeyBytesMax)));
  }
  if (fields.tenant_id) GUIDON_TRY(TenantIdRule::Check(*fields.tenant_id, TenantIdRule::kField));
  if (fields.attributes.size() > kContextAttributesMax)
    return Fail(ErrorCode::kTooLarge, "the context holds " + std::to_string(fields.attributes.size()) +
                                          " attributes; at most " + std::to_string(kContextAttributesMax) +
                                          " are allowed");
  GUIDON_TRY(AttributesCheck().CheckObject(fields.attributes, kContextDepthMax));
  return Context(std::move(fields));
}

}  // namespace guidon::model
