// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "guidon/model/field_path.hpp"
#include "guidon/store/codec.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::Value;

struct ToAttribute {
  AttributeValue operator()(std::monostate) const { return Null{}; }
  AttributeValue operator()(bool flag) const { return flag; }
  AttributeValue operator()(std::int64_t number) const { return Number::From(number); }
  AttributeValue operator()(double number) const {
    // The shortest text of a large whole double is another whole number, and would be read back as that.
    constexpr double kTwo63 = 9223372036854775808.0;
    const bool whole = number >= -kTwo63 && number < kTwo63 && std::trunc(number) == number;
    return whole ? Number::From(static_cast<std::int64_t>(number)) : Number::From(number);
  }
  AttributeValue operator()(const std::string& text) const { return text; }
  AttributeValue operator()(const model::List& list) const {
    AttributeList attributes;
    attributes.reserve(list.size());
    for (const Value& element : list) attributes.push_back(AttributeOf(element));
    return attributes;
  }
  AttributeValue operator()(const model::Object& object) const {
    AttributeMap attributes;
    for (const auto& [name, element] : object) attributes.Set(name, AttributeOf(element));
    return attributes;
  }
};

Result<Value> ReadValue(const AttributeValue& attribute);

struct ToValue {
  Result<Value> operator()(const std::string& text) const { return Value(text); }
  Result<Value> operator()(const Number& number) const {
    if (const auto integer = number.AsInt64()) return Value(*integer);
    double value = 0;
    const char* end = number.text.data() + number.text.size();
    const auto parsed = std::from_chars(number.text.data(), end, value);
    if (parsed.ec != std::errc{} || parsed.ptr != end || !std::isfinite(value))
      return Fail(ErrorCode::kCorrupt, "is not a number (N)");
    return Value(value);
  }
  Result<Value> operator()(const Binary&) const { return Fail(ErrorCode::kCorrupt, "must not be binary (B)"); }
  Result<Value> operator()(bool flag) const { return Value(flag); }
  Result<Value> operator()(Null) const { return Value(); }
  Result<Value> operator()(const AttributeList& list) const {
    model::List values;
    values.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      auto value = ReadValue(list[i]);
      if (!value) return std::unexpected(model::Below("[" + std::to_string(i) + "]", std::move(value).error()));
      values.push_back(*std::move(value));
    }
    return Value(std::move(values));
  }
  Result<Value> operator()(const AttributeMap& map) const {
    std::vector<model::Object::Entry> entries;
    entries.reserve(map.size());
    for (const auto& [name, element] : map) {
      auto value = ReadValue(element);
      if (!value) return std::unexpected(model::Below(model::PathName(name), std::move(value).error()));
      entries.emplace_back(name, *std::move(value));
    }
    auto object = model::Object::FromEntries(std::move(entries));
    if (!object) return Fail(ErrorCode::kCorrupt, "has a name twice");
    return Value(*std::move(object));
  }
  Result<Value> operator()(const StringSet&) const { return Fail(ErrorCode::kCorrupt, "must not be a set (SS)"); }
};

Result<Value> ReadValue(const AttributeValue& attribute) { return std::visit(ToValue{}, attribute.variant()); }

}  // namespace

AttributeValue AttributeOf(const Value& value) { return std::visit(ToAttribute{}, value.variant()); }

Result<Value> ValueOf(const AttributeValue& attribute, std::string_view field) {
  auto value = ReadValue(attribute);
  if (!value) return std::unexpected(model::Below(field, std::move(value).error()));
  return value;
}

}  // namespace guidon::store
