// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "guidon/json/dom.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/json/reader.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::json {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using model::Context;
using model::Object;
using model::Value;
using simdjson::dom::element;

// Puts a context together from its members, wherever they were read.
class ContextBuilder {
 public:
  void Reserve(std::size_t size) { attributes_.reserve(size); }

  // `name` must be a new one. Null means absent.
  Status Add(std::string_view name, Value value) {
    if (value.IsNull()) return {};
    if (name == "targetingKey") return TakeString(name, value, fields_.targeting_key);
    if (name == "tenantId") return TakeString(name, value, fields_.tenant_id);
    attributes_.emplace_back(std::string(name), std::move(value));
    return {};
  }

  Result<Context> Done() && {
    // An empty unit would put every anonymous user in one bucket (spec 3), so it counts as none.
    if (fields_.targeting_key && fields_.targeting_key->empty()) fields_.targeting_key.reset();
    fields_.attributes = *Object::FromEntries(std::move(attributes_));
    return Context::Create(std::move(fields_));
  }

 private:
  static Status TakeString(std::string_view name, const Value& value, std::optional<std::string>& out) {
    const std::string* text = value.AsString();
    if (text == nullptr) return model::At(name, WrongType("a string", value));
    out = *text;
    return {};
  }

  Context::Fields fields_;
  std::vector<Object::Entry> attributes_;
};

Status ReadContext(element item, ContextBuilder& builder) {
  simdjson::dom::object object;
  if (item.get_object().get(object) != simdjson::SUCCESS) {
    GUIDON_ASSIGN(const Value value, ToValue(item, ParseLimits().depth_max));
    return WrongType("an object", value);
  }
  const SortedMembers members(object);
  GUIDON_TRY(members.CheckUnique());
  builder.Reserve(members.size());
  for (const auto& [name, member] : members) {
    auto value = ToValue(member, ParseLimits().depth_max);
    if (!value) return std::unexpected(model::Below(model::PathName(name), std::move(value).error()));
    GUIDON_TRY(builder.Add(name, *std::move(value)));
  }
  return {};
}

Status ReadBody(element root, ContextBuilder& builder) {
  simdjson::dom::object body;
  if (root.get_object().get(body) != simdjson::SUCCESS)
    return Fail(ErrorCode::kMalformed, "the body must be a JSON object");
  bool found = false;
  for (const auto [name, member] : body) {
    if (name != "context") continue;
    if (std::exchange(found, true)) return Fail(ErrorCode::kMalformed, "is in the body twice", "context");
    GUIDON_TRY(model::At("context", ReadContext(member, builder)));
  }
  return {};
}

}  // namespace

Result<Context> ContextFromJson(const Value& value) {
  const Object* members = value.AsObject();
  if (members == nullptr) return WrongType("an object", value);
  ContextBuilder builder;
  builder.Reserve(members->size());
  for (const auto& [name, member] : *members) GUIDON_TRY(builder.Add(name, member));
  return std::move(builder).Done();
}

Result<Context> ContextFromOfrepBody(std::string_view body) {
  ContextBuilder builder;
  GUIDON_TRY(WithDocument(body, {}, [&](element root) { return ReadBody(root, builder); }));
  auto context = std::move(builder).Done();
  if (!context) return std::unexpected(model::Below("context", std::move(context).error()));
  return context;
}

}  // namespace guidon::json
