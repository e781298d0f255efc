// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/attribute_path.hpp"

namespace guidon::eval {

base::Result<AttributePath> AttributePath::Parse(std::string_view text) {
  AttributePath path;
  if (text == "targetingKey") return path;
  if (text == "tenantId") {
    path.source_ = Source::kTenantId;
    return path;
  }
  path.source_ = Source::kAttribute;
  for (;;) {
    const std::size_t dot = text.find('.');
    const std::string_view name = text.substr(0, dot);
    if (name.empty())
      return base::Fail(base::ErrorCode::kInvalidArgument,
                        "must be the name of an attribute, nested names joined by dots (a.b)");
    path.names_.emplace_back(name);
    if (dot == std::string_view::npos) return path;
    text.remove_prefix(dot + 1);
  }
}

AttributeValue AttributePath::Resolve(const model::Context& context) const {
  if (source_ == Source::kTargetingKey) return {.text = context.targeting_key()};
  if (source_ == Source::kTenantId) return {.text = context.tenant_id()};
  const model::Object* object = &context.attributes();
  const model::Value* value = nullptr;
  for (const std::string& name : names_) {
    value = object == nullptr ? nullptr : object->Find(name);
    if (value == nullptr || value->IsNull()) return {};
    object = value->AsObject();
  }
  if (const std::string* text = value->AsString()) return {.text = text};
  return {.value = value};
}

}  // namespace guidon::eval
