// SPDX-License-Identifier: Apache-2.0
#include "guidon/json/reader.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace guidon::json {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::Value;

std::unexpected<base::Error> WrongType(std::string_view expected, const Value& value) {
  const std::string_view actual = value.TypeName();
  const std::string_view article = actual == "null" ? "" : actual == "object" ? "an " : "a ";
  return Fail(ErrorCode::kInvalidArgument,
              "must be " + std::string(expected) + ", not " + std::string(article) + std::string(actual));
}

Result<bool> AsBool(const Value& value) {
  if (const bool* flag = value.AsBool()) return *flag;
  return WrongType("a boolean", value);
}

Result<std::string> AsString(const Value& value) {
  if (const std::string* text = value.AsString()) return *text;
  return WrongType("a string", value);
}

Result<double> AsDouble(const Value& value) {
  if (const double* number = value.AsDouble()) return *number;
  if (const std::int64_t* integer = value.AsInteger()) return static_cast<double>(*integer);
  return WrongType("a number", value);
}

Result<std::int64_t> AsInteger(const Value& value) {
  if (const std::int64_t* integer = value.AsInteger()) return *integer;
  const double* number = value.AsDouble();
  if (number == nullptr) return WrongType("a whole number", value);
  constexpr double kExactMax = 9007199254740992.0;  // 2^53: beyond, neighbouring integers look the same
  if (std::fabs(*number) <= kExactMax && std::trunc(*number) == *number) return static_cast<std::int64_t>(*number);
  return Fail(ErrorCode::kInvalidArgument, "must be a whole number within 64 bits");
}

Result<std::uint64_t> AsUnsigned(const Value& value) {
  GUIDON_ASSIGN(const std::int64_t number, AsInteger(value));
  if (number >= 0) return static_cast<std::uint64_t>(number);
  return Fail(ErrorCode::kInvalidArgument, "must not be negative");
}

Result<base::Timestamp> AsTime(const Value& value) {
  GUIDON_ASSIGN(const std::string text, AsString(value));
  return base::ParseTimestamp(text);
}

Result<Value> AsAnything(const Value& value) { return value; }

ObjectReader::ObjectReader(const Value& value) : object_(value.AsObject()) {
  if (object_ == nullptr) Refuse(WrongType("an object", value).error());
}

void ObjectReader::ReadScoped(std::string_view name, std::string& out, const std::string& fixed) {
  if (fixed.empty()) return Require(name, out, AsString);
  out = fixed;
  Read(name, out, AsString);
  if (out == fixed) return;
  Refuse({.code = ErrorCode::kInvalidArgument,
          .message = "says '" + model::PathName(out) + "', but the address says '" + model::PathName(fixed) + "'",
          .field = std::string(name)});
}

void ObjectReader::Refuse(base::Error error) {
  if (!error_) error_ = std::move(error);
}

const Value* ObjectReader::Take(std::string_view name) {
  if (error_) return nullptr;
  known_.push_back(name);
  return object_->Find(name);
}

void ObjectReader::RefuseUnread() {
  if (error_) return;
  for (const auto& [name, value] : *object_) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    return Refuse(
        {.code = ErrorCode::kInvalidArgument, .message = "is not a known name", .field = model::PathName(name)});
  }
}

ObjectBuilder& ObjectBuilder::Reserve(std::size_t count) {
  entries_.reserve(count);
  return *this;
}

ObjectBuilder& ObjectBuilder::Put(std::string_view name, Value value) {
  entries_.emplace_back(std::string(name), std::move(value));
  return *this;
}

ObjectBuilder& ObjectBuilder::Put(std::string_view name, std::uint64_t number) {
  return Put(name, Value(static_cast<std::int64_t>(number)));
}

ObjectBuilder& ObjectBuilder::Put(std::string_view name, base::Timestamp time) {
  return Put(name, Value(base::FormatTimestamp(time)));
}

ObjectBuilder& ObjectBuilder::Put(std::string_view name, const std::vector<std::string>& items) {
  return Put(name, Value(model::List(items.begin(), items.end())));
}

ObjectBuilder& ObjectBuilder::PutText(std::string_view name, const std::string& text) {
  return text.empty() ? *this : Put(name, Value(text));
}

Value ObjectBuilder::Done() && { return *model::Object::FromEntries(std::move(entries_)); }

}  // namespace guidon::json
