// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/values.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace guidon::api_grpc {
namespace {

using Proto = google::protobuf::Value;

constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53

void Set(Proto& out, const model::Value& value) {
  if (value.IsNull()) {
    out.set_null_value(google::protobuf::NULL_VALUE);
  } else if (const bool* flag = value.AsBool()) {
    out.set_bool_value(*flag);
  } else if (const std::int64_t* integer = value.AsInteger()) {
    out.set_number_value(static_cast<double>(*integer));
  } else if (const double* number = value.AsDouble()) {
    out.set_number_value(*number);
  } else if (const std::string* text = value.AsString()) {
    out.set_string_value(*text);
  } else if (const model::List* list = value.AsList()) {
    auto& values = *out.mutable_list_value();
    for (const model::Value& one : *list) Set(*values.add_values(), one);
  } else {
    Fill(*out.mutable_struct_value(), *value.AsObject());
  }
}

}  // namespace

model::Object ObjectOf(const google::protobuf::Struct& fields) {
  std::vector<model::Object::Entry> entries;
  entries.reserve(static_cast<std::size_t>(fields.fields_size()));
  for (const auto& [name, value] : fields.fields()) entries.emplace_back(name, ValueOf(value));
  return *model::Object::FromEntries(std::move(entries));  // names of a map are there once
}

model::Value ValueOf(const Proto& value) {
  switch (value.kind_case()) {
    case Proto::kBoolValue: return value.bool_value();
    case Proto::kStringValue: return value.string_value();
    case Proto::kStructValue: return ObjectOf(value.struct_value());
    case Proto::kNumberValue: {
      const double number = value.number_value();
      if (std::trunc(number) == number && std::abs(number) <= kExactIntegerMax)
        return static_cast<std::int64_t>(number);
      return number;
    }
    case Proto::kListValue: {
      model::List list;
      for (const Proto& one : value.list_value().values()) list.push_back(ValueOf(one));
      return list;
    }
    case Proto::kNullValue:
    case Proto::KIND_NOT_SET: break;
  }
  return {};
}

void Fill(google::protobuf::Struct& out, const model::Object& object) {
  for (const auto& [name, value] : object) Set((*out.mutable_fields())[name], value);
}

}  // namespace guidon::api_grpc
