// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/attribute_path.hpp"

#include "guidon/eval/string_hash.hpp"

namespace guidon::eval {
namespace {

// Up to here looking at all names, most of which differ in length, beats halving.
constexpr std::size_t kLinearMax = 16;

const model::Value* Member(const model::Object& object, std::string_view name) {
  if (object.size() > kLinearMax) return object.Find(name);
  for (const auto& [member, value] : object) {
    if (SameText(member, name)) return &value;
  }
  return nullptr;
}

AttributeValue OfText(const std::string* text) {
  return {.text = text, .value = nullptr, .head = text == nullptr ? 0 : HeadOf(*text)};
}

}  // namespace

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
  if (source_ == Source::kTargetingKey) return OfText(context.targeting_key());
  if (source_ == Source::kTenantId) return OfText(context.tenant_id());
  const model::Object* object = &context.attributes();
  const model::Value* value = nullptr;
  for (const std::string& name : names_) {
    value = object == nullptr ? nullptr : Member(*object, name);
    if (value == nullptr || value->IsNull()) return {};
    object = value->AsObject();
  }
  if (const std::string* text = value->AsString()) return OfText(text);
  return {.text = nullptr, .value = value, .head = 0};
}

}  // namespace guidon::eval
